//! A game in somebody's open window: it may be paused, closed, reset or exchanged at any moment, and keys may not arrive.

use super::boarding::Found;
use super::journey::{Course, Interruption, Journey};
use std::time::{Duration, Instant};
use wire::Epoch;
use wire::event::Event;

/// The pause between two looks at a window that shows no frame.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Steps in a row whose keys the game did not see before the person at the terminal is told.
const UNSEEN_MAX: u32 = 3;

impl Journey {
    /// No frame comes any more: says so, and waits. Nothing is pressed meanwhile.
    pub(super) fn fall_silent(&mut self, cause: String) -> Course {
        if let Err(Interruption::Fatal { status, message }) = self.drop_plans() {
            return Course::Failed { status, message };
        }
        if self.silence.is_some() {
            return Course::Onward;
        }
        self.silence = Some(Instant::now());
        self.report.note(format!("no frame comes, so nothing is played: {cause}"));
        self.said(Event::EmulatorSilent { epoch: self.epoch(), cause })
    }

    /// Asks for a frame once more, and goes on from what it shows.
    pub(super) async fn wait_for_frames(&mut self) -> Course {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        let looked = self.first_look(Found::Living).await;
        if let Err(interruption) = looked {
            return self.interrupted(interruption);
        }
        let silent_ms = self.silence.take().map_or(0, |since| since.elapsed().as_millis() as u64);
        self.report.note(format!("frames come again after {:.1} s; the game goes on", silent_ms as f64 / 1000.0));
        self.said(Event::EmulatorResumed { epoch: self.epoch(), silent_ms })
    }

    /// Something happened to the game that no plan knew of: everything begins with looking at what it is now.
    pub(super) fn change(&mut self, what: String) -> Course {
        if let Err(Interruption::Fatal { status, message }) = self.drop_plans() {
            return Course::Failed { status, message };
        }
        self.silence = None;
        self.report.note(format!("{what}; the old plan is dropped"));
        let event = Event::EmulatorChanged { epoch: self.epoch(), what };
        self.aboard = None;
        self.redial.is_lost = true;
        self.said(event)
    }

    /// Tells once when the game does not see the keys that are pressed. Now and then a game is too busy to look.
    pub(super) fn note_keys(&mut self, keys_seen: Option<bool>) -> Result<(), Interruption> {
        match keys_seen {
            Some(true) => self.unseen = 0,
            Some(false) => self.unseen += 1,
            None => {}
        }
        if keys_seen != Some(false) || self.unseen != UNSEEN_MAX {
            return Ok(());
        }
        let detail = format!(
            "the game did not see the keys of {UNSEEN_MAX} steps in a row; they are pressed again as long as it takes. Is \
             the window's input blocked, or does another program hold keys?"
        );
        self.report.note(detail.clone());
        self.write(self.context(), Event::AlertRaised { alert: "keys not seen".into(), detail })
    }

    fn drop_plans(&mut self) -> Result<(), Interruption> {
        self.brain.forget();
        self.looking.forget();
        self.routing.forget();
        self.forget_recent();
        let lost = self.skilled.as_mut().and_then(|skilled| skilled.forget());
        if let Some(aboard) = &mut self.aboard {
            aboard.seen = None;
            aboard.measured = None;
        }
        self.note_lost(lost, "something else happened to the game")
    }

    fn epoch(&self) -> Epoch {
        let known = self.redial.known.as_ref().map(|known| known.epoch);
        self.aboard.as_ref().map(|aboard| aboard.epoch).or(known).unwrap_or_default()
    }

    fn said(&self, event: Event) -> Course {
        match self.write(self.context(), event) {
            Err(Interruption::Fatal { status, message }) => Course::Failed { status, message },
            _ => Course::Onward,
        }
    }
}
