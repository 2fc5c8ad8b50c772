//! Stretches of network that links share.

use wharf_link::Conditions;

use super::Engine;
use crate::error::Error;
use crate::segment::Segment;
use crate::spec::{CutDirection, SegmentId, SegmentSpec};
use crate::stats::SegmentStats;

impl Engine {
    pub(crate) fn add_segment(&mut self, spec: SegmentSpec) -> SegmentId {
        let number = u32::try_from(self.segments.len()).unwrap_or(u32::MAX);
        self.segments.push(Some(Segment::new(spec)));
        SegmentId(number)
    }

    pub(crate) fn set_segment_conditions(
        &mut self,
        id: SegmentId,
        conditions: [Conditions; 2],
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let segment = self.known_segment(id)?;
        for (lane, conditions) in segment.lanes.iter_mut().zip(conditions) {
            lane.machine.set_conditions(now, conditions);
        }
        self.stir_over(id);
        Ok(())
    }

    pub(crate) fn cut_segment(&mut self, id: SegmentId, cut: Option<CutDirection>) -> Result<(), Error> {
        let now = self.clock.now();
        self.known_segment(id)?.cut(now, cut);
        self.stir_over(id);
        Ok(())
    }

    pub(crate) fn segment_stats(&mut self, id: SegmentId) -> Result<SegmentStats, Error> {
        let now = self.clock.now();
        Ok(self.known_segment(id)?.stats(now))
    }

    pub(crate) fn remove_segment(&mut self, id: SegmentId) -> Result<(), Error> {
        let segment = self.known_segment(id)?.name.clone();
        let user = self.links.iter().flatten().find(|link| link.via.contains(&id));
        if let Some(link) = user {
            let link = link.name.clone();
            return Err(Error::SegmentInUse { segment, link });
        }
        self.segments[id.0 as usize] = None;
        Ok(())
    }

    pub(super) fn segment(&self, id: SegmentId) -> Option<&Segment> {
        self.segments.get(id.0 as usize)?.as_ref()
    }

    fn known_segment(&mut self, id: SegmentId) -> Result<&mut Segment, Error> {
        self.segments
            .get_mut(id.0 as usize)
            .and_then(Option::as_mut)
            .ok_or(Error::NoSuchSegment(id))
    }

    /// Has every connection over a segment see what it can do now.
    fn stir_over(&mut self, id: SegmentId) {
        for number in 0..self.links.len() {
            let over = matches!(&self.links[number], Some(link) if link.via.contains(&id));
            if over && let Ok(number) = u32::try_from(number) {
                self.stir(number);
            }
        }
    }
}
