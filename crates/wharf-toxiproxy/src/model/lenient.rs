//! JSON as Go's `encoding/json` reads it, since that is what Toxiproxy's clients have been written against.
//!
//! The first value counts and whatever follows it is ignored; keys match without regard to case, later ones win and
//! unknown ones are ignored; `null` leaves a field as it was; and errors have Go's words, as far as the words are of
//! use to a person. (<https://pkg.go.dev/encoding/json#Unmarshal> says all of this but the words.)

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Why a text is not what was wanted, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DecodeError(String);

/// A value that has been checked to be JSON and not been looked into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// The first value in a text.
    pub(crate) fn first_in(text: &'a str) -> Result<Self, DecodeError> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        match values.next() {
            None => Err(DecodeError("EOF".to_owned())),
            Some(Ok(value)) => Ok(Self(value.get())),
            Some(Err(error)) => Err(DecodeError(in_go_words(&error, text))),
        }
    }

    /// Go's name for what this is.
    fn kind(self) -> &'static str {
        match self.0.as_bytes().first() {
            Some(b'{') => "object",
            Some(b'[') => "array",
            Some(b'"') => "string",
            Some(b't' | b'f') => "bool",
            Some(b'n') => "null",
            _ => "number",
        }
    }

    pub(crate) fn is_null(self) -> bool {
        self.kind() == "null"
    }

    /// The members of an object, in their order; none of `null`. `into` is the Go type that was wanted.
    pub(crate) fn members(self, into: &str) -> Result<Vec<(String, Json<'a>)>, DecodeError> {
        match self.kind() {
            "object" => parse::<Members<'a>>(self.0).map(|members| members.0),
            "null" => Ok(Vec::new()),
            kind => Err(mismatch(kind, &format!("value of type {into}"))),
        }
    }

    /// The elements of an array; none of `null`.
    pub(crate) fn elements(self, into: &str) -> Result<Vec<Json<'a>>, DecodeError> {
        match self.kind() {
            "array" => parse::<Elements<'a>>(self.0).map(|elements| elements.0),
            "null" => Ok(Vec::new()),
            kind => Err(mismatch(kind, &format!("value of type {into}"))),
        }
    }
}

/// A field of a Go struct: where it is, for errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    /// `Proxy`, or nothing for a struct without a name.
    pub(crate) of: &'a str,
    /// `name`, or `attributes.latency`.
    pub(crate) path: &'a str,
}

impl Field<'_> {
    /// Sets a string, unless the value is `null`.
    pub(crate) fn string(self, value: Json<'_>, into: &mut String) -> Result<(), DecodeError> {
        match value.kind() {
            "null" => {}
            "string" => *into = parse(value.0)?,
            kind => return Err(self.mismatch(kind, "string")),
        }
        Ok(())
    }

    /// Reads a truth value; nothing of `null`.
    pub(crate) fn boolean(self, value: Json<'_>) -> Result<Option<bool>, DecodeError> {
        match value.kind() {
            "null" => Ok(None),
            "bool" => Ok(Some(value.0 == "true")),
            kind => Err(self.mismatch(kind, "bool")),
        }
    }

    /// Sets a whole number. `100.0` and `1e2` are none, to Go.
    pub(crate) fn integer(self, value: Json<'_>, into: &mut i64, go_type: &str) -> Result<(), DecodeError> {
        match value.kind() {
            "null" => {}
            "number" => {
                let number = value.0.parse();
                *into = number.map_err(|_| self.mismatch(&format!("number {}", value.0), go_type))?;
            }
            kind => return Err(self.mismatch(kind, go_type)),
        }
        Ok(())
    }

    /// Sets a number that a `float32` can hold.
    pub(crate) fn float32(self, value: Json<'_>, into: &mut f32) -> Result<(), DecodeError> {
        if let Some(number) = self.number::<f32>(value, "float32", |number| number.is_finite())? {
            *into = number;
        }
        Ok(())
    }

    /// Sets a number that a `float64` can hold.
    pub(crate) fn float64(self, value: Json<'_>, into: &mut f64) -> Result<(), DecodeError> {
        if let Some(number) = self.number::<f64>(value, "float64", |number| number.is_finite())? {
            *into = number;
        }
        Ok(())
    }

    fn number<T: std::str::FromStr + Copy>(
        self,
        value: Json<'_>,
        go_type: &str,
        fits: impl Fn(T) -> bool,
    ) -> Result<Option<T>, DecodeError> {
        match value.kind() {
            "null" => Ok(None),
            "number" => match value.0.parse::<T>() {
                Ok(number) if fits(number) => Ok(Some(number)),
                _ => Err(self.mismatch(&format!("number {}", value.0), go_type)),
            },
            kind => Err(self.mismatch(kind, go_type)),
        }
    }

    /// That the value is of another type.
    pub(crate) fn mismatch(self, kind: &str, go_type: &str) -> DecodeError {
        let Self { of, path } = self;
        mismatch(kind, &format!("struct field {of}.{path} of type {go_type}"))
    }

    /// The members of a struct inside; none of `null`.
    pub(crate) fn members<'a>(
        self,
        value: Json<'a>,
        go_type: &str,
    ) -> Result<Vec<(String, Json<'a>)>, DecodeError> {
        match value.kind() {
            "object" | "null" => value.members(go_type),
            kind => Err(self.mismatch(kind, go_type)),
        }
    }
}

fn mismatch(kind: &str, place: &str) -> DecodeError {
    DecodeError(format!("json: cannot unmarshal {kind} into Go {place}"))
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, DecodeError> {
    // The syntax has been checked; what is left are escapes that are no character.
    serde_json::from_str(text).map_err(|error| DecodeError(error.to_string()))
}

/// The error as Go would put it: the character that does not belong, and where it stands.
fn in_go_words(error: &serde_json::Error, text: &str) -> String {
    if error.is_eof() {
        return "unexpected EOF".to_owned();
    }
    let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or("");
    let at = error.column().saturating_sub(1);
    let found = line
        .char_indices()
        .find(|(start, character)| *start <= at && at < start + character.len_utf8());
    let found = found.map_or('\n', |(_, character)| character);
    let said = error.to_string();
    let place = [
        (
            "key must be a string",
            "looking for beginning of object key string",
        ),
        ("trailing comma", "looking for beginning of value"),
        ("expected `:`", "after object key"),
        ("expected `,` or `}`", "after object key:value pair"),
        ("expected `,` or `]`", "after array element"),
        ("invalid number", "in numeric literal"),
        ("expected ident", "in literal"),
        ("escape", "in string escape code"),
        ("control character", "in string literal"),
    ]
    .into_iter()
    .find(|(start, _)| said.contains(start))
    .map_or("looking for beginning of value", |(_, place)| place);
    format!("invalid character {found:?} {place}")
}

struct Members<'a>(Vec<(String, Json<'a>)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Gather;

        impl<'de> Visitor<'de> for Gather {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    if members.len() >= MOST {
                        return Err(A::Error::custom("too many members"));
                    }
                    members.push((key, Json(value.get())));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Gather)
    }
}

struct Elements<'a>(Vec<Json<'a>>);

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Gather;

        impl<'de> Visitor<'de> for Gather {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(value) = seq.next_element::<&RawValue>()? {
                    if elements.len() >= MOST {
                        return Err(A::Error::custom("too many elements"));
                    }
                    elements.push(Json(value.get()));
                }
                Ok(Elements(elements))
            }
        }

        deserializer.deserialize_seq(Gather)
    }
}

/// Members of one object, or elements of one array. No proxy has so many fields, and no machine so many ports.
const MOST: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_counts_and_errors_have_gos_words() {
        for (text, expected) in [
            ("", "EOF"),
            (" \n", "EOF"),
            ("{\"a\":", "unexpected EOF"),
            ("nonsense", "invalid character 'o' in literal"),
            ("x", "invalid character 'x' looking for beginning of value"),
            (
                "{a:1}",
                "invalid character 'a' looking for beginning of object key string",
            ),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            (
                "{\"a\":1 \"b\"}",
                "invalid character '\"' after object key:value pair",
            ),
            ("[1 2]", "invalid character '2' after array element"),
        ] {
            let error = Json::first_in(text).map(|_| ()).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
        }
        assert_eq!(Json::first_in("{\"a\":1}garbage").unwrap().0, "{\"a\":1}");
    }

    #[test]
    fn fields_are_read_as_go_reads_them() {
        let field = Field {
            of: "Proxy",
            path: "name",
        };
        let mut number = 7;
        for (text, expected) in [
            ("5", Ok(5)),
            ("null", Ok(7)),
            (
                "5.0",
                Err("json: cannot unmarshal number 5.0 into Go struct field Proxy.name of type int64"),
            ),
            (
                "1e2",
                Err("json: cannot unmarshal number 1e2 into Go struct field Proxy.name of type int64"),
            ),
            (
                "\"5\"",
                Err("json: cannot unmarshal string into Go struct field Proxy.name of type int64"),
            ),
        ] {
            number = 7;
            let value = Json::first_in(text).unwrap();
            let result = field.integer(value, &mut number, "int64");
            assert_eq!(
                result.map(|()| number).map_err(|error| error.to_string()),
                expected.map_err(str::to_owned)
            );
        }
        assert_eq!(number, 7, "a failure leaves the field");
        let members = Json::first_in("{\"a\":1,\"A\":null}")
            .unwrap()
            .members("T")
            .unwrap();
        let keys: Vec<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["a", "A"], "in order, doubles included");
    }
}
