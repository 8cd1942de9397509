//! Input that cannot work: one clear line, the right exit status.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use tests::bridge::{Client, LoneBridge};
use tests::{Program, Scratch};
use wire::emulator::{Answer, Request};
use wire::exit;

/// Runs the program with input that cannot work; gives its one line.
fn refused(arguments: &[&str], status: i32) -> String {
    let finished = Program::run(arguments).finish();
    let shown = format!("{arguments:?}: {}\nstdout: {}\nstderr: {}", finished.status, finished.stdout, finished.stderr);
    assert_eq!(finished.status.code(), Some(status), "{shown}");
    assert_eq!(finished.stderr.trim_end().lines().count(), 1, "not one line; {shown}");
    finished.stderr
}

fn with_config(text: &str, status: i32) -> String {
    let scratch = Scratch::new();
    let config = scratch.file("config.toml", text);
    refused(&["--config", config.to_str().expect("a temporary path is text"), "--quiet"], status)
}

fn with_rom(name: &str, content: &[u8]) -> String {
    let scratch = Scratch::new();
    let rom = scratch.file(name, content);
    let line = refused(&["--rom", rom.to_str().expect("a temporary path is text"), "--quiet"], exit::DATA);
    assert!(line.contains(name), "{line}");
    line
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    let line = with_config("[run]\nflors = 3\n", exit::CONFIG);
    assert!(line.contains("config.toml:2") && line.contains("flors") && line.contains("floors"), "{line}");
}

#[test]
fn a_wrong_type_is_named_with_its_line() {
    let line = with_config("[run]\nseed = 1\nfloors = \"many\"\n", exit::CONFIG);
    assert!(line.contains("config.toml:3"), "{line}");
}

#[test]
fn a_brain_that_does_not_exist_is_named_with_those_that_do() {
    let line = refused(&["--brain", "genius", "--quiet"], exit::CONFIG);
    assert!(line.contains("genius") && line.contains("planner"), "{line}");
}

#[test]
fn a_missing_rom_is_named() {
    let line = refused(&["--rom", "/nowhere/game.gba", "--quiet"], exit::NO_INPUT);
    assert!(line.contains("/nowhere/game.gba"), "{line}");
}

#[test]
fn a_truncated_rom_is_not_played() {
    with_rom("short.gba", &std::fs::read(tests::burrow()).expect("the fixture game is there")[..150]);
}

#[test]
fn a_text_file_is_not_played() {
    with_rom("notes.gba", "this is not a game\n".repeat(100).as_bytes());
}

#[test]
fn a_core_that_is_not_a_core_is_named() {
    let scratch = Scratch::new();
    let core = scratch.file("core.so", "not a library");
    let line = with_config(&format!("[emulator]\ncore = {core:?}\n"), exit::UNAVAILABLE);
    assert!(line.contains("core.so"), "{line}");
}

#[test]
fn a_run_is_not_resumed_with_another_rom() {
    let scratch = Scratch::new();
    let mut rom = std::fs::read(tests::burrow()).expect("the fixture game is there");
    let path = scratch.file("game.gba", &rom);
    let run = scratch.path().join("run");
    let rom_path = path.to_str().expect("a temporary path is text");
    let first = ["--rom", rom_path, "--steps", "20", "--pace", "unthrottled", "--quiet"];
    Program::run_in(&run, &first, None).finish().expect_success();
    *rom.last_mut().expect("a game is not empty") ^= 1;
    std::fs::write(&path, &rom).expect("the scratch folder can be written");
    let run_path = run.to_str().expect("a temporary path is text");
    let second = ["run", "--resume", run_path, "--steps", "40", "--quiet"];
    let finished = Program::start(&run, &second).finish();
    assert_eq!(finished.status.code(), Some(exit::DATA), "{}", finished.stderr);
    assert_eq!(finished.stderr.trim_end().lines().count(), 1, "not one line: {}", finished.stderr);
    assert!(finished.stderr.contains("made with ROM"), "{}", finished.stderr);
}

#[test]
fn a_wrong_token_is_refused() {
    let bridge = LoneBridge::start(&tests::burrow());
    let address = bridge.address.split("token=").next().expect("an address").to_string() + "token=wrong";
    let line = refused(&["--emulator", &address, "--quiet"], exit::PERMISSION);
    assert!(line.contains("token"), "{line}");
}

#[test]
fn an_address_where_nobody_listens_is_named() {
    let line = refused(&["--emulator", "ws://127.0.0.1:1/?token=x", "--quiet"], exit::UNAVAILABLE);
    assert!(line.contains("127.0.0.1:1"), "{line}");
}

#[test]
fn garbage_on_the_websocket_disturbs_nobody() {
    let bridge = LoneBridge::start(&tests::burrow());
    let mut client = Client::connect(&bridge.address);
    let host = bridge.address.trim_start_matches("ws://").split('/').next().expect("a host").to_string();
    for garbage in [&b"\0\xff\x17garbage\r\n\r\n"[..], b"GET / HTTP/1.1\r\n\r\n", b""] {
        let mut stream = TcpStream::connect(&host).expect("the bridge listens");
        stream.write_all(garbage).expect("it is sent");
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
        let Answer::Stepped { frames, .. } = client.ask(Request::Step { frames: 2, until: None }) else {
            panic!("the other client was disturbed");
        };
        assert_eq!(frames, 2);
    }
}
