//! `agent tail`: the log of a run, while it is written and afterwards.

use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use tests::{Finished, Program, Scratch, wait_for};
use wire::exit;
use wire::log::LOG_FILE;

fn agent(arguments: &[&str]) -> Finished {
    let scratch = Scratch::new();
    Program::start(&scratch.path().join("run"), arguments).finish()
}

/// What `agent tail` prints of a run, with these further arguments.
fn tail(run: &Path, arguments: &[&str]) -> Finished {
    let all: Vec<&str> = ["tail", text(run)].into_iter().chain(arguments.iter().copied()).collect();
    agent(&all).expect_success()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

/// A game of so many steps that has ended.
fn played(steps: u64) -> Finished {
    Program::run(&["--steps", &steps.to_string(), "--pace", "unthrottled", "--quiet"]).finish().expect_success()
}

/// A `tail --follow`, whose lines come as they are printed.
struct Follow {
    child: Child,
    lines: Receiver<String>,
}

impl Follow {
    fn start(folder: &Path, arguments: &[&str]) -> Follow {
        let mut child = Command::new(tests::program::executable())
            .args(["tail", "--follow"])
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("its output is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)).ok();
        });
        Follow { child, lines }
    }

    fn next(&self) -> String {
        self.lines.recv_timeout(tests::WATCHDOG).expect("another line in time")
    }

    fn interrupt(mut self) -> Option<i32> {
        tests::signal(self.child.id(), rustix::process::Signal::INT);
        wait_for("its end", || self.child.try_wait().expect("a child can be waited for")).code()
    }
}

fn step_of(line: &str) -> u64 {
    let line: Value = serde_json::from_str(line).expect("each line is an object");
    line["step"].as_u64().expect("a step has a number")
}

#[test]
fn a_run_is_followed_step_by_step_over_the_death_of_its_actors() {
    let program = Program::run(&["--steps", "120", "--pace", "unthrottled", "--quiet"]);
    let actors = program.role("actors", 0);
    let scratch = Scratch::new();
    let run = program.run_folder().to_path_buf();
    let follow = Follow::start(scratch.path(), &[text(&run), "--event", "StepCompleted", "--json"]);
    let mut last = 0;
    while last < 120 {
        let step = step_of(&follow.next());
        assert!(step > last, "step {step} after {last}");
        if (last..step).contains(&20) {
            tests::kill(actors);
        }
        last = step;
    }
    let finished = program.finish().expect_success();
    assert!(finished.count("ProcessRestarted") > 0, "the actors were to be restarted");
    assert_eq!(follow.interrupt(), Some(130));
}

#[test]
fn lines_are_chosen_by_step_event_and_process_and_printed_as_they_were_written() {
    let run = played(30);
    let log = std::fs::read_to_string(run.run().join(LOG_FILE)).expect("it is there");
    let chosen = tail(run.run(), &["--step", "7..9", "--event", "StepCompleted", "--json"]).stdout;
    let written = log.lines().filter(|line| line.contains("\"StepCompleted\"") && (7..=9).contains(&step_of(line)));
    assert_eq!(chosen.lines().collect::<Vec<_>>(), written.collect::<Vec<_>>());
    assert_eq!(chosen.lines().count(), 3);

    let by_name = tail(&run.run().join(LOG_FILE), &["--process", "agent", "--process", "skills"]).stdout;
    assert_eq!(
        by_name.lines().count(),
        log.lines()
            .filter(|line| !line.contains("\"process\":\"actors\"")
                && !line.contains("\"process\":\"indexes\"")
                && !line.contains("\"process\":\"emulator-bridge\""))
            .count()
    );
    let step = tail(run.run(), &["--step", "7"]).stdout;
    assert!(step.lines().any(|line| line.contains("StepCompleted") && line.contains(" → ")), "{step}");
    assert_eq!(tail(run.run(), &[]).stdout.lines().count(), 20, "the last lines, where nobody says which");
}

#[test]
fn a_log_from_another_machine_with_a_torn_end_is_read_and_the_torn_line_told_of() {
    let run = played(10);
    let scratch = Scratch::new();
    let mut log = std::fs::read(run.run().join(LOG_FILE)).expect("it is there");
    log.truncate(log.len() - 30);
    let copy = scratch.file("copied.log", &log);
    let shown = agent(&["tail", text(&copy)]).expect_success();
    assert!(shown.stdout.contains("StepCompleted"), "{}", shown.stdout);
    assert_eq!(shown.stderr, "agent: 1 torn line was skipped\n");
}

#[test]
fn a_misspelt_event_or_a_run_that_is_not_there_is_refused_in_one_line() {
    let run = played(1);
    let refused = |arguments: &[&str], status: i32, part: &str| {
        let finished = agent(arguments);
        assert_eq!(finished.status.code(), Some(status), "{}", finished.stderr);
        assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
        assert!(finished.stderr.contains(part), "{}", finished.stderr);
    };
    refused(&["tail", text(run.run()), "--event", "StepComplete"], exit::USAGE, "did you mean StepCompleted?");
    refused(&["tail", text(run.run()), "--process", "actor"], exit::USAGE, "did you mean actors?");
    refused(&["tail", "no-such-run"], exit::NO_INPUT, "name a run's folder");
    let scratch = Scratch::new();
    refused(&["tail", text(scratch.path())], exit::NO_INPUT, "holds no telemetry.jsonl");
}

#[test]
fn whoever_follows_the_newest_run_sees_the_next_one_begin() {
    let scratch = Scratch::new();
    let runs = scratch.path().join("runs");
    let config = scratch.file("config.toml", format!("[telemetry]\nruns = {runs:?}\n"));
    let memories = scratch.path().join("memories");
    let play = || {
        let arguments = ["run", "--config", text(&config), "--memories", text(&memories), "--emulator", "libretro"];
        let arguments = [&arguments[..], &["--steps", "3", "--pace", "unthrottled", "--quiet"]].concat();
        agent(&arguments).expect_success()
    };
    play();
    let follow = Follow::start(scratch.path(), &["--event", "RunStarted", "--event", "RunEnded"]);
    let first = follow.next();
    assert!(first.contains("RunStarted") && follow.next().contains("RunEnded"));
    play();
    let second = follow.next();
    assert!(second.contains("RunStarted") && second != first, "{second}");
    assert_eq!(follow.interrupt(), Some(130));
}

/// The files of a log, oldest first.
fn parts(run: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(run).expect("it is there").map(|file| file.expect("it is listed").path());
    let is_log = |path: &std::path::PathBuf| {
        let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        name.starts_with("telemetry.") && name.ends_with(".jsonl")
    };
    let mut parts: Vec<_> = files.filter(is_log).collect();
    // The file without a number is the one that is written.
    parts.sort_by_key(|path| (path.ends_with(LOG_FILE), path.clone()));
    parts
}

#[test]
fn a_log_that_grew_large_goes_on_in_new_files_and_not_a_line_is_lost() {
    let scratch = Scratch::new();
    let config = scratch.file("config.toml", "[telemetry]\npart_mib = 1\n");
    let run = scratch.path().join("run");
    let arguments = ["--config", text(&config), "--emulator", "libretro", "--steps", "1000000"];
    let arguments = [&arguments[..], &["--pace", "unthrottled", "--floors", "0", "--quiet"]].concat();
    let program = Program::run_in(&run, &arguments, None);
    program.wait_for_steps(1);
    let follow = Follow::start(scratch.path(), &[text(&run), "--event", "StepCompleted", "--json"]);
    for step in 1..=20_000 {
        assert_eq!(step_of(&follow.next()), step, "each step once, and in its order");
        if step % 100 == 0 && parts(&run).len() >= 3 {
            break;
        }
    }
    tests::signal(program.pid(), Signal::INT);
    assert_eq!(program.finish().status.code(), Some(130));
    let parts = parts(&run);
    assert!(parts.len() >= 3, "{parts:?}");
    let mut sequences = std::collections::BTreeMap::<u64, Vec<u64>>::new();
    for line in parts.iter().flat_map(|part| {
        let text = std::fs::read_to_string(part).expect("it is text");
        text.lines().map(|line| serde_json::from_str::<Value>(line).expect("it is whole")).collect::<Vec<_>>()
    }) {
        let number = |name: &str| line[name].as_u64().expect("it is a number");
        sequences.entry(number("pid")).or_default().push(number("seq"));
    }
    for (pid, mut sequence) in sequences {
        sequence.sort_unstable();
        assert!(sequence.iter().copied().eq(1..=sequence.len() as u64), "lines of process {pid} are missing");
    }
}

#[test]
fn the_oldest_files_of_a_log_are_removed_where_that_is_wanted_and_the_run_still_knows_what_it_did() {
    let scratch = Scratch::new();
    let config = scratch.file("config.toml", "[telemetry]\npart_mib = 1\nlog_mib = 1\n");
    let run = scratch.path().join("run");
    let play = |arguments: &[&str]| Program::start(&run, &[arguments, &["--pace", "unthrottled", "--quiet"]].concat());
    let memories = scratch.path().join("memories");
    let begin = ["run", "--config", text(&config), "--run-dir", text(&run), "--memories", text(&memories)];
    let ends = ["--emulator", "libretro", "--brain", "random", "--steps", "1000000", "--floors", "0"];
    let program = play(&[&begin[..], &ends].concat());
    // How much is written between two looks at the log depends on the machine.
    wait_for("the oldest file to be removed", || {
        let is_removed = run.join("telemetry.before.json").exists() && !run.join("telemetry.000001.jsonl").exists();
        is_removed.then_some(())
    });
    tests::signal(program.pid(), Signal::INT);
    let last = |finished: &Finished| {
        let lines = finished.lines.iter().rev();
        lines
            .map(|line| serde_json::to_value(&line.event).expect("it is JSON"))
            .find(|event| event["event"] == "RunEnded")
            .expect("it ended")
    };
    let stopped = program.finish();
    assert_eq!(stopped.status.code(), Some(130));
    let steps = last(&stopped)["steps"].as_u64().expect("a number");
    let more = (steps + 10).to_string();
    let finished = play(&["run", "--resume", text(&run), "--steps", &more]).finish().expect_success();
    let ended = last(&finished);
    assert_eq!(ended["steps"], steps + 10, "{ended}");
    assert_eq!(finished.count("RunResumed"), 1);
}

#[test]
fn it_ends_quietly_when_nobody_reads_any_more() {
    let run = played(5);
    let head = format!("{} tail {} --follow | head -n 1", text(&tests::program::executable()), text(run.run()));
    let output = Command::new("sh").args(["-c", &head]).output().expect("a shell starts");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.stdout.split(|byte| *byte == b'\n').count(), 2);
}
