//! The `mgba-http` backend against windows that speak as mGBA-http's script does, in each of its versions.

use emulator_bridge::conformance::{TEST_ROM, check_backend, test_rom};
use emulator_bridge::{Awaited, BackendError, EmulatorBackend, open_mgba_http, open_mgba_http_within};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tests::http_peer::{Fault, HttpPeer, PeerOptions, Version};
use tests::{Program, Scratch, WATCHDOG, wait_for};
use wire::buttons::Mask;
use wire::memory::Region;

const PATIENCE: Duration = Duration::from_millis(50);
/// How long a window may take in the campaigns of faults, and how late a late answer is.
const ANSWER_MAX: Duration = Duration::from_millis(60);
const LATE: Duration = Duration::from_millis(90);
const CARTRIDGE: u32 = 0x0800_0000;

/// The test cartridge in a window.
fn peer(options: PeerOptions) -> Option<(HttpPeer, Scratch)> {
    let scratch = Scratch::new();
    let rom: PathBuf = scratch.file("test.gba", test_rom());
    Some((HttpPeer::start(&rom, options)?, scratch))
}

/// What is told next that is not silence.
fn next(backend: &mut dyn EmulatorBackend) -> Awaited {
    let begin = Instant::now();
    loop {
        match backend.await_frame(PATIENCE).expect("it can be waited for") {
            Awaited::Silence(why) => assert!(begin.elapsed() < WATCHDOG, "{why}"),
            other => return other,
        }
    }
}

fn wait_for_frames(backend: &mut dyn EmulatorBackend) {
    while !matches!(next(backend), Awaited::Frames(_)) {}
}

fn wait_for_change(backend: &mut dyn EmulatorBackend) -> String {
    loop {
        if let Awaited::Changed(what) = next(backend) {
            return what;
        }
    }
}

/// Somebody who listens and is no mGBA window: answers everything like this, until the test ends.
fn stranger(port: u16, answer: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let port = listener.local_addr().expect("it has an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream: TcpStream = stream;
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

/// A port with a free one behind it.
fn free_pair() -> u16 {
    wait_for("two free ports in a row", || {
        let first = TcpListener::bind("127.0.0.1:0").ok()?;
        let port = first.local_addr().ok()?.port();
        TcpListener::bind(("127.0.0.1", port.checked_add(1)?)).ok().map(|_| port)
    })
}

#[test]
fn a_window_with_any_version_of_the_script_conforms() {
    for version in Version::ALL {
        let Some((peer, _scratch)) = peer(PeerOptions { version, ..PeerOptions::default() }) else { return };
        let mut backend = open_mgba_http(&peer.address()).expect("the window is found");
        let introduction = backend.introduction();
        assert_eq!(introduction.cartridge.title, "BRIDGE TEST");
        assert_eq!(introduction.cartridge.code, "ZPPT");
        assert!(introduction.capabilities.picture && !introduction.capabilities.frame_step);
        let made = check_backend(backend.as_mut(), &TEST_ROM).unwrap_or_else(|failed| panic!("{version:?}: {failed}"));
        assert_eq!(made.len(), 6, "{version:?}: {made:#?}");
        drop(backend);
        assert!(!peer.has_died(), "{version:?}");
    }
}

#[test]
fn a_window_whose_files_cannot_be_read_is_read_as_text() {
    for version in [Version::V0_5, Version::V1_0] {
        let options = PeerOptions { version, writes_files: false, ..PeerOptions::default() };
        let Some((peer, _scratch)) = peer(options) else { return };
        let mut backend = open_mgba_http(&peer.address()).expect("the window is found");
        assert!(!backend.introduction().capabilities.picture);
        let made = check_backend(backend.as_mut(), &TEST_ROM).unwrap_or_else(|failed| panic!("{version:?}: {failed}"));
        assert!(made.contains(&"keys are seen while they are held, and released"), "{version:?}: {made:#?}");
        let needed = Region { address: 0x0200_1000, length: 0x3000 };
        backend.write(needed.address, &[1, 2, 3, 4]).expect("it is written");
        backend.need(&[needed]);
        backend.refresh().expect("it is read");
        assert_eq!(backend.region_bytes(0)[0x1000..0x1005], [1, 2, 3, 4, 0]);
    }
}

#[test]
fn what_is_refreshed_is_of_the_frame_in_which_it_was_read() {
    let Some((peer, _scratch)) = peer(PeerOptions::default()) else { return };
    let mut backend = open_mgba_http(&peer.address()).expect("the window is found");
    for _ in 0..50 {
        wait_for_frames(backend.as_mut());
        let mut read = [0; 12];
        backend.read(0x0200_0000, &mut read).expect("it is read");
        backend.refresh().expect("it is refreshed");
        assert_eq!(backend.region_bytes(0)[..12], read);
        let picture = backend.picture();
        assert!(picture.pixels.iter().any(|byte| *byte != 0), "the game draws");
    }
}

/// The runs of equal masks of the frames that pass until these keys were held and released.
fn runs(peer: &HttpPeer, backend: &mut dyn EmulatorBackend, keys: &[Mask]) -> Vec<(Mask, usize)> {
    let before = peer.held().len();
    assert!(backend.hold(keys).expect("it is taken") >= 1);
    while backend.holding().left > 0 {
        wait_for_frames(backend);
    }
    let last_pressed = keys.iter().rev().find(|mask| **mask != 0);
    let held = wait_for("the release", || {
        backend.await_frame(PATIENCE).expect("it can be waited for");
        let held = peer.held()[before..].to_vec();
        (last_pressed.is_none_or(|mask| held.contains(mask)) && held.last() == Some(&0)).then_some(held)
    });
    let held: Vec<_> = held.into_iter().skip_while(|mask| *mask == 0).collect();
    held.chunk_by(|one, other| one == other).map(|run| (run[0], run.len())).collect()
}

#[test]
fn short_presses_last_exactly_as_long_as_asked() {
    for version in [Version::V0_5, Version::V0_8, Version::V1_0] {
        let Some((peer, _scratch)) = peer(PeerOptions { version, ..PeerOptions::default() }) else { return };
        let mut backend = open_mgba_http(&peer.address()).expect("the window is found");
        for frames in [2, 1, 3, 1, 5, 12] {
            let keys = [vec![0x011; frames], vec![0; 2], vec![0x020; 1], vec![0; 1]].concat();
            let held = runs(&peer, backend.as_mut(), &keys);
            let [(0x011, first), (0, released), (0x020, 1), (0, _)] = held[..] else {
                panic!("{version:?}, {frames} frames: {held:x?}")
            };
            assert!(first == frames && released >= 2, "{version:?}, {frames} frames: {held:x?}");
        }
    }
}

#[test]
fn other_keys_are_held_at_least_as_long_as_asked_and_always_released() {
    // Long enough a frame that two questions in a row are never answered in the same.
    let frame = Duration::from_millis(8);
    for version in [Version::V0_4, Version::V1_0] {
        let Some((peer, _scratch)) = peer(PeerOptions { version, frame, ..PeerOptions::default() }) else { return };
        let mut backend = open_mgba_http(&peer.address()).expect("the window is found");
        // The first press shows that this version presses no keys by itself, and is made again.
        runs(&peer, backend.as_mut(), &[4; 12]);
        for frames in [2, 3, 14] {
            let keys = [vec![0x011; frames], vec![0x091; 2], vec![0; 2], vec![0x020; 13]].concat();
            let held = runs(&peer, backend.as_mut(), &keys);
            let [(0x011, first), (0x091, second), (0, released), (0x020, third), (0, _)] = held[..] else {
                panic!("{version:?}, {frames} frames: {held:x?}")
            };
            assert!(first >= frames && second >= 2 && released >= 2 && third >= 13, "{version:?}: {held:x?}");
        }
        backend.hold(&[0x001; 1000]).expect("it is taken");
        drop(backend);
        wait_for("the release", || (peer.held().last() == Some(&0)).then_some(()));
    }
}

#[test]
fn keys_that_a_lost_connection_left_held_are_released() {
    let Some((peer, _scratch)) = peer(PeerOptions::default()) else { return };
    let mut backend = open_mgba_http(&peer.address()).expect("the window is found");
    backend.hold(&[0x040; 10_000]).expect("it is taken");
    peer.inject(3, Fault::Reset(1));
    assert!(wait_for_change(backend.as_mut()).contains("reached again"));
    assert_eq!(backend.holding().left, 0);
    // The first thing that is asked of the window again is to release them; it hears so in its next frame.
    wait_for("the keys to be released", || {
        let _ = backend.await_frame(PATIENCE).expect("it can be waited for");
        (peer.held().last() == Some(&0)).then_some(())
    });
}

#[test]
fn a_paused_window_is_silent_and_goes_on_when_it_is_resumed() {
    let Some((peer, _scratch)) = peer(PeerOptions::default()) else { return };
    let mut backend = open_mgba_http_within(&peer.address(), ANSWER_MAX).expect("the window is found");
    wait_for_frames(backend.as_mut());
    for _ in 0..3 {
        peer.pause(true);
        let silent = (0..20).map(|_| backend.await_frame(PATIENCE).expect("it can be waited for"));
        let last = silent.last().expect("there were some");
        assert!(matches!(&last, Awaited::Silence(why) if why.contains("paused")), "{last:?}");
        assert!(backend.hold(&[1]).is_err_and(|error| matches!(error, BackendError::Silent(_))));
        peer.pause(false);
        wait_for_frames(backend.as_mut());
    }
    peer.pause(true);
    let refused = open_mgba_http_within(&peer.address(), ANSWER_MAX).err().expect("nobody answers");
    assert!(matches!(&refused, BackendError::Silent(why) if why.contains("paused")), "{refused}");
    drop(backend);
    peer.pause(false);
    open_mgba_http(&peer.address()).expect("the window lives");
    assert!(!peer.has_died());
}

#[test]
fn a_reset_by_hand_is_told_and_one_that_was_asked_for_is_not() {
    let Some((peer, _scratch)) = peer(PeerOptions::default()) else { return };
    let mut backend = open_mgba_http(&peer.address()).expect("the window is found");
    for _ in 0..20 {
        wait_for_frames(backend.as_mut());
    }
    peer.reset();
    assert!(wait_for_change(backend.as_mut()).contains("reset"));
    for _ in 0..20 {
        wait_for_frames(backend.as_mut());
    }
    backend.reset().expect("it is reset");
    for _ in 0..20 {
        assert!(matches!(next(backend.as_mut()), Awaited::Frames(_)));
    }
}

#[test]
fn success_that_is_none_is_not_believed() {
    let Some((peer, _scratch)) = peer(PeerOptions { lies: true, ..PeerOptions::default() }) else { return };
    let mut backend = open_mgba_http(&peer.address()).expect("the window is found");
    for _ in 0..20 {
        wait_for_frames(backend.as_mut());
    }
    assert!(backend.write(TEST_ROM.scratch, &[1, 2, 3, 4]).is_err());
    assert!(backend.reset().is_err());
    wait_for_frames(backend.as_mut());
}

#[test]
fn strangers_are_passed_over_and_the_script_is_found_behind_them() {
    for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "", "12 bottles", "<|OK|><|END|>"] {
        let port = stranger(free_pair(), answer);
        let Some((peer, _scratch)) = peer(PeerOptions { port: port + 1, ..PeerOptions::default() }) else { return };
        open_mgba_http(&format!("127.0.0.1:{port}")).unwrap_or_else(|error| panic!("{answer:?}: {error}"));
        drop(peer);
        let refused = open_mgba_http(&format!("127.0.0.1:{port}")).err().expect("nobody is there");
        assert!(matches!(&refused, BackendError::NoWindow(why) if why.contains("another program")), "{refused}");
    }
}

#[test]
fn where_nobody_listens_no_window_is_found() {
    for address in ["127.0.0.1:1", "127.0.0.1", "nowhere"] {
        assert!(matches!(open_mgba_http(address).err(), Some(BackendError::NoWindow(_))), "{address}");
    }
}

/// A generator of test choices, so that a campaign can be repeated from its seed (SplitMix64).
struct Choices(u64);

impl Choices {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % below
    }
}

/// Lets this many answers go wrong while memory is read whose content is known: what is read is right, or refused, and
/// frames come again.
fn endure(version: Version, faults: u32, mut fault: impl FnMut(&mut Choices) -> Fault) {
    let frame = Duration::from_micros(500);
    let Some((peer, _scratch)) = peer(PeerOptions { version, frame, ..PeerOptions::default() }) else { return };
    let mut backend = open_mgba_http_within(&peer.address(), ANSWER_MAX).expect("the window is found");
    let rom = test_rom();
    let seed = 20_260;
    println!("{version:?}, seed {seed}");
    let mut choices = Choices(seed);
    let (mut refused, mut right) = (0, 0);
    for number in 0..faults {
        let fault = fault(&mut choices);
        peer.inject(choices.next(6) as u32, fault);
        let begin = Instant::now();
        while peer.faults_left() > 0 {
            let length = 1 + choices.next(64) as usize;
            let start = choices.next((rom.len() - length) as u64) as usize;
            let mut bytes = vec![0; length];
            match backend.read(CARTRIDGE + start as u32, &mut bytes) {
                Ok(()) => {
                    assert!(bytes == rom[start..start + length], "fault {number}, {fault:?}: wrong bytes at {start}");
                    right += 1;
                }
                Err(BackendError::Silent(_)) => refused += 1,
                Err(error) => panic!("fault {number}, {fault:?}: {error}"),
            }
            if choices.next(4) == 0 {
                let _ = backend.refresh();
            }
            backend.await_frame(PATIENCE).expect("it can be waited for");
            assert!(begin.elapsed() < WATCHDOG, "fault {number}, {fault:?} was not reached");
        }
        wait_for_frames(backend.as_mut());
    }
    println!("{right} reads were right, {refused} were refused, {} connections were made", peer.connections());
    assert!(right > 0 && !peer.has_died());
}

#[test]
fn no_answer_that_comes_late_is_taken_for_another_ones() {
    let late = |_: &mut Choices| Fault::Delay(LATE);
    endure(Version::V1_0, 400, late);
    endure(Version::V0_5, 100, late);
}

#[test]
fn answers_cut_at_any_byte_are_put_together() {
    let cut = |choices: &mut Choices| match choices.next(4) {
        0 => Fault::Crumbs,
        _ => Fault::Split(choices.next(200) as usize),
    };
    endure(Version::V1_0, 400, cut);
    endure(Version::V0_5, 100, cut);
}

#[test]
fn connections_reset_within_an_answer_are_made_again() {
    let reset = |choices: &mut Choices| Fault::Reset(choices.next(200) as usize);
    endure(Version::V1_0, 400, reset);
    endure(Version::V0_5, 100, reset);
}

#[test]
fn answers_that_are_too_short_or_never_come_are_not_believed() {
    let broken = |choices: &mut Choices| match choices.next(4) {
        0 => Fault::Swallow,
        _ => Fault::Shorten(choices.next(200) as usize),
    };
    endure(Version::V1_0, 100, broken);
}

#[test]
fn the_agent_plays_three_floors_in_a_window_with_mgba_http() {
    let options = PeerOptions { frame: Duration::from_millis(8), ..PeerOptions::default() };
    let Some(peer) = HttpPeer::start(&tests::burrow(), options) else { return };
    let scratch = Scratch::new();
    let config = format!("[emulator]\nbackend = \"mgba-http\"\nmgba_http = \"{}\"\n", peer.address());
    let config = scratch.file("config.toml", config);
    let config = config.to_str().expect("a temporary path is text");
    let finished = Program::run(&["--config", config, "--floors", "3", "--quiet"]).finish();
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    assert!(!peer.has_died());
}
