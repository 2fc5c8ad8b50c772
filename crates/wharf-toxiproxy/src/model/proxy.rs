//! A proxy, and how requests describe one.

use serde::{Serialize, Serializer};

use super::failure::Failure;
use super::lenient::{DecodeError, Field, Json};
use super::toxic::{Toxic, Toxics};

/// A proxy: where it listens, where it leads, and what it does to its traffic.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Proxy {
    pub(crate) name: String,
    /// The address it listens at, with its real port, since it was first started; until then as it was written.
    pub(crate) listen: String,
    pub(crate) upstream: String,
    pub(crate) enabled: bool,
    pub(crate) toxics: Toxics,
}

impl Serialize for Proxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            name: &'a str,
            listen: &'a str,
            upstream: &'a str,
            enabled: bool,
            toxics: Vec<&'a Toxic>,
        }

        Written {
            name: &self.name,
            listen: &self.listen,
            upstream: &self.upstream,
            enabled: self.enabled,
            toxics: self.toxics.listed(),
        }
        .serialize(serializer)
    }
}

/// A proxy as a request describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) listen: String,
    pub(crate) upstream: String,
    pub(crate) enabled: bool,
}

impl Described {
    /// A new proxy: enabled, unless it says otherwise.
    pub(crate) fn new_one(body: &str) -> Result<Self, Failure> {
        let mut described = Self {
            name: String::new(),
            listen: String::new(),
            upstream: String::new(),
            enabled: true,
        };
        let value = Json::first_in(body).map_err(Failure::bad_body)?;
        described.read(value).map_err(Failure::bad_body)?;
        described.check(None)?;
        Ok(described)
    }

    /// What a request makes of a proxy that is there. Its name stays.
    pub(crate) fn change_of(proxy: &Proxy, body: &str) -> Result<Self, Failure> {
        let mut described = Self {
            name: proxy.name.clone(),
            listen: proxy.listen.clone(),
            upstream: proxy.upstream.clone(),
            enabled: proxy.enabled,
        };
        let value = Json::first_in(body).map_err(Failure::bad_body)?;
        described.read(value).map_err(Failure::bad_body)?;
        described.name.clone_from(&proxy.name);
        Ok(described)
    }

    /// Many new ones, all of them checked.
    pub(crate) fn several(body: &str) -> Result<Vec<Self>, Failure> {
        let go_type = "[]struct { toxiproxy.Proxy; Enabled *bool \"json:\\\"enabled\\\"\" }";
        let value = Json::first_in(body).map_err(Failure::bad_body)?;
        let elements = value.elements(go_type).map_err(Failure::bad_body)?;
        let mut all = Vec::with_capacity(elements.len());
        for element in elements {
            let mut described = Self {
                name: String::new(),
                listen: String::new(),
                upstream: String::new(),
                enabled: true,
            };
            described.read(element).map_err(Failure::bad_body)?;
            all.push(described);
        }
        for (index, described) in all.iter().enumerate() {
            described.check(Some(index + 1))?;
        }
        Ok(all)
    }

    fn read(&mut self, value: Json<'_>) -> Result<(), DecodeError> {
        let of = "Proxy";
        for (key, value) in value.members("toxiproxy.Proxy")? {
            match key.to_ascii_lowercase().as_str() {
                "name" => Field { of, path: "name" }.string(value, &mut self.name)?,
                "listen" => Field { of, path: "listen" }.string(value, &mut self.listen)?,
                "upstream" => Field { of, path: "upstream" }.string(value, &mut self.upstream)?,
                "enabled" => {
                    let field = Field { of, path: "enabled" };
                    self.enabled = field.boolean(value)?.unwrap_or(self.enabled);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `place` is the proxy's in a list, from one.
    fn check(&self, place: Option<usize>) -> Result<(), Failure> {
        for (field, value) in [("name", &self.name), ("upstream", &self.upstream)] {
            if value.is_empty() {
                return Err(match place {
                    None => Failure::missing_field(field),
                    Some(place) => Failure::missing_field(format_args!("{field} at proxy {place}")),
                });
            }
        }
        Ok(())
    }
}
