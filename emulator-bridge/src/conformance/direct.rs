//! Checks on a backend itself.
use super::{Failed, Finding, Fixture, echo_of, expect};
use crate::backend::{Awaited, BackendError, EmulatorBackend, packed_rows};
use std::time::{Duration, Instant};

/// The longest wait for a live emulator's next frame.
const FRAME_WAIT_MAX: Duration = Duration::from_secs(20);
/// How long keys are held in a live emulator to see whether its game sees them.
const LIVE_KEYS_FRAMES: u32 = 20;

/// Makes all checks that this backend's capabilities and this fixture allow; returns their names.
pub fn check_backend(backend: &mut dyn EmulatorBackend, fixture: &Fixture) -> Result<Vec<&'static str>, Failed> {
    let can = backend.introduction().capabilities;
    let checks: [(&'static str, bool, Check); 12] = [
        ("a black picture of the promised size comes before the first frame", can.picture, picture_before_frames),
        ("each call lets one frame pass", can.frame_step && fixture.frame_counter.is_some(), one_frame_a_call),
        (
            "keys are seen in the frame they are held in",
            can.frame_step && fixture.key_echo.is_some(),
            keys_in_the_same_frame,
        ),
        (
            "keys are seen while they are held, and released",
            !can.frame_step && fixture.key_echo.is_some(),
            keys_while_held,
        ),
        ("a snapshot holds what reading finds", can.snapshot && can.read, snapshot_equals_read),
        ("what is written is read", can.read && can.write, written_is_read),
        ("memory that is not there is refused", can.read, unmapped_is_refused),
        ("writing past an end changes nothing", can.read && can.write, short_write_changes_nothing),
        ("a restored state replays to the same bits", can.save_state && can.frame_step, replay_is_identical),
        ("save memory is restored with the state", can.save_state && fixture.save_byte.is_some(), save_memory_restored),
        ("a foreign or damaged state changes nothing", can.save_state && can.frame_step, bad_states_change_nothing),
        ("a reset starts the game anew", can.reset && fixture.frame_counter.is_some(), reset_starts_anew),
    ];
    let mut made = Vec::new();
    for (check, applies, run) in checks {
        if applies {
            run(backend, fixture).map_err(|seen| Failed { check, seen })?;
            made.push(check);
        }
    }
    Ok(made)
}

type Check = fn(&mut dyn EmulatorBackend, &Fixture) -> Finding;

/// Everything that a frame leaves to be seen.
#[derive(PartialEq, Eq)]
struct Seen {
    pixels: Vec<u8>,
    memory: Vec<Vec<u8>>,
}

fn text(error: BackendError) -> String {
    error.to_string()
}

/// Lets at least this many frames pass with these keys held.
fn run(backend: &mut dyn EmulatorBackend, frames: u32, keys: u16) -> Finding {
    if backend.introduction().capabilities.frame_step {
        return (0..frames).try_for_each(|_| backend.run_frame(keys)).map_err(text);
    }
    backend.hold(&vec![keys; frames as usize]).map_err(text)?;
    while backend.holding().left > 0 {
        await_frames(backend)?;
    }
    Ok(())
}

/// Waits for a live emulator's next frame; returns how many passed.
fn await_frames(backend: &mut dyn EmulatorBackend) -> Result<u32, String> {
    let begin = Instant::now();
    loop {
        match backend.await_frame(Duration::from_millis(100)).map_err(text)? {
            Awaited::Frames(frames) => return Ok(frames),
            Awaited::Changed(what) => return Err(what),
            Awaited::Silence(why) if begin.elapsed() > FRAME_WAIT_MAX => return Err(why),
            Awaited::Silence(_) => {}
        }
    }
}

/// A game that runs: begun anew where frames are stepped, and as it is where somebody else may be playing it.
fn start(backend: &mut dyn EmulatorBackend, fixture: &Fixture) -> Finding {
    let can = backend.introduction().capabilities;
    if can.reset && can.frame_step {
        backend.reset().map_err(text)?;
    }
    run(backend, fixture.frames_to_start, 0)
}

fn word(backend: &dyn EmulatorBackend, address: Option<u32>) -> Result<u32, String> {
    let mut bytes = [0; 4];
    backend.read(address.ok_or("the fixture has no such address")?, &mut bytes).map_err(text)?;
    Ok(u32::from_le_bytes(bytes))
}

fn seen(backend: &dyn EmulatorBackend) -> Seen {
    let regions = 0..backend.introduction().regions.len();
    Seen {
        pixels: packed_rows(&backend.picture()),
        memory: regions.map(|index| backend.region_bytes(index).to_vec()).collect(),
    }
}

fn picture_before_frames(backend: &mut dyn EmulatorBackend, _: &Fixture) -> Finding {
    let introduction = backend.introduction();
    let picture = backend.picture();
    let sizes = ((picture.width, picture.height), (introduction.width, introduction.height));
    expect(sizes.0 == sizes.1, || format!("{sizes:?}"))?;
    let bytes = packed_rows(&picture).len();
    let wanted = picture.width as usize * picture.height as usize * picture.format.bytes();
    expect(bytes == wanted, || format!("{bytes} bytes where {wanted} were due"))
}

fn one_frame_a_call(backend: &mut dyn EmulatorBackend, fixture: &Fixture) -> Finding {
    start(backend, fixture)?;
    let first = word(backend, fixture.frame_counter)?;
    for frame in 1..=20 {
        backend.run_frame(0).map_err(text)?;
        let counted = word(backend, fixture.frame_counter)?;
        expect(counted == first + frame, || format!("{frame} passed, {counted} counted from {first}"))?;
    }
    Ok(())
}

fn keys_in_the_same_frame(backend: &mut dyn EmulatorBackend, fixture: &Fixture) -> Finding {
    start(backend, fixture)?;
    for keys in (0..10).map(|bit| 1 << bit).chain([0, 0x3FF, 0x155, 0]) {
        backend.run_frame(keys).map_err(text)?;
        let echo = word(backend, fixture.key_echo)? as u16;
        expect(echo == echo_of(keys), || format!("keys {keys:#05x} are seen as register {echo:#05x}"))?;
    }
    Ok(())
}

fn keys_while_held(backend: &mut dyn EmulatorBackend, fixture: &Fixture) -> Finding {
    start(backend, fixture)?;
    for keys in (0..10).map(|bit| 1 << bit).chain([0x3FF, 0x155]) {
        backend.hold(&vec![keys; LIVE_KEYS_FRAMES as usize]).map_err(text)?;
        let (mut seen, mut is_seen) = (0, false);
        while backend.holding().left > 0 {
            await_frames(backend)?;
            seen = word(backend, fixture.key_echo)? as u16;
            is_seen |= seen == echo_of(keys);
        }
        expect(is_seen, || format!("keys {keys:#05x} were held, and last seen was register {seen:#05x}"))?;
        run(backend, LIVE_KEYS_FRAMES, 0)?;
        let released = word(backend, fixture.key_echo)? as u16;
        expect(released == echo_of(0), || {
            format!("keys {keys:#05x} were released, and register {released:#05x} is seen")
        })?;
    }
    Ok(())
}

fn snapshot_equals_read(backend: &mut dyn EmulatorBackend, fixture: &Fixture) -> Finding {
    start(backend, fixture)?;
    for (index, region) in backend.introduction().regions.iter().enumerate() {
        let mut bytes = vec![0; region.length as usize];
        backend.read(region.address, &mut bytes).map_err(text)?;
        expect(bytes == backend.region_bytes(index), || format!("they differ in {region:x?}"))?;
    }
    Ok(())
}

fn written_is_read(backend: &mut dyn EmulatorBackend, fixture: &Fixture) -> Finding {
    start(backend, fixture)?;
    let mut before = [0; 16];
    backend.read(fixture.scratch, &mut before).map_err(text)?;
    let changed = before.map(|byte| !byte);
    backend.write(fixture.scratch, &changed).map_err(text)?;
    let mut after = [0; 16];
    backend.read(fixture.scratch, &mut after).map_err(text)?;
    backend.write(fixture.scratch, &before).map_err(text)?;
    expect(after == changed, || format!("wrote {changed:x?} and read {after:x?}"))
}

fn unmapped_is_refused(backend: &mut dyn EmulatorBackend, fixture: &Fixture) -> Finding {
    for (address, length) in [(fixture.unmapped, 1), (u32::MAX, 4)] {
        let read = backend.read(address, &mut vec![0; length]);
        let refused = matches!(read, Err(BackendError::Unmapped { .. }));
        expect(refused, || format!("{length} bytes at {address:#x}: {read:?}"))?;
        let written = backend.write(address, &vec![0; length]);
        expect(written.is_err(), || format!("{length} bytes were written at {address:#x}"))?;
    }
    Ok(())
}

fn short_write_changes_nothing(backend: &mut dyn EmulatorBackend, fixture: &Fixture) -> Finding {
    start(backend, fixture)?;
    let Some(region) = backend.introduction().regions.first().copied() else { return Ok(()) };
    let last = region.address + region.length - 1;
    let mut before = [0];
    backend.read(last, &mut before).map_err(text)?;
    let written = backend.write(last, &[!before[0]; 2]);
    let mut after = [0];
    backend.read(last, &mut after).map_err(text)?;
    expect(written.is_err() && after == before, || format!("{written:?}, {before:x?} became {after:x?}"))
}

fn replay_is_identical(backend: &mut dyn EmulatorBackend, fixture: &Fixture) -> Finding {
    start(backend, fixture)?;
    let keys = |frame: u16| [0, 0x010, 0x001, 0x080][usize::from(frame / 5 % 4)];
    let state = backend.save_state().map_err(text)?;
    let mut replays = Vec::new();
    for _ in 0..3 {
        backend.load_state(&state).map_err(text)?;
        for frame in 0..120 {
            backend.run_frame(keys(frame)).map_err(text)?;
        }
        replays.push((seen(backend), backend.save_state().map_err(text)?));
    }
    expect(replays[0].0 == replays[1].0, || "picture or memory differ".to_string())?;
    expect(replays[1].1 == replays[2].1, || "states after the replays differ".to_string())
}

fn save_memory_restored(backend: &mut dyn EmulatorBackend, fixture: &Fixture) -> Finding {
    start(backend, fixture)?;
    let save_byte = |backend: &dyn EmulatorBackend| -> Result<u8, String> {
        let mut byte = [0];
        backend.read(fixture.save_byte.ok_or("the fixture has no such address")?, &mut byte).map_err(text)?;
        Ok(byte[0])
    };
    let before = save_byte(backend)?;
    let state = backend.save_state().map_err(text)?;
    let mut frames = 0;
    while save_byte(backend)? == before && frames < 60 {
        run(backend, 1, 0x001)?;
        frames += 1;
    }
    expect(save_byte(backend)? != before, || "the game wrote no save memory in 60 frames".to_string())?;
    backend.load_state(&state).map_err(text)?;
    let after = save_byte(backend)?;
    expect(after == before, || format!("{before:#x} was saved and {after:#x} restored"))
}

fn bad_states_change_nothing(backend: &mut dyn EmulatorBackend, fixture: &Fixture) -> Finding {
    start(backend, fixture)?;
    let state = backend.save_state().map_err(text)?;
    run(backend, 7, 0x010)?;
    let (before, state_before) = (seen(backend), backend.save_state().map_err(text)?);
    let mut damaged = state.clone();
    damaged[state.len() / 2] ^= 1;
    let half = &state[..state.len() / 2];
    for bad in [&b""[..], b"not a state", half, &state[..state.len() - 1], &damaged, &vec![0; state.len()]] {
        let loaded = backend.load_state(bad);
        let refused = matches!(loaded, Err(BackendError::BadState(_)));
        expect(refused, || format!("{} bytes that are no state: {loaded:?}", bad.len()))?;
    }
    expect(seen(backend) == before, || "picture or memory changed".to_string())?;
    expect(backend.save_state().map_err(text)? == state_before, || "the machine's state changed".to_string())
}

fn reset_starts_anew(backend: &mut dyn EmulatorBackend, fixture: &Fixture) -> Finding {
    start(backend, fixture)?;
    let fresh = word(backend, fixture.frame_counter)?;
    run(backend, 50, 0)?;
    let later = word(backend, fixture.frame_counter)?;
    if !backend.introduction().capabilities.frame_step {
        backend.reset().map_err(text)?;
        run(backend, fixture.frames_to_start, 0)?;
        let again = word(backend, fixture.frame_counter)?;
        return expect(again < later, || format!("{later} frames were counted before the reset, {again} after it"));
    }
    start(backend, fixture)?;
    let again = word(backend, fixture.frame_counter)?;
    expect(again == fresh, || format!("{fresh} frames were counted after the first start, {again} after the second"))
}
