//! What connections pass on their own.

use super::Engine;
use crate::error::Error;
use crate::spec::LinkId;
use crate::stage::Stage;

impl Engine {
    pub(crate) fn set_stages(&mut self, id: LinkId, stages: [Vec<Stage>; 2]) -> Result<(), Error> {
        let link = self.known(id)?;
        link.stages = stages;
        Ok(())
    }
}
