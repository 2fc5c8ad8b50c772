//! Changing a chain while things are in it.

use std::mem::discriminant;
use std::time::Duration;

use super::{CLOSE, Chain, Chance, Event, Planned};
use crate::chain::post::Post;
use crate::flow::Content;
use crate::stage::{Effect, OnRemoval};

impl Chain {
    /// A chain with nothing in it, to be changed into another.
    pub(crate) fn empty() -> Box<Self> {
        Box::new(Self::of(Vec::new()))
    }

    /// Sets the stages. Those that stay, by id and kind, keep their state; what was held in others is
    /// handed on at once, to the next stage behind which it was that stays. Nothing overtakes.
    pub(crate) fn set(
        &mut self,
        now: Duration,
        stages: &[Planned],
        chance: &Chance,
        events: &mut Vec<Event>,
    ) {
        self.run(now, events);
        let mut old: Vec<_> = std::mem::take(&mut self.posts).into_iter().map(Some).collect();
        // Which old post each new one continues.
        let wanted: Vec<(&Planned, Option<usize>)> = stages
            .iter()
            .filter(|stage| chance.hits(stage))
            .map(|stage| (stage, old.iter().position(|post| continues(stage, post.as_ref()))))
            // Where nothing comes any more, nothing need be added.
            .filter(|(_, index)| !self.over || index.is_some())
            .collect();
        // A post that others have been put before, or behind, can't keep what it holds.
        let mut in_order = vec![false; old.len()];
        let mut last = None;
        for index in wanted.iter().filter_map(|&(_, index)| index) {
            if last.is_none_or(|last| last < index) {
                last = Some(index);
                in_order[index] = true;
            }
        }
        let stays = |index| wanted.iter().any(|&(_, kept)| kept == Some(index));
        self.release(now, &mut old, &in_order, stays, events);
        self.posts = wanted
            .into_iter()
            .filter_map(|(stage, index)| match index.and_then(|index| old[index].take()) {
                Some(mut post) => {
                    post.change(now, &stage.effect);
                    Some(post)
                }
                None => (!self.over).then(|| Post::new(now, stage, chance)),
            })
            .collect();
        self.settle(now, events);
    }

    /// Hands on what is in posts that go, or move. From the last to the first: what is ahead stays
    /// ahead.
    fn release(
        &mut self,
        now: Duration,
        old: &mut [Option<Post>],
        in_order: &[bool],
        stays: impl Fn(usize) -> bool,
        events: &mut Vec<Event>,
    ) {
        // The post nearest ahead that keeps what it holds.
        let mut ahead: Option<usize> = None;
        for index in (0..old.len()).rev() {
            if in_order[index] {
                ahead = Some(index);
                continue;
            }
            let Some(post) = &mut old[index] else {
                continue;
            };
            let closes = !stays(index) && closes_on_removal(post);
            let held = post.bytes();
            let mut released = post.drain();
            if closes {
                released = vec![Content::Mark(CLOSE)];
            }
            for content in released {
                match ahead.and_then(|ahead| old[ahead].as_mut()) {
                    Some(post) => post.push(now, content),
                    None => events.push(Event::Out(now, content)),
                }
            }
            if closes {
                // What it held, and what is behind, goes nowhere.
                let behind = &mut old[..index];
                let count = held + behind.iter().flatten().map(Post::bytes).sum::<usize>();
                behind.fill_with(|| None);
                return self.end(count, events);
            }
        }
    }
}

fn continues(stage: &Planned, post: Option<&Post>) -> bool {
    post.is_some_and(|post| {
        post.id() == stage.id && discriminant(post.effect()) == discriminant(&stage.effect)
    })
}

fn closes_on_removal(post: &Post) -> bool {
    let closes = OnRemoval::Close;
    matches!(post.effect(), Effect::Timeout { on_removal, .. } if *on_removal == closes)
}
