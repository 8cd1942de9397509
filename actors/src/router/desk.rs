//! What all questions to the router share.

use super::{Packing, Setup, Tier};
use std::sync::Arc;

/// What all questions share.
pub(super) struct Desk {
    /// The tiers, the lowest first.
    pub tiers: Vec<Tier>,
    /// Packs prompts and reads answers.
    pub packer: Arc<dyn Packing>,
}

impl Desk {
    pub fn new(setup: Setup) -> Desk {
        let Setup { tiers, packer, .. } = setup;
        Desk { tiers, packer }
    }
}
