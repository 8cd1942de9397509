//! The libretro backend with a real core: conformance, and what it refuses.

mod support;

use emulator_bridge::conformance::{Fixture, TEST_ROM, check_backend, test_rom};
use emulator_bridge::{BackendError, EmulatorBackend, Publisher, open_backend, run_bare, run_published};
use std::path::Path;
use support::Seat;
use wire::exit;
use wire::memory::Region;
use wire::ring::{ReadOutcome, RingReader, Snapshot};

#[test]
fn libretro_conforms_with_the_test_cartridge() {
    let seat = Seat::take();
    let Some(mut backend) = seat.open() else { return };
    let made = check_backend(backend.as_mut(), &TEST_ROM).expect("every check passes");
    assert_eq!(made.len(), 11, "{made:#?}");
}

#[test]
fn libretro_conforms_with_burrow() {
    let seat = Seat::take();
    let Some(mut backend) = support::burrow().and_then(|rom| seat.open_rom(&rom)) else { return };
    let made = check_backend(backend.as_mut(), &Fixture::ANY_GBA).expect("every check passes");
    assert!(made.len() >= 6, "{made:#?}");
}

#[test]
fn the_introduction_tells_machine_game_and_memory() {
    let seat = Seat::take();
    let Some(backend) = seat.open() else { return };
    let introduction = backend.introduction();
    assert_eq!((introduction.backend, introduction.system.as_str()), ("libretro", "gba"));
    assert_eq!((introduction.width, introduction.height, introduction.frame_rate_micro), (240, 160, 59_727_500));
    assert_eq!((introduction.cartridge.title.as_str(), introduction.cartridge.code.as_str()), ("BRIDGE TEST", "ZPPT"));
    let work = [(0x0200_0000, 0x4_0000), (0x0300_0000, 0x8000)].map(|(address, length)| Region { address, length });
    assert_eq!(introduction.regions, work);
}

#[test]
fn a_second_core_in_one_process_is_refused() {
    let seat = Seat::take();
    let Some(first) = seat.open() else { return };
    let second = open_backend(None, &seat.folder.join("test.gba"), &seat.folder);
    assert!(matches!(second.err(), Some(BackendError::CoreInUse)));
    drop(first);
    assert!(seat.open().is_some(), "the place is free again");
}

#[test]
fn what_is_no_core_is_refused_by_what_is_wrong_with_it() {
    let seat = Seat::take();
    let rom = seat.file("game.gba", &test_rom());
    let text = seat.file("core.so", b"this is no library\n");
    // A library that every Linux process has, and that is no core.
    let library = ["/lib/x86_64-linux-gnu/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6", "/lib64/libm.so.6"];
    let library = library.iter().map(Path::new).find(|path| path.is_file());
    let missing = seat.folder.join("missing.so");
    let cases =
        [(Some(text.as_path()), "cannot be loaded"), (library, "no symbol retro_"), (Some(&missing), "no such file")];
    for (core, expected) in cases.into_iter().filter_map(|(core, expected)| Some((core?, expected))) {
        let error = open_backend(Some(core), &rom, &seat.folder).err().expect("it is refused");
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.exit_status(), exit::UNAVAILABLE);
    }
}

#[test]
fn what_is_no_rom_is_refused_with_the_status_that_says_so() {
    let seat = Seat::take();
    let Some(backend) = seat.open() else { return };
    drop(backend);
    let mut damaged = test_rom();
    damaged[0xA0] ^= 1;
    let cases = [
        (seat.folder.join("nowhere.gba"), "nowhere.gba", exit::NO_INPUT),
        (seat.folder.clone(), "folder", exit::NO_INPUT),
        (seat.file("text.gba", &b"not a game\n".repeat(100)), "text file", exit::DATA),
        (seat.file("short.gba", &test_rom()[..100]), "too few", exit::DATA),
        (seat.file("damaged.gba", &damaged), "checksum", exit::DATA),
        (seat.file("empty.gba", b""), "empty", exit::DATA),
        (seat.file("renamed.bin", &vec![7; 4096]), "0xb2", exit::DATA),
    ];
    for (rom, expected, status) in cases {
        let error = open_backend(None, &rom, &seat.folder).err().expect("it is refused");
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.exit_status(), status, "{error}");
    }
}

/// Half a second of the game, and what it left: its counters, and the whole state with the save memory.
fn play(backend: &mut dyn EmulatorBackend) -> ([u8; 12], Vec<u8>) {
    run_bare(backend, 30).expect("frames run");
    let mut seen = [0; 12];
    backend.read(0x0200_0000, &mut seen).expect("it is mapped");
    (seen, backend.save_state().expect("it is saved"))
}

#[test]
fn a_state_from_before_the_game_touched_its_save_chip_plays_the_same_frames() {
    let seat = Seat::take();
    let Some(mut backend) = seat.open() else { return };
    let boot = backend.save_state().expect("it is saved");
    let (seen, later) = play(backend.as_mut());
    for _ in 0..3 {
        backend.load_state(&boot).expect("it is restored");
        assert_eq!(play(backend.as_mut()).0, seen);
    }
    assert!(later.len() < boot.len(), "the state shrinks to the chip that was found: {}", later.len());
}

#[test]
fn a_state_is_restored_in_a_new_life_of_the_emulator() {
    let seat = Seat::take();
    let Some(mut backend) = seat.open() else { return };
    play(backend.as_mut());
    let state = backend.save_state().expect("it is saved");
    let first = play(backend.as_mut());
    for _ in 0..3 {
        drop(backend);
        backend = seat.open().expect("a core is here");
        backend.load_state(&state).expect("it is restored");
        assert!(backend.save_state().expect("it is saved") == state, "what is restored is what was saved");
        assert!(play(backend.as_mut()) == first, "the same frames leave the same memory and the same state");
    }
}

#[test]
fn a_published_frame_is_the_frame_that_was_run() {
    let seat = Seat::take();
    let Some(mut backend) = seat.open() else { return };
    let mut publisher = Publisher::create(backend.as_ref(), 4).expect("a ring is made");
    let reader = RingReader::open(publisher.descriptor().expect("it has a descriptor")).expect("it opens");
    run_bare(backend.as_mut(), 5).expect("frames run");
    run_published(backend.as_mut(), &mut publisher, 30).expect("frames run");
    let mut snapshot = Snapshot::default();
    assert_eq!(reader.read_newer(0, &mut snapshot), ReadOutcome::Fresh);
    assert_eq!((snapshot.stamp.epoch, snapshot.stamp.frame), (4, 30));
    assert_eq!((snapshot.width, snapshot.height, snapshot.pixels.len()), (240, 160, 240 * 160 * 2));
    assert!(snapshot.pixels.iter().any(|byte| *byte != snapshot.pixels[0]), "the game draws");
    let mut counter = [0; 4];
    backend.read(0x0200_0000, &mut counter).expect("it is mapped");
    assert_eq!(snapshot.bytes_at(0x0200_0000, 4), Some(&counter[..]));
}
