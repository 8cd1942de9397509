//! Which tier a game is on: the lowest to begin with, a higher one when play does not go well, and down again after a calm
//! stretch.

use super::inquiry::Inquiry;
use std::collections::BTreeMap;
use wire::Instance;

/// Acts in a row without effect that mean that a game is stuck.
const FRUITLESS_STUCK: u32 = 4;
/// Decisions without anything getting better that mean the same.
const UNPRODUCTIVE_STUCK: u32 = 60;
/// As many of the last outcomes must all be without effect to mean the same.
const OUTCOMES_STUCK: usize = 6;
/// The squared distance, of vectors of unit length, from which on the nearest memory tells nothing of a situation.
const NOVEL: f32 = 0.5;
/// Steps on a higher tier after which a game that is still stuck goes up again.
const PATIENCE_STEPS: u32 = 8;

/// What of an inquiry calls for a higher tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strain {
    /// Nothing comes of what is done.
    pub is_stuck: bool,
    /// Nothing like this is remembered.
    pub is_novel: bool,
}

impl Strain {
    /// What calls for a higher tier here.
    pub fn of(inquiry: &Inquiry) -> Strain {
        let last = inquiry.outcomes.iter().rev().take(OUTCOMES_STUCK);
        let in_vain = last.filter(|outcome| !outcome.is_effective).count() == OUTCOMES_STUCK;
        let bearings = &inquiry.bearings;
        Strain {
            is_stuck: in_vain || bearings.fruitless >= FRUITLESS_STUCK || bearings.unproductive >= UNPRODUCTIVE_STUCK,
            is_novel: inquiry.novelty.is_some_and(|distance| distance >= NOVEL),
        }
    }

    fn is_any(self) -> bool {
        self.is_stuck || self.is_novel
    }
}

/// Where every game stands.
#[derive(Debug)]
pub struct Ladder {
    top: usize,
    stay_steps: u32,
    games: BTreeMap<Instance, Rung>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Rung {
    level: usize,
    /// Steps since anything called for a higher tier.
    calm_steps: u32,
    /// Steps since it last went up.
    steps: u32,
    strain: Strain,
}

impl Ladder {
    /// A ladder of so many tiers, on which a game stays so many calm steps before it comes down by one.
    pub fn new(tiers: usize, stay_steps: u32) -> Ladder {
        Ladder { top: tiers.saturating_sub(1), stay_steps, games: BTreeMap::new() }
    }

    /// The tier that this step begins with, and whether the game has just gone up.
    pub fn begin(&mut self, instance: Instance, strain: Strain) -> (usize, bool) {
        let rung = self.games.entry(instance).or_default();
        rung.steps = rung.steps.saturating_add(1);
        let is_newly_stuck = strain.is_stuck && (!rung.strain.is_stuck || rung.steps >= PATIENCE_STEPS);
        let is_newly_novel = strain.is_novel && !rung.strain.is_novel;
        rung.strain = strain;
        let before = rung.level;
        if is_newly_stuck || is_newly_novel {
            rung.level = (rung.level + 1).min(self.top);
            rung.steps = 0;
        }
        rung.calm_steps = if strain.is_any() { 0 } else { rung.calm_steps.saturating_add(1) };
        if rung.calm_steps > self.stay_steps && rung.level > 0 {
            rung.level -= 1;
            rung.calm_steps = 0;
        }
        (rung.level, rung.level > before)
    }

    /// The game is over.
    pub fn forget(&mut self, instance: Instance) {
        self.games.remove(&instance);
    }

    /// The tier at this level was not sure, or could not answer: the game goes on above it.
    pub fn fail(&mut self, instance: Instance, level: usize) {
        let rung = self.games.entry(instance).or_default();
        rung.level = rung.level.max((level + 1).min(self.top));
        (rung.calm_steps, rung.steps) = (0, 0);
    }
}

/// The tiers to ask in this order: the game's own and those above, then those below, the nearest first.
pub fn order(level: usize, is_ready: &[bool]) -> Vec<usize> {
    let upwards = level..is_ready.len();
    upwards.chain((0..level.min(is_ready.len())).rev()).filter(|tier| is_ready[*tier]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Scene, inquiry};
    use super::*;
    use crate::router::Outcome;

    const CALM: Strain = Strain { is_stuck: false, is_novel: false };
    const STUCK: Strain = Strain { is_stuck: true, is_novel: false };
    const NEW: Strain = Strain { is_stuck: false, is_novel: true };

    #[test]
    fn a_game_starts_on_the_lowest_tier_and_goes_up_when_it_is_stuck() {
        let mut ladder = Ladder::new(3, 5);
        assert_eq!(ladder.begin(0, CALM), (0, false));
        assert_eq!(ladder.begin(0, STUCK), (1, true));
        let levels: Vec<_> = (0..PATIENCE_STEPS).map(|_| ladder.begin(0, STUCK).0).collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), PATIENCE_STEPS as usize - 1);
        assert_eq!(levels.last(), Some(&2), "still stuck after its patience, it goes up again");
        assert_eq!(ladder.begin(1, CALM), (0, false), "another game is not concerned");
    }

    #[test]
    fn a_game_comes_down_after_so_many_calm_steps_and_no_sooner() {
        let mut ladder = Ladder::new(3, 5);
        ladder.begin(0, STUCK);
        ladder.fail(0, 1);
        let levels: Vec<_> = (0..12).map(|_| ladder.begin(0, CALM).0).collect();
        assert_eq!(levels, [2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 0]);
        ladder.begin(0, NEW);
        (0..5).for_each(|_| assert_eq!(ladder.begin(0, CALM).0, 1));
        assert_eq!(ladder.begin(0, NEW).0, 2, "what is new again takes it up and begins the stretch anew");
    }

    #[test]
    fn what_stays_new_takes_a_game_up_once() {
        let mut ladder = Ladder::new(3, 5);
        let levels: Vec<_> = (0..40).map(|_| ladder.begin(0, NEW).0).collect();
        assert!(levels.iter().all(|level| *level == 1));
    }

    #[test]
    fn tiers_that_are_not_ready_are_passed_over() {
        assert_eq!(order(1, &[true, true, true]), [1, 2, 0]);
        assert_eq!(order(1, &[true, false, true]), [2, 0]);
        assert_eq!(order(2, &[true, true, false]), [1, 0]);
        assert_eq!(order(0, &[false, false]), Vec::<usize>::new());
    }

    #[test]
    fn what_calls_for_a_higher_tier_is_read_from_the_inquiry() {
        let strain = |change: fn(&mut Scene)| {
            let mut scene = Scene::default();
            change(&mut scene);
            Strain::of(&inquiry(&scene))
        };
        assert_eq!(strain(|_| {}), CALM);
        assert_eq!(strain(|scene| scene.fruitless = 4), STUCK);
        assert_eq!(strain(|scene| scene.novelty = Some(0.6)), NEW);
        let vain = Outcome { is_effective: false, ..Outcome::default() };
        let mut inquiry = inquiry(&Scene::default());
        inquiry.outcomes = vec![vain.clone(); 5];
        assert!(!Strain::of(&inquiry).is_stuck);
        inquiry.outcomes.push(vain);
        assert!(Strain::of(&inquiry).is_stuck);
    }
}
