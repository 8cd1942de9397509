//! Choosing among skills: which of those on the shelf offer themselves now, and in which order they are asked.
//!
//! A skill offers itself when one of its triggers holds. The one that runs goes on unless a more urgent one offers itself.
//! One that made a mistake is set aside for a while, longer each time, until its text changes. Pure, as brains are.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::hash::Hash;
use wire::skill::facts::Facts;
use wire::skill::trigger::Condition;
use wire::skill::{Argument, Candidate, Card};

/// Skills asked in one turn.
const CANDIDATES_MAX: usize = 24;
/// Steps for which a skill is set aside after its first fault; after each further one twice as many.
const ASIDE_STEPS: u64 = 16;
/// The longest it is set aside.
const ASIDE_STEPS_MAX: u64 = 1 << 14;

/// Knows the shelf, and who is set aside.
#[derive(Debug, Default)]
pub(crate) struct Chooser {
    offers: Vec<Offer>,
    conditions: BTreeMap<String, Condition>,
    pub faults: Faults,
}

/// Skills that made mistakes, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Faults(BTreeMap<String, Aside>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Aside {
    revision: Hash,
    faults: u32,
    until_step: u64,
}

/// One trigger of one skill.
#[derive(Debug)]
struct Offer {
    skill: String,
    text: String,
    when: Condition,
    priority: i32,
    arguments: Vec<(String, Argument)>,
}

/// A skill that may act, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    /// What the skills role is told.
    pub candidate: Candidate,
    /// How urgent it is.
    pub priority: i32,
    /// The trigger.
    pub why: String,
}

/// The run that goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Going<'a> {
    /// Its skill.
    pub skill: &'a str,
    /// How urgent it was when it began.
    pub priority: i32,
    /// The trigger by which it began.
    pub why: &'a str,
}

impl Chooser {
    /// Takes over a new shelf. The loader has checked every condition; one that cannot be read is passed over.
    pub fn stock(&mut self, cards: &[Card]) {
        let scripts = || cards.iter().filter(|card| card.has_script);
        let offers = scripts().flat_map(|card| {
            card.triggers.iter().filter_map(|trigger| {
                Some(Offer {
                    skill: card.name.clone(),
                    text: trigger.when.clone(),
                    when: Condition::parse(&trigger.when).ok()?,
                    priority: trigger.priority,
                    arguments: trigger.arguments.clone(),
                })
            })
        });
        self.offers = offers.collect();
        self.offers.sort_by(|left, right| right.priority.cmp(&left.priority).then(left.skill.cmp(&right.skill)));
        let successes = scripts()
            .filter_map(|card| Some((card.name.clone(), Condition::parse_with_start(card.success.as_deref()?).ok()?)));
        self.conditions = successes.collect();
        self.faults
            .0
            .retain(|name, aside| cards.iter().any(|card| card.name == *name && card.revision == aside.revision));
    }

    /// Who may act, the most urgent first.
    pub fn choices(&self, facts: &Facts, going: Option<Going<'_>>, step: u64) -> Vec<Choice> {
        let mut choices: Vec<Choice> = Vec::new();
        let mut goes_on = going.map(|going| Choice {
            candidate: Candidate { skill: going.skill.to_string(), revision: None, arguments: Vec::new() },
            priority: going.priority,
            why: going.why.to_string(),
        });
        for offer in self.offers.iter().filter(|offer| !self.faults.is_aside(&offer.skill, step)) {
            if let Some(running) = goes_on.take_if(|running| offer.priority <= running.priority) {
                choices.push(running);
            }
            if !offer.when.holds(facts) {
                continue;
            }
            // What runs is as urgent as the most urgent of its triggers; none of them interrupts it.
            if let Some(running) = goes_on.take_if(|running| running.candidate.skill == offer.skill) {
                choices.push(Choice { priority: offer.priority, ..running });
                continue;
            }
            let (skill, arguments) = (offer.skill.clone(), offer.arguments.clone());
            let candidate = Candidate { skill, revision: None, arguments };
            choices.push(Choice { candidate, priority: offer.priority, why: offer.text.clone() });
        }
        choices.extend(goes_on);
        choices.truncate(CANDIDATES_MAX);
        choices
    }

    /// Whether the work of a skill's run is done, by its own condition.
    pub fn is_done(&self, skill: &str, now: &Facts, start: &Facts) -> bool {
        self.conditions.get(skill).is_some_and(|success| success.holds_since(now, start))
    }
}

/// Puts a skill first of those that may act, for this reason; the others keep their order.
pub(crate) fn promote(choices: &mut [Choice], skill: &str, why: &str) {
    if let Some(place) = choices.iter().position(|choice| choice.candidate.skill == skill) {
        choices[..=place].rotate_right(1);
        choices[0].why = why.to_string();
    }
}

impl Faults {
    /// A skill made a mistake.
    pub fn note(&mut self, skill: &str, revision: Hash, step: u64) {
        let aside = self.0.entry(skill.to_string()).or_insert(Aside { revision, faults: 0, until_step: 0 });
        let steps = ASIDE_STEPS.checked_shl(aside.faults).unwrap_or(ASIDE_STEPS_MAX).min(ASIDE_STEPS_MAX);
        *aside = Aside { revision, faults: aside.faults.saturating_add(1).min(32), until_step: step + steps };
    }

    fn is_aside(&self, skill: &str, step: u64) -> bool {
        self.0.get(skill).is_some_and(|aside| step < aside.until_step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::observation::Observation;
    use wire::skill::{Bearings, Trigger};

    fn card(name: &str, triggers: &[(&str, i32)]) -> Card {
        let triggers = triggers.iter().map(|(when, priority)| Trigger {
            when: (*when).to_string(),
            priority: *priority,
            arguments: Vec::new(),
        });
        Card { name: name.to_string(), triggers: triggers.collect(), has_script: true, ..Card::default() }
    }

    fn chooser() -> Chooser {
        let mut chooser = Chooser::default();
        chooser.stock(&[
            card("explore", &[("true", 20)]),
            card("fight", &[("floor == 3", 60), ("true", 10)]),
            card("guidance", &[]),
            card("wait", &[("true", 1)]),
        ]);
        chooser
    }

    fn facts(floor: u8) -> Facts {
        Facts::of(&Observation { floor, ..Observation::default() }, &Bearings::default())
    }

    fn names(choices: &[Choice]) -> Vec<(&str, i32)> {
        choices.iter().map(|choice| (choice.candidate.skill.as_str(), choice.priority)).collect()
    }

    #[test]
    fn the_most_urgent_trigger_that_holds_comes_first() {
        let chooser = chooser();
        assert_eq!(names(&chooser.choices(&facts(1), None, 1)), [("explore", 20), ("fight", 10), ("wait", 1)]);
        let urgent = chooser.choices(&facts(3), None, 1);
        assert_eq!(names(&urgent), [("fight", 60), ("explore", 20), ("fight", 10), ("wait", 1)]);
    }

    #[test]
    fn what_runs_gives_way_to_the_more_urgent_alone() {
        let chooser = chooser();
        let going = |skill, priority| Some(Going { skill, priority, why: "true" });
        let calm = chooser.choices(&facts(1), going("wait", 20), 1);
        assert_eq!(names(&calm)[..2], [("wait", 20), ("explore", 20)]);
        let urgent = chooser.choices(&facts(3), going("explore", 20), 1);
        assert_eq!(names(&urgent)[..2], [("fight", 60), ("explore", 20)]);
        let raised = chooser.choices(&facts(3), going("fight", 10), 1);
        assert_eq!(names(&raised)[..2], [("fight", 60), ("explore", 20)], "it is as urgent as its trigger");
        let gone = chooser.choices(&facts(1), going("removed", -5), 1);
        assert_eq!(names(&gone).last(), Some(&("removed", -5)), "it ends on its old version");
    }

    #[test]
    fn who_is_put_first_is_one_of_those_that_offer_themselves() {
        let mut choices = chooser().choices(&facts(1), None, 1);
        promote(&mut choices, "wait", "recalled: it helped");
        assert_eq!(names(&choices), [("wait", 1), ("explore", 20), ("fight", 10)]);
        assert_eq!(choices[0].why, "recalled: it helped");
        promote(&mut choices, "flee", "it does not offer itself");
        assert_eq!(names(&choices), [("wait", 1), ("explore", 20), ("fight", 10)]);
    }

    #[test]
    fn a_skill_that_made_a_mistake_is_set_aside_until_its_text_changes() {
        let mut chooser = chooser();
        chooser.faults.note("explore", Hash::default(), 10);
        let has_explore =
            |chooser: &Chooser, step| names(&chooser.choices(&facts(1), None, step)).contains(&("explore", 20));
        assert!(!has_explore(&chooser, 25) && has_explore(&chooser, 26));
        chooser.faults.note("explore", Hash::default(), 26);
        assert!(!has_explore(&chooser, 57) && has_explore(&chooser, 58));
        chooser.faults.note("explore", Hash::default(), 58);
        chooser.stock(&[Card { revision: Hash(9), ..card("explore", &[("true", 20)]) }]);
        assert!(has_explore(&chooser, 59));
    }
}
