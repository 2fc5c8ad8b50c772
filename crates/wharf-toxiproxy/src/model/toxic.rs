//! Toxics: what they are called, what they say, and how they are changed.

use serde::{Serialize, Serializer};

use super::failure::Failure;
use super::lenient::{DecodeError, Field, Json};
use super::number;

/// Which way the traffic goes that a toxic acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the client to the upstream.
    Upstream,
    /// Back.
    Downstream,
}

/// A toxic of a proxy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Toxic {
    /// Unique among the toxics that the proxy ever had, so that its state follows it through changes.
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) action: Action,
    /// The direction as it was written: `UPSTREAM` stays that.
    pub(crate) stream: String,
    pub(crate) direction: Direction,
    /// The share of connections it acts on. Any number is taken, as by Toxiproxy.
    pub(crate) toxicity: f32,
}

/// What a toxic does, with Toxiproxy's units: milliseconds, kilobytes (of 1,000) a second, bytes; a slicer's delay is in
/// microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    Latency {
        latency: i64,
        jitter: i64,
    },
    Bandwidth {
        rate: i64,
    },
    SlowClose {
        delay: i64,
    },
    Timeout {
        timeout: i64,
    },
    ResetPeer {
        timeout: i64,
    },
    Slicer {
        average_size: i64,
        size_variation: i64,
        delay: i64,
    },
    LimitData {
        bytes: i64,
    },
    PacketLoss {
        loss_rate: f64,
        correlation: f64,
    },
    Noop,
}

/// A place for the value of an attribute.
enum Slot<'a> {
    Int64(&'a mut i64),
    Int(&'a mut i64),
    Float64(&'a mut f64),
}

impl Action {
    /// The toxic of this type, with all its attributes zero.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "latency" => Self::Latency {
                latency: 0,
                jitter: 0,
            },
            "bandwidth" => Self::Bandwidth { rate: 0 },
            "slow_close" => Self::SlowClose { delay: 0 },
            "timeout" => Self::Timeout { timeout: 0 },
            "reset_peer" => Self::ResetPeer { timeout: 0 },
            "slicer" => Self::Slicer {
                average_size: 0,
                size_variation: 0,
                delay: 0,
            },
            "limit_data" => Self::LimitData { bytes: 0 },
            "packet_loss" => Self::PacketLoss {
                loss_rate: 0.0,
                correlation: 0.0,
            },
            "noop" => Self::Noop,
            _ => return None,
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Bandwidth { .. } => "bandwidth",
            Self::SlowClose { .. } => "slow_close",
            Self::Timeout { .. } => "timeout",
            Self::ResetPeer { .. } => "reset_peer",
            Self::Slicer { .. } => "slicer",
            Self::LimitData { .. } => "limit_data",
            Self::PacketLoss { .. } => "packet_loss",
            Self::Noop => "noop",
        }
    }

    /// The attributes, in the order in which Toxiproxy writes them.
    fn slots(&mut self) -> Vec<(&'static str, Slot<'_>)> {
        match self {
            Self::Latency { latency, jitter } => {
                vec![("latency", Slot::Int64(latency)), ("jitter", Slot::Int64(jitter))]
            }
            Self::Bandwidth { rate } => vec![("rate", Slot::Int64(rate))],
            Self::SlowClose { delay } => vec![("delay", Slot::Int64(delay))],
            Self::Timeout { timeout } | Self::ResetPeer { timeout } => {
                vec![("timeout", Slot::Int64(timeout))]
            }
            Self::Slicer {
                average_size,
                size_variation,
                delay,
            } => vec![
                ("average_size", Slot::Int(average_size)),
                ("size_variation", Slot::Int(size_variation)),
                ("delay", Slot::Int(delay)),
            ],
            Self::LimitData { bytes } => vec![("bytes", Slot::Int64(bytes))],
            Self::PacketLoss {
                loss_rate,
                correlation,
            } => vec![
                ("loss_rate", Slot::Float64(loss_rate)),
                ("correlation", Slot::Float64(correlation)),
            ],
            Self::Noop => Vec::new(),
        }
    }

    /// The same toxic with those attributes changed that are given.
    fn merged(mut self, attributes: Json<'_>) -> Result<Self, Failure> {
        let field = Field {
            of: "",
            path: "attributes",
        };
        let given = field
            .members(attributes, "toxics.Toxic")
            .map_err(Failure::bad_body)?;
        for (key, value) in given {
            let mut slots = self.slots();
            let Some((name, slot)) = slots.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(&key))
            else {
                continue;
            };
            let path = format!("attributes.{name}");
            let field = Field { of: "", path: &path };
            match slot {
                Slot::Int64(into) => field.integer(value, into, "int64"),
                Slot::Int(into) => field.integer(value, into, "int"),
                Slot::Float64(into) => field.float64(value, into),
            }
            .map_err(Failure::bad_body)?;
        }
        self.validated()
    }

    /// Toxiproxy takes a rate below zero, and dies of it when the first byte comes.
    fn validated(self) -> Result<Self, Failure> {
        match self {
            Self::Bandwidth { rate } if rate < 0 => Err(Failure::bad_body(format!(
                "rate must not be negative, got {rate}"
            ))),
            _ => Ok(self),
        }
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut copy = *self;
        let slots = copy.slots();
        serializer.collect_map(slots.into_iter().map(|(name, slot)| {
            let value = match slot {
                Slot::Int64(value) | Slot::Int(value) => serde_json::Value::from(*value),
                Slot::Float64(value) => number::of_f64(*value),
            };
            (name, value)
        }))
    }
}

impl Serialize for Toxic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            attributes: &'a Action,
            name: &'a str,
            r#type: &'a str,
            stream: &'a str,
            toxicity: serde_json::Value,
        }

        Written {
            attributes: &self.action,
            name: &self.name,
            r#type: self.action.name(),
            stream: &self.stream,
            toxicity: number::of_f32(self.toxicity),
        }
        .serialize(serializer)
    }
}

/// The toxics of a proxy, both directions, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Toxics {
    list: Vec<Toxic>,
    /// How many there ever were.
    ever: u64,
}

impl Toxics {
    /// Those of one direction, the first nearest to the sender.
    pub(crate) fn chain(&self, direction: Direction) -> impl Iterator<Item = &Toxic> {
        self.list.iter().filter(move |toxic| toxic.direction == direction)
    }

    /// All, as they are listed: those upstream, then those downstream.
    pub(crate) fn listed(&self) -> Vec<&Toxic> {
        let upstream = self.chain(Direction::Upstream);
        upstream.chain(self.chain(Direction::Downstream)).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn find(&self, name: &str) -> Result<&Toxic, Failure> {
        let found = self.list.iter().find(|toxic| toxic.name == name);
        found.ok_or_else(Failure::toxic_not_found)
    }

    /// Adds the toxic that a request describes, at the end of its direction.
    pub(crate) fn add(&mut self, body: &str) -> Result<&Toxic, Failure> {
        let written = Written::read(body).map_err(Failure::bad_body)?;
        let direction = match written.stream.to_lowercase().as_str() {
            "upstream" => Direction::Upstream,
            "downstream" => Direction::Downstream,
            _ => return Err(Failure::invalid_stream()),
        };
        let action = Action::named(&written.kind).ok_or_else(Failure::invalid_toxic_type)?;
        let name = match written.name.as_str() {
            "" => format!("{}_{}", written.kind, written.stream),
            name => name.to_owned(),
        };
        if self.find(&name).is_ok() {
            return Err(Failure::toxic_exists());
        }
        let action = match written.attributes {
            Some(attributes) => action.merged(attributes)?,
            None => action.validated()?,
        };
        self.ever += 1;
        self.list.push(Toxic {
            id: self.ever,
            name: name.clone(),
            action,
            stream: written.stream,
            direction,
            toxicity: written.toxicity,
        });
        self.find(&name)
    }

    /// Changes the attributes and the toxicity that a request names. The rest of it is ignored.
    pub(crate) fn update(&mut self, name: &str, body: &str) -> Result<&Toxic, Failure> {
        let found = self.list.iter_mut().find(|toxic| toxic.name == name);
        let toxic = found.ok_or_else(Failure::toxic_not_found)?;
        let (attributes, toxicity) = read_update(body, toxic.toxicity).map_err(Failure::bad_body)?;
        if let Some(attributes) = attributes {
            toxic.action = toxic.action.merged(attributes)?;
        }
        toxic.toxicity = toxicity;
        Ok(toxic)
    }

    pub(crate) fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.find(name)?;
        self.list.retain(|toxic| toxic.name != name);
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }
}

/// A toxic as a request describes it.
struct Written<'a> {
    name: String,
    kind: String,
    stream: String,
    toxicity: f32,
    attributes: Option<Json<'a>>,
}

impl<'a> Written<'a> {
    fn read(body: &'a str) -> Result<Self, DecodeError> {
        let of = "ToxicWrapper";
        let mut written = Self {
            name: String::new(),
            kind: String::new(),
            stream: "downstream".to_owned(),
            toxicity: 1.0,
            attributes: None,
        };
        for (key, value) in Json::first_in(body)?.members("toxics.ToxicWrapper")? {
            match key.to_ascii_lowercase().as_str() {
                "name" => Field { of, path: "name" }.string(value, &mut written.name)?,
                "type" => Field { of, path: "type" }.string(value, &mut written.kind)?,
                "stream" => Field { of, path: "stream" }.string(value, &mut written.stream)?,
                "toxicity" => Field { of, path: "toxicity" }.float32(value, &mut written.toxicity)?,
                "attributes" => written.attributes = read_attributes(of, value)?,
                _ => {}
            }
        }
        Ok(written)
    }
}

fn read_update(body: &str, toxicity: f32) -> Result<(Option<Json<'_>>, f32), DecodeError> {
    let mut toxicity = toxicity;
    let mut attributes = None;
    for (key, value) in Json::first_in(body)?.members("struct")? {
        match key.to_ascii_lowercase().as_str() {
            "toxicity" => Field {
                of: "",
                path: "toxicity",
            }
            .float32(value, &mut toxicity)?,
            "attributes" => attributes = read_attributes("", value)?,
            _ => {}
        }
    }
    Ok((attributes, toxicity))
}

/// Checks that attributes are an object; `null` is none.
fn read_attributes<'a>(of: &str, value: Json<'a>) -> Result<Option<Json<'a>>, DecodeError> {
    let field = Field {
        of,
        path: "attributes",
    };
    field.members(value, "toxics.NoopToxic")?;
    Ok((!value.is_null()).then_some(value))
}
