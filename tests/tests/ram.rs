//! `agent ram` and `agent doctor --emulator`: what a game's memory says, of the built-in emulator and of a live window.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use tests::{Finished, Program, Scratch, Window, WindowOptions, wait_for};
use wire::exit;

fn agent(arguments: &[&str]) -> Finished {
    let scratch = Scratch::new();
    Program::start(&scratch.path().join("run"), arguments).finish()
}

fn report(arguments: &[&str]) -> Value {
    let finished = agent(arguments).expect_success();
    assert_eq!(finished.stdout.lines().count(), 1, "one object, one line: {}", finished.stdout);
    serde_json::from_str(&finished.stdout).expect("it prints JSON")
}

/// The values of a key in a list of objects.
fn all<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    list.as_array().expect("a list").iter().map(|entry| entry[key].as_str().expect("a text")).collect()
}

/// A process whose lines are read as they come.
struct Watching {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Watching {
    fn start(arguments: &[&str]) -> Watching {
        let mut child = Command::new(tests::program::executable())
            .args(arguments)
            .current_dir(tests::root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        Watching { child, lines }
    }

    fn next(&mut self) -> Value {
        let line = self.lines.next().expect("another line").expect("it prints text");
        serde_json::from_str(&line).expect("each line is an object")
    }

    /// Stops reading; gives the exit status and what was said on standard error.
    fn leave(self) -> (Option<i32>, String) {
        let Watching { mut child, lines } = self;
        drop(lines);
        let status = wait_for("the program to end", || child.try_wait().expect("a child can be waited for"));
        let mut said = String::new();
        let errors = child.stderr.take().expect("its errors are piped").read_to_string(&mut said);
        errors.expect("it prints text");
        (status.code(), said)
    }
}

/// A window whose script listens at this port; none, and a line that says why, where the packages are missing.
fn window(port: u16) -> Option<(Window, String)> {
    if let Err(missing) = Window::available() {
        eprintln!("skipped: {missing}");
        return None;
    }
    let environment = vec![("POCKETPILOT_PORT".to_string(), port.to_string())];
    let mut window = Window::open(WindowOptions { environment, ..WindowOptions::default() });
    window.load_script(&tests::root().join("emulator-bridge/mgba/pocketpilot.lua"));
    Some((window, format!("mgba-lua:127.0.0.1:{port}")))
}

#[test]
fn the_built_in_game_is_read_and_passes_every_check() {
    let finished = agent(&["ram", "--emulator", "libretro"]).expect_success();
    for part in ["BURROW (BPPE)", "profile   burrow", "built-in emulator", "title", ", 0 failed", "open questions"] {
        assert!(finished.stdout.contains(part), "no {part:?} in {}", finished.stdout);
    }
    let report = report(&["ram", "--emulator", "libretro", "--json"]);
    assert_eq!(report["profile"]["name"], json!("burrow"));
    assert_eq!((&report["state"]["screen"], &report["turn"]["waits"]), (&json!("Title"), &json!(true)));
    assert!(all(&report["checks"], "outcome").iter().all(|outcome| *outcome != "failed"), "{report}");
    assert!(all(&report["questions"], "verdict").iter().all(|verdict| *verdict != "contradicted"), "{report}");
}

#[test]
fn a_game_read_with_the_wrong_profile_shows_which_check_fails() {
    let (scratch, profiles) = (Scratch::new(), Scratch::new());
    let wrong = "regions = [{ address = 0x02000000, length = 0x40000 }]\n[[field]]\nname = \"title\"\n\
                 address = 0x0203C03C\ntype = \"u32\"\nrange = [7, 9]\nmeaning = \"never at the title\"\n";
    profiles.file("wrong.toml", wrong);
    let config = scratch.file("config.toml", format!("[game]\nprofiles = {:?}\n", profiles.path()));
    let config = config.to_str().expect("a temporary path is text");
    let finished = agent(&["ram", "--emulator", "libretro", "--config", config, "--profile", "wrong"]);
    let shown = finished.expect_success().stdout;
    for part in
        ["OUT OF RANGE 7 to 9", "1 failed", "FAILED", "field 0 failed at 0x0203c03c", "it was asked for by name"]
    {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
}

#[test]
fn a_game_without_a_profile_shows_its_memory_and_the_beginning_of_one() {
    let finished = agent(&["ram", "--emulator", "libretro", "--profile", "none"]).expect_success();
    for part in ["0x02000000   256 KiB", "not zero", "title = \"BURROW\"", "regions = [", "actors/profiles/burrow.toml"]
    {
        assert!(finished.stdout.contains(part), "no {part:?} in {}", finished.stdout);
    }
}

#[test]
fn a_watch_ends_quietly_when_nobody_reads_it_any_more() {
    let mut watching = Watching::start(&["ram", "--emulator", "libretro", "--watch", "--json"]);
    assert_eq!(watching.next()["game"]["title"], json!("BURROW"));
    assert_eq!(watching.leave(), (Some(exit::OK), String::new()));
}

#[test]
fn a_watch_ends_with_130_after_ctrl_c() {
    let mut watching = Watching::start(&["ram", "--emulator", "libretro", "--watch", "--json"]);
    watching.next();
    tests::signal(watching.child.id(), rustix::process::Signal::INT);
    let status = wait_for("its end", || watching.child.try_wait().expect("a child can be waited for"));
    assert_eq!(status.code(), Some(130));
}

#[test]
fn a_window_that_nobody_opened_is_a_problem_with_its_remedy() {
    // The discard port and those after it: nothing listens there.
    let nowhere = "mgba-lua:127.0.0.1:9";
    let finished = agent(&["ram", "--emulator", nowhere]);
    assert_eq!(finished.status.code(), Some(exit::UNAVAILABLE), "{}", finished.stderr);
    assert_eq!(finished.stderr.lines().count(), 1, "not one line: {}", finished.stderr);
    assert!(finished.stderr.contains("pocketpilot.lua"), "{}", finished.stderr);

    let finished = agent(&["doctor", &format!("--emulator={nowhere}")]);
    assert_eq!(finished.status.code(), Some(exit::UNAVAILABLE), "{}", finished.stdout);
    let problem = finished.stdout.lines().skip_while(|line| !line.starts_with("PROBLEM  emulator"));
    let problem: Vec<&str> = problem.take(2).collect();
    assert!(problem[0].contains("127.0.0.1:9") && problem[1].contains("pocketpilot.lua"), "{problem:?}");
}

#[test]
fn a_live_window_is_read_watched_and_measured() {
    let Some((mut window, emulator)) = window(27_340) else { return };
    // Somebody plays until the leader is on a floor.
    Program::run(&["--emulator", &emulator, "--steps", "60", "--quiet"]).finish().expect_success();
    let found = report(&["ram", "--emulator", &emulator, "--json"]);
    assert_eq!((&found["emulator"]["backend"], &found["profile"]["name"]), (&json!("mgba-lua"), &json!("burrow")));
    assert_eq!(found["emulator"]["window"], json!("127.0.0.1:27340"));
    assert!(found["state"]["floor"].as_u64().is_some_and(|floor| floor >= 1), "{}", found["state"]);
    assert_eq!(found["checks"].as_array().map(Vec::len), Some(15));
    assert!(all(&found["checks"], "outcome").iter().all(|outcome| *outcome == "passed"), "{}", found["checks"]);
    let questions = &found["questions"];
    let place =
        questions.as_array().into_iter().flatten().find(|entry| entry["question"].to_string().contains("02003AF4"));
    assert_eq!(place.expect("it is asked")["verdict"], json!("confirmed"), "{questions}");
    assert!(all(questions, "verdict").iter().all(|verdict| *verdict != "contradicted"), "{questions}");

    let finished = agent(&["doctor", &format!("--emulator={emulator}")]).expect_success();
    for part in
        ["at 127.0.0.1:27340", "ok       round trip", "p99", "a second", "ok       keys", "burrow, by its title"]
    {
        assert!(finished.stdout.contains(part), "no {part:?} in {}", finished.stdout);
    }

    let mut watching = Watching::start(&["ram", "--emulator", &emulator, "--watch", "--json"]);
    assert_eq!(watching.next()["emulator"]["silence"], Value::Null);
    window.pause();
    while watching.next()["emulator"]["silence"].is_null() {}
    window.resume();
    while !watching.next()["emulator"]["silence"].is_null() {}
    assert_eq!(watching.leave(), (Some(exit::OK), String::new()));
}

#[test]
fn a_window_that_is_taken_locked_or_paused_is_a_problem_with_its_remedy() {
    let Some((mut window, emulator)) = window(27_350) else { return };
    let doctor = format!("--emulator={emulator}");
    let problem = |arguments: &[&str], parts: &[&str]| {
        let finished = agent(&[&["doctor", &doctor], arguments].concat());
        assert_eq!(finished.status.code(), Some(exit::UNAVAILABLE), "{}", finished.stdout);
        let shown: String = finished.stdout.lines().skip_while(|line| !line.starts_with("PROBLEM")).collect();
        assert!(parts.iter().all(|part| shown.contains(part)), "not {parts:?}: {shown}");
    };
    let mut watching = Watching::start(&["ram", "--emulator", &emulator, "--watch", "--json"]);
    watching.next();
    problem(&[], &["another agent plays in this window", "end that agent"]);
    let refused = agent(&["ram", "--emulator", &emulator]);
    assert_eq!(refused.status.code(), Some(exit::PERMISSION), "{}", refused.stderr);
    assert_eq!(watching.leave().0, Some(exit::OK));

    let scratch = Scratch::new();
    let config = scratch.file("config.toml", "[emulator]\nmgba_token = \"guessed\"\n");
    let config = config.to_str().expect("a temporary path is text");
    problem(&["--config", config], &["the token is wrong", "set emulator.mgba_token"]);

    window.pause();
    problem(&[], &["is it paused", "let the game go on"]);
    let silent = agent(&["ram", "--emulator", &emulator]);
    assert_eq!(silent.status.code(), Some(exit::UNAVAILABLE), "{}", silent.stderr);
}
