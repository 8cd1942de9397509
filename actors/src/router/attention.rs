//! What each game was seen and told last: whether anything that matters changed since, and how much a question matters.
//!
//! A decision is kept while its skill runs, nothing that matters changed, nothing was lost, and it is not too old. One that
//! comes to nothing is told of, so that nobody follows it again. Answers of a game come in the order of its steps.

use super::inquiry::{Importance, Inquiry};
use super::situation::Situation;
use super::verdict::Verdict;
use std::collections::BTreeMap;
use std::rc::Rc;
use wire::hash::Hash;
use wire::observation::Observation;
use wire::skill::facts::screen_name;
use wire::{Instance, Step};

/// Acts in a row without effect after which a decision came to nothing.
const FRUITLESS_MAX: u32 = 2;
/// This share of all hit points lost under one decision, and it came to nothing.
const LOSS_SHARE: i32 = 4;
/// Fewer hit points than this share of all are few.
const FEW_SHARE: i32 = 4;

/// What all games were seen and told last.
#[derive(Debug, Default)]
pub struct Attention {
    games: BTreeMap<Instance, Game>,
}

#[derive(Debug, Default)]
struct Game {
    life: u32,
    answered: Option<Step>,
    look: Option<Look>,
    held: Option<Held>,
}

/// What was seen.
#[derive(Debug)]
struct Look {
    hp: i32,
    hp_max: i32,
    floor: (u8, u8),
    screen: &'static str,
    foes: Vec<(u8, u16)>,
}

/// What was decided.
#[derive(Debug)]
struct Held {
    verdict: Rc<Verdict>,
    situation: Situation,
    step: Step,
    since_ms: u64,
    fruitless: u32,
}

/// What a look at an inquiry says.
#[derive(Debug, Default)]
pub struct Regard {
    /// How much the question matters.
    pub importance: Importance,
    /// The last decision, if nothing that matters changed since.
    pub kept: Option<Rc<Verdict>>,
    /// A decision that came to nothing, and the situation that it was made in.
    pub barren: Option<(Hash, Rc<Verdict>)>,
}

impl Attention {
    /// Looks at what a game asks.
    pub fn look(&mut self, inquiry: &Inquiry, situation: &Situation, now_ms: u64) -> Regard {
        let game = self.games.entry(inquiry.instance).or_default();
        if game.life != inquiry.life {
            *game = Game { life: inquiry.life, ..Game::default() };
        }
        let now = Look::of(&inquiry.seen);
        let before = game.look.as_ref();
        let importance = now.importance(before);
        let is_hurt = before.is_some_and(|before| now.hp < before.hp);
        let barren = game.held.take_if(|held| held.is_barren(inquiry, now.hp_max));
        let kept = game.held.as_ref().filter(|held| !is_hurt && held.is_kept(inquiry, situation, now_ms));
        let regard = Regard {
            importance,
            kept: kept.map(|held| held.verdict.clone()),
            barren: barren.map(|held| (held.situation.key, held.verdict)),
        };
        game.look = Some(now);
        regard
    }

    /// A model's decision is followed from this step on.
    pub fn hold(&mut self, inquiry: &Inquiry, situation: Situation, verdict: Rc<Verdict>, now_ms: u64) {
        let Some(game) = self.games.get_mut(&inquiry.instance).filter(|game| game.life == inquiry.life) else { return };
        let fruitless = inquiry.bearings.fruitless;
        game.held = Some(Held { verdict, situation, step: inquiry.step, since_ms: now_ms, fruitless });
    }

    /// No model's decision is followed in this step.
    pub fn let_go(&mut self, inquiry: &Inquiry) {
        if let Some(game) = self.games.get_mut(&inquiry.instance).filter(|game| game.life == inquiry.life) {
            game.held = None;
        }
    }

    /// The game is over.
    pub fn forget(&mut self, instance: Instance) {
        self.games.remove(&instance);
    }

    /// Whether an answer to this comes in order: no later step of the game was answered. It counts as answered then.
    pub fn is_in_order(&mut self, inquiry: &Inquiry) -> bool {
        let Some(game) = self.games.get_mut(&inquiry.instance) else { return false };
        let is_in_order = game.life == inquiry.life && game.answered.is_none_or(|step| step <= inquiry.step);
        if is_in_order {
            game.answered = Some(inquiry.step);
        }
        is_in_order
    }
}

impl Look {
    fn of(seen: &Observation) -> Look {
        let hp = seen.leader().and_then(|leader| leader.hp).unwrap_or_default();
        let foes = seen.monsters.iter().filter(|other| !other.is_team && !other.is_neutral);
        Look {
            hp: hp.value,
            hp_max: hp.max,
            floor: (seen.dungeon, seen.floor),
            screen: screen_name(seen.screen),
            foes: foes.map(|foe| (foe.slot, foe.spawn_id)).collect(),
        }
    }

    fn importance(&self, before: Option<&Look>) -> Importance {
        let is_hurt = before.is_some_and(|before| self.hp < before.hp);
        if is_hurt || self.hp * FEW_SHARE < self.hp_max {
            return Importance::Urgent;
        }
        let is_new = before.is_none_or(|before| {
            let is_new_foe = self.foes.iter().any(|foe| !before.foes.contains(foe));
            (self.floor, self.screen) != (before.floor, before.screen) || is_new_foe
        });
        if is_new { Importance::Raised } else { Importance::Ordinary }
    }
}

impl Held {
    fn is_kept(&self, inquiry: &Inquiry, situation: &Situation, now_ms: u64) -> bool {
        let is_running = inquiry.offers.iter().any(|offer| offer.is_running && offer.skill == self.verdict.skill);
        is_running
            && situation.is_known
            && self.situation.world == situation.world
            && inquiry.bearings.fruitless == 0
            && now_ms.saturating_sub(self.since_ms) < situation.class.trusted_ms()
    }

    fn is_barren(&self, inquiry: &Inquiry, hp_max: i32) -> bool {
        let since = || inquiry.outcomes.iter().filter(|outcome| outcome.step >= self.step);
        let in_vain = since().rev().take_while(|outcome| !outcome.is_effective).count();
        let hp_lost: i32 = since().map(|outcome| outcome.hp_lost).sum();
        in_vain >= FRUITLESS_MAX as usize
            || inquiry.bearings.fruitless >= self.fruitless.saturating_add(FRUITLESS_MAX)
            || (hp_max > 0 && hp_lost * LOSS_SHARE >= hp_max)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Scene, inquiry};
    use super::*;
    use crate::router::Outcome;
    use wire::observation::Screen;

    /// Shows a game scene after scene.
    struct Show {
        attention: Attention,
        now_ms: u64,
    }

    impl Show {
        fn new() -> Show {
            Show { attention: Attention::default(), now_ms: 0 }
        }

        fn look(&mut self, change: impl FnOnce(&mut Scene)) -> (Inquiry, Regard) {
            let mut scene = Scene { running: Some("explore"), ..Scene::default() };
            change(&mut scene);
            let inquiry = inquiry(&scene);
            let regard = self.attention.look(&inquiry, &Situation::of(&inquiry), self.now_ms);
            (inquiry, regard)
        }

        fn hold(&mut self) {
            let (inquiry, _) = self.look(|scene| scene.running = None);
            let verdict = Rc::new(Verdict { skill: "explore".into(), ..Verdict::default() });
            self.attention.hold(&inquiry, Situation::of(&inquiry), verdict, self.now_ms);
        }
    }

    #[test]
    fn a_decision_is_kept_while_nothing_that_matters_changes() {
        let mut show = Show::new();
        show.hold();
        for step in 2..20 {
            let (_, regard) = show.look(|scene| (scene.step, scene.x) = (step, step as i16));
            assert_eq!(regard.kept.expect("it is kept").skill, "explore");
            assert_eq!(regard.importance, Importance::Ordinary);
        }
    }

    #[test]
    fn a_decision_is_not_kept_when_something_matters() {
        let changes: [fn(&mut Scene); 7] = [
            |scene| scene.running = None,
            |scene| scene.running = Some("fight"),
            |scene| scene.foe = Some(3),
            |scene| scene.hp -= 1,
            |scene| scene.offers = vec!["explore", "fight", "rest"],
            |scene| scene.fruitless = 1,
            |scene| scene.life = 2,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut show = Show::new();
            show.hold();
            assert!(show.look(|scene| scene.step = 2).1.kept.is_some());
            assert!(show.look(change).1.kept.is_none(), "change {number}");
        }
        let mut show = Show::new();
        show.hold();
        show.now_ms = Situation::default().class.trusted_ms();
        assert!(show.look(|_| {}).1.kept.is_none(), "it is too old");
        let (inquiry, _) = show.look(|_| {});
        show.attention.let_go(&inquiry);
        show.now_ms = 0;
        assert!(show.look(|_| {}).1.kept.is_none(), "something else was done meanwhile");
    }

    #[test]
    fn danger_is_urgent_and_what_is_new_is_raised() {
        let mut show = Show::new();
        assert_eq!(show.look(|_| {}).1.importance, Importance::Raised, "the first look is new");
        assert_eq!(show.look(|_| {}).1.importance, Importance::Ordinary);
        assert_eq!(show.look(|scene| scene.foe = Some(6)).1.importance, Importance::Raised);
        assert_eq!(show.look(|scene| scene.foe = Some(5)).1.importance, Importance::Ordinary);
        assert_eq!(show.look(|scene| scene.hp = 30).1.importance, Importance::Urgent);
        assert_eq!(show.look(|scene| scene.hp = 30).1.importance, Importance::Ordinary);
        assert_eq!(show.look(|scene| scene.floor = 2).1.importance, Importance::Raised);
        assert_eq!(show.look(|scene| scene.screen = Screen::Dialogue).1.importance, Importance::Raised);
        assert_eq!(show.look(|scene| scene.hp = 9).1.importance, Importance::Urgent);
        assert_eq!(show.look(|scene| scene.hp = 9).1.importance, Importance::Urgent, "few stay few");
    }

    #[test]
    fn a_decision_that_comes_to_nothing_is_told_of_once() {
        let vain = |step| Outcome { step, is_effective: false, ..Outcome::default() };
        let mut show = Show::new();
        show.hold();
        let (mut inquiry, regard) = show.look(|scene| scene.step = 2);
        assert!(regard.barren.is_none());
        let situation = Situation::of(&inquiry);
        inquiry.outcomes = vec![vain(0), vain(1)];
        assert!(show.attention.look(&inquiry, &situation, 0).barren.is_none(), "one step before it is not its doing");
        inquiry.outcomes.push(vain(2));
        let (told, verdict) = show.attention.look(&inquiry, &situation, 0).barren.expect("it came to nothing");
        assert_eq!(verdict.skill, "explore");
        assert_ne!(told, situation.key, "the situation is the one that it was decided in, where nothing ran yet");
        assert!(show.attention.look(&inquiry, &situation, 0).barren.is_none());
        show.hold();
        inquiry.outcomes = vec![Outcome { step: 1, hp_lost: 10, is_effective: true, ..Outcome::default() }];
        assert!(show.attention.look(&inquiry, &situation, 0).barren.is_some(), "a quarter of all hit points is much");
    }

    #[test]
    fn an_answer_to_an_older_step_is_out_of_order() {
        let mut show = Show::new();
        let first = show.look(|scene| scene.step = 1).0;
        let second = show.look(|scene| scene.step = 2).0;
        assert!(show.attention.is_in_order(&second));
        assert!(!show.attention.is_in_order(&first));
        assert!(show.attention.is_in_order(&second), "the same step may be asked again");
        let reborn = show.look(|scene| (scene.step, scene.life) = (1, 2)).0;
        assert!(show.attention.is_in_order(&reborn), "another life counts anew");
        assert!(!show.attention.is_in_order(&second));
        let other = show.look(|scene| (scene.step, scene.instance) = (1, 3)).0;
        assert!(show.attention.is_in_order(&other), "games do not concern each other");
    }
}
