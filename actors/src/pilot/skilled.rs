//! How the pilot plays through skills: what it keeps of the run of a skill, of what skills remember, and of how the game
//! gets on. Asking the skills role is in `pilot/turn.rs`.
//!
//! Invariant: a checkpoint brings a running skill back exactly where it stood, because the turns that its script was
//! told since it began (the journal) are kept and told again; scripts know nothing else.

use crate::brain::chooser::{Choice, Chooser, Faults, Going};
use crate::brain::headway::Headway;
use crate::checkpoint::Progress;
use crate::skills::Standing;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::codec::{self, CodecError};
use wire::hash::Hash;
use wire::observation::Observation;
use wire::skill::facts::Facts;
use wire::skill::{Act, Remembered, Sight, Turn};

/// The longest journal of one run; of a longer one the run begins anew when it is brought back.
const JOURNAL_BYTES_MAX: usize = 4 << 20;

/// The pilot's side of playing through skills.
#[derive(Default)]
pub(super) struct Skilled {
    pub chooser: Chooser,
    /// Which skills there are; nothing before the role was heard.
    pub standing: Option<Standing>,
    /// The connection over which the role was told that the game begins.
    pub told: Option<u64>,
    /// What the role has seen last.
    pub known: Option<Arc<Observation>>,
    pub next_id: u64,
    pub mind: Mind,
    /// The facts with which the running skill began.
    pub start: Option<Facts>,
    /// Time in the role for the step that is being decided, in microseconds.
    pub spent_us: u64,
    /// Whether it was said that no skill can be asked.
    pub is_alone: bool,
}

/// What is saved with each checkpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Mind {
    pub headway: Headway,
    pub memories: BTreeMap<String, Remembered>,
    pub faults: Faults,
    pub run: Option<Run>,
    /// What came of the last act.
    pub effect: String,
    pub goal: String,
    pub kept: Option<Kept>,
}

/// The run of a skill that goes on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Run {
    pub skill: String,
    pub version: String,
    pub revision: Hash,
    pub priority: i32,
    pub why: String,
    pub steps: u64,
    /// The turns it was told, encoded; the first one whole.
    journal: Vec<Vec<u8>>,
    journal_bytes: usize,
}

/// A state of the game that a skill keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(with = "wire::blob")]
    pub state: Vec<u8>,
    pub progress: Progress,
    pub turns: u64,
    /// What was known from pictures then.
    #[serde(with = "wire::blob")]
    pub looking: Vec<u8>,
}

impl Skilled {
    /// The run that goes on, as the chooser asks for it.
    pub fn going(&self) -> Option<Going<'_>> {
        let run = self.mind.run.as_ref()?;
        Some(Going { skill: &run.skill, priority: run.priority, why: &run.why })
    }

    /// Takes over what the role has on its shelf.
    pub fn stock(&mut self, standing: Standing) {
        self.chooser.stock(&standing.cards);
        self.standing = Some(standing);
    }

    /// An act of a skill was asked for by this turn: keeps what is needed to bring its run back.
    pub fn record(&mut self, act: &Act, choice: &Choice, turn: &Turn, seen: &Observation, facts: &Facts) {
        if act.is_new || self.mind.run.is_none() {
            self.start = Some(facts.clone());
            self.mind.kept = None;
            self.mind.run = Some(Run {
                skill: act.skill.clone(),
                version: act.version.clone(),
                revision: act.revision,
                ..Run::default()
            });
        }
        let Some(run) = &mut self.mind.run else { return };
        run.priority = choice.priority;
        if act.is_new {
            run.why.clone_from(&choice.why);
        }
        run.steps += 1;
        run.keep(turn, choice, seen);
    }

    /// Nothing runs any more.
    pub fn end_run(&mut self) -> Option<Run> {
        self.start = None;
        self.mind.kept = None;
        self.mind.run.take()
    }

    /// Everything that is needed to go on from a checkpoint.
    ///
    /// # Errors
    /// When it is larger than a message may be.
    pub fn save(&self) -> Result<Vec<u8>, CodecError> {
        codec::encode(&Mind { faults: self.chooser.faults.clone(), ..self.mind.clone() })
    }

    /// Takes up what [`Skilled::save`] returned.
    ///
    /// # Errors
    /// When the bytes are something else; nothing is changed then.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        self.mind = codec::decode(bytes)?;
        self.chooser.faults = self.mind.faults.clone();
        self.told = None;
        self.known = None;
        self.start = self.mind.run.as_ref().and_then(Run::start);
        Ok(())
    }

    /// Something else is on the screen: every plan is dropped. What skills remember stays theirs.
    pub fn forget(&mut self) -> Option<Run> {
        self.mind.headway = Headway::default();
        self.mind.effect.clear();
        self.told = None;
        self.known = None;
        self.end_run()
    }
}

impl Run {
    fn keep(&mut self, turn: &Turn, choice: &Choice, seen: &Observation) {
        if self.steps > 1 && self.journal.is_empty() {
            return;
        }
        let mut told = turn.clone();
        told.candidates = vec![choice.candidate.clone()];
        told.candidates[0].revision = Some(self.revision);
        if self.journal.is_empty() {
            told.sight = Sight::between(None, seen);
        }
        let encoded = codec::encode(&told).unwrap_or_default();
        self.journal_bytes += encoded.len();
        self.journal.push(encoded);
        if self.journal_bytes > JOURNAL_BYTES_MAX {
            self.journal = Vec::new();
        }
    }

    /// The turns to tell again; none when there were too many to keep.
    pub fn turns(&self) -> Vec<Turn> {
        self.journal.iter().filter_map(|encoded| codec::decode(encoded).ok()).collect()
    }

    /// The facts with which it began.
    fn start(&self) -> Option<Facts> {
        let first: Turn = codec::decode(self.journal.first()?).ok()?;
        let seen = first.sight.onto(None).ok()?;
        Some(Facts::of(&seen, &first.bearings))
    }
}
