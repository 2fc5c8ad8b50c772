//! What was seen, or why it was not.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

/// A fact that may not have been seen.
///
/// In JSON a known fact stands for itself, and an unknown one is `{"unknown": "why"}`. A fact that
/// a file does not mention at all is unknown too: [`Seen::default`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Seen<T> {
    /// This is so.
    Known(T),
    /// Nobody can tell, for this reason: a short phrase without a full stop, such as
    /// `permission denied`.
    Unknown(String),
}

/// Why a fact is unknown that nobody asked for.
pub const NOT_ASKED: &str = "not looked at";

impl<T> Seen<T> {
    /// A fact that could not be seen because of `why`.
    pub fn unknown(why: impl fmt::Display) -> Self {
        Self::Unknown(why.to_string())
    }

    /// The fact, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(fact) => Some(fact),
            Self::Unknown(_) => None,
        }
    }

    /// The fact itself, if it is known.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(fact) => Some(fact),
            Self::Unknown(_) => None,
        }
    }

    /// Why it is unknown, if it is.
    pub fn why_unknown(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(why) => Some(why),
        }
    }

    /// Whether it is known.
    pub fn is_known(&self) -> bool {
        self.known().is_some()
    }

    /// The same, with a known fact made into another one.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::Known(fact) => Seen::Known(change(fact)),
            Self::Unknown(why) => Seen::Unknown(why),
        }
    }

    /// The same, by reference.
    pub fn as_ref(&self) -> Seen<&T> {
        match self {
            Self::Known(fact) => Seen::Known(fact),
            Self::Unknown(why) => Seen::Unknown(why.clone()),
        }
    }
}

impl<T> Seen<Vec<T>> {
    /// What was seen; nothing where nothing could be. For those who report the unknown elsewhere.
    pub fn items(&self) -> &[T] {
        self.known().map_or(&[], Vec::as_slice)
    }
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self::unknown(NOT_ASKED)
    }
}

impl<T, E: fmt::Display> From<Result<T, E>> for Seen<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(fact) => Self::Known(fact),
            Err(error) => Self::unknown(error),
        }
    }
}

impl<T: Serialize> Serialize for Seen<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(fact) => fact.serialize(serializer),
            Self::Unknown(why) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("unknown", why)?;
                map.end()
            }
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Seen<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written<T> {
            Unknown(Why),
            Known(T),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Unknown(Why(why)) => Self::Unknown(why),
            Written::Known(fact) => Self::Known(fact),
        })
    }
}

impl<T: JsonSchema> JsonSchema for Seen<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Seen_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                generator.subschema_for::<T>(),
                {
                    "type": "object",
                    "properties": { "unknown": { "type": "string" } },
                    "required": ["unknown"],
                    "additionalProperties": false,
                },
            ]
        })
    }
}

/// `{"unknown": "why"}`. Not derived: a derived struct would also be read from a list of one.
struct Why(String);

impl<'de> Deserialize<'de> for Why {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneEntry;
        impl<'de> Visitor<'de> for OneEntry {
            type Value = Why;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("{\"unknown\": \"why\"}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Why, A::Error> {
                let first = map.next_entry::<String, String>()?;
                let more = map.next_key::<de::IgnoredAny>()?.is_some();
                match first {
                    Some((key, why)) if key == "unknown" && !more => Ok(Why(why)),
                    _ => Err(de::Error::custom("not just the one entry `unknown`")),
                }
            }
        }
        deserializer.deserialize_map(OneEntry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Lax {
        number: u32,
    }

    #[track_caller]
    fn check<T>(seen: &Seen<T>, json: &str)
    where
        T: Serialize + for<'de> Deserialize<'de> + PartialEq + fmt::Debug,
    {
        assert_eq!(serde_json::to_string(seen).expect("json"), json);
        assert_eq!(serde_json::from_str::<Seen<T>>(json).expect("a fact"), *seen);
        // From a reader nothing can be borrowed.
        assert_eq!(
            serde_json::from_reader::<_, Seen<T>>(json.as_bytes()).expect("a fact"),
            *seen
        );
    }

    #[test]
    fn the_known_stands_for_itself() {
        check(&Seen::Known(7u32), "7");
        check(&Seen::Known("unknown".to_owned()), "\"unknown\"");
        check(&Seen::Known(vec!["x".to_owned()]), "[\"x\"]");
        check(&Seen::Known(Vec::<String>::new()), "[]");
        check(&Seen::Known(None::<u32>), "null");
        check(&Seen::Known(Lax { number: 1 }), "{\"number\":1}");
    }

    #[test]
    fn the_unknown_says_why() {
        check(&Seen::<u32>::unknown("no"), "{\"unknown\":\"no\"}");
        check(&Seen::<Vec<String>>::unknown("no"), "{\"unknown\":\"no\"}");
        check(&Seen::<Lax>::unknown("no"), "{\"unknown\":\"no\"}");
        check(&Seen::<Option<Lax>>::unknown("no"), "{\"unknown\":\"no\"}");
    }

    #[test]
    fn what_is_neither_is_refused() {
        assert!(serde_json::from_str::<Seen<u32>>("\"x\"").is_err());
        assert!(serde_json::from_str::<Seen<u32>>("{\"unknown\":1}").is_err());
    }
}
