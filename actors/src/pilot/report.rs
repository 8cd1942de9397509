//! What a pilot tells: the texts and figures of steps, the status a few times a second, the summary at the end.

use super::ledger::Ledger;
use crate::brain::{Effect, Move};
use crate::quantiles::Quantiles;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::buttons::{Held, Mask};
use wire::control::{FromRole, Status, Summary};
use wire::event::{Latency, State};
use wire::link::Link;
use wire::observation::Observation;
use wire::{Instance, Step};

/// How often the parent hears how the game stands.
const STATUS_INTERVAL: Duration = Duration::from_millis(66);
const STATUS_INTERVAL_MAX: Duration = Duration::from_millis(500);
const RATE_INTERVAL: Duration = Duration::from_secs(1);

/// Gathers what is told.
pub(super) struct Report {
    parent: Arc<Link>,
    status: Status,
    status_interval: Duration,
    status_sent: Instant,
    rate_since: (Instant, Step),
    overhead: Quantiles,
    decode: Quantiles,
    ineffective: u64,
}

impl Report {
    /// Of one game among so many. The parent hears all of them together no more often than it can show.
    pub(super) fn new(parent: Arc<Link>, instance: Instance, games: u32) -> Report {
        let now = Instant::now();
        Report {
            parent,
            status: Status { instance, ..Status::default() },
            status_interval: (STATUS_INTERVAL * games).min(STATUS_INTERVAL_MAX),
            status_sent: now,
            rate_since: (now, 0),
            overhead: Quantiles::default(),
            decode: Quantiles::default(),
            ineffective: 0,
        }
    }

    /// Takes a completed step into account.
    #[allow(clippy::too_many_arguments, reason = "each is a part of the one step that is told of")]
    pub(super) fn step(
        &mut self,
        before: &Observation,
        choice: &Move,
        effect: Effect,
        latency: Latency,
        step: Step,
        frame: u64,
        ledger: &Ledger,
    ) {
        self.overhead.add(latency.overhead_us);
        self.decode.add(latency.decode_us);
        self.ineffective += u64::from(!effect.is_effective());
        let (since, first) = self.rate_since;
        if since.elapsed() >= RATE_INTERVAL || first == 0 {
            if first > 0 {
                self.status.steps_per_s = (step - first) as f32 / since.elapsed().as_secs_f32();
            }
            self.rate_since = (Instant::now(), step);
        }
        let state = state_of(before, ledger.turns());
        self.status.step = step;
        self.status.floor = state.floor;
        self.status.floors = ledger.progress().floors;
        self.status.hp = (state.hp, state.max_hp);
        self.status.belly = (before.belly.value, before.belly.max);
        self.status.level = before.leader().map_or(0, |leader| u32::from(leader.level));
        self.status.turns = state.turns;
        self.status.skill = choice.skill.to_string();
        self.status.action = choice.action.to_string();
        self.status.reason = choice.reason.to_string();
        self.status.frame = frame;
    }

    /// Tells the person at the terminal something out of the ordinary.
    pub(super) fn note(&self, text: String) {
        // A parent that is gone takes this process with it.
        let _ = self.parent.send(&FromRole::Note { instance: Some(self.status.instance), text }, &[]);
    }

    /// Sends the status if it is time, or if a floor was reached, which nobody should miss.
    pub(super) fn send_status(&mut self, is_new_floor: bool, ledger: &Ledger) {
        if is_new_floor {
            self.status.floor = ledger.progress().floor;
            self.status.floors = ledger.progress().floors;
        }
        if is_new_floor || self.status_sent.elapsed() >= self.status_interval {
            self.status_sent = Instant::now();
            // A parent that is gone takes this process with it.
            let _ = self.parent.send(&FromRole::Status(self.status.clone()), &[]);
        }
    }

    pub(super) fn summary(&self, ledger: &Ledger, step: Step, complete: bool, reason: &str, busy: u64) -> Summary {
        let progress = ledger.progress();
        Summary {
            complete,
            reason: reason.to_string(),
            steps: step,
            floors: progress.floors,
            best_floor: progress.best_floor,
            episodes: progress.episodes,
            turns: ledger.turns(),
            overhead_us: self.overhead.summary(),
            capture_us: (0, 0, 0),
            decode_us: self.decode.summary(),
            ineffective_steps: self.ineffective,
            busy,
            task: None,
            compared: None,
        }
    }
}

/// The state that a step's line tells.
pub(super) fn state_of(observation: &Observation, turns: u64) -> State {
    let leader = observation.leader();
    let position = leader.map(|leader| leader.position).unwrap_or_default();
    let hp = leader.and_then(|leader| leader.hp).unwrap_or_default();
    State {
        dungeon: u32::from(observation.dungeon),
        floor: u32::from(observation.floor),
        x: i32::from(position.x),
        y: i32::from(position.y),
        hp: hp.value,
        max_hp: hp.max,
        belly: observation.belly.value,
        turns,
    }
}

/// Keys as `RIGHT×2 -×1`: each run of equal masks with its frames.
pub(super) fn keys_text(keys: &[Mask]) -> String {
    let mut text = String::new();
    for run in keys.chunk_by(|left, right| left == right) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&format!("{}×{}", Held(run[0]), run.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_as_runs() {
        assert_eq!(keys_text(&[0x10, 0x10, 0, 0x41]), "RIGHT×2 -×1 A+UP×1");
        assert_eq!(keys_text(&[]), "");
    }
}
