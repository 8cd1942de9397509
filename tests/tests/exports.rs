//! What other programs are told of a run: metrics that Prometheus fetches, and what an OpenTelemetry collector is sent; that both
//! say what the log says, that no fault of theirs disturbs play, and that nothing is told that was not asked for.

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use tests::collector::{Collector, Mood, attribute};
use tests::model_server::{Kind, ModelServer};
use tests::{Finished, Program, Scratch, wait_for};
use wire::event::Event;
use wire::exit;
use wire::log::{LOG_FILE, Line};

const FAST: [&str; 5] = ["--pace", "unthrottled", "--quiet", "--emulator", "libretro"];
/// A game may stand still for as long as a test wants.
const PATIENT: &str = "[emulator]\ndeadline_ms = 600000\n[supervision]\nsuspect_ms = 500000\nkill_ms = 600000\n";

/// An address of this machine that nobody has at the moment.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("there is a free port")
}

fn start(scratch: &Scratch, config: &str, arguments: &[&str]) -> Program {
    let config = scratch.file("config.toml", config);
    let config = config.to_str().expect("a temporary path is text");
    Program::run_in(&scratch.path().join("run"), &[&FAST[..], &["--config", config], arguments].concat(), None)
}

fn ask(address: SocketAddr, path: &str, host: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(head, body)| (head.to_string(), body.to_string()))
}

fn scrape(address: SocketAddr) -> Option<String> {
    let (head, body) = ask(address, "/metrics", "127.0.0.1")?;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(head.to_ascii_lowercase().contains("content-type: text/plain; version=0.0.4"), "{head}");
    Some(body)
}

/// The samples of a page, each of which must follow its HELP and TYPE, and be there once.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let (mut helped, mut typed, mut samples) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help says something");
            assert!(!help.is_empty() && helped.insert(name.to_string()), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type is named");
            assert!(["counter", "gauge", "histogram"].contains(&kind) && typed.insert(name.to_string()), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a sample has a value");
            let family = name.split('{').next().unwrap_or_default();
            let parts = ["", "_bucket", "_sum", "_count"];
            let is_known =
                parts.iter().any(|part| family.strip_suffix(part).is_some_and(|family| typed.contains(family)));
            assert!(is_known, "no type before {line}");
            let value = value.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(samples.insert(name.to_string(), value).is_none(), "twice: {line}");
        }
    }
    assert_eq!(helped, typed);
    samples
}

fn steps_of(lines: &[Line], game: u16) -> usize {
    let is_step = |line: &&Line| matches!(line.event, Event::StepCompleted(_)) && line.instance.unwrap_or(0) == game;
    lines.iter().filter(is_step).count()
}

fn failures(finished: &Finished) -> Vec<(&str, u64)> {
    let told = finished.lines.iter().filter_map(|line| match &line.event {
        Event::ExportFailed { reason, dropped, .. } => Some((reason.as_str(), *dropped)),
        _ => None,
    });
    told.collect()
}

fn assert_ended_well(finished: &Finished) {
    assert!(matches!(finished.lines.last().map(|line| &line.event), Some(Event::RunEnded { complete: true, .. })));
    assert_eq!(finished.torn, 0);
}

#[test]
fn prometheus_is_told_of_each_game_what_the_log_says() {
    let (scratch, address) = (Scratch::new(), free_address());
    let config = format!("{PATIENT}[export]\nprometheus = \"{address}\"\n");
    let program = start(&scratch, &config, &["--instances", "2", "--floors", "0", "--steps", "1000000"]);
    wait_for("both games to be played", || {
        let lines = program.lines();
        (steps_of(&lines, 0) > 40 && steps_of(&lines, 1) > 40).then_some(())
    });
    let during = samples(&scrape(address).expect("it is served while it plays"));
    assert!(during.contains_key("pocketpilot_steps_total{game=\"1\"}"), "{during:?}");
    let bridges: Vec<u32> = program
        .lines()
        .iter()
        .filter_map(|line| match &line.event {
            Event::ProcessReady { role, child_pid, .. } if role == "emulator-bridge" => Some(*child_pid),
            _ => None,
        })
        .collect();
    assert_eq!(bridges.len(), 2);
    // Games that stand still are counted at leisure.
    bridges.iter().for_each(|pid| tests::signal(*pid, rustix::process::Signal::STOP));
    let page = wait_for("the metrics to have caught up", || {
        let lines = program.lines();
        let page = scrape(address)?;
        let found = samples(&page);
        let count = |game| found.get(&format!("pocketpilot_steps_total{{game=\"{game}\"}}")).copied();
        let is_same = (0..2).all(|game| count(game) == Some(steps_of(&lines, game) as f64));
        (is_same && program.lines().len() == lines.len()).then_some(page)
    });
    let (found, lines) = (samples(&page), program.lines());
    bridges.iter().for_each(|pid| tests::signal(*pid, rustix::process::Signal::CONT));
    for game in 0..2_u16 {
        let of_game = |name: &str| found.get(&format!("pocketpilot_{name}{{game=\"{game}\"}}")).copied();
        let floors = lines
            .iter()
            .filter(|line| line.instance.unwrap_or(0) == game && matches!(line.event, Event::FloorReached { .. }));
        let took_us = lines.iter().filter_map(|line| match &line.event {
            Event::StepCompleted(step) if line.instance.unwrap_or(0) == game => Some(step.latency.total_us),
            _ => None,
        });
        assert_eq!(of_game("floors_total"), Some(floors.count() as f64));
        assert_eq!(of_game("step_duration_seconds_count"), of_game("steps_total"));
        let sum_s = took_us.sum::<u64>() as f64 / 1e6;
        assert!((of_game("step_duration_seconds_sum").unwrap_or_default() - sum_s).abs() < 1e-3, "{sum_s}");
    }
    assert_eq!(found.get("pocketpilot_log_torn_total"), Some(&0.0));
    assert!(found.keys().any(|name| name.starts_with("pocketpilot_process_memory_bytes{") && name.contains("agent")));
    check_with_promtool(&page);
    let (forbidden, _) = ask(address, "/metrics", "attacker.example").expect("it answers");
    assert!(forbidden.starts_with("HTTP/1.1 403 "), "{forbidden}");
    let (missing, _) = ask(address, "/", "localhost").expect("it answers");
    assert!(missing.starts_with("HTTP/1.1 404 "), "{missing}");
    tests::signal(program.pid(), rustix::process::Signal::INT);
    assert_eq!(program.finish().status.code(), Some(130));
    assert!(TcpStream::connect(address).is_err(), "nobody listens there any more");
}

fn check_with_promtool(page: &str) {
    let started = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    let Ok(mut promtool) = started else {
        println!("skipped: promtool is not installed, so that the page was read by this test alone");
        return;
    };
    promtool.stdin.take().expect("it is piped").write_all(page.as_bytes()).expect("it reads");
    assert!(promtool.wait().expect("it ends").success());
}

#[test]
fn clients_that_hold_their_connections_disturb_neither_play_nor_the_log() {
    let (scratch, address) = (Scratch::new(), free_address());
    let program = start(&scratch, &format!("[export]\nprometheus = \"{address}\"\n"), &["--steps", "400"]);
    let silent: Vec<TcpStream> = (0..40)
        .map(|_| wait_for("the metrics to be served", || TcpStream::connect(address).ok()))
        .inspect(|mut stream| drop(stream.write_all(b"GET /metr")))
        .collect();
    let finished = program.finish().expect_success();
    drop(silent);
    assert_ended_well(&finished);
    assert_eq!(finished.steps().len(), 400);
}

#[test]
fn addresses_that_are_taken_or_not_of_this_machine_alone_are_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = taken.local_addr().expect("it has one").to_string();
    let cases = [
        (format!("prometheus = \"{address}\""), "another program listens there"),
        ("prometheus = \"0.0.0.0:9184\"".to_string(), "must be HOST:PORT of this machine alone"),
        ("prometheus = \"9184\"".to_string(), "must be HOST:PORT of this machine alone"),
        ("otlp = \"https://me:hush@127.0.0.1:4318\"".to_string(), "must be http://HOST:PORT"),
        ("otlp = \"http://127.0.0.1:4318\"\n[telemetry]\nbackend = \"null\"".to_string(), "follows the log's file"),
    ];
    for (export, complaint) in cases {
        let scratch = Scratch::new();
        let finished = start(&scratch, &format!("[export]\n{export}\n"), &["--steps", "1"]).finish();
        assert_eq!(finished.status.code(), Some(exit::CONFIG), "{export}: {}", finished.stderr);
        assert!(finished.stderr.contains(complaint) && !finished.stderr.contains("hush"), "{}", finished.stderr);
        assert_eq!(finished.stderr.trim_end().lines().count(), 1, "{}", finished.stderr);
        assert!(!scratch.path().join("run").exists(), "nothing was begun");
    }
}

/// A server whose model has words.
fn served() -> ModelServer {
    let server = ModelServer::start(Kind::vllm());
    server.mind(|asked| {
        let offers = asked.schema()["properties"]["skill"]["enum"].clone();
        serde_json::json!({"skill": offers[0], "confidence": 0.9, "reason": "words of a model"}).to_string()
    });
    server
}

#[test]
fn what_models_were_asked_and_said_is_sent_where_that_is_wanted() {
    let (scratch, collector, server) = (Scratch::new(), Collector::start(Mood::Takes), served());
    let config = format!(
        "[run]\nbrain = \"router\"\n[export]\notlp = \"http://{}\"\ncontent = true\n[router]\n\
         objective = \"words of a prompt\"\n[[router.tiers]]\nname = \"served\"\nurl = \"{}\"\n",
        collector.address(),
        server.url()
    );
    let finished = start(&scratch, &config, &["--steps", "60"]).finish().expect_success();
    let spans = collector.spans();
    // A call that nobody waited for to the end said nothing.
    let is_answered = |span: &&Span| attribute(&span.attributes, "pocketpilot.outcome").as_deref() == Some("answered");
    let names = ["gen_ai.input.messages", "gen_ai.output.messages"];
    let told = spans.iter().filter(is_answered).map(|chat| names.map(|name| attribute(&chat.attributes, name)));
    let told: Vec<_> = told.collect();
    assert!(!told.is_empty() && told.len() <= finished.count("ModelCalled"), "{} answers", told.len());
    for [asked, said] in told {
        let asked = asked.expect("what was asked is told");
        assert!(asked.contains("words of a prompt"), "{asked}");
        let said: serde_json::Value = serde_json::from_str(&said.expect("what was said is told")).expect("it is JSON");
        assert!(
            said[0]["parts"][0]["content"].as_str().is_some_and(|said| said.contains("words of a model")),
            "{said}"
        );
    }
}

#[test]
fn a_collector_is_sent_each_step_and_call_without_prompts_or_secrets() {
    let (scratch, collector, server) = (Scratch::new(), Collector::start(Mood::Takes), served());
    let config = format!(
        "[run]\nbrain = \"router\"\n[export]\notlp = \"http://me:hush@{}/\"\n[router]\nobjective = \"words of a prompt\"\n\
         [[router.tiers]]\nname = \"served\"\nurl = \"{}\"\n",
        collector.address(),
        server.url()
    );
    let finished = start(&scratch, &config, &["--steps", "60"]).finish().expect_success();
    assert_ended_well(&finished);
    let spans = collector.spans();
    let named = |name: &str| spans.iter().filter(|span| span.name == name).count();
    assert_eq!(named("step"), finished.steps().len());
    let chats: Vec<_> = spans.iter().filter(|span| span.name.starts_with("chat ")).collect();
    assert!(!chats.is_empty() && chats.len() == finished.count("ModelCalled"), "{} chats", chats.len());
    let roots: BTreeMap<&[u8], &[u8]> =
        spans.iter().filter(|span| span.name == "step").map(|span| (&span.trace_id[..], &span.span_id[..])).collect();
    for chat in &chats {
        assert_eq!(roots.get(&chat.trace_id[..]), Some(&&chat.parent_span_id[..]), "a call is within its step");
        let host = attribute(&chat.attributes, "server.address");
        assert_eq!(host.as_deref(), Some("127.0.0.1"));
        assert_eq!(attribute(&chat.attributes, "gen_ai.operation.name").as_deref(), Some("chat"));
        assert_eq!(attribute(&chat.attributes, "gen_ai.provider.name").as_deref(), Some("vllm"));
    }
    let first = &collector.traces()[0].resource_spans[0];
    assert_eq!(first.schema_url, "https://opentelemetry.io/schemas/1.37.0");
    let about = &first.resource.as_ref().expect("it has one").attributes;
    assert_eq!(attribute(about, "service.name").as_deref(), Some("pocketpilot"));
    assert!(attribute(about, "service.version").is_some() && attribute(about, "service.instance.id").is_some());
    assert_metrics(&collector, &finished);
    let secret = "authorization: Basic bWU6aHVzaA==";
    assert!(collector.received().iter().all(|request| request.head.contains(secret)), "who it is is sent");
    let contains = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for words in ["words of a model", "words of a prompt", "hush"] {
        assert!(collector.received().iter().all(|request| !contains(&request.body, words)), "{words}");
    }
    let log = std::fs::read_to_string(finished.run().join(LOG_FILE)).expect("it is there");
    assert!(!log.contains("hush") && !log.contains("bWU6aHVzaA"));
    assert!(failures(&finished).is_empty());
}

fn assert_metrics(collector: &Collector, finished: &Finished) {
    let metrics = collector.metrics();
    let of = |name: &str| metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("no {name}"));
    let Some(Data::Sum(steps)) = &of("pocketpilot.steps").data else { panic!("steps are counted") };
    assert!(format!("{:?}", steps.data_points[0].value).contains(&format!("{}.0", finished.steps().len())));
    let duration = of("gen_ai.client.operation.duration");
    assert_eq!(duration.unit, "s");
    let Some(Data::Histogram(histogram)) = &duration.data else { panic!("durations are a histogram") };
    let count: u64 = histogram.data_points.iter().map(|point| point.count).sum();
    assert_eq!(count, finished.count("ModelCalled") as u64);
    assert_eq!(histogram.data_points[0].explicit_bounds.len(), 14);
    let tokens = of("gen_ai.client.token.usage");
    let Some(Data::Histogram(histogram)) = &tokens.data else { panic!("tokens are a histogram") };
    let told: f64 = histogram.data_points.iter().filter_map(|point| point.sum).sum();
    let used = finished.lines.iter().map(|line| match &line.event {
        Event::ModelCalled { tokens_in, tokens_out, .. } => tokens_in + tokens_out,
        _ => 0,
    });
    assert!((told - used.sum::<u64>() as f64).abs() < 0.5, "{told}");
}

/// Plays with a collector in this mood.
fn play_with(mood: Mood) -> (Finished, Collector) {
    let (scratch, collector) = (Scratch::new(), Collector::start(mood));
    let config = format!("[export]\notlp = \"http://{}\"\n", collector.address());
    let finished = start(&scratch, &config, &["--floors", "2"]).finish().expect_success();
    assert_ended_well(&finished);
    (finished, collector)
}

#[test]
fn a_collector_that_refuses_everything_disturbs_nothing_and_the_log_says_so() {
    let (finished, _collector) = play_with(Mood::Refuses(503));
    let told = failures(&finished);
    assert!(!told.is_empty() && told.len() <= 2, "{told:?}");
    assert!(told.iter().all(|(reason, _)| reason.contains("503")), "{told:?}");
    let lost = told.last().map_or(0, |(_, dropped)| *dropped);
    assert!(lost >= finished.steps().len() as u64, "{told:?}");
}

#[test]
fn a_collector_that_hangs_disturbs_nothing_and_the_log_says_so() {
    let (finished, collector) = play_with(Mood::Hangs);
    let told = failures(&finished);
    let lost = told.last().map_or(0, |(_, dropped)| *dropped);
    assert!(lost >= finished.steps().len() as u64, "{told:?}");
    assert!(!collector.received().is_empty());
}

#[test]
fn a_collector_that_dies_midway_disturbs_nothing_and_the_log_says_so() {
    let (finished, collector) = play_with(Mood::DiesAfter(2));
    let (told, taken) = (failures(&finished), collector.received().len());
    assert!(!told.is_empty() && taken >= 2, "{told:?}, {taken} requests");
}

#[test]
fn no_collector_at_all_disturbs_nothing_and_the_log_says_so() {
    let (scratch, address) = (Scratch::new(), free_address());
    let config = format!("[export]\notlp = \"http://{address}\"\n");
    let finished = start(&scratch, &config, &["--floors", "1"]).finish().expect_success();
    assert_ended_well(&finished);
    let told = failures(&finished);
    assert!(told.iter().any(|(reason, _)| reason.to_ascii_lowercase().contains("refused")), "{told:?}");
}

#[test]
fn a_collector_that_takes_no_metrics_gets_every_span() {
    let (finished, collector) = play_with(Mood::TakesTraces);
    let steps = collector.spans().iter().filter(|span| span.name == "step").count();
    assert_eq!(steps, finished.steps().len());
    let told = failures(&finished);
    assert!(told.len() == 1 && told[0].0.contains("404") && told[0].1 == 0, "{told:?}");
}

#[test]
fn a_collector_that_comes_back_is_sent_to_again() {
    let (scratch, address) = (Scratch::new(), free_address());
    let config = format!("{PATIENT}[export]\notlp = \"http://{address}\"\n");
    let program = start(&scratch, &config, &["--floors", "0", "--steps", "1000000"]);
    let has =
        |name: &str| program.lines().iter().any(|line| tests::program::name_of(&line.event) == name).then_some(());
    wait_for("the failure to be told", || has("ExportFailed"));
    program.wait_for_steps(10);
    // Nothing more is to be sent than what waits.
    let bridge = program.role("emulator-bridge", 0);
    tests::signal(bridge, rustix::process::Signal::STOP);
    let collector = wait_for("the port", || Collector::start_at(address.port(), Mood::Takes).ok());
    wait_for("the collector to be found", || has("ExportResumed"));
    wait_for("spans", || (!collector.spans().is_empty()).then_some(()));
    tests::signal(bridge, rustix::process::Signal::CONT);
    tests::signal(program.pid(), rustix::process::Signal::INT);
    assert_eq!(program.finish().status.code(), Some(130));
}
