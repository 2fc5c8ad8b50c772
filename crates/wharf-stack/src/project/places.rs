//! The network that services are hosts of: `[node.X]`, and `[segment.X]` with `nodes`.
//!
//! What a node may be, and whether all of it makes sense, is [`wharf_topology`]'s to say. Here services are
//! made hosts of it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use wharf_link::Settings;
use wharf_topology::{Kind, Metric, NodeSpec, SegmentSpec, Spec, Topology};

use super::at::{At, Named, Span};
use super::conditioned::SegmentTable;
use super::conditions;
use super::error::Fault;
use super::written::{ExternalTable, ServiceTable};

/// The node that stands for this machine: externals are reached there.
pub const MACHINE: &str = "gateway";

/// A node, as a topology has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct NodeTable(NodeSpec);

impl JsonSchema for NodeTable {
    fn schema_name() -> Cow<'static, str> {
        "node".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = json_schema!({ "type": "array", "items": { "type": "string" } });
        json_schema!({
            "description": "A place in the network of `wharf up --lab`.",
            "type": "object",
            "properties": {
                "kind": {
                    "description": "What it is. By default `host`, as services are.",
                    "enum": ["host", "router", "nat", "firewall"]
                },
                "inside": {
                    "description": "Of a translator or firewall: the segments inside. All others are outside.",
                    "allOf": [names]
                },
                "nat": {
                    "description": "Of a translator: how it behaves, by name or by what differs from a name. By default \
                        `port-restricted`.",
                    "type": ["string", "object"]
                },
                "default": {
                    "description": "Of a firewall: what becomes of packets that no rule is about. By default `drop`.",
                    "enum": ["allow", "drop", "reject"]
                },
                "rules": {
                    "description": "Of a firewall: the first that matches decides.",
                    "type": "array",
                    "items": { "type": "object" }
                }
            },
            "additionalProperties": false
        })
    }
}

/// What it costs to send into a segment.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct MetricValue(Metric);

impl JsonSchema for MetricValue {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "metric".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let number = json_schema!({ "type": "integer", "minimum": 1, "maximum": 65535 });
        json_schema!({ "anyOf": [number, { "type": "object", "additionalProperties": number }] })
    }
}

/// The network of a file; none where the file says nothing of one.
pub(super) fn read(
    nodes: &Named<NodeTable>,
    segments: &Named<SegmentTable>,
    services: &Named<ServiceTable>,
    externals: &Named<ExternalTable>,
) -> Result<Option<Topology>, Fault> {
    let joining = segments.0.iter().filter_map(|(key, table)| {
        let nodes = table.nodes.as_ref()?;
        Some(Joining { key, table, nodes })
    });
    let joining: Vec<Joining<'_>> = joining.collect();
    let mut keys = nodes
        .0
        .iter()
        .map(|(key, _)| key)
        .chain(joining.iter().map(|it| it.key));
    let Some(first) = keys.next() else {
        return Ok(None);
    };
    let mut spec = Spec::default();
    for (key, table) in &nodes.0 {
        let is_service = services.0.iter().any(|(name, _)| name.as_str() == key.as_str());
        if (is_service || key.as_str() == MACHINE) && table.0.kind != Kind::Host {
            let what = if is_service { "a service" } else { "this machine" };
            return Err(Fault::new(
                &key.span,
                format!("node `{}` is {what}, and so a host", key.value),
            )
            .hint("give the node another name"));
        }
        spec.node.insert(key.value.clone(), table.0.clone());
    }
    let is_joined = |name: &str| joining.iter().any(|it| it.nodes.iter().any(|node| node == name));
    for (key, _) in &services.0 {
        let name = key.as_str();
        if !is_joined(name) {
            return Err(
                Fault::new(&key.span, format!("service `{name}` is on no segment"))
                    .hint(format!("name it in the `nodes` of one: nodes = [\"{name}\", …]")),
            );
        }
        spec.node.entry(name.to_owned()).or_default();
    }
    if is_joined(MACHINE) {
        spec.node.entry(MACHINE.to_owned()).or_default();
    } else if let Some((external, _)) = externals.0.first() {
        let message = "externals are reached by way of this machine, and it is on no segment";
        return Err(
            Fault::new(&external.span, message).hint(format!("name `{MACHINE}` in the `nodes` of one"))
        );
    }
    for Joining { key, table, nodes } in &joining {
        let directions = [table.up.as_ref(), table.down.as_ref()];
        let [up, down] = conditions::of(*table, table.profile.as_ref(), &directions)?;
        let segment = SegmentSpec {
            nodes: nodes.value.clone(),
            metric: table
                .metric
                .as_ref()
                .map(|metric| metric.0.clone())
                .unwrap_or_default(),
            // Its conditions are in the two directions already.
            profile: None,
            up,
            down,
            both: Settings::default(),
        };
        spec.segment.insert(key.value.clone(), segment);
    }
    let built = Topology::build(&spec);
    built.map(Some).map_err(|error| {
        let message = error.to_string();
        Fault::new(
            &place(&message, nodes, &joining).unwrap_or(first.span.clone()),
            message,
        )
    })
}

/// A segment that joins nodes, as it is written.
struct Joining<'a> {
    key: &'a At<String>,
    table: &'a SegmentTable,
    nodes: &'a At<Vec<String>>,
}

/// Where the file has what an error names.
fn place(message: &str, nodes: &Named<NodeTable>, joining: &[Joining<'_>]) -> Option<Span> {
    let keys = joining.iter().map(|it| it.key);
    let mut keys = keys.chain(nodes.0.iter().map(|(key, _)| key));
    let found = keys.find(|key| message.contains(&format!("`{}`", key.value)));
    found.map(|key| key.span.clone())
}
