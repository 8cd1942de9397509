//! A real server, llama.cpp's own, with a tiny random model that is made on the spot. Skipped with a line that says why where
//! it cannot be installed.

use actors::router::model::{Model as _, Reply};
use actors::router::openai::OpenAi;
use actors::router::remote::{Exchange as _, Remote};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tests::WATCHDOG;
use tests::asking::{ask, block_on, limits, prompt, remote, tier};

/// What is installed from PyPI.
const PACKAGES: [&str; 2] = ["xllamacpp==2026.10.11549", "gguf==0.19.0"];

/// The server. It ends when its standard input does.
struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts it; says why where that cannot be done.
fn start(scratch: &Path) -> Result<Server, String> {
    let python = install()?;
    let mut child = Command::new(python)
        .arg(tests::root().join("scripts/tiny_model_server.py"))
        .arg(scratch.join("model.gguf"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("the server does not start ({error})"))?;
    let mut url = String::new();
    let output = child.stdout.take().expect("it is piped");
    let read = BufReader::new(output).read_line(&mut url);
    let server = Server { child, url: url.trim().to_string() };
    match read {
        Ok(_) if server.url.starts_with("http://") => Ok(server),
        _ => Err("the server ended before it said where it listens".to_string()),
    }
}

/// A Python with the packages, kept between runs.
fn install() -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tests::root().join("target"), PathBuf::from);
    let folder = target.join("tmp/model-server");
    let python = folder.join("bin/python");
    let works = |python: &Path| {
        Command::new(python)
            .args(["-c", "import xllamacpp, gguf"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    if works(&python) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:"]).args(PACKAGES))?;
    if works(&python) { Ok(python) } else { Err("the packages are installed, but do not load".to_string()) }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).to_string() + &String::from_utf8_lossy(&output.stdout);
    let last: Vec<&str> = text.lines().rev().take(5).collect();
    Err(format!("{command:?}: {}", last.into_iter().rev().collect::<Vec<_>>().join("; ")))
}

fn obeys(reply: &Reply) {
    let answer: Value = serde_json::from_str(&reply.text).unwrap_or_else(|error| panic!("{error}: {reply:?}"));
    let names: BTreeSet<&str> = answer.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(names, ["confidence", "reason", "skill"].into(), "{reply:?}");
    assert!(matches!(answer["skill"].as_str(), Some("fight" | "explore")), "{reply:?}");
    assert!(answer["confidence"].is_number() && answer["reason"].is_string(), "{reply:?}");
}

#[test]
fn a_real_llama_server_is_recognised_and_its_answers_obey_the_schema() {
    let scratch = tests::Scratch::new();
    let server = match start(scratch.path()) {
        Ok(server) => server,
        Err(why) => return println!("skipped: no real model server can be had: {why}"),
    };
    let mut tier = tier(&server.url);
    tier.answer_tokens = 400;
    block_on(async {
        let way = OpenAi::new(&tier, None).expect("the tier is well described");
        let probed = way.probe().await.expect("it is there");
        assert_eq!(probed.dialect, "llama-server");
        assert!(probed.model.ends_with("model.gguf"), "{}", probed.model);
        assert_eq!((probed.takes_pictures, probed.takes_schema, probed.tells_probabilities), (false, true, true));
        let mut asked = ask(prompt("What now?"), WATCHDOG);
        std::sync::Arc::make_mut(&mut asked.prompt).answer_tokens = 400;
        let reply = way.send(&asked).await.expect("it answers");
        obeys(&reply);
        assert!(reply.tokens_in > 10 && reply.tokens_out > 10, "{reply:?}");
        assert!(reply.confidence.is_some_and(|confidence| (0.0..=1.0).contains(&confidence)), "{reply:?}");
        let again = way.send(&asked).await.expect("it answers again");
        assert_eq!(again.text, reply.text, "without temperature the same prompt has the same answer");
        assert!(again.tokens_cached > 10, "the slot has kept the prompt: {again:?}");
        // Many at a time, more than it has slots.
        let remote: Remote = remote(&tier, limits(Duration::from_secs(5)));
        let questions = (0..12).map(|step| {
            let mut asked = ask(prompt(&format!("What now, at step {step}?")), WATCHDOG);
            asked.instance = step % 4;
            std::sync::Arc::make_mut(&mut asked.prompt).answer_tokens = 400;
            tokio::spawn(remote.ask(asked))
        });
        for question in questions.collect::<Vec<_>>() {
            obeys(&question.await.expect("no panic").expect("it answers"));
        }
    });
}
