//! The paths that every step goes, one by one, so that the instructions of each can be counted: a time says little on a busy
//! machine, a count of instructions says the same on every day.
//!
//! callgrind writes down its counts at two marks around each path; what prepares a path and warms it up is outside of them. The
//! paths are here, and not beside the command that counts, because generic code is compiled as the crate is that uses it. They
//! move little memory: how many instructions a large copy takes is the C library's choice.

use crate::decode::Decoder;
use crate::decode::largest_floor::full_snapshot;
use crate::profile::Profiles;
use reader::{Canvas, Reader};
use std::hint::black_box;
use std::io;
use std::path::Path;
use wire::codec;
use wire::control::TelemetryTarget;
use wire::emulator::{ClientMessage, PixelFormat, Request};
use wire::event::{Event, Latency, State, StepCompleted};
use wire::hash::Hash;
use wire::log::{Context, LOG_FILE, Log};
use wire::memory::Region;
use wire::observation::Observation;
use wire::random::SplitMix64;
use wire::ring::{Picture, RingReader, RingWriter, Shape, Snapshot};
use wire::skill::{Bearings, Candidate, Sight, ToSkills, Turn};

/// What callgrind is told to write down its counts before: the functions on both sides of a path.
pub const MARKS: [&str; 2] = ["*callgrind_mark_begin*", "*callgrind_mark_end*"];
/// Times that a path is gone before it is counted.
const WARM_UP: u32 = 3;
/// The ring's picture, width and height, and the memory beside it.
const PICTURE_SIDE: u32 = 32;
const MEMORY: Region = Region { address: 0x0200_0000, length: 1_024 };

/// One path, ready to be gone again and again.
pub type Operation = Box<dyn FnMut()>;

/// A path that every step goes.
#[derive(Clone, Copy, Debug)]
pub struct HotPath {
    /// Its name.
    pub name: &'static str,
    /// How often it is gone while instructions are counted.
    pub rounds: u32,
    /// Prepares it; its files are in this folder.
    pub prepare: fn(&Path) -> io::Result<Operation>,
}

impl HotPath {
    /// Goes it between the marks.
    ///
    /// # Errors
    /// When it cannot be prepared.
    pub fn count(&self, folder: &Path) -> io::Result<()> {
        let mut operation = (self.prepare)(folder)?;
        (0..WARM_UP).for_each(|_| operation());
        callgrind_mark_begin();
        (0..self.rounds).for_each(|_| operation());
        callgrind_mark_end();
        Ok(())
    }
}

/// The paths of this crate and of those below it.
pub const HOT_PATHS: [HotPath; 8] = [
    HotPath { name: "encode_turn", rounds: 50, prepare: encode_turn },
    HotPath { name: "decode_turn", rounds: 50, prepare: decode_turn },
    HotPath { name: "request_there_and_back", rounds: 500, prepare: request },
    HotPath { name: "write_ring", rounds: 500, prepare: write_ring },
    HotPath { name: "read_ring", rounds: 500, prepare: read_ring },
    HotPath { name: "write_step_event", rounds: 200, prepare: write_event },
    HotPath { name: "decode_observation", rounds: 50, prepare: decode_observation },
    HotPath { name: "read_picture", rounds: 2, prepare: read_picture },
];

/// A step's line as it often is.
pub fn step_event() -> Event {
    Event::StepCompleted(Box::new(StepCompleted {
        epoch: 1,
        frame_hash: Hash(0x6262_384b_f997_0303),
        ram_hash: Hash(0x2d06_8005_38d3_94c2),
        brain: "planner".to_string(),
        eyes: "ram".to_string(),
        skill: "take-stairs".to_string(),
        skill_version: Some("1.0.0".to_string()),
        action: "step N".to_string(),
        keys: "UP×2 -×1".to_string(),
        held_from: 26_362,
        keys_seen: Some(true),
        reason: "nothing more to do on this floor".to_string(),
        effect: "moved".to_string(),
        latency: Latency { capture_us: 62, decode_us: 65, overhead_us: 2_009, total_us: 45_708, ..Latency::default() },
        state: State { dungeon: 1, floor: 2, x: 19, y: 18, hp: 70, max_hp: 70, belly: 19, turns: 1_373 },
        ..StepCompleted::default()
    }))
}

// Their bodies keep the marks apart: functions that do nothing, or the same, would be left out or become one.
#[inline(never)]
fn callgrind_mark_begin() {
    black_box(1);
}

#[inline(never)]
fn callgrind_mark_end() {
    black_box(2);
}

/// Ends what a path made, where the compiler cannot see that nobody wants it.
fn hold<T>(made: T) {
    drop(black_box(made));
}

fn encode_turn(_: &Path) -> io::Result<Operation> {
    let turn = turn()?;
    Ok(Box::new(move || hold(codec::encode(black_box(&turn)))))
}

fn decode_turn(_: &Path) -> io::Result<Operation> {
    let bytes = codec::encode(&turn()?).map_err(io::Error::other)?;
    Ok(Box::new(move || hold(codec::decode::<ToSkills>(black_box(&bytes)))))
}

fn request(_: &Path) -> io::Result<Operation> {
    let body = Request::Input { at_frame: Some(26_362), frames: vec![0x03BF; 20], echo: None };
    let message = ClientMessage { id: 7, instance: 1, epoch: 3, body };
    Ok(Box::new(move || {
        let bytes = codec::encode(black_box(&message)).unwrap_or_default();
        hold(codec::decode::<ClientMessage>(&bytes));
    }))
}

fn write_ring(_: &Path) -> io::Result<Operation> {
    let mut writer = ring()?;
    let (pixels, memory) = contents();
    let mut frame = 0;
    Ok(Box::new(move || {
        frame += 1;
        hold(publish(&mut writer, frame, &pixels, &memory));
    }))
}

/// The frame is the same one: all that a reader does is done again, because it asks for what is newer than nothing.
fn read_ring(_: &Path) -> io::Result<Operation> {
    let mut writer = ring()?;
    let (pixels, memory) = contents();
    publish(&mut writer, 1, &pixels, &memory);
    let descriptor = writer.descriptor().map_err(io::Error::other)?;
    let reader = RingReader::open(descriptor).map_err(io::Error::other)?;
    let mut target = Snapshot::default();
    Ok(Box::new(move || {
        hold(reader.read_newer(0, &mut target));
    }))
}

fn write_event(folder: &Path) -> io::Result<Operation> {
    let log = Log::open(&TelemetryTarget::File(folder.join(LOG_FILE)), "agent")?;
    let context = Context { instance: Some(0), step: Some(1_000), frame: Some(20_000), dur_us: Some(45_708) };
    Ok(Box::new(move || hold(log.write("pilot", context, step_event()))))
}

fn decode_observation(_: &Path) -> io::Result<Operation> {
    let (mut decoder, snapshot) = (decoder()?, full_snapshot());
    let mut observation = Observation::default();
    Ok(Box::new(move || hold(decoder.decode(black_box(&snapshot), &mut observation))))
}

/// Blocks of one colour each: how long a layer takes is the same whatever it sees.
fn read_picture(_: &Path) -> io::Result<Operation> {
    const BLOCK: usize = 8;
    let (width, height) = (240_usize, 160_usize);
    let mut random = SplitMix64(7);
    let colours: Vec<u16> =
        (0..width / BLOCK * height / BLOCK).map(|_| random.below(usize::from(u16::MAX)) as u16).collect();
    let colour = |at: usize| colours[at / width / BLOCK * (width / BLOCK) + at % width / BLOCK];
    let pixels: Vec<u8> = (0..width * height).flat_map(|at| colour(at).to_le_bytes()).collect();
    let (width, height) = (width as u32, height as u32);
    let picture = reader::Picture { width, height, format: PixelFormat::Rgb565, pixels: &pixels };
    let canvas = Canvas::of(&picture).map_err(io::Error::other)?;
    let reader = Reader::burrow().map_err(io::Error::other)?;
    Ok(Box::new(move || hold(reader.read_canvases(&[black_box(&canvas)]))))
}

fn ring() -> io::Result<RingWriter> {
    let pixel_bytes_max = (PICTURE_SIDE * PICTURE_SIDE) as usize * PixelFormat::Rgb565.bytes();
    RingWriter::create(Shape { epoch: 1, pixel_bytes_max, regions: vec![MEMORY] }).map_err(io::Error::other)
}

fn contents() -> (Vec<u8>, Vec<u8>) {
    let pixel_bytes = (PICTURE_SIDE * PICTURE_SIDE) as usize * PixelFormat::Rgb565.bytes();
    (vec![0x5A; pixel_bytes], vec![0xA5; MEMORY.length as usize])
}

fn publish(writer: &mut RingWriter, frame: u64, pixels: &[u8], memory: &[u8]) -> wire::ring::Stamp {
    let format = PixelFormat::Rgb565;
    let pitch = PICTURE_SIDE as usize * format.bytes();
    writer.publish(frame, &Picture { pixels, pitch, width: PICTURE_SIDE, height: PICTURE_SIDE, format }, &[memory])
}

fn decoder() -> io::Result<Decoder> {
    let profiles = Profiles::built_in();
    let profile = profiles.named("burrow").ok_or_else(|| io::Error::other("the bundled game has no profile"))?;
    Ok(Decoder::new(profile, true))
}

/// A turn in which the skills are told the whole of the largest floor.
fn turn() -> io::Result<ToSkills> {
    let mut seen = Observation::default();
    decoder()?.decode(&full_snapshot(), &mut seen).map_err(io::Error::other)?;
    Ok(ToSkills::Turn(Box::new(Turn {
        id: 1,
        instance: 0,
        step: 1,
        sight: Sight::between(None, &seen),
        bearings: Bearings::default(),
        effect: "moved".to_string(),
        is_done: false,
        chance: 1,
        candidates: vec![Candidate { skill: "explore".to_string(), revision: None, arguments: Vec::new() }],
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_can_be_gone() {
        let folder = std::env::temp_dir().join(format!("pocketpilot-hot-paths-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder is made");
        for path in HOT_PATHS {
            HotPath { rounds: 1, ..path }.count(&folder).unwrap_or_else(|error| panic!("{}: {error}", path.name));
        }
        let written = std::fs::read(folder.join(LOG_FILE)).expect("events are written");
        std::fs::remove_dir_all(&folder).expect("the folder is removed");
        assert_eq!(written.iter().filter(|byte| **byte == b'\n').count(), WARM_UP as usize + 1);
    }
}
