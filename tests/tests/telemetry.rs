//! The telemetry log under fire: writers that are killed, a disk that is full.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tests::{Program, Scratch, is_soak, wait_for};
use wire::control::TelemetryTarget;
use wire::event::{Event, StepCompleted};
use wire::log::{Context, Log, read_lines};
use wire::random::SplitMix64;

/// The folder in which a writer writes.
const FOLDER: &str = "POCKETPILOT_TEST_WRITER";
const LOG: &str = "telemetry.jsonl";
/// Events that a writer may write before it is killed.
const EVENTS_MAX: usize = 4_000;

/// Writes events until it is killed, and for each that was written a byte into a file of its own.
#[test]
#[ignore = "is started by the test below as a process of its own"]
fn writer() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let log = Log::open(&TelemetryTarget::File(folder.join(LOG)), "test").expect("it opens");
    let path = folder.join(std::process::id().to_string());
    let mut written = OpenOptions::new().create(true).append(true).open(path).expect("it opens");
    for step in 1.. {
        let event =
            Event::StepCompleted(Box::new(StepCompleted { reason: "x".repeat(600), ..StepCompleted::default() }));
        log.write("test", Context { step: Some(step), ..Context::default() }, event).expect("it is written");
        written.write_all(b".").expect("it is written");
    }
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("a test knows its own path"))
        .args(["--exact", "writer", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}

fn written(folder: &Path, pid: u32) -> usize {
    folder.join(pid.to_string()).metadata().map_or(0, |metadata| metadata.len() as usize)
}

#[test]
fn no_event_that_was_written_is_lost_when_its_writer_is_killed() {
    let kills = if is_soak() { 1_000 } else { 16 };
    let mut random = SplitMix64(0x7E1E);
    let scratch = Scratch::new();
    let (mut events, mut torn_lines) = (0, 0);
    for round in 0..kills {
        let folder = scratch.path().join(round.to_string());
        std::fs::create_dir(&folder).expect("the temporary folder can be written");
        // Several write at the same time, and one after the other into what the one before left.
        for _ in 0..2 {
            let mut writers = [start(&folder), start(&folder)];
            for writer in &mut writers {
                let least = 1 + random.below(EVENTS_MAX);
                wait_for("a writer to write", || (written(&folder, writer.id()) >= least).then_some(()));
                writer.kill().expect("it lives");
                writer.wait().expect("a child can be waited for");
            }
            let (lines, torn) = read_lines(&folder.join(LOG)).expect("it is there");
            for writer in &writers {
                let own: Vec<u64> = lines.iter().filter(|line| line.pid == writer.id()).map(|line| line.seq).collect();
                let acknowledged = written(&folder, writer.id());
                assert!(own.len() >= acknowledged, "round {round}: {} of {acknowledged} lines are there", own.len());
                assert!(own.iter().copied().eq(1..=own.len() as u64), "round {round}: a line is missing in between");
                events += own.len();
            }
            torn_lines = torn_lines.max(torn);
        }
        assert!(torn_lines <= 4, "round {round}: more torn lines than deaths");
        std::fs::remove_dir_all(&folder).expect("it can be removed");
    }
    println!("{} deaths, {events} events, none lost, {torn_lines} torn lines in a round at most", kills * 4);
}

#[test]
fn a_game_that_makes_no_progress_raises_an_alert_and_an_unattended_run_says_so_in_its_status() {
    let scratch = Scratch::new();
    let config = scratch.file("config.toml", "[alerts]\nfloor_steps = 20\n");
    let config = config.to_str().expect("a temporary path is text");
    let run = scratch.path().join("run");
    let arguments = ["--config", config, "--emulator", "libretro", "--floors", "0", "--steps", "120"];
    let finished = Program::run_in(&run, &[&arguments[..], &["--pace", "unthrottled"]].concat(), None).finish();
    assert_eq!(finished.status.code(), Some(wire::exit::UNFINISHED), "{}", finished.stderr);
    assert!(finished.stderr.contains("somebody should look at this run (no progress)"), "{}", finished.stderr);
    assert!(finished.stdout.contains("no progress: still on floor 1 after 20 steps"), "{}", finished.stdout);
    let is_raised = |event: &Event| matches!(event, Event::AlertRaised { alert, .. } if alert == "no progress");
    assert_eq!(finished.lines.iter().filter(|line| is_raised(&line.event)).count(), 1);
}

#[test]
fn an_alert_that_is_over_is_cleared_and_the_run_ends_well() {
    let scratch = Scratch::new();
    // The first floor takes longer than that, and the second is not stayed on for so long.
    let config = scratch.file("config.toml", "[alerts]\nfloor_steps = 200\n");
    let config = config.to_str().expect("a temporary path is text");
    let arguments = ["--config", config, "--emulator", "libretro", "--floors", "0", "--steps", "520"];
    let run = scratch.path().join("run");
    let finished =
        Program::run_in(&run, &[&arguments[..], &["--pace", "unthrottled"]].concat(), None).finish().expect_success();
    assert_eq!((finished.count("AlertRaised"), finished.count("AlertCleared")), (1, 1), "{}", finished.stdout);
}

#[test]
fn the_oldest_runs_give_way_where_a_limit_is_set() {
    let scratch = Scratch::new();
    let runs = scratch.path().join("runs");
    let config = format!("[telemetry]\nruns = \"{}\"\nruns_mib = 1\n", runs.display());
    let config = scratch.file("config.toml", config);
    let (config, memories) = (config.display().to_string(), scratch.path().join("memories").display().to_string());
    let play = || {
        let arguments = ["run", "--config", &config, "--emulator", "libretro", "--steps", "5", "--quiet"];
        let arguments = [&arguments[..], &["--pace", "unthrottled", "--memories", &memories]].concat();
        Program::start(&runs.join("latest"), &arguments).finish().expect_success()
    };
    let kept = || {
        let entries = std::fs::read_dir(&runs).expect("it is there").flatten();
        entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).count()
    };
    // A run of a few steps takes more than half of that.
    let removed: usize = (0..4).map(|_| play().count("RunRemoved")).sum();
    assert!(removed >= 2, "{removed}");
    assert_eq!(kept(), 4 - removed);
}

/// A game that does nothing but write nonsense where Burrow points to its dungeon.
fn nonsense() -> Vec<u8> {
    const DUNGEON_POINTER: u32 = 0x0203_B418;
    let mut rom = vec![0; 32 << 10];
    let mut put = |at: usize, words: &[u32]| {
        for (place, word) in words.iter().enumerate() {
            rom[at + place * 4..at + place * 4 + 4].copy_from_slice(&word.to_le_bytes());
        }
    };
    // A branch over the header; then: load the address, load the nonsense, store it for ever.
    put(0, &[0xEA00_002E]);
    put(0xC0, &[0xE59F_0008, 0xE59F_1008, 0xE580_1000, 0xEAFF_FFFD, DUNGEON_POINTER, 0x123]);
    rom[0xA0..0xA8].copy_from_slice(b"NONSENSE");
    rom[0xB2] = 0x96;
    // The header's checksum.
    rom[0xBD] = 0xE8;
    rom
}

#[test]
fn memory_that_makes_no_sense_is_told_with_the_check_that_failed() {
    let scratch = Scratch::new();
    let rom = scratch.file("nonsense.gba", nonsense());
    let config = scratch.file("config.toml", "[game]\nprofile = \"burrow\"\n");
    let run = scratch.path().join("run");
    let arguments = ["--config", config.to_str().expect("it is text"), "--rom", rom.to_str().expect("it is text")];
    let program = Program::run_in(&run, &[&arguments[..], &["--steps", "3", "--pace", "unthrottled"]].concat(), None);
    wait_for("the failed check to be told", || {
        let is_told =
            |event: &Event| matches!(event, Event::DecodeFailed { check, .. } if check.contains("dungeon pointer"));
        program.lines().iter().any(|line| is_told(&line.event)).then_some(())
    });
    let finished = program.finish();
    assert!(finished.status.code().is_some(), "it ends by itself: {}", finished.stderr);
}

#[test]
fn secrets_of_the_configuration_are_in_no_log_and_on_no_screen() {
    let scratch = Scratch::new();
    let bridge = "ws://127.0.0.1:9/?token=token-of-a-bridge";
    let model = "[run]\nbrain = \"router\"\n[[router.tiers]]\nname = \"served\"\nurl = \"http://me:pass-of-a-model@127.0.0.1:9\"\n";
    let embeddings = "[recall]\nuse = \"on\"\nembeddings_model = \"m\"\nembeddings_url = \"http://me:pass-of-embeddings@127.0.0.1:9\"\n";
    let collector = "[export]\notlp = \"http://me:pass-of-a-collector@127.0.0.1:9\"\n";
    let window = "[emulator]\nmgba_token = \"token-of-a-window\"\n[telemetry]\ninspection = true\n";
    let runs = [
        ("token-of-a-bridge", bridge, "", false),
        ("pass-of-a-model", "libretro", model, false),
        ("pass-of-embeddings", "libretro", embeddings, true),
        ("pass-of-a-collector", "libretro", collector, true),
        ("token-of-a-window", "libretro", window, true),
    ];
    for (place, (secret, emulator, config, is_played)) in runs.into_iter().enumerate() {
        let config = scratch.file(&format!("{place}.toml"), config);
        let run = scratch.path().join(format!("run-{place}"));
        let config = config.to_str().expect("a temporary path is text");
        let arguments = ["--config", config, "--emulator", emulator, "--steps", "40", "--pace", "unthrottled"];
        let finished = Program::run_in(&run, &arguments, None).finish();
        assert_eq!(finished.status.success(), is_played, "{secret}: {}", finished.stderr);
        let mut told = [finished.stdout.as_bytes(), finished.stderr.as_bytes()].concat();
        for file in ["telemetry.jsonl", "exchanges.jsonl", "recording"] {
            told.extend(std::fs::read(run.join(file)).unwrap_or_default());
        }
        let told = String::from_utf8_lossy(&told);
        assert!(!told.contains(secret), "{secret} was told: {told}");
    }
}
