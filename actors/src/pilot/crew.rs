//! The ports of the actors that a pilot works with, all of one game.

use crate::capture::Capture;
use crate::emulator_io::EmulatorIo;
use crate::eyes::Eyes;
use crate::port::Port;
use crate::ram::Ram;
use crate::recall::Recalling;
use crate::router::Router;
use crate::skills::Skills;
use crate::telemetry::Telemetry;
use actix::{Actor as _, Addr};
use std::sync::Arc;
use std::time::Duration;
use wire::Instance;
use wire::control::RecallSettings;
use wire::link::Link;
use wire::log::Log;

/// Questions that one port takes at a time. A pilot asks one after the other, so more means that something is stuck.
const PORT_CAPACITY: usize = 8;
/// Samples wait longer than questions: one for each frame and each unanswered question until the actor's turn comes.
const SAMPLES_CAPACITY: usize = 14;

/// The actors that all games of a run share.
pub struct Commons {
    skills: Addr<Skills>,
    router: Addr<Router>,
    eyes: Addr<Eyes>,
}

impl Commons {
    /// Starts them on this thread, for so many games.
    pub fn start(games: usize, router: Router) -> Commons {
        // Each game has a port of its own to each of them, and so has the parent.
        let mailbox = (games + 1) * PORT_CAPACITY;
        let skills = Skills::create(|context| {
            context.set_mailbox_capacity(mailbox);
            Skills::default()
        });
        let router = Router::create(|context| {
            context.set_mailbox_capacity(mailbox);
            router
        });
        let eyes = Eyes::create(|context| {
            context.set_mailbox_capacity(mailbox);
            Eyes::default()
        });
        Commons { skills, router, eyes }
    }

    /// A way to the skills actor with a bound of its own, so that no game takes another one's room.
    pub fn skills(&self) -> Port<Skills> {
        Port::new("skills", self.skills.clone(), PORT_CAPACITY)
    }

    /// The same to the eyes.
    pub fn eyes(&self) -> Port<Eyes> {
        Port::new("eyes", self.eyes.clone(), PORT_CAPACITY)
    }

    /// The same to the router.
    pub fn router(&self) -> Port<Router> {
        Port::new("router", self.router.clone(), PORT_CAPACITY)
    }
}

/// The other actors of one game.
#[derive(Clone)]
pub struct Crew {
    /// Speaks with the emulator.
    pub emulator: Port<EmulatorIo>,
    /// Reads frames.
    pub capture: Port<Capture>,
    /// Decodes memory.
    pub ram: Port<Ram>,
    /// Reads pictures.
    pub eyes: Port<Eyes>,
    /// Asks experience.
    pub recall: Port<Recalling>,
    /// Asks models.
    pub router: Port<Router>,
    /// Speaks with the skills role.
    pub skills: Port<Skills>,
    /// Counts samples.
    pub telemetry: Port<Telemetry>,
}

impl Crew {
    /// Starts the actors of one game on this thread. `parent` is told what is wrong with experience, where this game is the
    /// one that says so for all.
    pub fn start(
        instance: Instance,
        commons: &Commons,
        log: Arc<Log>,
        emulator_deadline: Duration,
        recall: RecallSettings,
        parent: Option<Arc<Link>>,
    ) -> Crew {
        let telemetry = Port::new("telemetry", Telemetry::new(log, instance).start(), SAMPLES_CAPACITY);
        let capture = Capture::new(telemetry.clone()).start();
        let recall = Recalling::new(recall, telemetry.clone(), parent).start();
        Crew {
            emulator: Port::new("emulator_io", EmulatorIo::new(instance, emulator_deadline).start(), PORT_CAPACITY),
            capture: Port::new("capture", capture, PORT_CAPACITY),
            ram: Port::new("ram", Ram::new().start(), PORT_CAPACITY),
            eyes: commons.eyes(),
            recall: Port::new("recall", recall, PORT_CAPACITY),
            router: commons.router(),
            skills: commons.skills(),
            telemetry,
        }
    }

    /// Questions that were answered `Busy`, over all ports.
    pub fn busy(&self) -> u64 {
        self.emulator.busy()
            + self.capture.busy()
            + self.ram.busy()
            + self.eyes.busy()
            + self.recall.busy()
            + self.router.busy()
            + self.skills.busy()
            + self.telemetry.busy()
    }
}
