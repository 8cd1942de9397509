//! The real program, as a test starts it.

use crate::{Scratch, wait_for};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use wire::event::{Event, StepCompleted};
use wire::log::{LOG_FILE, Line, read_lines};

/// How much of a log's end is read to find its last step.
const TAIL_BYTES: u64 = 64 << 10;

/// A running `agent`.
pub struct Program {
    child: Child,
    run: PathBuf,
    _scratch: Option<Scratch>,
}

/// One that has ended.
pub struct Finished {
    /// How.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// Its log.
    pub lines: Vec<Line>,
    /// Torn lines in its log.
    pub torn: usize,
    run: PathBuf,
    _scratch: Option<Scratch>,
}

/// The executable, built before the tests in the same target folder and profile.
pub fn executable() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.ancestors().nth(2).expect("a test lies in target/<profile>/deps");
    let executable = folder.join("agent");
    assert!(executable.exists(), "{} is missing; run: cargo build --bin agent", executable.display());
    executable
}

impl Program {
    /// Starts `agent run` with these arguments, in a run folder of its own.
    pub fn run(arguments: &[&str]) -> Program {
        let scratch = Scratch::new();
        let run = scratch.path().join("run");
        Program::run_in(&run, arguments, Some(scratch))
    }

    /// Starts `agent run` with this run folder.
    pub fn run_in(run: &Path, arguments: &[&str], scratch: Option<Scratch>) -> Program {
        let mut all = vec!["run", "--run-dir", run.to_str().expect("a temporary path is text")];
        all.extend(arguments);
        // What is in an open window of the person who runs the tests is not to be played.
        let names_emulator = ["--emulator", "--rom", "--config", "--resume"];
        if !arguments.iter().any(|argument| names_emulator.contains(argument)) {
            all.extend(["--emulator", "libretro"]);
        }
        // Neither are the memories of that person's play to be touched; each run has a folder of its own for them.
        let memories = run.with_file_name("memories");
        if !arguments.contains(&"--memories") {
            all.extend(["--memories", memories.to_str().expect("a temporary path is text")]);
        }
        Program { child: start(&all), run: run.to_path_buf(), _scratch: scratch }
    }

    /// Starts `agent` with these arguments alone; `run` is where its log will be, if it has one.
    pub fn start(run: &Path, arguments: &[&str]) -> Program {
        Program { child: start(arguments), run: run.to_path_buf(), _scratch: None }
    }

    /// The run's folder.
    pub fn run_folder(&self) -> &Path {
        &self.run
    }

    /// The parent's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The lines its log holds now.
    pub fn lines(&self) -> Vec<Line> {
        let lines = read_lines(&self.run.join(LOG_FILE)).map(|(lines, _)| lines).unwrap_or_default();
        crate::emitted::note(&lines);
        lines
    }

    /// The process id of a role's present life, once it is ready; `after` lives before it are passed over.
    pub fn role(&self, role: &str, after: usize) -> u32 {
        wait_for(&format!("{role} to be ready"), || {
            let ready = self.lines().into_iter().filter_map(|line| match line.event {
                Event::ProcessReady { role: ready, child_pid, .. } if ready == role => Some(child_pid),
                _ => None,
            });
            ready.collect::<Vec<_>>().get(after).copied()
        })
    }

    /// The number of the last completed step, read from the end of the log alone.
    pub fn last_step(&self) -> u64 {
        let Ok(mut file) = std::fs::File::open(self.run.join(LOG_FILE)) else { return 0 };
        let length = file.metadata().map(|metadata| metadata.len()).unwrap_or_default();
        let mut tail = Vec::new();
        let read =
            file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES))).and_then(|_| file.read_to_end(&mut tail));
        let lines = tail.split(|byte| *byte == b'\n').rev();
        let lines = lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok());
        let mut steps = lines.filter(|line| matches!(line.event, Event::StepCompleted(_))).filter_map(|line| line.step);
        read.ok().and_then(|_| steps.next()).unwrap_or_default()
    }

    /// Waits until this step is in the log.
    pub fn wait_for_steps(&self, steps: u64) {
        wait_for(&format!("step {steps}"), || (self.last_step() >= steps).then_some(()));
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_none()
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Finished {
        let stdout = self.child.stdout.take().map(drain);
        let stderr = self.child.stderr.take().map(drain);
        let status = wait_for("the program to end", || self.child.try_wait().expect("a child can be waited for"));
        let text = |thread: Option<std::thread::JoinHandle<String>>| {
            thread.map(|thread| thread.join().expect("the reader ends")).unwrap_or_default()
        };
        let (lines, torn) = read_lines(&self.run.join(LOG_FILE)).unwrap_or_default();
        crate::emitted::note(&lines);
        let (stdout, stderr) = (text(stdout), text(stderr));
        Finished { status, stdout, stderr, lines, torn, run: self.run.clone(), _scratch: self._scratch.take() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    /// The run's folder.
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// The completed steps, with their numbers.
    pub fn steps(&self) -> Vec<(u64, &StepCompleted)> {
        let steps = self.lines.iter().filter_map(|line| match &line.event {
            Event::StepCompleted(step) => Some((line.step.unwrap_or_default(), &**step)),
            _ => None,
        });
        steps.collect()
    }

    /// The floors reached, in order.
    pub fn floors(&self) -> Vec<u32> {
        let floors = self.lines.iter().filter_map(|line| match line.event {
            Event::FloorReached { floor, .. } => Some(floor),
            _ => None,
        });
        floors.collect()
    }

    /// How many events of this name there are.
    pub fn count(&self, name: &str) -> usize {
        self.lines.iter().filter(|line| name_of(&line.event) == name).count()
    }

    /// Panics unless it ended with 0, and shows why.
    pub fn expect_success(self) -> Finished {
        assert!(self.status.success(), "{}\nstdout: {}\nstderr: {}", self.status, self.stdout, self.stderr);
        self
    }
}

/// An event's name.
pub fn name_of(event: &Event) -> String {
    let value = serde_json::to_value(event).expect("an event is JSON");
    value["event"].as_str().expect("an event has a name").to_string()
}

fn start(arguments: &[&str]) -> Child {
    Command::new(executable())
        .args(arguments)
        .current_dir(crate::root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn drain(mut pipe: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
