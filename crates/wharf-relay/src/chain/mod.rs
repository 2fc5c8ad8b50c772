//! The stages of one direction of one connection, one after the other.
//!
//! A chain has no clock and no socket: it is told what comes when, and says what comes out when, as
//! the machines of [`wharf_link`] do. It carries lengths and marks; the bytes are the connection's,
//! in one row, so that whatever happens to a chain, bytes cannot change their order.
//!
//! ```text
//!  source ─▶ post ─▶ post ─▶ post ─▶ the link's machine
//!            bytes and marks wait in posts, those behind further left
//! ```

mod chance;
mod change;
mod plan;
mod post;

use std::time::Duration;

use crate::agenda::Slot;
use crate::figures::Figures;
use crate::flow::{Content, Mark};
use crate::stage::Effect;
pub(crate) use chance::Chance;
pub(crate) use plan::{Planned, of_streams, plan, shared};
use post::{Post, Step};

/// How much happens in one go, before the caller has its turn again.
const STEPS: usize = 16;

#[derive(Debug)]
pub(crate) struct Chain {
    posts: Vec<Post>,
    /// The connection's deadline.
    pub(crate) slot: Slot,
    /// A stage has ended the connection: nothing more is taken.
    over: bool,
}

/// What comes of a chain's work, to be done in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Something has left the last stage, at a time.
    Out(Duration, Content),
    /// So many bytes exist no more. `behind` bytes are behind them.
    Swallowed { count: usize, behind: usize },
}

impl Chain {
    fn of(posts: Vec<Post>) -> Self {
        Self {
            posts,
            slot: Slot::default(),
            over: false,
        }
    }

    /// Takes what comes from the source.
    pub(crate) fn offer(&mut self, now: Duration, content: Content, events: &mut Vec<Event>) {
        if self.over {
            if let Content::Bytes(count) = content {
                let count = count as usize;
                events.push(Event::Swallowed { count, behind: 0 });
            }
            return;
        }
        match self.posts.first_mut() {
            Some(post) => post.push(now, content),
            None => events.push(Event::Out(now, content)),
        }
        self.settle(now, events);
    }

    /// Lets happen what is due by `now`, each thing at its own time.
    pub(crate) fn run(&mut self, now: Duration, events: &mut Vec<Event>) {
        for _ in 0..STEPS {
            match self.next() {
                Some(due) if due <= now => self.settle(due, events),
                _ => return,
            }
        }
    }

    /// When something happens, if nothing comes before.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.posts.iter().filter_map(Post::next).min()
    }

    /// Whether a stage has ended the connection, so that nothing more need be read.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Whether it does nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.posts.is_empty() && !self.over
    }

    /// How many things are in it.
    pub(crate) fn len(&self) -> usize {
        self.posts.iter().map(Post::len).sum()
    }

    /// Whether bytes should be handed on piece by piece.
    pub(crate) fn slices(&self) -> bool {
        self.posts
            .iter()
            .any(|post| matches!(post.effect(), Effect::Slice { .. }))
    }

    /// What its networks hold.
    pub(crate) fn figures(&self) -> Figures {
        self.posts
            .iter()
            .filter_map(|post| match post.effect() {
                Effect::Conditions(conditions) => Some(Figures::of(conditions)),
                _ => None,
            })
            .fold(Figures::default(), Figures::and)
    }

    /// Moves on what can move on at `now`. One pass is enough, since nothing moves back.
    fn settle(&mut self, now: Duration, events: &mut Vec<Event>) {
        self.posts.iter_mut().for_each(Post::begin_turn);
        let mut index = 0;
        while let Some(post) = self.posts.get_mut(index) {
            match post.pop(now) {
                None => index += 1,
                Some(Step::Pass(at, content)) => self.pass(index, at, content, events),
                Some(Step::Swallow(0)) => {}
                Some(Step::Swallow(count)) => {
                    let behind = self.posts.iter().take(index).map(Post::bytes).sum();
                    events.push(Event::Swallowed { count, behind });
                }
                Some(Step::End(at, mark)) => {
                    // What is in the stage, and behind it, goes nowhere.
                    let ended = self.posts.drain(..=index);
                    let count = ended.map(|post| post.bytes()).sum();
                    self.end(count, events);
                    match self.posts.first_mut() {
                        Some(post) => post.push(at, Content::Mark(mark)),
                        None => events.push(Event::Out(at, Content::Mark(mark))),
                    }
                    index = 0;
                }
            }
        }
    }

    fn pass(&mut self, index: usize, at: Duration, content: Content, events: &mut Vec<Event>) {
        match self.posts.get_mut(index + 1) {
            Some(post) => post.push(at, content),
            None => events.push(Event::Out(at, content)),
        }
    }

    /// A stage has ended the connection, and so many bytes with it, the last of all.
    fn end(&mut self, count: usize, events: &mut Vec<Event>) {
        self.over = true;
        if count > 0 {
            events.push(Event::Swallowed { count, behind: 0 });
        }
    }
}

/// The mark by which a stage closes a connection.
const CLOSE: Mark = Mark::Close;

#[cfg(test)]
mod tests;
