//! A trace in serde: its name, whether it repeats, and the counts of one loop, so that whoever has
//! read a file can hand the trace on.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Repeat, Trace};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    name: String,
    #[serde(default)]
    repeat: Repeat,
    /// Milliseconds, and how many opportunities each has.
    counts: Vec<(u32, u32)>,
}

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = Wire {
            name: self.name().to_owned(),
            repeat: self.repeat(),
            counts: self.counts().collect(),
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Trace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        Self::from_counts(&wire.name, wire.counts, wire.repeat).map_err(serde::de::Error::custom)
    }
}
