//! Who stands in which row: near those that it is joined to, with few crossings (the barycentre method of
//! Sugiyama, Tagawa and Toda, 1981).

use super::graph::{Edge, Graph};

/// How often the order is mended. It settles long before.
const SWEEPS: usize = 24;
/// How often rows are moved towards those beside them.
const MOVES: usize = 400;

/// The row of each point. In one column they are at least 1 apart.
pub(super) fn place(graph: &Graph, columns: &[usize]) -> Vec<f64> {
    let count = columns.iter().max().map_or(0, |last| last + 1);
    let mut order: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (vertex, &column) in columns.iter().enumerate() {
        order[column].push(vertex);
    }
    let beside = weights(graph, columns);
    let mut rows = vec![0.0; columns.len()];
    for column in &order {
        number(column, &mut rows);
    }
    for sweep in 0..SWEEPS {
        let each: Vec<usize> = if sweep % 2 == 0 {
            (0..count).collect()
        } else {
            (0..count).rev().collect()
        };
        for column in each {
            let mean = |vertex: usize, rows: &[f64]| mean(&beside[vertex], rows).unwrap_or(rows[vertex]);
            // Sorting is stable: of equals, who was first stays first.
            order[column].sort_by(|one, other| mean(*one, &rows).total_cmp(&mean(*other, &rows)));
            number(&order[column], &mut rows);
        }
    }
    for step in 0..MOVES {
        let each: Vec<usize> = if step % 2 == 0 {
            (0..count).collect()
        } else {
            (0..count).rev().collect()
        };
        for column in each {
            settle(&order[column], &beside, &mut rows);
        }
    }
    let top = rows.iter().copied().fold(f64::INFINITY, f64::min);
    rows.iter().map(|row| row - top).collect()
}

/// Those in other columns that each is joined to.
fn weights(graph: &Graph, columns: &[usize]) -> Vec<Vec<usize>> {
    let mut beside = vec![Vec::new(); columns.len()];
    for Edge {
        ends: [one, other], ..
    } in &graph.edges
    {
        if columns[*one] != columns[*other] {
            beside[*one].push(*other);
            beside[*other].push(*one);
        }
    }
    beside
}

fn mean(beside: &[usize], rows: &[f64]) -> Option<f64> {
    let sum: f64 = beside.iter().map(|other| rows[*other]).sum();
    (!beside.is_empty()).then(|| sum / beside.len() as f64)
}

/// One row each, the column's middle at zero.
fn number(column: &[usize], rows: &mut [f64]) {
    let middle = (column.len() as f64 - 1.0) / 2.0;
    for (place, vertex) in column.iter().enumerate() {
        rows[*vertex] = place as f64 - middle;
    }
}

/// Moves each towards those beside it, as far as the others in its column let it. What is made least, column
/// after column, is the sum of the squares of all lines' slopes: so it settles, and does not drift.
///
/// With the room between them taken away, this is isotonic regression: those that would come too near
/// move as one block (pool adjacent violators).
fn settle(column: &[usize], beside: &[Vec<usize>], rows: &mut [f64]) {
    /// How many lines it has, where they pull it, how many it is.
    struct Block {
        weight: f64,
        pull: f64,
        count: usize,
    }
    let mut blocks: Vec<Block> = Vec::new();
    for (place, &vertex) in column.iter().enumerate() {
        let wanted = mean(&beside[vertex], rows).unwrap_or(rows[vertex]);
        let weight = beside[vertex].len().max(1) as f64;
        let mut block = Block {
            weight,
            pull: weight * (wanted - place as f64),
            count: 1,
        };
        while let Some(above) = blocks.pop_if(|above| above.pull / above.weight > block.pull / block.weight) {
            block.weight += above.weight;
            block.pull += above.pull;
            block.count += above.count;
        }
        blocks.push(block);
    }
    let tops = blocks
        .iter()
        .flat_map(|block| std::iter::repeat_n(block.pull / block.weight, block.count));
    for ((place, vertex), top) in column.iter().enumerate().zip(tops) {
        rows[*vertex] = top + place as f64;
    }
}
