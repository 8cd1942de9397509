//! The emulator protocol: the messages of the WebSocket between an emulator bridge and whoever drives it.
//!
//! The same messages travel in two subprotocols, `pocketpilot.v1.bincode` (binary frames, [`crate::codec`]) and
//! `pocketpilot.v1.json` (text frames; bytes as base64). Every request carries an id and an epoch; exactly one reply
//! carries that id back, with the epoch and the number of the newest emulated frame. Requests are carried out in the
//! order of their arrival. Peers on the same machine take frames and memory from the shared ring; others subscribe.

use crate::buttons::Mask;
use crate::memory::{Condition, Place, Region};
use crate::{Epoch, Instance, blob};
use serde::{Deserialize, Serialize};

/// Subprotocol name of the binary form.
pub const SUBPROTOCOL_BINCODE: &str = "pocketpilot.v1.bincode";
/// Subprotocol name of the JSON form.
pub const SUBPROTOCOL_JSON: &str = "pocketpilot.v1.json";
/// The most frames that one [`Request::Input`] may schedule: ten minutes.
pub const INPUT_FRAMES_MAX: usize = 36_000;
/// The most frames that one [`Request::Step`] may run: ten minutes.
pub const STEP_FRAMES_MAX: u32 = 36_000;
/// The most bytes that one [`Request::Read`] may ask for.
pub const READ_BYTES_MAX: u32 = 1 << 20;

/// From a client to the bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientMessage {
    /// Chosen by the client; the reply carries it back.
    pub id: u64,
    /// Which game of the run the client means; a bridge serves one.
    pub instance: Instance,
    /// The emulator life the client means, from [`Welcome`]; 0 in `Hello`. Another epoch is refused.
    pub epoch: Epoch,
    /// What is asked.
    pub body: Request,
}

/// What a client may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// First message of a connection; answered by `Welcome`.
    Hello {
        /// [`crate::WIRE_VERSION`] of the client.
        version: u32,
    },
    /// Asks for frames over this connection. Replaces an earlier subscription.
    Subscribe {
        /// 0: only the last frame of each `Step` and the frame restored by `LoadState`, pushed before the reply;
        /// n: every n-th frame.
        every_n_frames: u32,
        /// Memory to send with each frame, snapshot of the same frame.
        regions: Vec<Region>,
    },
    /// Schedules keys, one mask a frame; frames beyond the schedule hold no key. Replaces what was scheduled from the
    /// first of these frames on.
    Input {
        /// The number of the first frame these keys are held in; `None`: the next one. A frame that has passed is
        /// refused.
        #[serde(default)]
        at_frame: Option<u64>,
        /// Keys held, frame by frame.
        frames: Vec<Mask>,
        /// Where the game shows which keys it read, as a mask in which 1 is pressed. The `Step` that follows looks there
        /// in each frame and says whether the keys arrived.
        #[serde(default)]
        echo: Option<Place>,
    },
    /// Names the memory that the client looks at. An emulator that cannot snapshot all of its memory in one frame
    /// reads only this; the others ignore it.
    Need {
        /// What is looked at.
        regions: Vec<Region>,
    },
    /// Runs up to `frames` frames and replies with `Stepped`. When the emulator runs by itself (see `Run`; a live window
    /// always does), waits for as many frames to pass; refused with `Silent` when none comes.
    Step {
        /// The most frames to run.
        frames: u32,
        /// Stop after the first frame at which this holds. Checked only once every scheduled key was applied.
        #[serde(default)]
        until: Option<Condition>,
    },
    /// Lets the emulator run by itself.
    Run {
        /// In thousandths of 59.7275 frames a second; 0 = as fast as it goes.
        speed_permille: u32,
    },
    /// Stops running by itself; frames pass only in `Step`.
    Pause,
    /// Paces the frames that pass in `Step`, in the unit of `Run`; 0 = as fast as they go (the default).
    Pace {
        /// In thousandths of 59.7275 frames a second.
        speed_permille: u32,
    },
    /// Reads memory.
    Read {
        /// What to read; the reply holds the bytes one after the other.
        regions: Vec<Region>,
    },
    /// Writes memory.
    Write {
        /// Bus address of the first byte.
        address: u32,
        /// The bytes.
        #[serde(with = "blob")]
        bytes: Vec<u8>,
    },
    /// Asks for the newest frame.
    Screenshot,
    /// Takes the whole state, save memory included.
    SaveState,
    /// Restores a state, and publishes the picture and the memory it was taken with. The frame number continues;
    /// scheduled keys are dropped.
    LoadState {
        /// What `SaveState` returned.
        #[serde(with = "blob")]
        state: Vec<u8>,
    },
    /// Resets the machine. Scheduled keys are dropped.
    Reset,
    /// Does nothing but pass through the emulator's own thread.
    Ping,
}

/// From the bridge to a client. In JSON: `{"reply": {…}}` or `{"push": {…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerMessage {
    /// The one answer to a request.
    Reply(Reply),
    /// A frame that was subscribed to.
    Push(FramePush),
}

/// The one answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The request's id.
    pub id: u64,
    /// The game.
    pub instance: Instance,
    /// The emulator's life.
    pub epoch: Epoch,
    /// Number of the newest emulated frame; 0 before the first.
    pub frame: u64,
    /// The answer.
    pub body: Answer,
}

/// What a bridge answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To `Hello`.
    Welcome(Welcome),
    /// To `Subscribe`, `Need`, `Run`, `Pause`, `Pace`, `Write`, `LoadState`, `Reset`, `Ping`.
    Done,
    /// To `Input`: the keys will be held from this frame on.
    Scheduled {
        /// Number of the first frame they are held in.
        first_frame: u64,
    },
    /// To `Step`.
    Stepped {
        /// Frames that passed.
        frames: u32,
        /// Whether the condition held at the last of them; `false` without a condition.
        held: bool,
        /// Whether the keys of the last `Input` were seen by the game; `None` where it named no echo or no key, or where
        /// frames went by unseen.
        keys_seen: Option<bool>,
        /// Time the emulator core itself took for them, in microseconds, waiting for the pace not included.
        core_us: u64,
        /// Time from the first frame's start to the last frame's end, pace included, in microseconds.
        run_us: u64,
    },
    /// To `Read`: the regions' bytes, one after the other.
    Memory {
        /// The bytes.
        #[serde(with = "blob")]
        bytes: Vec<u8>,
    },
    /// To `Screenshot`.
    Picture(FramePush),
    /// To `SaveState`.
    State {
        /// Opaque; for `LoadState` of the same backend, core and ROM.
        #[serde(with = "blob")]
        state: Vec<u8>,
        /// Time the emulator took for it, in microseconds.
        run_us: u64,
    },
    /// The request was not carried out; nothing was changed.
    Refused(Refusal),
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The request names another life of the emulator.
    StaleEpoch {
        /// The current one.
        current: Epoch,
    },
    /// The request names another game.
    WrongInstance {
        /// The one served here.
        current: Instance,
    },
    /// The backend cannot do this; see [`Capabilities`].
    Unsupported {
        /// What is missing.
        capability: String,
    },
    /// A mask names a key that does not exist.
    UnknownButton {
        /// The mask.
        mask: Mask,
    },
    /// `at_frame` has passed.
    FramePassed {
        /// The newest frame.
        newest: u64,
    },
    /// Memory that the machine does not have.
    Unmapped {
        /// Its address.
        address: u32,
    },
    /// A number is beyond its limit.
    TooLarge {
        /// What is too large.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// The message is not one, or not of this version.
    Malformed {
        /// What is wrong with it.
        message: String,
    },
    /// The save state does not fit.
    BadState {
        /// What is wrong with it.
        message: String,
    },
    /// The emulator has shown no frame for a while: it is paused, or gone. A bridge looks for it by itself; the same
    /// request succeeds once frames pass again.
    Silent {
        /// What is known of it, and what to do.
        why: String,
    },
    /// Something happened to the emulator that no request asked for: another game, a loaded state, a reset. Said once;
    /// whoever has a plan from before must drop it, and say `Hello` again to learn what runs now.
    Changed {
        /// What happened.
        what: String,
    },
    /// Too many requests wait, of this client or of all.
    Busy {
        /// The most that wait, of all clients together.
        limit: u32,
    },
}

/// The bridge introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// [`crate::WIRE_VERSION`] of the bridge.
    pub version: u32,
    /// Which backend this is: `libretro`, `mgba-lua`, `mgba-http`.
    pub backend: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// What runs in it.
    pub cartridge: Cartridge,
    /// The machine: `gba`, or the core's name for another console.
    pub system: String,
    /// The core's name and version.
    pub core: String,
    /// Picture size in pixels.
    pub width: u32,
    /// Picture size in pixels.
    pub height: u32,
    /// Frames a second of the real machine, in millionths (59,727,500 for a Game Boy Advance).
    pub frame_rate_micro: u64,
    /// The memory regions that each snapshot holds.
    pub regions: Vec<Region>,
}

/// What a backend can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Frames pass only when asked for.
    pub frame_step: bool,
    /// Runs faster than the real machine.
    pub unthrottled: bool,
    /// Save states.
    pub save_state: bool,
    /// Memory can be read.
    pub read: bool,
    /// Memory can be written.
    pub write: bool,
    /// Frames and memory snapshots of one and the same frame.
    pub snapshot: bool,
    /// Pictures.
    pub picture: bool,
    /// Reset.
    pub reset: bool,
}

/// What is known of the ROM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cartridge {
    /// Title from the header.
    pub title: String,
    /// Game code from the header, four characters.
    pub code: String,
    /// SHA-1 of the file, 40 hexadecimal digits, where the file is readable.
    pub sha1: Option<String>,
    /// Size in bytes, where known.
    pub bytes: Option<u64>,
}

/// How pixels are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PixelFormat {
    /// 16 bits, little-endian: red 5, green 6, blue 5 bits from the top.
    Rgb565,
    /// 32 bits, little-endian: 8 unused bits, red, green, blue from the top.
    Xrgb8888,
}

impl PixelFormat {
    /// Bytes a pixel.
    pub fn bytes(self) -> usize {
        match self {
            PixelFormat::Rgb565 => 2,
            PixelFormat::Xrgb8888 => 4,
        }
    }

    /// Red, green and blue of a pixel, each from 0 to 255.
    ///
    /// # Panics
    /// When it has fewer bytes than [`PixelFormat::bytes`].
    pub fn colour(self, pixel: &[u8]) -> [u8; 3] {
        match self {
            PixelFormat::Rgb565 => {
                let value = u16::from_le_bytes([pixel[0], pixel[1]]);
                let (red, green, blue) = ((value >> 11) as u8, (value >> 5 & 0x3F) as u8, (value & 0x1F) as u8);
                [red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2]
            }
            PixelFormat::Xrgb8888 => [pixel[2], pixel[1], pixel[0]],
        }
    }
}

/// One frame with the memory of the same frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FramePush {
    /// Number of the frame.
    pub frame: u64,
    /// Life of the emulator.
    pub epoch: Epoch,
    /// Picture size in pixels.
    pub width: u32,
    /// Picture size in pixels.
    pub height: u32,
    /// How the pixels are stored.
    pub format: PixelFormat,
    /// The rows, top first, without gaps.
    #[serde(with = "blob")]
    pub pixels: Vec<u8>,
    /// The regions subscribed to.
    pub regions: Vec<Region>,
    /// Their bytes, one after the other.
    #[serde(with = "blob")]
    pub memory: Vec<u8>,
}
