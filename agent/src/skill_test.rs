//! `agent skills test`: the tests that skills carry in their folders (`tests/*.toml`), each a trial in a process of its own.

use crate::failure::Failure;
use crate::screen;
use crate::worker;
use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::exit;

/// The longest time for one test; the game's own steps are limited by the test itself.
const LIMIT: Duration = Duration::from_secs(300);

/// Options of `skills test`.
#[derive(Clone, Debug, Default, Args)]
pub struct TestArgs {
    /// The skills to test [default: all]
    #[arg(value_name = "NAME")]
    pub skills: Vec<String>,
    /// ROM to play [default: Burrow, the bundled game]
    #[arg(long, value_name = "FILE")]
    pub rom: Option<PathBuf>,
    /// Configuration file [default: ./config.toml, else built-in]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// One test of a skill, as its file says it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkillTest {
    /// A new game with this seed ...
    pub seed: Option<u64>,
    /// ... or this checkpoint, its path relative to the test.
    pub checkpoint: Option<PathBuf>,
    /// The planner plays until this holds.
    pub until: Option<String>,
    /// Steps that the skill may take.
    pub steps: u64,
    /// What it must bring about; without it the skill must succeed.
    pub expect: Option<String>,
    /// How its run must end, where that matters.
    pub outcome: Option<String>,
    /// What the skill is told.
    #[serde(default)]
    pub arguments: BTreeMap<String, toml::Value>,
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Passed(String),
    Failed(String),
}

/// Runs tests: of each skill its name and the folder that is in use. Returns the exit status.
pub fn test(args: &TestArgs, skills: &[(String, PathBuf)]) -> Result<i32, Failure> {
    let (mut passed, mut failed, mut without) = (0, 0, Vec::new());
    for (skill, folder) in skills {
        let files = files(&folder.join("tests"));
        if files.is_empty() {
            without.push(skill.as_str());
        }
        for file in files {
            let name = format!("{skill}/{}", file.file_stem().unwrap_or_default().to_string_lossy());
            match run(args, skill, &file)? {
                Verdict::Passed(how) => {
                    passed += 1;
                    screen::print(&format!("ok      {name}: {how}\n"));
                }
                Verdict::Failed(why) => {
                    failed += 1;
                    screen::print(&format!("FAILED  {name}: {why}\n"));
                }
            }
        }
    }
    screen::print(&format!("{passed} passed, {failed} failed\n"));
    if !without.is_empty() {
        screen::print(&format!("without tests: {}\n", without.join(", ")));
    }
    Ok(if failed == 0 { exit::OK } else { exit::UNFINISHED })
}

fn run(args: &TestArgs, skill: &str, file: &Path) -> Result<Verdict, Failure> {
    let test = match read(file) {
        Ok(test) => test,
        Err(message) => return Ok(Verdict::Failed(message)),
    };
    let arguments = arguments(args, skill, file, &test);
    let answer = match worker::have_done_or(&arguments, LIMIT, &[exit::OK, exit::UNFINISHED]) {
        Ok(text) => serde_json::from_str::<Value>(text.trim()).ok(),
        Err(Failure::Role { message, .. }) => return Ok(Verdict::Failed(message)),
        Err(other) => return Err(other),
    };
    let Some(answer) = answer else { return Ok(Verdict::Failed("it told nothing".to_string())) };
    Ok(judge(&test, &answer))
}

fn judge(test: &SkillTest, answer: &Value) -> Verdict {
    let text = |key: &str| answer[key].as_str().unwrap_or_default().to_string();
    let (outcome, reason, steps) = (text("outcome"), text("reason"), &answer["steps"]);
    let ended = if outcome.is_empty() { "still running".to_string() } else { outcome.clone() };
    let how = format!("{ended} after {steps} steps ({reason})");
    if answer["met"] != Value::Bool(true) {
        let wanted: Vec<&str> = [&test.expect, &test.outcome].into_iter().flatten().map(String::as_str).collect();
        let missed =
            if wanted.is_empty() { "it did not succeed".to_string() } else { format!("not: {}", wanted.join(", ")) };
        return Verdict::Failed(format!("{missed}; {how}"));
    }
    Verdict::Passed(how)
}

fn read(file: &Path) -> Result<SkillTest, String> {
    let named = |message: String| format!("{}: {message}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
    let test: SkillTest = toml::from_str(&text).map_err(|error| {
        let before = error.span().map_or(0, |span| text[..span.start].matches('\n').count());
        format!("{}:{}: {}", file.display(), before + 1, error.message().trim().replace('\n', "; "))
    })?;
    match (&test.seed, &test.checkpoint) {
        (Some(_), Some(_)) => {
            Err(named("names a seed and a checkpoint; it can begin from one of them only".to_string()))
        }
        _ => Ok(test),
    }
}

fn arguments(args: &TestArgs, skill: &str, file: &Path, test: &SkillTest) -> Vec<String> {
    let mut arguments: Vec<String> = ["skills", "run", skill, "--json"].map(str::to_string).to_vec();
    let mut push = |option: &str, value: Option<String>| {
        if let Some(value) = value {
            arguments.extend([option.to_string(), value]);
        }
    };
    push("--steps", Some(test.steps.to_string()));
    push("--seed", test.seed.map(|seed| seed.to_string()));
    let beside = |path: &PathBuf| file.parent().unwrap_or(Path::new("")).join(path).display().to_string();
    push("--at", test.checkpoint.as_ref().map(beside));
    push("--until", test.until.clone());
    push("--expect", test.expect.clone());
    push("--outcome", test.outcome.clone());
    push("--rom", args.rom.as_ref().map(|rom| rom.display().to_string()));
    push("--config", args.config.as_ref().map(|config| config.display().to_string()));
    for (name, value) in &test.arguments {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_string);
        push("--set", Some(format!("{name}={value}")));
    }
    arguments
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}
