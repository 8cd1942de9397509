//! Models decide in whole games: what they are asked, that every step says who decided, and that no server's fault stops play.

use actors::router::recording::Recording;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tests::model_server::{Act, Asked, Kind, ModelServer};
use tests::{Finished, Program, Scratch, wait_for};
use wire::event::{Event, StepCompleted};
use wire::hash::Hash;

const FAST: [&str; 3] = ["--pace", "unthrottled", "--quiet"];
/// How long a server stays dead in the long form.
const DEAD_FOR: Duration = Duration::from_secs(60);
const KEY: &str = "sk-a-key-that-nobody-may-see";

/// A game whose skills a served model chooses.
struct Table {
    scratch: Scratch,
    server: ModelServer,
    more: String,
    is_inspected: bool,
}

impl Table {
    fn new(kind: Kind) -> Table {
        Table { scratch: Scratch::new(), server: ModelServer::start(kind), more: String::new(), is_inspected: false }
    }

    /// What decisions are made from is kept.
    fn inspected(self) -> Table {
        Table { is_inspected: true, ..self }
    }

    /// More of the section `[router]`.
    fn with(mut self, more: &str) -> Table {
        self.more.push_str(more);
        self
    }

    fn config(&self) -> PathBuf {
        let text = format!(
            "[run]\nbrain = \"router\"\n[emulator]\nbackend = \"libretro\"\n[telemetry]\ninspection = {}\n[router]\nprobe_ms = 200\n{}\n\
             [[router.tiers]]\nname = \"served\"\nurl = \"{}\"\nkey_variable = \"POCKETPILOT_TEST_MODEL_KEY\"\n",
            self.is_inspected,
            self.more,
            self.server.url()
        );
        self.scratch.file("config.toml", text)
    }

    fn start(&self, arguments: &[&str]) -> Program {
        let config = self.config();
        let config = config.to_str().expect("a temporary path is text");
        Program::run_in(&self.scratch.path().join("run"), &[&FAST[..], &["--config", config], arguments].concat(), None)
    }

    fn play(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish().expect_success()
    }
}

fn decided(step: &StepCompleted) -> bool {
    step.tier.as_deref() == Some("served")
}

/// The first skill on offer, which is the planner's own choice.
fn offered(asked: &Asked) -> Vec<String> {
    let offers = asked.schema()["properties"]["skill"]["enum"].clone();
    offers
        .as_array()
        .map(|names| names.iter().filter_map(|name| name.as_str().map(str::to_string)).collect())
        .unwrap_or_default()
}

#[test]
fn a_model_plays_and_every_step_says_who_decided_upon_what() {
    let table = Table::new(Kind::vllm());
    let finished = table.play(&["--floors", "2"]);
    let steps = finished.steps();
    let by_model = steps.iter().filter(|(_, step)| decided(step)).count();
    assert!(by_model * 2 > steps.len(), "{by_model} of {} steps were decided by the model", steps.len());
    for (number, step) in &steps {
        let is_labelled = decided(step) && step.brain == "router" && step.source.is_some() && step.decided_on.is_some();
        let is_planners = step.tier.is_none() && step.source.is_none() && step.decided_on.is_none();
        assert!(is_labelled || (is_planners && step.fallback.is_some()), "step {number}: {step:?}");
        if step.source.as_deref() == Some("model") {
            let basis = step.decided_on.expect("it is labelled");
            assert_eq!((basis.frame_hash, basis.ram_hash), (step.frame_hash, step.ram_hash), "step {number}");
        }
    }
    let calls = finished
        .lines
        .iter()
        .filter(|line| matches!(&line.event, Event::ModelCalled { outcome, .. } if outcome == "answered"));
    assert_eq!(calls.count(), table.server.questions().len());
    assert!(table.server.questions().len() < steps.len(), "what does not change is not asked again");
}

#[test]
fn what_decisions_were_made_from_is_kept_where_that_is_wanted() {
    let table = Table::new(Kind::vllm()).inspected();
    let finished = table.play(&["--floors", "2"]);
    let steps = finished.steps();
    let recorded = Recording::open(&finished.run().join("recording")).expect("it was written");
    let recorded: Vec<_> = recorded.map(|record| record.expect("it is whole").inquiry).collect();
    assert!(!recorded.is_empty());
    for inquiry in &recorded {
        let (_, step) = steps.iter().find(|(number, _)| *number == inquiry.step).expect("each step is in the log");
        assert_eq!(Hash::of([&inquiry.frame.pixels[..]]), step.frame_hash, "the picture is the very one");
        assert_eq!(inquiry.seen.turns, step.state.turns, "so is the state");
    }
    let asked = table.server.questions();
    let exchanges = std::fs::read_to_string(finished.run().join("exchanges.jsonl")).expect("it was written");
    let exchanges: Vec<serde_json::Value> =
        exchanges.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(exchanges.len(), asked.len());
    for (exchange, asked) in exchanges.iter().zip(&asked) {
        let sent = &asked.body["messages"];
        assert_eq!(exchange["prompt"][0]["text"], sent[0]["content"]);
        assert_eq!(exchange["prompt"][1]["text"].as_str(), Some(asked.text()));
        assert_eq!((&exchange["prompt"][1]["pictures"], &exchange["outcome"]), (&json!(1), &json!("answered")));
        assert!(exchange["answer"].as_str().is_some_and(|answer| answer.contains("skill")), "{exchange}");
    }
    let plain = Table::new(Kind::vllm()).play(&["--steps", "5"]);
    for name in ["recording", "exchanges.jsonl"] {
        assert!(!plain.run().join(name).exists(), "nothing is kept that nobody asked for");
    }
}

#[test]
fn the_end_of_a_run_says_what_models_decided() {
    let table = Table::new(Kind::vllm());
    let config = table.config();
    let config = config.to_str().expect("a temporary path is text");
    let run = table.scratch.path().join("run");
    // So short that no second passes.
    let arguments = ["--pace", "unthrottled", "--config", config, "--steps", "30"];
    let finished = Program::run_in(&run, &arguments, None).finish().expect_success();
    let steps = finished.steps();
    let count = |is: fn(&StepCompleted) -> bool| steps.iter().filter(|(_, step)| is(step)).count();
    let is_asked = |step: &StepCompleted| step.source.as_deref() == Some("model");
    let is_declined = |step: &StepCompleted| step.fallback.as_deref() == Some("declined");
    let told = |line: &str| {
        let line = finished.stdout.lines().find(|found| found.starts_with(line)).unwrap_or_default();
        let numbers = line.split(|letter: char| !letter.is_ascii_digit()).filter(|number| !number.is_empty());
        numbers.map(|number| number.parse().expect("it is a number")).collect::<Vec<usize>>()
    };
    let (models, calls) = (told("models "), told("calls "));
    assert_eq!(models.iter().sum::<usize>(), steps.len(), "{}", finished.stdout);
    assert!((count(is_asked)..=count(is_asked) + count(is_declined)).contains(&models[0]), "{}", finished.stdout);
    assert_eq!(calls[..2], [table.server.questions().len(), 0], "{}", finished.stdout);
    assert!(calls[2] > 100 * calls[0] && calls[3] > calls[0], "{}", finished.stdout);
}

#[test]
fn doctor_asks_the_models() {
    let doctor = |table: &Table| {
        let config = table.config();
        let config = config.to_str().expect("a temporary path is text");
        Program::start(&table.scratch.path().join("run"), &["doctor", "--config", config]).finish()
    };
    let mut table = Table::new(Kind::vllm().refusing("logprobs", "logprobs are not supported"));
    let finished = doctor(&table).expect_success();
    let found = finished.stdout.lines().find(|line| line.starts_with("ok       model served"));
    let found = found.unwrap_or_else(|| panic!("{}", finished.stdout));
    for part in [&table.server.url(), "(vllm)", ": pictures, answers by schema, no probabilities"] {
        assert!(found.contains(part), "{found}");
    }
    assert_eq!(table.server.questions().len(), 0, "it plays nothing");
    table.server.stop();
    let finished = doctor(&table);
    assert_eq!(finished.status.code(), Some(wire::exit::UNAVAILABLE), "{}", finished.stdout);
    let problem = finished.stdout.lines().skip_while(|line| !line.starts_with("PROBLEM  model served"));
    let problem: Vec<&str> = problem.take(2).collect();
    assert!(
        problem[0].contains(&table.server.url()) && problem[1].contains("set url of the tier served"),
        "{problem:?}"
    );
}

#[test]
fn without_the_cache_a_model_is_asked_at_every_step() {
    let table = Table::new(Kind::llama_server(4)).with("cache = false\n");
    let finished = table.play(&["--steps", "40"]);
    let asked =
        |step: &StepCompleted| step.source.as_deref() == Some("model") || step.fallback.as_deref() == Some("declined");
    let asked = finished.steps().iter().filter(|(_, step)| asked(step)).count();
    let unasked = finished.steps().iter().filter(|(_, step)| step.fallback.as_deref() == Some("no_choice")).count();
    assert_eq!((asked + unasked, table.server.questions().len()), (40, asked));
}

#[test]
fn the_skill_that_the_model_chooses_acts() {
    let table = Table::new(Kind::vllm()).with("cache = false\n");
    table.server.mind(|asked| {
        let skill = offered(asked).pop().unwrap_or_default();
        format!("{{\"skill\": \"{skill}\", \"confidence\": 0.8, \"reason\": \"the last on the list\"}}")
    });
    let finished = table.play(&["--steps", "60"]);
    let chosen: Vec<String> = table.server.questions().iter().filter_map(|asked| offered(asked).pop()).collect();
    let acted: Vec<String> =
        finished.steps().into_iter().filter(|(_, step)| decided(step)).map(|(_, step)| step.skill.clone()).collect();
    assert!(!acted.is_empty());
    let mut rest = chosen.iter();
    assert!(acted.iter().all(|skill| rest.any(|chosen| chosen == skill)), "what acted was chosen, in this order");
}

#[test]
fn a_server_that_dies_leaves_the_planner_to_play_and_is_asked_again_when_it_is_back() {
    let mut table = Table::new(Kind::vllm()).with("cache = false\n");
    let mut program = table.start(&["--steps", "1000000", "--floors", "0"]);
    program.wait_for_steps(30);
    table.server.stop();
    let died = Instant::now();
    let dead = program.last_step();
    program.wait_for_steps(dead + 200);
    let is_planned = |event: &Event| matches!(event, Event::AlertRaised { alert, .. } if alert == "planner plays");
    assert!(program.lines().iter().any(|line| is_planned(&line.event)), "the log says that the planner plays");
    if tests::is_soak() {
        wait_for("the server to have been dead for long enough", || (died.elapsed() >= DEAD_FOR).then_some(()));
    }
    let (planned, before) = (program.last_step() - dead, table.server.questions().len());
    table.server.restart();
    let back = Instant::now();
    wait_for("the model to be asked again", || (table.server.questions().len() > before).then_some(()));
    println!(
        "dead for {:.1} s: the planner played {planned} steps; asked again {} ms after it was back, with a probe each 200 ms",
        (back - died).as_secs_f64(),
        back.elapsed().as_millis()
    );
    let resumed = program.last_step();
    wait_for("the model to go on deciding", || (table.server.questions().len() > before + 20).then_some(()));
    assert!(program.is_running());
    let steps = program.lines();
    let steps = steps.iter().filter_map(|line| match &line.event {
        Event::StepCompleted(step) => Some((line.step.unwrap_or_default(), step)),
        _ => None,
    });
    let open = steps.filter(|(number, step)| *number <= resumed && step.fallback.as_deref() == Some("open")).count();
    assert!(open > 100, "the planner's steps say why it played");
}

#[test]
fn faults_of_a_server_never_stop_play() {
    let table = Table::new(Kind::llama_server(4)).with("cache = false\ndeadline_ms = 400\n");
    let mut random = wire::random::SplitMix64(11);
    table.server.script(move |_| Act::random(&mut random, Duration::from_millis(100)));
    let finished = table.play(&["--steps", "120"]);
    let steps = finished.steps();
    assert_eq!(steps.len(), 120);
    assert!(steps.iter().all(|(_, step)| decided(step) || step.fallback.is_some()), "every step says who decided");
    let is_foreign =
        |event: &Event| matches!(event, Event::AlertRaised { alert, .. } if alert == "answer of another step");
    assert!(!finished.lines.iter().any(|line| is_foreign(&line.event)));
}

#[test]
fn the_key_reaches_the_server_and_nobody_else() {
    let table = Table::new(Kind::vllm()).inspected();
    let mut turn = 0;
    table.server.script(move |_| {
        turn += 1;
        if turn % 3 == 0 { Act::EchoKey } else { Act::Answer }
    });
    let config = table.config();
    let run = table.scratch.path().join("run");
    let run_dir = run.to_str().expect("a temporary path is text");
    let memories = table.scratch.path().join("memories");
    let output = std::process::Command::new(tests::program::executable())
        .args(["run", "--run-dir", run_dir, "--steps", "40", "--pace", "unthrottled", "--config"])
        .arg(&config)
        .arg("--memories")
        .arg(memories)
        .env("POCKETPILOT_TEST_MODEL_KEY", KEY)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let questions = table.server.questions();
    assert!(
        !questions.is_empty() && questions.iter().all(|asked| asked.header("authorization") == format!("Bearer {KEY}"))
    );
    let mut folders = vec![run];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).expect("it can be read");
            assert!(
                !bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()),
                "{} holds the key",
                path.display()
            );
        }
    }
    let told = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8_lossy(&told).contains(KEY));
}

#[test]
fn templates_are_edited_while_the_game_is_played() {
    let scratch = Scratch::new();
    let prompts = scratch.path().join("prompts");
    std::fs::create_dir(&prompts).expect("it can be made");
    let table = Table::new(Kind::vllm()).with(&format!("cache = false\nprompts = \"{}\"\n", prompts.display()));
    let program = table.start(&["--steps", "100000"]);
    program.wait_for_steps(5);
    let template = "Choose one skill. The password is heron.\n--- user ---\n{{state}}\n{{skills}}\n";
    std::fs::write(prompts.join("decide.md"), template).expect("it can be written");
    let holds = |asked: &Asked, word: &str| asked.body.to_string().contains(word);
    wait_for("the new words", || table.server.questions().iter().any(|asked| holds(asked, "heron")).then_some(()));
    std::fs::write(prompts.join("decide.md"), "The password is stork. {{skils}}\n").expect("it can be written");
    wait_for("the mistake to be told", || {
        let is_told = |event: &Event| matches!(event, Event::AlertRaised { detail, .. } if detail.contains("skils"));
        program.lines().iter().any(|line| is_told(&line.event)).then_some(())
    });
    let last = table.server.questions().pop().expect("it was asked");
    assert!(holds(&last, "heron") && !holds(&last, "stork"), "the last good one stays in use");
}

#[test]
fn games_share_one_router_and_what_it_knows() {
    let table = Table::new(Kind::vllm());
    let finished = table.play(&["--steps", "60", "--instances", "3"]);
    let of = |instance| finished.lines.iter().filter(move |line| line.instance == Some(instance));
    for instance in 0..3 {
        let steps = of(instance).filter(|line| matches!(&line.event, Event::StepCompleted(_))).count();
        let calls = of(instance).filter(|line| matches!(&line.event, Event::ModelCalled { .. })).count();
        assert!(steps == 60 && calls <= 60, "game {instance}: {steps} steps, {calls} calls");
    }
    let sources: BTreeSet<String> = finished.steps().iter().filter_map(|(_, step)| step.source.clone()).collect();
    assert!(sources.contains("model") && sources.contains("kept"), "{sources:?}");
}

#[test]
fn a_game_that_no_profile_explains_is_played_by_a_model_that_presses_buttons() {
    let table = Table::new(Kind::vllm());
    let config = std::fs::read_to_string(table.config()).expect("it was written");
    let config = table.scratch.file("pixels.toml", format!("{config}\n[game]\nprofile = \"none\"\n"));
    table.server.mind(|_| {
        r#"{"skill": "press-start", "arguments": {"frames": 5}, "confidence": 0.7, "reason": "begin"}"#.into()
    });
    let config = config.to_str().expect("a temporary path is text");
    let run = table.scratch.path().join("pixels");
    let finished = Program::run_in(&run, &[&FAST[..], &["--config", config, "--steps", "20"]].concat(), None)
        .finish()
        .expect_success();
    assert!(
        finished.steps().iter().all(|(_, step)| decided(step) && step.keys == "START×5 -×8"),
        "{:?}",
        finished.steps()[0]
    );
}

#[test]
fn a_router_without_a_server_says_what_is_missing_and_plays_on() {
    let mut table = Table::new(Kind::vllm());
    table.server.stop();
    let finished = table.play(&["--steps", "30"]);
    let detail = finished.lines.iter().find_map(|line| match &line.event {
        Event::AlertRaised { alert, detail } if alert == "planner plays" => Some(detail.clone()),
        _ => None,
    });
    let detail = detail.expect("it is said");
    assert!(detail.contains(&table.server.url()), "{detail}");
    assert!(finished.steps().iter().all(|(_, step)| step.brain == "planner" || step.brain == "rules"));
}
