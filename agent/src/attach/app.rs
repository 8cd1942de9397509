//! What is shown of a run, and what keys do.

use super::floor::{Floor, Spot};
use super::past::Past;
use crate::config::Config;
use crate::run_log::RunLog;
use crate::spectator::{Spectator, Step, Window};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use wire::Instance;
use wire::event::Event;
use wire::log::Line;
use wire::ring::Snapshot;

/// Steps that Page Up and Page Down pass.
const PAGE: i64 = 100;

/// What is shown below the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Below {
    /// The steps.
    #[default]
    Steps,
    /// The processes.
    Processes,
    /// Tiers, caches, rates.
    Models,
    /// What happened besides.
    Notices,
}

/// What is shown.
pub struct App {
    /// The run's name.
    pub name: String,
    /// What the log says.
    pub spectator: Spectator,
    /// The game that is shown.
    pub game: Instance,
    /// What is shown below the picture.
    pub below: Below,
    /// The past, while that is looked at.
    pub past: Option<Past>,
    /// The picture of the step of the past that is looked at, or why there is none.
    pub of_step: Result<Snapshot, String>,
    /// The map as it was known at that step, if that was recorded.
    pub map_of_step: Option<Vec<Spot>>,
    /// Whether the keys are explained.
    pub has_help: bool,
    /// Where the picture is, if it is not made of cells.
    pub picture_area: Option<Rect>,
    log: RunLog,
    config: Config,
    profiles: BTreeMap<Instance, String>,
    windows: BTreeMap<Instance, Window>,
    floors: BTreeMap<Instance, Floor>,
    first_lines: BTreeSet<(u32, u64)>,
}

impl App {
    /// Nothing was read of this run yet. `config` is what it was asked to do.
    pub fn new(log: &RunLog, config: Config) -> App {
        App {
            name: log.name(),
            spectator: Spectator::default(),
            game: 0,
            below: Below::default(),
            past: None,
            of_step: Err(String::new()),
            map_of_step: None,
            has_help: false,
            picture_area: None,
            log: log.clone(),
            config,
            profiles: BTreeMap::new(),
            windows: BTreeMap::new(),
            floors: BTreeMap::new(),
            first_lines: BTreeSet::new(),
        }
    }

    /// A line of the log's beginning, which may come again among the last ones.
    pub fn take_first(&mut self, text: &[u8]) {
        let Ok(line) = serde_json::from_slice::<Line>(text) else { return };
        self.note_profile(&line);
        if !matches!(line.event, Event::StepCompleted(_)) {
            self.first_lines.insert((line.pid, line.seq));
            self.spectator.take(text);
        }
    }

    /// A line of the log.
    pub fn take(&mut self, text: &[u8]) {
        if self.first_lines.is_empty() {
            return self.spectator.take(text);
        }
        let Ok(line) = serde_json::from_slice::<Line>(text) else { return self.spectator.take(text) };
        if !self.first_lines.remove(&(line.pid, line.seq)) {
            self.note_profile(&line);
            self.spectator.take(text);
        }
    }

    /// Looks at the picture of the game that is shown; says whether it is a new one.
    pub fn look(&mut self) -> bool {
        let folder = self.log.path.parent().unwrap_or(Path::new("."));
        let window = self.windows.entry(self.game).or_insert_with(|| Window::new(folder, self.game));
        if !window.look() {
            return false;
        }
        let steps = self.spectator.games.get(&self.game).map(|game| &game.steps);
        let by_picture = steps.and_then(VecDeque::back).is_some_and(|step| step.done.eyes == "reader");
        let (config, profile) = (&self.config, self.profiles.get(&self.game));
        let floor = self.floors.entry(self.game).or_insert_with(|| Floor::new(config, profile.map(String::as_str)));
        if let Some(frame) = window.picture() {
            floor.look(frame, by_picture);
        }
        true
    }

    /// The newest picture, while there is one.
    pub fn picture(&self) -> Option<&Snapshot> {
        self.windows.get(&self.game)?.picture()
    }

    /// The picture of the step that is looked at, or why there is none.
    pub fn picture_of_step(&self) -> Result<&Snapshot, &str> {
        if self.past.is_some() {
            return self.of_step.as_ref().map_err(String::as_str);
        }
        self.picture().ok_or("no picture: the emulator of this run is not there (any more); the log tells what was")
    }

    /// Whether the emulator of the game lives.
    pub fn is_live(&self) -> bool {
        self.windows.get(&self.game).is_some_and(Window::is_live)
    }

    /// The map of the game as it is now, row by row.
    pub fn map(&self) -> Option<&[Spot]> {
        self.floors.get(&self.game).map(Floor::spots).filter(|spots| !spots.is_empty())
    }

    /// The step that is looked at: the newest, or one of the past.
    pub fn step(&self) -> Option<&Arc<Step>> {
        match &self.past {
            Some(past) => past.step(),
            None => self.spectator.games.get(&self.game)?.steps.back(),
        }
    }

    /// A key was pressed; breaks when the person leaves.
    pub fn press(&mut self, key: KeyEvent) -> ControlFlow<()> {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if is_control => return ControlFlow::Break(()),
            KeyCode::Char('q') => return ControlFlow::Break(()),
            KeyCode::Esc if self.has_help => self.has_help = false,
            KeyCode::Esc => self.past = None,
            KeyCode::Char('?' | 'h') => self.has_help = !self.has_help,
            KeyCode::Char('1') => self.below = Below::Steps,
            KeyCode::Char('2') => self.below = Below::Processes,
            KeyCode::Char('3') => self.below = Below::Models,
            KeyCode::Char('4') => self.below = Below::Notices,
            KeyCode::Tab => self.change_game(1),
            KeyCode::BackTab => self.change_game(-1),
            KeyCode::Left | KeyCode::Up => self.go(-1),
            KeyCode::Right | KeyCode::Down => self.go(1),
            KeyCode::PageUp => self.go(-PAGE),
            KeyCode::PageDown => self.go(PAGE),
            KeyCode::Home => self.go(i64::MIN),
            KeyCode::End => self.past = None,
            KeyCode::Char(' ') => match self.past {
                Some(_) => self.past = None,
                None => self.go(0),
            },
            _ => {}
        }
        ControlFlow::Continue(())
    }

    /// Goes through the steps; beyond the last one, back to what happens now.
    fn go(&mut self, by: i64) {
        if self.past.is_none() {
            let steps = self.spectator.games.get(&self.game).map(|game| &game.steps);
            let Some(steps) = steps.filter(|steps| by <= 0 && !steps.is_empty()) else { return };
            self.past = Some(Past::new(self.log.clone(), self.game, steps.clone()));
        }
        if self.past.as_mut().is_some_and(|past| past.go(by).is_break()) {
            self.past = None;
        }
    }

    fn change_game(&mut self, by: i32) {
        let games: Vec<Instance> = self.spectator.games.keys().copied().collect();
        let Some(place) = games.iter().position(|game| *game == self.game) else { return };
        let next = (place as i32 + by).rem_euclid(games.len() as i32);
        self.game = games[next as usize];
        self.past = None;
    }

    fn note_profile(&mut self, line: &Line) {
        if let Event::EmulatorConnected { profile, .. } = &line.event {
            let instance = line.instance.unwrap_or(0);
            if self.profiles.insert(instance, profile.clone()).as_ref() != Some(profile) {
                self.floors.remove(&instance);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn app(steps: u64) -> App {
        let mut app = App::new(&RunLog::at(Path::new("runs/x/telemetry.jsonl")), Config::built_in());
        (1..=steps).for_each(|step| app.take(&line(0, step)));
        app
    }

    fn line(instance: u16, step: u64) -> Vec<u8> {
        let done = Event::StepCompleted(Box::default());
        let mut line = serde_json::to_value(done).expect("it is JSON");
        let common = json!({ "ts": "2026-11-29T03:20:28.197082Z", "seq": step, "process": "actors", "pid": 7, "actor": "pilot",
            "level": "info", "instance": instance, "step": step });
        line.as_object_mut().expect("it is an object").extend(common.as_object().cloned().expect("it is an object"));
        serde_json::to_vec(&line).expect("it is JSON")
    }

    fn press(app: &mut App, code: KeyCode) -> Option<u64> {
        assert!(app.press(KeyEvent::new(code, KeyModifiers::NONE)).is_continue());
        app.step().map(|step| step.step)
    }

    #[test]
    fn the_past_is_looked_at_while_the_run_goes_on() {
        let mut app = app(250);
        assert_eq!(press(&mut app, KeyCode::Left), Some(249));
        app.take(&line(0, 251));
        assert_eq!(press(&mut app, KeyCode::PageUp), Some(149));
        assert_eq!(press(&mut app, KeyCode::Home), Some(1));
        assert_eq!(press(&mut app, KeyCode::Left), Some(1));
        assert_eq!(press(&mut app, KeyCode::End), Some(251));
        assert_eq!(press(&mut app, KeyCode::Right), Some(251), "there is nothing after now");
        assert_eq!((press(&mut app, KeyCode::Char(' ')), app.past.is_some()), (Some(251), true));
        assert_eq!((press(&mut app, KeyCode::Right), app.past.is_some()), (Some(251), false));
    }

    #[test]
    fn games_follow_each_other_in_a_ring() {
        let mut app = app(3);
        app.take(&line(2, 9));
        assert_eq!(press(&mut app, KeyCode::Tab), Some(9));
        assert_eq!(press(&mut app, KeyCode::Tab), Some(3));
        assert_eq!(press(&mut app, KeyCode::BackTab), Some(9));
        assert!(app.press(KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE)).is_break());
    }

    #[test]
    fn lines_of_the_beginning_count_once() {
        let mut app = App::new(&RunLog::at(Path::new("runs/x/telemetry.jsonl")), Config::built_in());
        let reached = br#"{"ts":"2026-11-29T03:20:28.197082Z","seq":4,"process":"actors","pid":7,"actor":"pilot","level":"info","instance":0,"event":"EpisodeEnded","outcome":"fainted","floor":2,"turns":7,"message":""}"#;
        app.take_first(reached);
        app.take(reached);
        assert_eq!(app.spectator.games[&0].lives, 1);
        app.take(reached);
        assert_eq!(app.spectator.games[&0].lives, 2, "only those of the beginning come twice");
    }
}
