//! Pictures.

use insta::assert_snapshot;
use proptest::prelude::*;
use wharf_topology::{Ready, Topology, draw, ready, star};

fn built(name: &str) -> Topology {
    Topology::build(&Ready::named(name).expect("it is ready").spec).expect("a network")
}

#[test]
fn a_terminal_shows_it() {
    for name in ["two-regions", "home-isp-cloud", "dumb-bell", "satellite"] {
        assert_snapshot!(name, draw::text(&built(name)));
    }
    assert_snapshot!(
        "star-8",
        draw::text(&Topology::build(&star(8)).expect("a network"))
    );
}

/// A picture is XML, in which every node and segment is named and all is on the paper.
#[test]
fn svg_has_every_node_on_the_paper() {
    for ready in ready() {
        let topology = Topology::build(&ready.spec).expect("a network");
        let svg = draw::svg(&topology);
        assert_eq!(svg, draw::svg(&topology), "the same every time");
        let number = |text: &str, key: &str| -> f64 {
            let (_, rest) = text.split_once(&format!("{key}=\"")).expect(key);
            let (number, _) = rest.split_once('"').expect(key);
            number.parse().expect(key)
        };
        let (width, height) = (number(&svg, "width"), number(&svg, "height"));
        let boxes: Vec<_> = svg
            .lines()
            .filter(|line| line.starts_with("<rect") && line.contains(" x="))
            .collect();
        let shared = topology
            .segments()
            .filter(|(_, segment)| segment.nodes.len() > 2)
            .count();
        assert_eq!(boxes.len(), topology.nodes().len() + shared);
        let places: Vec<_> = boxes
            .iter()
            .map(|line| {
                [
                    number(line, " x"),
                    number(line, " y"),
                    number(line, " width"),
                    number(line, " height"),
                ]
            })
            .collect();
        for (index, [x, y, w, h]) in places.iter().enumerate() {
            assert!(*x >= 0.0 && *y >= 0.0 && x + w <= width && y + h <= height);
            for [x2, y2, w2, h2] in &places[index + 1..] {
                let apart = x + w <= *x2 || x2 + w2 <= *x || y + h <= *y2 || y2 + h2 <= *y;
                assert!(apart, "{}: {} and another overlap", ready.name, boxes[index]);
            }
        }
        for (_, node) in topology.nodes() {
            assert!(svg.contains(&format!(">{}</text>", node.name)), "{}", node.name);
        }
        for (_, segment) in topology.segments() {
            assert!(
                svg.contains(&format!(">{}</text>", segment.name)),
                "{}",
                segment.name
            );
        }
    }
}

proptest! {
    /// Any network, rings and parts that hang together with nothing too, is drawn, with every name in it.
    #[test]
    fn any_network_is_drawn(wires in proptest::collection::vec(proptest::collection::btree_set(0..12_u8, 2..5), 1..14)) {
        let mut text = String::new();
        for node in wires.iter().flatten().collect::<std::collections::BTreeSet<_>>() {
            text += &format!("node.n{node} = {{ kind = 'router' }}\n");
        }
        for (number, nodes) in wires.iter().enumerate() {
            let nodes: Vec<_> = nodes.iter().map(|node| format!("'n{node}'")).collect();
            text += &format!("segment.s{number}.nodes = [{}]\n", nodes.join(", "));
        }
        let topology = crate::topology(&text);
        let (drawn, svg) = (draw::text(&topology), draw::svg(&topology));
        for (_, node) in topology.nodes() {
            let label = format!("({})", node.name);
            prop_assert_eq!(drawn.matches(&label).count(), 1, "{}", drawn);
            let name = format!(">{}</text>", node.name);
            prop_assert!(svg.contains(&name));
        }
        prop_assert!(drawn.lines().all(|line| line == line.trim_end()));
    }
}
