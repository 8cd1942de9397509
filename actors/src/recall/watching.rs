//! Each step, looked at once: what is special about it, which floor it is on, which clips end with it, and which memories
//! are ripe. Pure but for the clock that it is given.

use super::experience::Experience;
use super::layout::{self, KnownFloor};
use super::moments::{Tally, Watcher, foe_in_sight, place_on_floor};
use super::window::Window;
use super::{Board, Situation};
use crate::embed::{Scene, Vector};
use std::collections::VecDeque;
use std::sync::Arc;
use wire::Step;
use wire::hash::Hash;
use wire::observation::{Observation, Screen};
use wire::recall::{KeyMoments, Memory, NewMemory, Probe, SPANS};

/// Steps that may wait for their vectors; more are let go, the oldest first.
const WAITING_MAX: usize = 64;

/// Watches one game.
#[derive(Debug, Default)]
pub(super) struct Watching {
    run: String,
    instance: wire::Instance,
    step: Option<Step>,
    /// Whether the step before was looked at, so that a floor that begins now begins with its arrival.
    is_going_on: bool,
    watcher: Watcher,
    window: Window,
    experience: Experience,
    floor: Option<Floor>,
    /// Steps that have no vector yet.
    waiting: VecDeque<(Look, Scene)>,
    /// The step whose vector was pushed last.
    embedded: Option<Step>,
}

/// The floor that is being played.
#[derive(Debug)]
struct Floor {
    name: (u32, u8, u8),
    layout: u64,
    /// Whether it has had its look from which it is named: the first in which a command is awaited.
    is_named: bool,
    /// What was seen of it last.
    seen: Arc<Observation>,
    /// The vector of the arrival, while it is not known whether the floor is known.
    arrival: Option<Vec<f32>>,
}

/// A step that was looked at.
#[derive(Clone, Debug)]
pub(super) struct Look {
    memory: Memory,
    tally: Tally,
    is_arrival: bool,
}

impl Watching {
    pub fn board(&mut self, board: &Board) {
        (self.run, self.instance) = (board.run.clone(), board.instance);
    }

    /// Looks at a step, once; gives the memories that end with the floor before, and whether it is a new step.
    pub fn look(&mut self, situation: &Situation, now_s: u64) -> Option<Vec<NewMemory>> {
        let step = situation.step;
        if self.step == Some(step) {
            return None;
        }
        self.step = Some(step);
        let seen = situation.scene.state.as_ref();
        let mut keys = self.watcher.look(seen.map(|seen| &**seen), situation.picture);
        let tally = self.watcher.tally();
        let on_floor = seen.filter(|seen| place_on_floor(seen).is_some());
        let mut ended = Vec::new();
        let mut is_arrival = false;
        if let Some(seen) = on_floor {
            let name = (situation.life, seen.dungeon, seen.floor);
            if self.floor.as_ref().is_none_or(|floor| floor.name != name) {
                ended = self.experience.end_floor(step, &tally, self.known());
                let is_named = !self.is_going_on;
                self.floor = Some(Floor { name, layout: 0, is_named, seen: seen.clone(), arrival: None });
            }
            if let Some(floor) = &mut self.floor {
                floor.seen = seen.clone();
                if !floor.is_named && seen.screen == Screen::Command {
                    floor.is_named = true;
                    floor.layout = layout::name(seen);
                    is_arrival = floor.layout != 0;
                }
            }
        }
        self.is_going_on = true;
        if is_arrival {
            keys = keys.with(KeyMoments::FLOOR);
        }
        let memory = Memory {
            trajectory: Hash::of([self.run.as_bytes(), &self.instance.to_le_bytes(), &situation.life.to_le_bytes()]).0,
            step,
            frame: situation.frame,
            time_s: now_s,
            dungeon: seen.map_or(0, |seen| seen.dungeon),
            floor: seen.map_or(0, |seen| seen.floor),
            layout: on_floor.and(self.floor.as_ref()).map_or(0, |floor| floor.layout),
            picture: situation.picture,
            foe: seen.map_or(0, |seen| foe_in_sight(seen)),
            keys,
            ..Memory::default()
        };
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back((Look { memory, tally, is_arrival }, situation.scene.clone()));
        Some(ended)
    }

    /// The steps that wait for their vectors.
    pub fn waiting(&self) -> Vec<Scene> {
        self.waiting.iter().map(|(_, scene)| scene.clone()).collect()
    }

    /// The vectors of the steps that have waited longest; gives the newest of these steps. A step without one leaves a gap.
    pub fn embed(&mut self, vectors: Vec<Vector>, is_recorded: bool) -> Option<Step> {
        for vector in vectors {
            let Some((look, _)) = self.waiting.pop_front() else { break };
            self.embedded = Some(look.memory.step);
            let Some(vector) = vector else { continue };
            if look.is_arrival
                && let Some(floor) = self.floor.as_mut().filter(|floor| floor.layout == look.memory.layout)
            {
                floor.arrival = Some(vector.clone());
            }
            self.window.push(vector);
            if is_recorded {
                self.experience.take(&look.memory, look.tally, |span| self.window.clip(span));
            }
        }
        self.embedded
    }

    /// Whether the vector of this step is known.
    pub fn has(&self, step: Step) -> bool {
        self.embedded == Some(step)
    }

    /// The situation as each silo knows situations. While it is not known whether the floor is, the shortest clip is that of
    /// the arrival.
    pub fn probes(&self) -> Vec<Probe> {
        let clip = |span| match self.floor.as_ref().and_then(|floor| floor.arrival.clone()) {
            Some(arrival) if span == 1 => Some(arrival),
            _ => self.window.clip(span),
        };
        SPANS.into_iter().filter_map(|span| Some(Probe { span, vector: clip(span)? })).collect()
    }

    /// The situation that a next step of this vector would make.
    pub fn probes_with(&self, next: &[f32]) -> Vec<Probe> {
        let probe = |span| Some(Probe { span, vector: self.window.clip_with(next, span)? });
        SPANS.into_iter().filter_map(probe).collect()
    }

    /// The layout of the floor, while it is not known whether that is known.
    pub fn wanted_layout(&self) -> Option<u64> {
        self.floor.as_ref().filter(|floor| floor.arrival.is_some()).map(|floor| floor.layout)
    }

    /// Whether a foe was in sight in the last step.
    pub fn has_foe(&self) -> bool {
        self.floor.as_ref().is_some_and(|floor| foe_in_sight(&floor.seen) != 0)
    }

    /// The layout of the floor that is being played; 0: it has no name.
    pub fn layout(&self) -> u64 {
        self.floor.as_ref().map_or(0, |floor| floor.layout)
    }

    /// It was asked whether the floor is known.
    pub fn settle_layout(&mut self) {
        if let Some(floor) = &mut self.floor {
            floor.arrival = None;
        }
    }

    /// What was done in a step; gives the memories whose outcome is known now.
    pub fn note_deed(&mut self, step: Step, skill: &str, action: &str) -> Vec<NewMemory> {
        self.experience.note_deed(step, skill, action);
        self.experience.mature(step, &self.watcher.tally())
    }

    /// A life ended; gives its last memories.
    pub fn end_life(&mut self, is_lost: bool) -> Vec<NewMemory> {
        self.watcher.end_life(is_lost);
        let (step, tally) = (self.step.map_or(0, |step| step + 1), self.watcher.tally());
        let ended = self.experience.end_life(step, &tally, self.known(), is_lost);
        self.floor = None;
        self.window.clear();
        ended
    }

    /// The run ends in the middle of play; gives what there is.
    pub fn finish(&mut self) -> Vec<NewMemory> {
        let (step, tally) = (self.step.map_or(0, |step| step + 1), self.watcher.tally());
        self.experience.end_floor(step, &tally, self.known())
    }

    /// Nothing that comes follows from what was.
    pub fn forget(&mut self) {
        self.step = None;
        self.is_going_on = false;
        self.embedded = None;
        self.floor = None;
        self.waiting.clear();
        self.window.clear();
        self.watcher.forget();
        self.experience.forget();
    }

    /// What is known of the floor, as bytes.
    fn known(&self) -> Option<Vec<u8>> {
        let floor = self.floor.as_ref().filter(|floor| floor.layout != 0)?;
        Some(KnownFloor::of(&floor.seen, floor.layout).encode())
    }
}
