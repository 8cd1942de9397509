//! The picture of a step of the past: one that was seen here, or one that was recorded; always the very one that the step was decided
//! on. And the map as it was known then, if that was recorded.

use super::App;
use super::kept::Kept;
use super::pictures::{Pictures, Room, Shown};
use crate::config::Config;
use crate::run_log::RunLog;
use wire::hash::Hash;
use wire::ring::Snapshot;
use wire::{Instance, Step};

/// Pictures that were seen.
const ROOM: Room = Room { recent_bytes_max: 8 << 20, kept_bytes_max: 32 << 20 };

/// Finds the pictures of steps.
pub struct StepPictures {
    seen: Pictures,
    kept: Kept,
    /// The game and the step up to which those that were seen are kept.
    noted: (Instance, Step),
    /// The step that was looked at last, and its picture.
    shown: Option<(Step, Hash)>,
}

impl StepPictures {
    /// None of this run was seen yet.
    pub fn new(log: &RunLog, config: &Config) -> StepPictures {
        StepPictures { seen: Pictures::new(ROOM), kept: Kept::of(log, config), noted: (0, 0), shown: None }
    }

    /// A picture of the game that is shown.
    pub fn see(&mut self, game: Instance, frame: &Snapshot) {
        self.seen.see(Shown::of(frame, game));
    }

    /// Keeps the pictures of the steps that were read.
    pub fn note_steps(&mut self, app: &App) {
        let Some(game) = app.spectator.games.get(&app.game) else { return };
        let (of, step) = self.noted;
        let is_new = |number: Step| of != app.game || number > step;
        let new = game.steps.iter().rev().take_while(|step| is_new(step.step));
        new.for_each(|step| self.seen.keep(step.done.frame_hash));
        self.noted = (app.game, game.steps.back().map_or(0, |step| step.step));
    }

    /// Finds picture and map of the step that is looked at; says whether something else is shown.
    pub fn look(&mut self, app: &mut App) -> bool {
        let step = app.past.as_ref().and_then(|past| past.step()).cloned();
        let Some(step) = step else {
            (app.of_step, app.map_of_step) = (Err(String::new()), None);
            return self.shown.take().is_some();
        };
        let (hash, has_floor) = (step.done.frame_hash, step.done.state.floor > 0);
        let is_other = self.shown.replace((step.step, hash)) != Some((step.step, hash));
        if is_other {
            (app.of_step, app.map_of_step) = (Err(String::new()), None);
        }
        let lacks = (app.of_step.is_err(), has_floor && app.map_of_step.is_none());
        if lacks == (false, false) {
            return is_other;
        }
        // What is not there may be noted, or recorded, a moment later.
        self.kept.advance();
        if lacks.0 {
            let frame = self.seen.find(hash).map(|shown| shown.frame()).or_else(|| self.kept.picture(app.game, hash));
            app.of_step = frame.ok_or_else(|| self.kept.picture_note(app.game));
        }
        if lacks.1 {
            app.map_of_step = self.kept.map(app.game, step.step, hash);
        }
        is_other || lacks != (app.of_step.is_err(), has_floor && app.map_of_step.is_none())
    }
}
