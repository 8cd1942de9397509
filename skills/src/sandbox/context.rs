//! What the natives of one sandbox share with whoever runs it.

use super::chance::Chance;
use super::meter::Meter;
use super::world::World;
use crate::skill::{Library, Skill};
use mlua::Table;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use wire::skill::{Argument, Deed};

/// Notes of one turn.
pub const NOTES_MAX: usize = 20;
/// What a script wants when it hands over.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Something is done to the game.
    Act {
        /// What, for a person.
        action: String,
        /// Why.
        reason: String,
        /// What exactly.
        deed: Deed,
    },
    /// Another skill is run.
    Call {
        /// Which.
        skill: String,
        /// What it is told, complete.
        arguments: Vec<(String, Argument)>,
    },
    /// The run is over.
    Finish {
        /// Whether it did what it is for.
        is_success: bool,
        /// Why.
        reason: String,
    },
}

/// What natives read and leave behind.
#[derive(Debug)]
pub struct Context {
    /// The skill.
    pub skill: Arc<Skill>,
    /// Its script as messages name it.
    pub path: String,
    /// What it may spend.
    pub meter: Meter,
    /// All skills, for calls.
    pub library: RefCell<Arc<Library>>,
    /// Random numbers.
    pub chance: RefCell<Chance>,
    /// What it wants.
    pub wish: RefCell<Option<Wish>>,
    /// What it noted in this turn.
    pub notes: RefCell<Vec<String>>,
    /// What it is after.
    pub goal: RefCell<Option<String>>,
    /// The table of the current turn's observation, once it was asked for.
    pub observed: RefCell<Option<Table>>,
    world: RefCell<Rc<World>>,
}

impl Context {
    /// For one sandbox.
    pub fn new(skill: Arc<Skill>, path: String) -> Context {
        Context {
            skill,
            path,
            meter: Meter::new(),
            library: RefCell::default(),
            chance: RefCell::new(Chance::from_seed(0)),
            wish: RefCell::default(),
            notes: RefCell::default(),
            goal: RefCell::default(),
            observed: RefCell::default(),
            world: RefCell::default(),
        }
    }

    /// The current turn.
    pub fn world(&self) -> Rc<World> {
        self.world.borrow().clone()
    }

    /// The turn of this number, if it is the current one.
    pub fn world_of(&self, serial: u64) -> Option<Rc<World>> {
        Some(self.world()).filter(|world| world.serial == serial)
    }

    /// The turn is over: nothing of it is kept, so that the next one can be made of it.
    pub fn leave(&self) {
        self.world.replace(Rc::default());
        self.observed.replace(None);
    }

    /// A new turn begins.
    pub fn enter(&self, world: Rc<World>) {
        if Rc::ptr_eq(&self.world.borrow(), &world) {
            return;
        }
        self.world.replace(world);
        self.notes.borrow_mut().clear();
        self.observed.replace(None);
    }

    /// A run is over: the next one sees nothing of it.
    pub fn forget(&self) {
        self.leave();
        self.goal.replace(None);
        self.wish.replace(None);
        self.notes.borrow_mut().clear();
    }
}
