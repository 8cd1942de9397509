//! Seeing the game by its picture: waiting until it is at rest, reading it, and what is known from it; and, where play goes by
//! memory, whether both say the same.
//!
//! Without memory nobody knows when the game waits, so frames pass a few at a time until two readings agree.

use super::boarding::Found;
use super::journey::{Interruption, Journey, SETTLE_FRAMES_MAX, Seen, answered};
use crate::brain::Move;
use crate::capture::Captured;
use crate::emulator_io::Receipt;
use crate::eyes::check::{Comparison, Verdict, alarm_text, compare};
use crate::eyes::{Glance, MapMemory, Open, Read, Sighted, change, is_at_rest, is_calm};
use crate::profile::Profile;
use crate::ram::Decoded;
use reader::Reading;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::oneshot;
use wire::codec::{self, CodecError};
use wire::control::Eyes;
use wire::event::Event;
use wire::exit;
use wire::observation::{Observation, Screen};
use wire::ring::Snapshot;

/// Frames from the last key to the first look.
const FIRST_FRAMES: u32 = 5;
/// Frames from one look to the next: whatever moves has moved visibly by then.
const LOOK_FRAMES: u32 = 4;
/// Frames after which a calm picture is one at rest, whoever seems to come and go on it: no turn takes as long.
const CALM_FRAMES: u32 = 120;
/// What an alert is called when memory and picture differ.
const ALERT: &str = "eyes differ";

/// The pilot's side of seeing by pictures.
pub(super) struct Looking {
    eyes: Eyes,
    memory: Option<MapMemory>,
    glance: Glance,
    /// Frames for which the game may look idle after the last keys, and is not.
    busy_frames: u32,
    comparison: Comparison,
    /// A picture that is being read, and what memory says of the same frame.
    compared: Option<(Arc<Observation>, oneshot::Receiver<Option<Reading>>)>,
}

/// What is kept of it in a checkpoint.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(with = "wire::blob")]
    memory: Vec<u8>,
    glance: Glance,
}

/// The look before.
struct Earlier {
    picture: Arc<Snapshot>,
    reading: Option<Reading>,
}

impl Looking {
    pub(super) fn new(eyes: Eyes) -> Looking {
        let (comparison, compared) = (Comparison::default(), None);
        Looking { eyes, memory: None, glance: Glance::default(), busy_frames: 0, comparison, compared }
    }

    /// Whether the picture is all that is looked at.
    pub(super) fn is_by_picture(&self) -> bool {
        self.eyes == Eyes::Reader
    }

    /// What play is based on, in telemetry.
    pub(super) fn name(&self) -> &'static str {
        self.eyes.name()
    }

    /// Keys are about to be pressed.
    pub(super) fn press(&mut self, keys: &[u16]) {
        self.busy_frames = self.memory.as_mut().map_or(0, |memory| memory.press(keys));
    }

    /// How many frames pass before the first look.
    pub(super) fn first_frames(&self, keys: usize, frames_max: u32) -> u32 {
        if self.is_by_picture() { (keys as u32 + FIRST_FRAMES).min(frames_max) } else { frames_max }
    }

    /// Something else is on the screen now.
    pub(super) fn forget(&mut self) {
        self.glance.forget();
        if let Some(memory) = &mut self.memory {
            memory.forget_press();
        }
    }

    /// Everything that is known, for a checkpoint; nothing where memory tells it.
    pub(super) fn save(&self) -> Vec<u8> {
        let Some(memory) = &self.memory else { return Vec::new() };
        let kept = memory.save().and_then(|memory| codec::encode(&Kept { memory, glance: self.glance.clone() }));
        kept.unwrap_or_else(|error| {
            tracing::warn!(%error, "what is known from pictures is too large for a checkpoint");
            Vec::new()
        })
    }

    /// Takes up what [`Looking::save`] returned.
    pub(super) fn restore(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let Some(memory) = self.memory.as_mut().filter(|_| !bytes.is_empty()) else { return Ok(()) };
        let kept: Kept = codec::decode(bytes)?;
        memory.restore(&kept.memory)?;
        self.glance = kept.glance;
        Ok(())
    }

    /// What was compared, and what differed.
    pub(super) fn counts(&self) -> Option<(u64, u64)> {
        let tally = self.comparison.tally();
        (self.eyes == Eyes::Both).then_some((tally.pictures, tally.differing))
    }
}

impl Journey {
    /// A game was boarded: gives its profile as far as it matters to these eyes.
    pub(super) async fn board_eyes(&mut self, profile: Option<Profile>) -> Result<Option<Profile>, Interruption> {
        if self.looking.eyes == Eyes::Ram {
            return Ok(profile);
        }
        let fatal = |message: String| Interruption::Fatal { status: exit::CONFIG, message };
        let words = profile.as_ref().and_then(|profile| profile.words.clone());
        let (Some(profile), Some(words)) = (profile, words) else {
            return Err(fatal(format!(
                "game.eyes is \"{}\", and nothing is known of what this game writes on its picture; play it from memory with \
                 --eyes ram",
                self.looking.name()
            )));
        };
        answered(self.crew.eyes.ask(Open, self.request_deadline()).await)?.map_err(fatal)?;
        if self.looking.eyes == Eyes::Both {
            return Ok(Some(profile));
        }
        if self.looking.memory.is_none() {
            self.looking.memory = Some(MapMemory::new(Arc::new(words), profile.fields.clone()));
        }
        Ok(Some(profile.without_memory()))
    }

    /// The next key of a look into the bag, where one is wanted.
    pub(super) fn look_into_bag(&mut self, before: &Seen) -> Option<Move> {
        // Who presses keys at random has no use for it.
        if self.brain.name() == "random" {
            return None;
        }
        let Looking { memory, glance, .. } = &mut self.looking;
        glance.plan(memory.as_ref()?, &before.observation)
    }

    /// Looks at a picture that is known to be at rest.
    pub(super) async fn see_still(&mut self, captured: Captured) -> Result<Option<Seen>, Interruption> {
        let Sighted { reading, read_us } = self.read(&captured).await?;
        self.understand(captured, &reading, true, read_us)
    }

    /// Lets frames pass until the picture is at rest, and looks at it.
    pub(super) async fn see_rest(
        &mut self,
        applied: &mut Receipt,
        mut passed: u32,
        frames_max: u32,
    ) -> Result<Option<Seen>, Interruption> {
        let rows = self.looking.memory.as_ref().map(MapMemory::message_rows).unwrap_or_default();
        let mut earlier: Option<Earlier> = None;
        let mut read_us = 0;
        loop {
            let captured = self.capture(applied.last_frame).await?;
            let is_last = passed >= frames_max;
            let changed = earlier.as_ref().map(|earlier| change(&earlier.picture, &captured.snapshot));
            let same = earlier.as_ref().filter(|_| changed.is_some_and(|changed| changed.is_none));
            let reading = match same.and_then(|earlier| earlier.reading.clone()) {
                Some(reading) => Some(reading),
                None if changed.is_some_and(|changed| changed.is_scroll) && !is_last => None,
                None => {
                    let Sighted { reading, read_us: took_us } = self.read(&captured).await?;
                    read_us += took_us;
                    Some(reading)
                }
            };
            if let Some(reading) = &reading {
                let before = earlier.as_ref().and_then(|earlier| earlier.reading.as_ref());
                let rests =
                    |before| is_at_rest(before, reading, rows) || passed >= CALM_FRAMES && is_calm(before, reading);
                let agrees = before.is_some_and(rests);
                let is_rest = agrees && passed >= self.looking.busy_frames;
                if is_rest || is_last {
                    return self.understand(captured, reading, is_rest, read_us);
                }
                if let Some(memory) = &mut self.looking.memory {
                    memory.glimpse(reading);
                }
            }
            earlier = Some(Earlier { picture: captured.snapshot, reading });
            let more = LOOK_FRAMES.min(frames_max.saturating_sub(passed)).max(1);
            let next = self.pass_frames(Vec::new(), more, None).await?;
            applied.last_frame = next.last_frame;
            applied.run_us += next.run_us;
            passed += more;
        }
    }

    /// Looks at a game that is taken as it stands.
    pub(super) async fn see_first(&mut self, found: &Found) -> Result<Option<Seen>, Interruption> {
        match found {
            Found::Restored => {
                let captured = self.capture(0).await?;
                self.see_still(captured).await
            }
            Found::Living => {
                self.looking.press(&[]);
                let mut applied = self.pass_frames(vec![0], FIRST_FRAMES, None).await?;
                self.see_rest(&mut applied, FIRST_FRAMES, SETTLE_FRAMES_MAX).await
            }
        }
    }

    async fn read(&self, captured: &Captured) -> Result<Sighted, Interruption> {
        let read = self.crew.eyes.ask(Read(captured.snapshot.clone()), self.request_deadline()).await;
        answered(read)?.map_err(|message| Interruption::Fatal { status: exit::DATA, message })
    }

    fn understand(
        &mut self,
        captured: Captured,
        reading: &Reading,
        is_rest: bool,
        read_us: u64,
    ) -> Result<Option<Seen>, Interruption> {
        let Some(memory) = &mut self.looking.memory else { return Ok(None) };
        memory.look(captured.basis.frame, reading, is_rest);
        let mut observation = Observation::default();
        memory.observation(&mut observation);
        let confidence = Some(memory.confidence());
        let observation = self.lay_known(Arc::new(observation))?;
        Ok(Some(Seen { captured, observation, decode_us: read_us, confidence }))
    }

    /// Memory was understood: the picture of the same frame is read beside the game, and compared when that is done. Where
    /// the game is faster than the reader, pictures are passed over.
    pub(super) fn compare(&mut self, captured: &Captured, decoded: &Decoded) -> Result<(), Interruption> {
        if self.looking.eyes != Eyes::Both {
            return Ok(());
        }
        if let Some((seen, reading)) = &mut self.looking.compared {
            let seen = seen.clone();
            match reading.try_recv() {
                Ok(reading) => {
                    self.looking.compared = None;
                    self.weigh(&seen, reading)?;
                }
                Err(oneshot::error::TryRecvError::Empty) => {
                    self.looking.comparison.skip();
                    return Ok(());
                }
                Err(oneshot::error::TryRecvError::Closed) => self.looking.compared = None,
            }
        }
        if matches!(decoded.observation.screen, Screen::Motion | Screen::Printing | Screen::Transition) {
            return Ok(());
        }
        let (sender, receiver) = oneshot::channel();
        let (port, picture, deadline) = (self.crew.eyes.clone(), captured.snapshot.clone(), self.request_deadline());
        actix::spawn(async move {
            let read = port.ask(Read(picture), deadline).await.answer();
            // A game that ended asks no more.
            let _ = sender.send(read.and_then(Result::ok).map(|sighted| sighted.reading));
        });
        self.looking.compared = Some((decoded.observation.clone(), receiver));
        Ok(())
    }

    /// Waits for the last picture that is being read, and writes down what was compared.
    pub(super) async fn end_comparison(&mut self) -> Result<(), Interruption> {
        if self.looking.eyes != Eyes::Both {
            return Ok(());
        }
        if let Some((seen, reading)) = self.looking.compared.take() {
            let reading = tokio::time::timeout(self.request_deadline(), reading).await;
            self.weigh(&seen, reading.ok().and_then(Result::ok).flatten())?;
        }
        let tally = self.looking.comparison.tally();
        self.write(
            self.context(),
            Event::EyesCompared {
                pictures: tally.pictures,
                skipped: tally.skipped,
                values: tally.values,
                differing: tally.differing,
                alarms: tally.alarms,
            },
        )
    }

    fn weigh(&mut self, seen: &Observation, reading: Option<Reading>) -> Result<(), Interruption> {
        let Some(reading) = reading else { return Ok(()) };
        for verdict in self.looking.comparison.weigh(&compare(seen, &reading)) {
            let event = match &verdict {
                Verdict::Alarm(finding) => {
                    let detail = alarm_text(finding);
                    self.report.note(detail.clone());
                    Event::AlertRaised { alert: ALERT.into(), detail }
                }
                Verdict::Clear(matter) => {
                    let detail = format!("{}: memory and picture agree again", matter.name());
                    self.report.note(detail.clone());
                    Event::AlertCleared { alert: ALERT.into(), detail }
                }
            };
            self.write(self.context(), event)?;
        }
        Ok(())
    }
}
