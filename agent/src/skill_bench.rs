//! What a turn of the skills costs across the process boundary: observation in, keys out, back to back. Beside it the same
//! round trip in which no script is asked, so that the price of the machine can be told from that of the scripts.

use crate::config::Config;
use crate::failure::Failure;
use crate::supervisor::{self, Alone};
use actors::decode::Decoder;
use actors::decode::largest_floor::full_snapshot;
use actors::profile::Profiles;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;
use wire::control::{Role, StartSkills, TelemetryTarget, ToRole};
use wire::exit;
use wire::link::Link;
use wire::observation::{Observation, Screen};
use wire::skill::{Bearings, Candidate, FromSkills, Phase, Sight, ToSkills, Turn, Turned};

const ROUNDS: u64 = 20;
const TURNS_A_ROUND: u64 = 500;
/// The skill that is asked: it searches the whole known floor in each turn.
const SKILL: &str = "explore";

/// Measures the skills of the configured folder; the times in microseconds.
pub fn measure(config: Option<&Path>) -> Result<Value, Failure> {
    let folder = Config::load(config)?.skills.folder;
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let start = ToRole::StartSkills(StartSkills { folder, telemetry: TelemetryTarget::Null });
    let Alone { link, .. } = supervisor::start_alone(Role::Skills, &start)?;
    let mut pilot = Pilot { link, buffer: Vec::new(), id: 0, known: None };
    let skills = pilot.shelf()?;
    pilot.send(&ToSkills::Begin { instance: 0, memories: Vec::new() })?;
    let mut seen = observation();
    let (mut whole, mut bare, mut script) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        for _ in 0..TURNS_A_ROUND {
            seen.frame += 20;
            seen.turns_left -= i16::from(seen.turns_left > 500);
            let (took, turned) = pilot.turn(&seen, &[SKILL])?;
            if turned.act.is_none() {
                return Err(failed(format!("{SKILL} did not act: {:?}", turned.ended)));
            }
            // The first round warms up.
            if round > 0 {
                whole.push(took);
                script.push(turned.spent_us);
            }
        }
        for _ in 0..TURNS_A_ROUND {
            seen.frame += 20;
            let (took, _) = pilot.turn(&seen, &[])?;
            bare.push(took);
        }
        let first = pilot.turn(&seen, &[SKILL])?;
        drop(first);
    }
    let (whole, bare) = (crate::bench::percentiles(whole), crate::bench::percentiles(bare));
    let p50 = |times: &Value| times["p50"].as_f64().unwrap_or_default().max(1.0);
    Ok(json!({
        "skills": skills,
        "turn_to_bare_p50": (p50(&whole) / p50(&bare) * 100.0).round() / 100.0,
        "turn_us": whole,
        "of_it_in_the_role_us": crate::bench::percentiles(script),
        "without_a_script_us": bare,
    }))
}

/// The pilot's end.
struct Pilot {
    link: Link,
    buffer: Vec<u8>,
    id: u64,
    known: Option<Observation>,
}

impl Pilot {
    /// Waits for the shelf; gives how many skills are on it.
    fn shelf(&mut self) -> Result<usize, Failure> {
        let mut count = 0;
        loop {
            match self.receive()? {
                FromSkills::Shelf { is_last, cards, .. } => {
                    count += cards.len();
                    if is_last {
                        return Ok(count);
                    }
                }
                FromSkills::Turned(_) => {}
            }
        }
    }

    fn turn(&mut self, seen: &Observation, skills: &[&str]) -> Result<(u64, Turned), Failure> {
        let begun = Instant::now();
        self.id += 1;
        let candidate = |skill: &&str| Candidate { skill: (*skill).to_string(), revision: None, arguments: Vec::new() };
        let turn = Turn {
            id: self.id,
            instance: 0,
            step: self.id,
            sight: Sight::between(self.known.as_ref(), seen),
            bearings: Bearings { phase: Phase::Playing, ..Bearings::default() },
            effect: "moved".to_string(),
            is_done: false,
            chance: self.id,
            candidates: skills.iter().map(candidate).collect(),
        };
        self.send(&ToSkills::Turn(Box::new(turn)))?;
        let turned = loop {
            match self.receive()? {
                FromSkills::Turned(turned) if turned.id == self.id => break turned,
                _ => {}
            }
        };
        let took = begun.elapsed().as_micros() as u64;
        self.known = Some(seen.clone());
        Ok((took, *turned))
    }

    fn send(&self, message: &ToSkills) -> Result<(), Failure> {
        self.link.send(message, &[]).map_err(|error| failed(error.to_string()))
    }

    fn receive(&mut self) -> Result<FromSkills, Failure> {
        let received = self.link.receive_into(&mut self.buffer);
        received.map(|(message, _)| message).map_err(|error| failed(error.to_string()))
    }
}

/// The largest floor that the game can have, waiting for a command, with a corner of it unknown.
fn observation() -> Observation {
    let profiles = Profiles::built_in();
    let profile = profiles.named("burrow").expect("the bundled game's profile is built in");
    let mut seen = Observation::default();
    Decoder::new(profile, true).decode(&full_snapshot(), &mut seen).expect("the largest floor is valid");
    seen.screen = Screen::Command;
    seen.turns_left = 900;
    seen.is_turning = false;
    seen.monsters.retain(|monster| monster.is_team);
    seen.leader = seen.monsters.iter().position(|monster| monster.is_leader);
    seen.monsters.iter_mut().for_each(|monster| monster.is_incapacitated = false);
    if let Some(tile) = seen.tiles.iter_mut().rev().find(|tile| tile.walkable != 0) {
        tile.revealed = false;
    }
    seen
}

fn failed(message: String) -> Failure {
    Failure::Role { status: exit::SOFTWARE, message }
}
