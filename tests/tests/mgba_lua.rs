//! A real mGBA window in which this project's script runs: frames, memory, keys and faults, through the backend itself.

use emulator_bridge::conformance::{Fixture, TEST_ROM, check_backend, test_rom};
use emulator_bridge::{Awaited, EmulatorBackend, open_mgba_lua};
use std::time::{Duration, Instant};
use tests::live::LiveWindow;
use tests::proxy::{Fault, Proxy};
use tests::{Scratch, WATCHDOG, is_soak};
use wire::buttons::Mask;

/// Frames that each key was seen held, ten words, as the game counts them.
const KEYS_HELD: u32 = 0x0203_C010;
/// Frames since power-on, as the game counts them; it draws the same number into the picture.
const FRAME_COUNTER: u32 = 0x0203_B0B8;
/// Where the counter is drawn: its bits from this column on, the highest first.
const COUNTER_COLUMN: usize = 208;
const SLICE: Duration = Duration::from_millis(100);

/// Waits for the next frame; a change that nothing in the test made fails it.
fn next_frame(backend: &mut dyn EmulatorBackend) -> u32 {
    let started = Instant::now();
    loop {
        match backend.await_frame(SLICE).expect("the window can be watched") {
            Awaited::Frames(frames) => return frames,
            Awaited::Silence(why) => assert!(started.elapsed() < WATCHDOG, "no frame: {why}"),
            Awaited::Changed(what) => panic!("nobody did that: {what}"),
        }
    }
}

/// Waits until something changed.
fn change(backend: &mut dyn EmulatorBackend) -> (String, u32) {
    let (started, mut passed) = (Instant::now(), 0);
    loop {
        match backend.await_frame(SLICE) {
            Ok(Awaited::Frames(frames)) => passed += frames,
            Ok(Awaited::Changed(what)) => return (what, passed),
            Ok(Awaited::Silence(_)) | Err(_) => {}
        }
        assert!(started.elapsed() < WATCHDOG, "no change was noticed in {passed} frames");
    }
}

fn word(backend: &dyn EmulatorBackend, address: u32) -> u32 {
    let mut bytes = [0; 4];
    backend.read(address, &mut bytes).expect("work memory can be read");
    u32::from_le_bytes(bytes)
}

fn frames_held(backend: &dyn EmulatorBackend) -> [u32; 10] {
    std::array::from_fn(|key| word(backend, KEYS_HELD + 4 * key as u32))
}

/// The frame counter as the picture shows it.
fn drawn_counter(backend: &dyn EmulatorBackend) -> u32 {
    let picture = backend.picture();
    (0..32).fold(0, |number, bit| {
        let at = (COUNTER_COLUMN + bit) * picture.format.bytes();
        let pixel = u16::from_le_bytes([picture.pixels[at], picture.pixels[at + 1]]);
        number << 1 | u32::from(pixel > 0x7FFF)
    })
}

/// The same game under another code, with the header's checksum made right.
fn renamed(rom: &[u8]) -> Vec<u8> {
    let mut rom = rom.to_vec();
    rom[0xAC..0xB0].copy_from_slice(b"BPPZ");
    let sum = rom[0xA0..0xBD].iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    rom[0xBD] = 0u8.wrapping_sub(sum).wrapping_sub(0x19);
    rom
}

fn open(live: &LiveWindow) -> Box<dyn EmulatorBackend> {
    open_mgba_lua(&live.address, "").expect("the script answers")
}

#[test]
fn a_live_window_conforms() {
    let scratch = Scratch::new();
    let cartridge = scratch.file("test.gba", test_rom());
    for (rom, fixture) in [(cartridge, TEST_ROM), (tests::burrow(), Fixture::ANY_GBA)] {
        let Some(live) = LiveWindow::open_rom(&rom, &[]) else { return };
        let mut backend = open(&live);
        let made =
            check_backend(backend.as_mut(), &fixture).unwrap_or_else(|failed| panic!("{}: {failed}", rom.display()));
        println!("{}: {} checks passed", rom.display(), made.len());
        assert!(made.len() >= 5, "only {made:?}");
    }
}

#[test]
fn picture_and_memory_are_of_the_same_frame() {
    let Some(live) = LiveWindow::open() else { return };
    let mut backend = open(&live);
    for _ in 0..5 {
        next_frame(backend.as_mut());
    }
    let count = if is_soak() { 10_000 } else { 600 };
    let (first, started, mut passed) = (word(backend.as_ref(), FRAME_COUNTER), Instant::now(), 0);
    for _ in 0..count {
        passed += next_frame(backend.as_mut());
        let counted = word(backend.as_ref(), FRAME_COUNTER);
        assert_eq!((counted, drawn_counter(backend.as_ref())), (first + passed, first + passed));
    }
    let rate = f64::from(passed) / started.elapsed().as_secs_f64();
    println!("{count} of {passed} frames came with picture and memory; the window made {rate:.2} a second");
}

#[test]
fn a_state_and_a_reset_that_were_asked_for_are_no_change_and_a_foreign_state_is_refused() {
    let Some(live) = LiveWindow::open() else { return };
    let mut backend = open(&live);
    for _ in 0..60 {
        next_frame(backend.as_mut());
    }
    let state = backend.save_state().expect("a window's state can be saved");
    let saved = word(backend.as_ref(), FRAME_COUNTER);
    for _ in 0..60 {
        next_frame(backend.as_mut());
    }
    for bad in [&b""[..], b"not a state", &state[..state.len() - 1]] {
        assert!(backend.load_state(bad).is_err());
    }
    backend.load_state(&state).expect("its own state is taken");
    next_frame(backend.as_mut());
    let counted = word(backend.as_ref(), FRAME_COUNTER);
    assert!((saved..saved + 30).contains(&counted), "{saved} was saved, {counted} is shown");
    backend.reset().expect("a window can be reset");
    for _ in 0..20 {
        next_frame(backend.as_mut());
    }
    assert!(word(backend.as_ref(), FRAME_COUNTER) < saved);
}

#[test]
fn keys_are_held_for_exactly_as_many_frames_as_asked() {
    let Some(mut live) = LiveWindow::open() else { return };
    let mut backend = open(&live);
    next_frame(backend.as_mut());
    let holds = if is_soak() { 1_000 } else { 300 };
    if !is_soak() {
        live.window.fast_forward(true);
    }
    let mut random = 0x2545_F491_u32;
    for hold in 0..holds {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (key, frames) = ((random >> 20) % 10, 1 + (random >> 8) % 12);
        let mut masks = vec![1 << key as Mask; frames as usize];
        masks.push(0);
        let before = frames_held(backend.as_ref());
        let ahead = backend.hold(&masks).expect("the keys are taken");
        assert!(ahead >= 1);
        while backend.holding().left > 0 {
            next_frame(backend.as_mut());
        }
        let mut expected = before;
        expected[key as usize] += frames;
        assert_eq!(frames_held(backend.as_ref()), expected, "hold {hold}: key {key} for {frames} frames");
    }
    println!("{holds} of {holds} holds were held for exactly their frames");
}

#[test]
fn a_reset_a_loaded_state_and_another_game_are_noticed() {
    let Some(mut live) = LiveWindow::open() else { return };
    let mut backend = open(&live);
    for _ in 0..90 {
        next_frame(backend.as_mut());
    }
    live.window.save_state(1);
    live.window.load_state(1);
    let (what, passed) = change(backend.as_mut());
    println!("a loaded state: {what}, seen with {passed} frames since it was asked for");
    live.window.reset();
    let (what, _) = change(backend.as_mut());
    assert!(what.contains("reset"), "{what}");
    let scratch = Scratch::new();
    let other = scratch.path().join("other.gba");
    std::fs::write(&other, renamed(&std::fs::read(tests::burrow()).expect("the ROM is here"))).expect("it is written");
    live.window.load_rom(&other);
    let (mut what, mut frames) = change(backend.as_mut());
    while !what.contains("another game") {
        (what, frames) = change(backend.as_mut());
    }
    assert!(frames <= 60, "{what} after {frames} frames");
    assert_eq!(backend.introduction().cartridge.code, "BPPZ");
}

#[test]
fn an_agent_comes_back_when_the_script_is_loaded_again_and_when_the_window_is_reopened() {
    let Some(mut live) = LiveWindow::open() else { return };
    let mut backend = open(&live);
    next_frame(backend.as_mut());
    for _ in 0..2 {
        live.load_script();
        let (what, _) = change(backend.as_mut());
        assert!(what.contains("found again"), "{what}");
        next_frame(backend.as_mut());
    }
    live.window.close();
    let silence = backend.await_frame(SLICE);
    assert!(
        !matches!(silence, Ok(Awaited::Frames(_))) || matches!(backend.await_frame(SLICE), Ok(Awaited::Silence(_)))
    );
    assert!(backend.hold(&[1]).is_err(), "keys for a closed window were taken");
    live.window.reopen(&tests::burrow());
    live.load_script();
    let (what, _) = change(backend.as_mut());
    assert!(what.contains("found again"), "{what}");
    next_frame(backend.as_mut());
}

#[test]
fn keys_given_to_a_paused_window_are_never_pressed_later() {
    let Some(mut live) = LiveWindow::open() else { return };
    let mut backend = open(&live);
    next_frame(backend.as_mut());
    let before = frames_held(backend.as_ref());
    live.window.pause();
    while let Ok(Awaited::Frames(_)) = backend.await_frame(SLICE) {}
    assert!(backend.hold(&[1; 30]).is_err(), "a paused window took keys");
    live.window.resume();
    let (what, _) = change(backend.as_mut());
    assert!(what.contains("found again"), "{what}");
    for _ in 0..60 {
        next_frame(backend.as_mut());
    }
    assert_eq!(frames_held(backend.as_ref()), before);
}

#[test]
fn a_second_agent_and_a_wrong_token_are_turned_away() {
    let Some(live) = LiveWindow::open_with(&[("POCKETPILOT_TOKEN", "sesame")]) else { return };
    let denied = |token: &str| match open_mgba_lua(&live.address, token) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it was let in"),
    };
    assert!(denied("wrong").contains("mgba_token"));
    let mut backend = open_mgba_lua(&live.address, "sesame").expect("the right token is let in");
    next_frame(backend.as_mut());
    assert!(denied("sesame").contains("another agent"));
    next_frame(backend.as_mut());
}

/// Reads two pieces of the ROM in turn, each a request of its own, under a fault each time. No answer may ever be taken
/// for another one's; the connection is made anew where it has to be.
fn answers_stay_matched(count: usize, fault: impl Fn(u32) -> Fault) {
    let Some(mut live) = LiveWindow::open() else { return };
    live.window.fast_forward(true);
    let proxy = Proxy::start(&live.address);
    let mut backend = open_mgba_lua(&proxy.address, "").expect("the script answers");
    let rom = std::fs::read(tests::burrow()).expect("the ROM is here");
    let (mut answered, mut refused, mut random) = (0, 0, 0x9E37_79B9_u32);
    for turn in 0..count {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (start, length) = (0xA0 + 0x40 * (turn % 7), 4 + (random >> 24) as usize % 60);
        proxy.inflict(fault(random >> 8));
        let mut bytes = vec![0; length];
        match backend.read(0x0800_0000 + start as u32, &mut bytes) {
            Ok(()) => {
                answered += 1;
                assert_eq!(bytes, rom[start..start + length], "turn {turn}: another one's answer was taken");
            }
            Err(_) => refused += 1,
        }
        // The fault may have hit a frame instead; whichever it was, frames come again.
        let started = Instant::now();
        while proxy.is_pending() || !matches!(backend.await_frame(SLICE), Ok(Awaited::Frames(_))) {
            assert!(started.elapsed() < WATCHDOG, "turn {turn}: no frame came any more");
            let _ = backend.await_frame(SLICE);
        }
    }
    println!("{count} faults: {answered} answered rightly, {refused} refused, 0 wrong");
}

fn faults(short: usize) -> usize {
    if is_soak() { 500 } else { short }
}

#[test]
fn a_late_answer_is_never_taken_for_another_one() {
    answers_stay_matched(faults(12), |random| Fault::Delay(Duration::from_millis(600 + u64::from(random % 300))));
}

#[test]
fn an_answer_in_pieces_of_one_byte_is_put_together() {
    answers_stay_matched(faults(100), |_| Fault::Split);
}

#[test]
fn a_connection_reset_in_the_middle_of_a_message_is_made_anew() {
    answers_stay_matched(faults(40), |random| Fault::ResetAfter(random as usize % 48));
}
