//! The ports of the actors that a pilot works with, all of one game.

use crate::capture::Capture;
use crate::emulator_io::EmulatorIo;
use crate::port::Port;
use crate::ram::Ram;
use crate::recall::Recalling;
use crate::router::Router;
use crate::skills::Skills;
use crate::telemetry::Telemetry;
use actix::Actor as _;
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

/// The other actors of one game.
#[derive(Clone)]
pub struct Crew {
    /// Speaks with the emulator.
    pub emulator: Port<EmulatorIo>,
    /// Reads frames.
    pub capture: Port<Capture>,
    /// Decodes memory.
    pub ram: Port<Ram>,
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
    /// Starts the actors of one game on this thread.
    pub fn start(
        instance: Instance,
        log: Arc<Log>,
        emulator_deadline: Duration,
        recall: RecallSettings,
        parent: Arc<Link>,
    ) -> Crew {
        let telemetry = Port::new("telemetry", Telemetry::new(log, instance).start(), SAMPLES_CAPACITY);
        let capture = Capture::new(telemetry.clone()).start();
        let recall = Recalling::new(recall, telemetry.clone(), Some(parent)).start();
        let router = Router::default().start();
        Crew {
            emulator: Port::new("emulator_io", EmulatorIo::new(instance, emulator_deadline).start(), PORT_CAPACITY),
            capture: Port::new("capture", capture, PORT_CAPACITY),
            ram: Port::new("ram", Ram::new().start(), PORT_CAPACITY),
            recall: Port::new("recall", recall, PORT_CAPACITY),
            router: Port::new("router", router, PORT_CAPACITY),
            skills: Port::new("skills", Skills::default().start(), PORT_CAPACITY),
            telemetry,
        }
    }

    /// Questions that were answered `Busy`, over all ports.
    pub fn busy(&self) -> u64 {
        self.emulator.busy()
            + self.capture.busy()
            + self.ram.busy()
            + self.recall.busy()
            + self.router.busy()
            + self.skills.busy()
            + self.telemetry.busy()
    }
}
