//! From an emulator's newest frame to a [`Report`].

use super::report::{self, Count, Leader, Report, State};
use crate::config::{Config, some_path};
use crate::failure::Failure;
use crate::source::Source;
use actors::decode::question::{Answer, Question, Verdict, questions};
use actors::decode::{Decoder, Outcome};
use actors::profile::{Likeness, Profile, Profiles};
use wire::emulator::Cartridge;
use wire::memory::{Region, Test};
use wire::observation::Observation;
use wire::ring::Snapshot;

/// First bytes of a region that are shown.
const FIRST_BYTES: usize = 16;

/// Reads the memory of whatever game is loaded, and remembers what it has answered.
pub struct Reader {
    profiles: Profiles,
    /// The profile that was asked for.
    named: Option<String>,
    is_omniscient: bool,
    /// The game that `known` is of.
    cartridge: Option<Cartridge>,
    known: Option<Known>,
}

/// A game with a profile.
struct Known {
    profile: Profile,
    likeness: Likeness,
    /// As the agent sees the game, and as it is.
    decoders: [Decoder; 2],
    observations: [Observation; 2],
    /// What an earlier frame's memory answered.
    answers: Vec<(&'static Question, Option<Answer>)>,
}

impl Reader {
    /// Reads with the configured profiles.
    pub fn new(config: &Config) -> Result<Reader, Failure> {
        let profiles = Profiles::at_hand(some_path(&config.game.profiles).as_deref())
            .map_err(|error| Failure::Settings(error.to_string()))?;
        let named = Some(config.game.profile.clone()).filter(|name| !name.is_empty());
        Ok(Reader { profiles, named, is_omniscient: config.game.omniscient, cartridge: None, known: None })
    }

    /// Looks at the newest frame.
    pub fn read(&mut self, source: &mut Source) -> Result<Report, Failure> {
        let introduction = source.backend.introduction().clone();
        self.recognise(&introduction.cartridge)?;
        let needed = self.known.as_ref().map_or(introduction.regions.as_slice(), |known| &known.profile.regions);
        let snapshot = source.snapshot(needed)?;
        let connection = source.backend.connection();
        let Cartridge { title, code, sha1, bytes } = introduction.cartridge;
        let mut report = Report {
            frame: snapshot.stamp.frame,
            emulator: report::Emulator {
                backend: introduction.backend,
                core: introduction.core,
                why: source.why.clone(),
                window: connection.as_ref().map(|connection| connection.address.clone()),
                script: connection.map(|connection| connection.script),
                silence: source.silence.clone(),
            },
            game: report::Game { title, code, sha1, bytes, system: introduction.system },
            profile: None,
            state: None,
            fields: Vec::new(),
            turn: None,
            checks: Vec::new(),
            questions: Vec::new(),
            regions: Vec::new(),
        };
        match &mut self.known {
            Some(known) => known.read(&snapshot, &mut report),
            None => report.regions = snapshot.regions.iter().map(|region| describe(region, &snapshot)).collect(),
        }
        Ok(report)
    }

    fn recognise(&mut self, cartridge: &Cartridge) -> Result<(), Failure> {
        if self.cartridge.as_ref() == Some(cartridge) {
            return Ok(());
        }
        let chosen = self.profiles.choose(self.named.as_deref(), cartridge).map_err(Failure::Settings)?;
        self.known = chosen.map(|(profile, likeness)| Known::new(profile, likeness, !self.is_omniscient));
        self.cartridge = Some(cartridge.clone());
        Ok(())
    }
}

impl Known {
    fn new(profile: &Profile, likeness: Likeness, is_fair: bool) -> Known {
        let questions = profile.decoder.map_or(&[][..], questions);
        Known {
            profile: profile.clone(),
            likeness,
            decoders: [Decoder::new(profile, is_fair), Decoder::new(profile, false)],
            observations: Default::default(),
            answers: questions.iter().map(|question| (question, None)).collect(),
        }
    }

    fn read(&mut self, snapshot: &Snapshot, report: &mut Report) {
        let why = match self.likeness {
            Likeness::Named => "it was asked for by name",
            Likeness::Hash => "its SHA-1 is this ROM's",
            Likeness::Header => "its title and game code are this ROM's",
        };
        report.profile = Some(report::Profile { name: self.profile.name.clone(), why });
        let [seen, there] = &mut self.observations;
        let [fair, all] = &mut self.decoders;
        let is_decoded = fair.decode(snapshot, seen).is_ok() && all.decode(snapshot, there).is_ok();
        report.state = (is_decoded && self.profile.decoder.is_some()).then(|| state(seen, there));
        report.fields = self
            .profile
            .fields
            .iter()
            .map(|field| {
                let value = field.read(snapshot);
                let is_in_range = match (value, field.range) {
                    (Some(value), Some((low, high))) => (low..=high).contains(&value),
                    _ => true,
                };
                let (name, meaning) = (field.name.clone(), field.meaning.clone());
                report::Field { name, value, range: field.range, is_in_range, meaning }
            })
            .collect();
        report.turn = self.profile.turn.nearest(snapshot).map(|(group, failing)| report::Turn {
            waits: failing.is_empty(),
            group: group + 1,
            groups: self.profile.turn.any_of.len(),
            failing: failing.iter().map(|test| explain(test, snapshot)).collect(),
        });
        report.checks = fair
            .examine(snapshot)
            .into_iter()
            .map(|check| {
                let (outcome, detail) = match check.outcome {
                    Outcome::Passed => ("passed", None),
                    Outcome::Failed(error) => ("failed", Some(error.to_string())),
                    Outcome::Idle(why) => ("idle", Some(why.to_string())),
                };
                report::Check { name: check.name, outcome, detail }
            })
            .collect();
        report.questions = self.answers.iter_mut().map(|(question, kept)| ask(question, kept, snapshot)).collect();
    }
}

/// What is settled stays so, unless memory contradicts it later.
fn ask(question: &Question, kept: &mut Option<Answer>, snapshot: &Snapshot) -> report::Question {
    let mut answer = question.ask(snapshot);
    if let Some(kept) = kept
        && (answer.verdict == Verdict::Unseen || kept.verdict == Verdict::Contradicted)
    {
        answer = kept.clone();
    } else if answer.verdict != Verdict::Unseen {
        *kept = Some(answer.clone());
    }
    report::Question {
        question: question.text,
        verdict: answer.verdict.to_string(),
        finding: answer.finding,
        to_see: (answer.verdict == Verdict::Unseen).then_some(question.to_see),
    }
}

fn explain(test: &Test, snapshot: &Snapshot) -> String {
    match test.place.read(snapshot) {
        Some(found) => format!("{test}, but it is {found}"),
        None => format!("{test}, but there is nothing: the pointer is null or leads out of this memory"),
    }
}

fn state(seen: &Observation, there: &Observation) -> State {
    let count = |of: &dyn Fn(&Observation) -> usize| Count { seen: of(seen), there: of(there) };
    let leader = there.leader().map(|leader| {
        let hp = leader.hp.unwrap_or_default();
        Leader {
            x: leader.position.x,
            y: leader.position.y,
            facing: leader.direction.name(),
            species: leader.species,
            level: leader.level,
            hp: hp.value,
            hp_max: hp.max,
            belly: there.belly.value,
            belly_max: there.belly.max,
            experience: there.experience,
        }
    });
    State {
        screen: seen.screen,
        dungeon: seen.dungeon,
        floor: seen.floor,
        last_floor: seen.last_floor,
        turns: seen.turns,
        turns_left: seen.turns_left,
        weather: seen.weather,
        leader,
        allies: count(&|observation| {
            observation.monsters.iter().filter(|monster| monster.is_team && !monster.is_leader).count()
        }),
        enemies: count(&|observation| {
            observation.monsters.iter().filter(|monster| !monster.is_team && !monster.is_neutral).count()
        }),
        neutrals: count(&|observation| observation.monsters.iter().filter(|monster| monster.is_neutral).count()),
        items: count(&|observation| observation.items.len()),
        traps: count(&|observation| observation.traps.len()),
        stairs: there.stairs,
        stairs_seen: seen.stairs.is_some(),
        bag: seen.bag.clone(),
        money: seen.money,
        keys_seen: seen.keys_seen,
        message: seen.message.clone(),
        dialogue: seen.dialogue.text.clone(),
    }
}

fn describe(region: &Region, snapshot: &Snapshot) -> report::Region {
    let bytes = snapshot.bytes_at(region.address, region.length as usize).unwrap_or_default();
    let first = bytes.iter().take(FIRST_BYTES).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let non_zero = bytes.iter().filter(|byte| **byte != 0).count();
    report::Region { address: region.address, length: region.length, non_zero, first }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actors::decode::largest_floor::{full_snapshot, poke};

    fn known() -> Known {
        let profiles = Profiles::built_in();
        Known::new(profiles.named("pmd-red").expect("it is built in"), Likeness::Named, true)
    }

    fn look(known: &mut Known, snapshot: &Snapshot) -> Report {
        let mut report = Report::default();
        known.read(snapshot, &mut report);
        report
    }

    #[test]
    fn a_floor_is_shown_as_the_agent_sees_it_and_as_it_is() {
        let report = look(&mut known(), &full_snapshot());
        let state = report.state.expect("it decodes");
        assert_eq!((state.dungeon, state.floor, state.last_floor, state.money), (3, 7, 10, 12_345));
        let leader = state.leader.expect("somebody leads");
        assert_eq!((leader.x, leader.y, leader.hp, leader.hp_max, leader.belly), (2, 2, 20, 40, 56));
        assert_eq!((state.allies.there, state.enemies.there, state.items.there), (3, 16, 64));
        assert!(report.turn.is_some_and(|turn| turn.waits && turn.failing.is_empty()));
    }

    #[test]
    fn memory_that_is_refused_has_no_state_and_names_the_check_and_the_failing_test() {
        let mut snapshot = full_snapshot();
        // Level 101, in the middle of a turn.
        poke(&mut snapshot, 0x0200_4199, &[101]);
        poke(&mut snapshot, 0x0200_3B03, &[0]);
        let report = look(&mut known(), &snapshot);
        assert_eq!(report.state, None);
        let failed: Vec<_> = report.checks.iter().filter(|check| check.outcome == "failed").collect();
        let error = "check `level` failed at 0x02004199: expected 0x1 to 0x64, found 0x65";
        assert_eq!((failed.len(), failed[0].detail.as_deref()), (1, Some(error)));
        let turn = report.turn.expect("the profile says when");
        assert_eq!(turn.failing, ["0x0203B418 -> +0xF (u8) = 1, but it is 0"]);
    }

    #[test]
    fn what_is_settled_stays_until_memory_contradicts_it() {
        let mut known = known();
        let mut snapshot = full_snapshot();
        let mut verdict_with = |pointer: u32| {
            poke(&mut snapshot, 0x0203_B418, &pointer.to_le_bytes());
            let report = look(&mut known, &snapshot);
            let asked = report.questions.into_iter().find(|asked| asked.question.contains("0x02003AF4"));
            let asked = asked.expect("it is asked");
            (asked.verdict, asked.to_see.is_some())
        };
        assert_eq!(verdict_with(0), ("not to be seen here".to_string(), true));
        assert_eq!(verdict_with(0x0200_3AF4), ("confirmed".to_string(), false));
        assert_eq!(verdict_with(0), ("confirmed".to_string(), false));
        assert_eq!(verdict_with(0x0200_11D0), ("contradicted".to_string(), false));
        assert_eq!(verdict_with(0x0200_3AF4), ("contradicted".to_string(), false));
    }
}
