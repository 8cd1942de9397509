//! `agent attach --web`: somebody looks at a run in a browser, while it is played and afterwards.

use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};
use tests::web::{PICTURE_HEAD_BYTES, PageSocket, Told};
use tests::{Browser, Finished, Program, Scratch, WebPage, is_soak, wait_for};
use wire::exit;
use wire::hash::Hash;

const FAST: [&str; 4] = ["--pace", "unthrottled", "--floors", "0"];
/// Slow enough for somebody to see each picture.
const SLOW: [&str; 4] = ["--pace", "realtime", "--floors", "0"];

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

fn play(pace: &[&str], steps: &str) -> Program {
    let program = Program::run(&[pace, &["--steps", steps, "--quiet"]].concat());
    program.wait_for_steps(2);
    program
}

fn played(steps: &str) -> Finished {
    Program::run(&[&FAST[..], &["--steps", steps, "--quiet"]].concat()).finish().expect_success()
}

/// The newest step that a page is told.
fn step(told: &Told) -> Option<u64> {
    match told {
        Told::News(news) => news["steps"].as_array()?.last()?[0].as_u64(),
        Told::Picture(_) => None,
    }
}

fn hash_of(picture: &[u8]) -> String {
    Hash::of([&picture[PICTURE_HEAD_BYTES..]]).to_string()
}

fn numbers(steps: &Value) -> Vec<u64> {
    let rows = steps["steps"].as_array().into_iter().flatten();
    rows.filter_map(|row| row[0].as_u64()).collect()
}

#[test]
fn nobody_is_served_without_the_token_nor_by_another_name_or_from_another_page() {
    let run = played("3");
    let page = WebPage::serve(&[text(run.run())]);
    let host = page.host();
    let opened = page.ask(&format!("/?token={}", page.token), &[("Host", &host)]);
    assert_eq!(opened.status, 200, "{}", opened.head);
    let cookie = format!("set-cookie: {}; Path=/; HttpOnly; SameSite=Strict", page.cookie());
    for part in [cookie.as_str(), "content-security-policy: default-src 'none'; script-src 'self'"] {
        assert!(opened.head.contains(part), "no {part:?} in\n{}", opened.head);
    }
    let paths =
        ["/", "/page/page.js", "/api/steps", "/api/step?step=1", "/api/picture?hash=1", "/api/live", "/elsewhere"];
    let cookie = page.cookie();
    let origin = format!("http://{host}");
    for path in paths {
        let refusals: [&[(&str, &str)]; 6] = [
            &[("Host", &host)],
            &[("Host", &host), ("Cookie", "pocketpilot=1; token=2")],
            &[("Host", "elsewhere.example"), ("Cookie", &cookie)],
            &[("Cookie", &cookie)],
            &[("Host", &host), ("Cookie", &cookie), ("Origin", "http://elsewhere.example")],
            &[("Host", "elsewhere.example"), ("Cookie", &cookie), ("Origin", "http://elsewhere.example")],
        ];
        for headers in refusals {
            let refused = page.ask(path, headers);
            // A request without any name of the server is not even HTTP.
            assert!([403, 400].contains(&refused.status), "{path} {headers:?}: {}", refused.head);
            assert!(refused.text().trim_end().lines().count() <= 1, "{}", refused.text());
        }
    }
    let wrong = page.ask(&format!("/?token={}0", &page.token[1..]), &[("Host", &host)]);
    assert_eq!((wrong.status, wrong.text().lines().count()), (403, 1));
    assert_eq!(page.ask("/page/page.js", &[("Host", &host), ("Cookie", &cookie), ("Origin", &origin)]).status, 200);
    assert_eq!([page.get("/elsewhere").status, page.get("/api/step").status], [404, 400]);
    assert_eq!(page.get("/api/step?step=999").status, 404);
}

#[test]
fn a_page_is_told_steps_and_pictures_as_they_happen() {
    let mut program = play(&FAST, "1000000");
    let page = WebPage::serve(&[text(program.run_folder())]);
    let mut first = page.page();
    let mut other = page.page();
    let name = program.run_folder().file_name().expect("a name").to_string_lossy().into_owned();
    let news = first.find("what the run is", |told| match told {
        Told::News(news) => Some(news.clone()).filter(|news| news["run"].is_object()),
        Told::Picture(_) => None,
    });
    assert_eq!((&news["run"]["name"], &news["run"]["end"]), (&Value::from(name), &Value::Null));
    assert!(news["processes"].as_array().is_some_and(|processes| processes.len() >= 4), "{news}");
    assert!(news["map"]["spots"].is_string() || news["map"].is_null());
    for socket in [&mut first, &mut other] {
        let shown = socket.find("a step", step);
        socket.find("a later step", |told| step(told).filter(|step| *step > shown));
        let picture = socket.find("a picture", |told| match told {
            Told::Picture(picture) => Some(picture.clone()),
            Told::News(_) => None,
        });
        let hash = u64::from_le_bytes(picture[16..24].try_into().expect("eight bytes"));
        assert_eq!((format!("{hash:016x}"), picture.len()), (hash_of(&picture), PICTURE_HEAD_BYTES + 240 * 160 * 2));
    }
    first.find("a map", |told| matches!(told, Told::News(news) if news["map"]["spots"].is_string()).then_some(()));
    let stopped = step_when_silent(&mut other);
    program.wait_for_steps(stopped + 200);
    other.say("s");
    let newest = other.find("the newest step", step);
    // What watches the log may be some steps behind it.
    assert!(newest >= stopped + 100, "a page that was slow is told the newest, not what was long ago: {newest}");
    assert!(program.is_running());
}

/// Takes pictures and leaves news untaken; gives the last step that was told.
fn step_when_silent(socket: &mut PageSocket) -> u64 {
    loop {
        let told = socket.look();
        match step(&told) {
            Some(step) => return step,
            None => socket.say(if matches!(told, Told::News(_)) { "s" } else { "f" }),
        }
    }
}

#[test]
fn steps_are_paged_back_to_the_first_one_in_a_run_that_ended() {
    let run = played("330");
    let page = WebPage::serve(&[text(run.run())]);
    let (mut before, mut seen) = (String::new(), Vec::new());
    loop {
        let found = numbers(&page.get(&format!("/api/steps?game=0&count=100{before}")).json());
        let Some(first) = found.first() else { break };
        before = format!("&before={first}");
        seen.splice(0..0, found);
    }
    assert_eq!(seen, (1..=330).collect::<Vec<_>>());
    assert_eq!(numbers(&page.get("/api/steps?since=200&count=3").json()), [200, 201, 202]);
    let told = page.get("/api/step?step=200").json();
    let logged = run.steps().into_iter().find(|(step, _)| *step == 200).expect("it was played").1;
    assert_eq!((&told["line"]["step"], &told["line"]["action"]), (&200.into(), &Value::from(logged.action.as_str())));
    assert_eq!(told["line"]["latency"]["total_us"], logged.latency.total_us);
    assert!(!told["has_picture"].as_bool().expect("yes or no"));
    assert!(told["picture_note"].as_str().is_some_and(|note| note.contains("[telemetry]")), "{told}");
    let mut socket = page.page();
    let news = socket.find("the end", |told| match told {
        Told::News(news) => Some(news["run"]["end"].clone()).filter(Value::is_string),
        Told::Picture(_) => None,
    });
    assert_eq!(news, "done: steps done");
}

#[test]
fn of_two_steps_with_one_number_each_is_found_by_its_time() {
    let run = played("40");
    let log = run.run().join("telemetry.jsonl");
    let text_of = std::fs::read_to_string(&log).expect("it is read");
    let first = text_of.lines().find(|line| line.contains(r#""step":20,"#) && line.contains("StepCompleted"));
    let first: Value = serde_json::from_str(first.expect("it was played")).expect("it is JSON");
    // As the life that comes after a death plays it once more.
    let mut again = first.clone();
    (again["ts"], again["action"]) = ("2026-11-29T03:20:28.197082Z".into(), "as it was played again".into());
    let lines = text_of.lines().flat_map(|line| {
        let is_it = line.contains(r#""step":20,"#) && line.contains("StepCompleted");
        [Some(line.to_string()), is_it.then(|| again.to_string())]
    });
    std::fs::write(&log, lines.flatten().map(|line| line + "\n").collect::<String>()).expect("it is written");
    let page = WebPage::serve(&[text(run.run())]);
    let rows = page.get("/api/steps?since=20&count=3").json();
    assert_eq!(numbers(&rows), [20, 20, 21]);
    for (place, line) in [first, again].iter().enumerate() {
        let at = rows["steps"][place][1].as_str().expect("a time");
        let told = page.get(&format!("/api/step?step=20&at={at}")).json();
        assert_eq!((&told["line"]["ts"], &told["line"]["action"]), (&line["ts"], &line["action"]));
    }
    assert_eq!(page.get("/api/step?step=20&at=2001-01-01T00:00:00Z").status, 404);
}

#[test]
fn the_picture_of_a_step_is_the_one_that_it_was_decided_on() {
    let program = play(&SLOW, "100000");
    let page = WebPage::serve(&[text(program.run_folder())]);
    let mut socket = page.page();
    let mut compared = BTreeSet::new();
    while compared.len() < 3 {
        let number = socket.find("another step", |told| step(told).filter(|step| !compared.contains(step)));
        let told = page.get(&format!("/api/step?step={number}")).json();
        if told["has_picture"] == true {
            let hash = told["line"]["frame_hash"].as_str().expect("a hash").to_string();
            let picture = page.get(&format!("/api/picture?hash={hash}"));
            assert_eq!((picture.status, hash_of(&picture.body)), (200, hash));
            compared.insert(number);
        }
    }
    assert_eq!(page.get("/api/picture?hash=0123456789abcdef").status, 404);
}

#[test]
fn recorded_pictures_and_questions_of_a_run_that_ended_are_shown() {
    let scratch = Scratch::new();
    let run = scratch.path().join("run");
    let recording = run.join("recording");
    let config = scratch.file("config.toml", format!("[router]\nrecord = {:?}\n", text(&recording)));
    let arguments = ["--config", text(&config), "--emulator", "libretro", "--steps", "60", "--quiet"];
    let played = Program::run_in(&run, &[&FAST[..], &arguments].concat(), None).finish().expect_success();
    let page = WebPage::serve(&[text(&run)]);
    for (step, done) in played.steps().into_iter().filter(|(step, _)| step % 10 == 0) {
        let told = wait_for("the recording to be read", || {
            let told = page.get(&format!("/api/step?step={step}")).json();
            (told["has_picture"] == true).then_some(told)
        });
        let picture = page.get(&format!("/api/picture?hash={}", done.frame_hash));
        assert_eq!((picture.status, hash_of(&picture.body)), (200, done.frame_hash.to_string()));
        assert_eq!(told["account"]["acted"].as_str(), Some(done.skill.as_str()).filter(|_| !told["account"].is_null()));
        assert!(told["account"]["offers"].is_array(), "{told}");
        let (width, spots) = (told["map"]["width"].as_i64(), told["map"]["spots"].as_str());
        let leader = spots.and_then(|spots| spots.find('@')).map(|place| place as i64);
        let state = done.state;
        let expected = width.map(|width| i64::from(state.y) * width + i64::from(state.x));
        assert_eq!((leader, leader.is_some()), (expected, state.floor > 0), "step {step}: {told}");
    }
}

#[test]
fn what_a_model_was_told_and_said_is_shown_with_the_steps_that_followed_it() {
    let run = played("40");
    let hash = run.steps().iter().find(|(step, _)| *step == 20).expect("it was played").1.frame_hash.to_string();
    let exchange = |step: u64| {
        serde_json::json!({ "ts": "2026-11-29T03:20:28.197082Z", "instance": 0, "step": step, "tier": "4b", "model": "m",
            "outcome": "answered", "frame_hash": hash, "prompt": [{ "role": "user", "text": format!("step {step}"), "pictures": 1 }],
            "answer": "{}" })
    };
    // The answer to step 20 came after that to step 21 was written.
    let lines: Vec<String> = [5, 19, 21, 20, 30].map(|step| exchange(step).to_string()).to_vec();
    std::fs::write(run.run().join("exchanges.jsonl"), lines.join("\n") + "\n").expect("it is written");
    let page = WebPage::serve(&[text(run.run())]);
    let told = page.get("/api/step?step=20").json();
    let found = told["exchanges"].as_array().expect("a list");
    assert_eq!((found.len(), &found[0]["prompt"][0]["text"]), (1, &Value::from("step 20")));
    let none = page.get("/api/step?step=10").json();
    assert_eq!((none["exchanges"].as_array().map(Vec::len), none["exchange_note"].is_string()), (Some(0), true));
}

#[test]
fn a_run_that_begins_later_is_followed() {
    let scratch = Scratch::new();
    let runs = scratch.path().join("runs");
    let config = scratch.file("config.toml", format!("[telemetry]\nruns = {:?}\n", text(&runs)));
    let memories = scratch.path().join("memories");
    let start = || {
        let arguments =
            ["run", "--config", text(&config), "--steps", "5", "--quiet", "--emulator", "libretro", "--memories"];
        let arguments = [&arguments[..], &[text(&memories)], &FAST].concat();
        Program::start(scratch.path(), &arguments).finish()
    };
    assert_eq!(start().status.code(), Some(exit::OK));
    let page = WebPage::serve(&["--config", text(&config)]);
    let mut socket = page.page();
    let name = |told: &Told| match told {
        Told::News(news) => news["run"]["name"].as_str().map(str::to_string),
        Told::Picture(_) => None,
    };
    let first = socket.find("the first run", name);
    assert_eq!(start().status.code(), Some(exit::OK));
    // It may have ended by the time that it is noticed.
    let second = socket.find("the second run and its end", |told| {
        let has_ended = matches!(told, Told::News(news) if news["run"]["end"].is_string());
        name(told).filter(|name| has_ended && *name != first)
    });
    assert!(runs.join(&second).exists());
    assert_eq!(numbers(&page.get("/api/steps").json()), [1, 2, 3, 4, 5]);
}

#[test]
fn it_ends_when_it_is_asked_to_and_says_when_there_is_no_run() {
    let run = played("3");
    for by in [Signal::INT, Signal::TERM] {
        let page = WebPage::serve(&[text(run.run())]);
        let _socket = page.page();
        assert_eq!(page.end(by), Some(exit::OK));
    }
    let scratch = Scratch::new();
    let finished = Program::start(scratch.path(), &["attach", "--web", text(scratch.path())]).finish();
    assert_eq!(finished.status.code(), Some(exit::NO_INPUT));
    assert_eq!((finished.stderr.lines().count(), finished.stdout.as_str()), (1, ""), "{}", finished.stderr);
    let finished = Program::start(scratch.path(), &["attach", "--port", "1"]).finish();
    assert_eq!(finished.status.code(), Some(exit::USAGE), "a port is of no use without a page");
}

#[test]
fn pages_come_and_go_without_the_run_noticing() {
    let times = if is_soak() { 1_000 } else { 12 };
    let mut program = play(&FAST, "10000000");
    let page = WebPage::serve(&[text(program.run_folder())]);
    for _ in 0..times {
        page.page().find("a step", step);
    }
    assert!(program.is_running());
    let lines = program.lines();
    let is_trouble = |line: &&wire::log::Line| line.level != wire::event::Level::Info;
    assert_eq!(lines.iter().filter(is_trouble).count(), 0, "the run has noticed something");
}

#[test]
fn a_browser_shows_the_run_and_goes_back_in_time() {
    let Some(mut browser) = Browser::open((1280, 800), false) else { return };
    let program = play(&SLOW, "100000");
    let page = WebPage::serve(&[text(program.run_folder())]);
    browser.go(&page.link);
    let number = "Number((document.querySelector('#step-number')?.textContent ?? '').replaceAll(',', '')) || 0";
    browser.wait_until("document.querySelector('#state')?.textContent === 'LIVE'");
    let first = browser.wait_for(number, |value| value.as_f64().filter(|number| *number > 0.0));
    browser.wait_for(number, |value| value.as_f64().filter(|number| *number > first));
    assert_eq!(browser.value("location.search"), "", "the token is not left in the address");
    browser.wait_until("Boolean(document.querySelector('#picture').dataset.hash)");
    browser.wait_until("document.querySelectorAll('#steps-seen .row:not([hidden])').length > 0");

    browser.press("ArrowLeft");
    browser.wait_until("document.querySelector('#state').textContent === 'PAST'");
    browser.wait_until(&format!("({number}) === window.pocketpilot.steps.chosen[0]"));
    let back = browser.value(number).as_f64();
    program.wait_for_steps(program.last_step() + 2);
    assert_eq!(browser.value(number).as_f64(), back, "time stands still");
    browser.wait_until("!document.querySelector('#side-past').hidden");
    // Of a step that was played while the page looked, the picture is the step's to the last bit.
    let is_exact =
        "document.querySelector('#hashes').textContent.includes(document.querySelector('#picture').dataset.hash)";
    browser.press("End");
    browser.wait_until("document.querySelector('#state').textContent === 'LIVE'");
    wait_for("a step's picture", || {
        browser.press("ArrowLeft");
        browser.wait_until("document.querySelector('#state').textContent === 'PAST'");
        browser.wait_until(&format!("({number}) === window.pocketpilot.steps.chosen[0]"));
        let is_there = browser.value(&format!("document.querySelector('#picture-note').hidden && {is_exact}"));
        browser.press("End");
        browser.wait_until("document.querySelector('#state').textContent === 'LIVE'");
        (is_there == true).then_some(())
    });

    browser.press("Home");
    browser.wait_until(&format!("({number}) === 1"));
    browser.press("ArrowRight");
    browser.wait_until(&format!("({number}) === 2"));
    browser.press("2");
    browser.wait_until("document.querySelector('#panel-2').textContent.includes('emulator-bridge')");
    browser.press("4");
    browser.wait_until("document.querySelector('#panel-4').textContent.includes('SkillLoaded')");
    browser.press("?");
    browser.wait_until("document.querySelector('#help').open");
    browser.click("#help button");
    browser.wait_until("!document.querySelector('#help').open");
    browser.press("1");
    browser.press("/");
    browser.wait_until("document.activeElement.id === 'number'");
    browser.press("1");
    browser.press("Enter");
    browser.wait_until(&format!("({number}) === 1"));
    browser.click("#now");
    browser.wait_until("document.querySelector('#state').textContent === 'LIVE'");
    assert_eq!(browser.complaints, Vec::<String>::new());

    browser.value("window.pocketpilot.drop()");
    browser.wait_until("document.querySelector('#state').textContent === 'LIVE'");
    page.end(Signal::TERM);
    browser.wait_until("document.querySelector('#trouble').textContent.includes('does not answer')");
}

/// How a page and its server stood at one moment.
#[derive(Debug)]
struct Sizes {
    steps: u64,
    server_kib: u64,
    script_kib: u64,
    elements: u64,
}

impl Sizes {
    fn of(page: &WebPage, browser: &mut Browser, program: &Program) -> Sizes {
        let number = |value: Value| value.as_f64().expect("a number") as u64;
        Sizes {
            steps: program.last_step(),
            server_kib: tests::status_kib(page.pid(), "RssAnon"),
            script_kib: number(browser.script_bytes()) / 1024,
            elements: number(browser.value("document.querySelectorAll('*').length")),
        }
    }
}

/// The long form watches for an hour, and says how it stood each minute.
#[test]
fn a_page_that_is_left_open_does_not_grow() {
    let Some(mut browser) = Browser::open((1280, 800), false) else { return };
    let program = play(&["--pace", "lockstep", "--floors", "0"], "100000000");
    let page = WebPage::serve(&[text(program.run_folder())]);
    browser.go(&page.link);
    browser.wait_until("document.querySelector('#state')?.textContent === 'LIVE'");
    let mut seen = Vec::new();
    let started = Instant::now();
    while seen.len() <= if is_soak() { 60 } else { 3 } {
        if is_soak() {
            let minute = Duration::from_secs(60 * seen.len() as u64);
            while let Some(rest) = minute.checked_sub(started.elapsed()) {
                std::thread::park_timeout(rest);
            }
        } else {
            program.wait_for_steps(program.last_step() + 25);
        }
        browser.wait_until("document.querySelector('#state').textContent === 'LIVE'");
        let sizes = Sizes::of(&page, &mut browser, &program);
        println!("{sizes:?} {}", browser.value("document.querySelector('#charts > p').textContent"));
        seen.push(sizes);
    }
    assert_eq!(browser.complaints, Vec::<String>::new());
    let [.., before, _, last] = &seen[..] else { panic!("it was looked at several times") };
    if is_soak() {
        let half = &seen[seen.len() / 2];
        assert!(last.server_kib < half.server_kib + 4096, "the server grew: {half:?}, {last:?}");
        assert!(last.script_kib < half.script_kib + 512, "the page grew: {half:?}, {last:?}");
    }
    assert!(before.steps < last.steps);
    // The pictures it keeps, 80 MiB, and all else; texts, rows and drawings of as many steps as it lists.
    assert!(last.server_kib < 160 << 10 && last.script_kib < 8 << 10 && last.elements < 4000, "{last:?}");
}
