//! Who has been quiet for longest.

/// No index.
const NONE: u32 = u32::MAX;

/// Lists of indices, each in the order in which they were last touched. An index is in one list at
/// most, so all lists share their nodes.
#[derive(Debug, Default)]
pub(crate) struct Recency {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    older: u32,
    newer: u32,
}

/// One list's two ends.
#[derive(Debug)]
pub(crate) struct List {
    oldest: u32,
    newest: u32,
    len: usize,
}

impl Default for List {
    fn default() -> Self {
        Self {
            oldest: NONE,
            newest: NONE,
            len: 0,
        }
    }
}

impl List {
    pub(crate) fn oldest(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

impl Recency {
    /// Puts an index that is in no list at a list's newest end.
    pub(crate) fn push(&mut self, list: &mut List, index: u32) {
        let needed = index as usize + 1;
        if self.nodes.len() < needed {
            let empty = Node {
                older: NONE,
                newer: NONE,
            };
            self.nodes.resize(needed, empty);
        }
        self.nodes[index as usize] = Node {
            older: list.newest,
            newer: NONE,
        };
        match self.nodes.get_mut(list.newest as usize) {
            Some(newest) => newest.newer = index,
            None => list.oldest = index,
        }
        list.newest = index;
        list.len += 1;
    }

    /// Takes an index out of the list that it is in.
    pub(crate) fn remove(&mut self, list: &mut List, index: u32) {
        let Some(&Node { older, newer }) = self.nodes.get(index as usize) else {
            return;
        };
        match self.nodes.get_mut(older as usize) {
            Some(older) => older.newer = newer,
            None => list.oldest = newer,
        }
        match self.nodes.get_mut(newer as usize) {
            Some(newer) => newer.older = older,
            None => list.newest = older,
        }
        list.len -= 1;
    }

    /// Moves an index to the newest end of its list.
    pub(crate) fn touch(&mut self, list: &mut List, index: u32) {
        if list.newest != index {
            self.remove(list, index);
            self.push(list, index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_was_touched_longest_ago_is_oldest() {
        let (mut recency, mut list, mut other) = (Recency::default(), List::default(), List::default());
        for index in [3, 0, 2] {
            recency.push(&mut list, index);
        }
        recency.push(&mut other, 1);
        recency.touch(&mut list, 3);
        let mut order = Vec::new();
        while let Some(index) = list.oldest() {
            order.push(index);
            recency.remove(&mut list, index);
        }
        assert_eq!((order, list.len()), (vec![0, 2, 3], 0));
        assert_eq!((other.oldest(), other.len()), (Some(1), 1));
    }

    #[test]
    fn the_middle_can_be_taken_out_and_put_back() {
        let (mut recency, mut list) = (Recency::default(), List::default());
        for index in 0..4 {
            recency.push(&mut list, index);
        }
        recency.remove(&mut list, 1);
        recency.remove(&mut list, 3);
        recency.push(&mut list, 1);
        let mut order = Vec::new();
        while let Some(index) = list.oldest() {
            order.push(index);
            recency.remove(&mut list, index);
        }
        assert_eq!(order, [0, 2, 1]);
    }
}
