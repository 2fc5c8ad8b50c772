//! Who stands in which column.
//!
//! The longest of the shortest ways is the spine: it lies from left to right, users first. What hangs on
//! its left half goes further left, what hangs on its right half further right, and what hangs on its middle
//! is shared out; so a dumb-bell looks like one, and a star has leaves on both sides. What joins two points
//! of the spine stands between them.

use std::collections::{BTreeSet, VecDeque};

use super::graph::Graph;

/// The column of each point.
pub(super) fn place(graph: &Graph) -> Vec<usize> {
    let beside = graph.neighbours();
    let mut columns: Vec<Option<i64>> = vec![None; beside.len()];
    for start in 0..beside.len() {
        // Each part of the picture that hangs together has a spine of its own.
        if columns[start].is_none() {
            hang(&beside, &spine(graph, &beside, start), &mut columns);
        }
    }
    let first = columns.iter().flatten().min().copied().unwrap_or(0);
    let place = |column: Option<i64>| usize::try_from(column.unwrap_or(first) - first).unwrap_or(0);
    columns.into_iter().map(place).collect()
}

/// From any point to the farthest, and from there to the farthest: of a tree the longest way.
fn spine(graph: &Graph, beside: &[Vec<usize>], start: usize) -> Vec<usize> {
    let end = farthest(beside, start).last().copied().unwrap_or(start);
    let mut spine = farthest(beside, end);
    let leads = |pair: &[usize]| graph.edges.iter().filter(|edge| edge.ends == pair).count();
    let (mut there, mut back) = (0, 0);
    for pair in spine.windows(2) {
        there += leads(pair);
        back += leads(&[pair[1], pair[0]]);
    }
    if back > there || (back == there && spine.last() < spine.first()) {
        spine.reverse();
    }
    spine
}

/// A shortest way to the point that is farthest away: of several the first.
fn farthest(beside: &[Vec<usize>], start: usize) -> Vec<usize> {
    let mut before: Vec<Option<usize>> = vec![None; beside.len()];
    let mut depth = vec![0; beside.len()];
    before[start] = Some(start);
    let mut queue = VecDeque::from([start]);
    let mut end = start;
    while let Some(at) = queue.pop_front() {
        if depth[at] > depth[end] {
            end = at;
        }
        for &next in &beside[at] {
            if before[next].is_none() {
                before[next] = Some(at);
                depth[next] = depth[at] + 1;
                queue.push_back(next);
            }
        }
    }
    let mut way = vec![end];
    while let (Some(&last), true) = (way.last(), way.len() <= beside.len()) {
        match before[last] {
            Some(next) if next != last => way.push(next),
            _ => break,
        }
    }
    way.reverse();
    way
}

/// Gives the spine its columns, and all that hangs on it.
fn hang(beside: &[Vec<usize>], spine: &[usize], columns: &mut [Option<i64>]) {
    let mut on_spine = vec![None; beside.len()];
    for (column, &at) in spine.iter().enumerate() {
        on_spine[at] = Some(column as i64);
        columns[at] = Some(column as i64);
    }
    let middle = spine.len() as i64 - 1;
    let mut is_left = false;
    for &at in spine {
        for &first in beside[at].iter().filter(|next| on_spine[**next].is_none()) {
            if columns[first].is_some() {
                continue;
            }
            // All that hangs together here, in the order of its distance.
            let part = part(beside, &on_spine, first);
            let step = match (on_spine[at].unwrap_or(0) * 2).cmp(&middle) {
                std::cmp::Ordering::Less => -1,
                std::cmp::Ordering::Greater => 1,
                std::cmp::Ordering::Equal => {
                    is_left = !is_left;
                    if is_left { -1 } else { 1 }
                }
            };
            for &vertex in &part {
                let ends = ends(beside, &on_spine, vertex);
                columns[vertex] = Some(column(&ends, step));
            }
        }
    }
}

/// Off the spine: all that is joined to a point.
fn part(beside: &[Vec<usize>], on_spine: &[Option<i64>], first: usize) -> Vec<usize> {
    let mut part = vec![first];
    let mut seen = BTreeSet::from([first]);
    let mut next = 0;
    while let Some(&at) = part.get(next) {
        next += 1;
        for &other in &beside[at] {
            if on_spine[other].is_none() && seen.insert(other) {
                part.push(other);
            }
        }
    }
    part
}

/// The columns of the spine that are reached from a point without passing the spine, and how far they are.
fn ends(beside: &[Vec<usize>], on_spine: &[Option<i64>], start: usize) -> Vec<(i64, i64)> {
    let mut ends = Vec::new();
    let mut seen = BTreeSet::from([start]);
    let mut queue = VecDeque::from([(start, 0)]);
    while let Some((at, distance)) = queue.pop_front() {
        if let Some(column) = on_spine[at] {
            ends.push((column, distance));
            continue;
        }
        let next = beside[at].iter().filter(|next| seen.insert(**next));
        queue.extend(next.map(|next| (*next, distance + 1)));
    }
    ends
}

/// Between the first and the last end that has room between them, by how far each is; else beside the
/// nearest end.
fn column(ends: &[(i64, i64)], step: i64) -> i64 {
    let (Some(&(left, to_left)), Some(&(right, to_right))) = (ends.iter().min(), ends.iter().max()) else {
        return 0;
    };
    if right - left >= 2 {
        let place = left + (right - left) * to_left / (to_left + to_right);
        return place.clamp(left + 1, right - 1);
    }
    let nearest = ends.iter().min_by_key(|(_, distance)| *distance);
    nearest.map_or(0, |(column, distance)| column + step * distance)
}
