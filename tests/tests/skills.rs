//! Skills in a running game: edited, broken, hostile, and gone.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};
use tests::follow::Follow;
use tests::workshop::Workshop;
use tests::{Finished, Program, wait_for};
use wire::event::Event;
use wire::log::LOG_FILE;

/// A skill of one act, so that each of its runs shows which text it is of.
const EXPLORE: &str = "screen == 'command' and can_act and not hurrying";

fn explore(edit: usize) -> String {
    format!(
        "-- One step towards the unknown.\nreturn function()\n    local target = path.unknown()\n    if target == nil then\n        \
         finish(\"failure\", \"nothing is unknown\")\n    end\n    note(\"on the way\")\n    step(target.direction, \"edit {edit}\")\nend\n"
    )
}

/// An endless game with the skills of a workshop.
fn play(workshop: &Workshop) -> Program {
    let config = workshop.config();
    let endless = ["--floors", "0", "--steps", "100000000", "--pace", "unthrottled", "--quiet", "--config", &config];
    Program::run_in(&workshop.run_dir(), &endless, None)
}

/// Ends a game by Ctrl-C, and checks that no step is missing and nothing died.
fn stop(program: Program) -> Finished {
    tests::signal(program.pid(), rustix::process::Signal::INT);
    let finished = program.finish();
    assert_eq!(finished.status.code(), Some(130), "{}", finished.stderr);
    assert_eq!((finished.count("ProcessRestarted"), finished.count("EmulatorLost"), finished.torn), (0, 0, 0));
    let numbers: Vec<u64> = finished.steps().iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "steps are missing or doubled");
    finished
}

/// A moment of a log line, in seconds of its day.
fn second_of_day(ts: &str) -> f64 {
    let part = |range: std::ops::Range<usize>| ts[range].parse::<f64>().unwrap_or_default();
    part(11..13) * 3600.0 + part(14..16) * 60.0 + part(17..26)
}

fn now_of_day() -> f64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    (now.as_nanos() % 86_400_000_000_000) as f64 / 1e9
}

fn percentile(values: &mut [f64], permille: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) * permille / 1000]
}

#[test]
fn an_edit_is_played_by_at_once_and_no_step_is_lost() {
    let workshop = Workshop::new();
    workshop.skill("custom/explore", &Workshop::manifest("explore", EXPLORE, 20), &explore(0));
    let program = play(&workshop);
    program.wait_for_steps(200);
    let mut log = Follow::new(&workshop.run_dir().join(LOG_FILE));
    let mut latencies = Vec::new();
    for edit in 1..=if tests::is_soak() { 1_000 } else { 40 } {
        workshop.write("custom/explore/main.luau", explore(edit));
        let closed = now_of_day();
        let (mut reloaded, mut played) = (None, false);
        let reason = format!("edit {edit}\"");
        wait_for(&format!("edit {edit} to be played"), || {
            for line in log.lines("") {
                match &line.event {
                    Event::SkillReloaded { skill, .. } if skill == "explore" => {
                        reloaded = Some(second_of_day(&line.ts))
                    }
                    Event::StepCompleted(step) => played |= format!("{}\"", step.reason) == reason,
                    _ => {}
                }
            }
            (played && reloaded.is_some()).then_some(())
        });
        latencies.push((reloaded.expect("it was reloaded") - closed) * 1000.0);
    }
    let finished = stop(program);
    assert_eq!(finished.count("SkillRejected"), 0);
    assert!(finished.steps().iter().all(|(_, step)| step.epoch == 1), "the game was interrupted");
    let count = latencies.len();
    let (p50, p99) = (percentile(&mut latencies, 500), percentile(&mut latencies, 990));
    println!("{count} edits: closed to active p50 {p50:.1} ms, p99 {p99:.1} ms, most {:.1} ms", latencies[count - 1]);
}

/// A way to break a skill, and what the rejection must say.
type Breakage = (&'static str, fn(&Workshop, usize), &'static str);

const BREAKAGES: [Breakage; 16] = [
    (
        "cut script",
        |shop, n| shop.write("custom/explore/main.luau", &explore(n)[..80 + n % 60]),
        "custom/explore/main.luau",
    ),
    ("cut manifest", |shop, n| cut_manifest(shop, n), "custom/explore/skill.toml"),
    (
        "wrong type",
        |shop, n| edit_manifest(shop, "version = \"1.0.0\"", &format!("version = {n}")),
        "custom/explore/skill.toml",
    ),
    (
        "unknown key",
        |shop, n| edit_manifest(shop, "version =", &format!("versoin{n} = 1\nversion =")),
        "custom/explore/skill.toml",
    ),
    ("wrong trigger", |shop, n| edit_manifest(shop, "can_act", &format!("can_act{n}")), "custom/explore/skill.toml"),
    (
        "missing requirement",
        |shop, n| {
            edit_manifest(shop, "[[triggers]]", &format!("[requires]\nnowhere-{n} = \"^1\"\n[[triggers]]"));
        },
        "custom/explore/skill.toml",
    ),
    (
        "requirement of another version",
        |shop, n| {
            edit_manifest(shop, "[[triggers]]", &format!("[requires]\nwait = \"^{}\"\n[[triggers]]", n + 7));
        },
        "custom/explore/skill.toml",
    ),
    (
        "cycle",
        |shop, n| {
            edit_manifest(shop, "[[triggers]]", &format!("[requires]\nexplore = \"^1\" # {n}\n[[triggers]]"));
        },
        "custom/explore/skill.toml",
    ),
    (
        "bad Luau",
        |shop, n| shop.write("custom/explore/main.luau", format!("return function( {n}\n  end end\n")),
        "custom/explore/main.luau",
    ),
    (
        "misspelt name",
        |shop, n| {
            shop.write("custom/explore/main.luau", explore(n).replace("path.unknown()", &format!("path.unknwon{n}()")));
        },
        "custom/explore/main.luau",
    ),
    (
        "error when run",
        |shop, n| {
            shop.write("custom/explore/main.luau", format!("return function()\n    error(\"number {n}\")\nend\n"));
        },
        "custom/explore/main.luau",
    ),
    (
        "endless loop",
        |shop, n| {
            shop.write("custom/explore/main.luau", format!("-- {n}\nwhile true do end\nreturn function() end\n"));
        },
        "custom/explore/main.luau",
    ),
    (
        "huge file",
        |shop, n| shop.write("custom/explore/main.luau", format!("-- {n}{}", "x".repeat(1 << 20))),
        "custom/explore/main.luau",
    ),
    (
        "binary",
        |shop, n| {
            let noise: Vec<u8> = (0..2000).map(|at| (at * 31 + n * 17 + 128) as u8).collect();
            shop.write("custom/explore/main.luau", noise);
        },
        "custom/explore/main.luau",
    ),
    (
        "symbolic link to itself",
        |shop, _| {
            let path = shop.skills().join("custom/explore/main.luau");
            std::fs::remove_file(&path).expect("it is there");
            std::os::unix::fs::symlink("main.luau", &path).expect("a link can be made");
        },
        "custom/explore/main.luau",
    ),
    (
        "permission denied",
        |shop, n| {
            shop.write("custom/explore/main.luau", explore(n));
            let path = shop.skills().join("custom/explore/main.luau");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).expect("it can be set");
        },
        "custom/explore/main.luau",
    ),
];

fn manifest() -> String {
    Workshop::manifest("explore", EXPLORE, 20)
}

fn edit_manifest(shop: &Workshop, from: &str, to: &str) {
    shop.write("custom/explore/skill.toml", manifest().replace(from, to));
}

fn cut_manifest(shop: &Workshop, n: usize) {
    let whole = manifest();
    let end = whole.find("can_act").expect("it is in the trigger") - n % 8;
    shop.write("custom/explore/skill.toml", &whole[..end]);
}

/// Puts the last good text back, so that each breakage is of its own.
fn mend(shop: &Workshop) {
    let _ = std::fs::remove_file(shop.skills().join("custom/explore/main.luau"));
    shop.skill("custom/explore", &manifest(), &explore(0));
}

#[test]
fn broken_edits_are_rejected_with_their_place_and_the_last_good_version_plays_on() {
    let workshop = Workshop::new();
    mend(&workshop);
    let program = play(&workshop);
    program.wait_for_steps(200);
    let mut log = Follow::new(&workshop.run_dir().join(LOG_FILE));
    let edits = if tests::is_soak() { 10_000 } else { 160 };
    for edit in 0..edits {
        let (what, breaks, place) = BREAKAGES[edit % BREAKAGES.len()];
        log.lines("Skill");
        breaks(&workshop, edit);
        let rejected = wait_for(&format!("edit {edit} ({what}) to be rejected"), || {
            log.lines("SkillRejected").into_iter().find_map(|line| match line.event {
                Event::SkillRejected { skill, path, line, message, kept, .. } if skill == "explore" => {
                    Some((path, line, message, kept))
                }
                _ => None,
            })
        });
        let (path, line, message, kept) = rejected;
        assert_eq!(path, place, "{what}: {message}");
        assert_eq!(kept.as_deref(), Some("1.0.0"), "{what}: {message}");
        assert!(!message.is_empty(), "{what}");
        let has_no_line = ["huge file", "symbolic link to itself", "permission denied"].contains(&what);
        assert!(line.is_some() || has_no_line, "{what} has no line: {message}");
        mend(&workshop);
        settle(&mut log);
    }
    let at_the_end = program.last_step();
    program.wait_for_steps(at_the_end + 500);
    let finished = stop(program);
    let explored =
        finished.steps().iter().filter(|(_, step)| step.skill == "explore" && step.reason == "edit 0").count();
    println!(
        "{edits} broken edits, all rejected with file and place; {explored} steps explored by the last good text meanwhile"
    );
    assert!(explored > 0);
}

/// What the mending caused is over: nothing is said of skills for a while.
fn settle(log: &mut Follow) {
    let mut quiet_since = std::time::Instant::now();
    wait_for("the mended skill to be taken back", || {
        if !log
            .lines("\"Skill")
            .into_iter()
            .all(|line| matches!(line.event, Event::SkillStarted { .. } | Event::SkillFinished { .. }))
        {
            quiet_since = std::time::Instant::now();
        }
        (quiet_since.elapsed() > Duration::from_millis(60)).then_some(())
    });
}

#[test]
fn hostile_scripts_end_within_their_limits_and_disturb_nobody() {
    let workshop = Workshop::new();
    // Each is harmless until the game has gone on for a while, so that the dry run does not give it away.
    let attacks = [
        ("loops", "while true do end"),
        ("swallows", "while true do pcall(function() while true do end end) end"),
        ("hoards", "local all = {} while true do table.insert(all, string.rep(\"x\", 100000) .. #all) end"),
        ("recurses", "local function deeper(n) return 1 + deeper(n + 1) end deeper(1)"),
        ("writes-long", "local text = \"x\" while true do text = text .. text end"),
        ("reads-files", "local inout = (getmetatable :: any)(\"\").__index.io.open(\"/etc/passwd\")"),
        ("throws", "error({ \"not a text\" })"),
        ("forgets", "memory.self = memory finish(\"success\", \"done\")"),
    ];
    for (name, attack) in attacks {
        let script = format!("return function()\n    if observe().turns > 20 then\n        {attack}\n    end\nend\n");
        workshop.skill(&format!("community/{name}"), &Workshop::manifest(name, "turns > 20", 500), &script);
    }
    let config = workshop.config();
    let arguments = ["--floors", "3", "--pace", "unthrottled", "--quiet", "--config", &config];
    let program = Program::run_in(&workshop.run_dir(), &arguments, None);
    let finished = program.finish().expect_success();
    assert_eq!((finished.count("ProcessRestarted"), finished.count("SkillRejected")), (0, 0));
    for (name, _) in attacks {
        let faults: Vec<&str> = finished
            .lines
            .iter()
            .filter_map(|line| match &line.event {
                Event::SkillFinished { skill, outcome, reason, .. } if skill == name && outcome == "fault" => {
                    Some(reason.as_str())
                }
                _ => None,
            })
            .collect();
        assert!(!faults.is_empty(), "{name} did not end as a fault");
        assert!(faults[0].starts_with(&format!("community/{name}/main.luau:")), "{name}: {}", faults[0]);
        println!("{name}: {} faults, the first: {}", faults.len(), faults[0]);
    }
    assert!(
        finished.steps().iter().filter(|(_, step)| step.brain == "planner").count() > 100,
        "the core skills played on"
    );
}

#[test]
fn a_hundred_skills_are_loaded_before_the_first_step() {
    let workshop = Workshop::new();
    for number in 0..100 {
        let name = format!("made-{number}");
        workshop.skill(&format!("custom/{name}"), &Workshop::manifest(&name, "false", 1), &explore(number));
    }
    let config = workshop.config();
    let arguments = ["--steps", "20", "--pace", "unthrottled", "--quiet", "--config", &config];
    let finished = Program::run_in(&workshop.run_dir(), &arguments, None).finish().expect_success();
    assert!(finished.count("SkillLoaded") >= 100);
    let names: Vec<String> = finished.lines.iter().map(|line| tests::program::name_of(&line.event)).collect();
    let last_loaded = names.iter().rposition(|name| name == "SkillLoaded");
    let first_started = names.iter().position(|name| name == "SkillStarted");
    assert!(last_loaded < first_started, "line {first_started:?} plays before line {last_loaded:?} has loaded");
    let ready = finished.lines.iter().find_map(|line| match &line.event {
        Event::ProcessReady { role, detail, .. } if role == "skills" => Some(detail.clone()),
        _ => None,
    });
    println!("{}", ready.unwrap_or_default());
}

#[test]
fn a_skill_that_is_removed_gives_way_to_the_one_below_it() {
    let workshop = Workshop::new();
    mend(&workshop);
    let program = play(&workshop);
    program.wait_for_steps(50);
    let mut log = Follow::new(&workshop.run_dir().join(LOG_FILE));
    std::fs::remove_dir_all(workshop.skills().join("custom/explore")).expect("it is there");
    let now = wait_for("the skill to be removed", || {
        log.lines("SkillRemoved").into_iter().find_map(|line| match line.event {
            Event::SkillRemoved { skill, now, .. } if skill == "explore" => Some(now),
            _ => None,
        })
    });
    assert!(now.is_some(), "the core skill takes its place");
    workshop.skill("custom/explore", &manifest(), &explore(9));
    wait_for("the skill that came back to act", || {
        log.lines("StepCompleted")
            .iter()
            .any(|line| matches!(&line.event, Event::StepCompleted(step) if step.reason == "edit 9"))
            .then_some(())
    });
    stop(program);
}

/// Runs `agent skills` with these arguments; gives its exit status and what it printed.
fn agent_skills(arguments: &[&str]) -> (Option<i32>, String) {
    let output = std::process::Command::new(tests::program::executable())
        .arg("skills")
        .args(arguments)
        .current_dir(tests::root())
        .output()
        .expect("the program starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_core_skills_pass_the_tests_in_their_folders() {
    let workshop = Workshop::new();
    let (status, text) = agent_skills(&["test", "--config", &workshop.config()]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains(" 0 failed") && !text.contains("without tests"), "{text}");
}

#[test]
fn a_skill_is_tried_from_a_moment_and_from_a_checkpoint() {
    let workshop = Workshop::new();
    let config = workshop.config();
    let moment = ["run", "fight", "--seed", "3", "--until", "enemies_adjacent > 0", "--config", &config];
    let (status, text) = agent_skills(&[&moment[..], &["--expect", "enemies == 0"]].concat());
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("attack") && text.contains("as expected"), "{text}");
    let (status, text) = agent_skills(&[&moment[..], &["--expect", "floor == 9", "--steps", "3"]].concat());
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("but not: floor == 9"), "{text}");

    let run = workshop.run_dir();
    let arguments = ["--floors", "2", "--pace", "unthrottled", "--quiet", "--config", &config];
    Program::run_in(&run, &arguments, None).finish().expect_success();
    let checkpoints = std::fs::read_dir(run.join("checkpoints")).expect("a run keeps checkpoints").flatten();
    let newest = checkpoints.map(|entry| entry.path()).max().expect("one was kept");
    let newest = newest.to_str().expect("a temporary path is text");
    let (status, text) =
        agent_skills(&["run", "explore", "--at", newest, "--steps", "5", "--config", &config, "--json"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("\"steps\":5"), "{text}");

    let (status, text) = agent_skills(&["run", "explroe", "--config", &config]);
    assert_eq!(status, Some(66), "{text}");
    assert!(text.contains("did you mean explore?"), "{text}");
}

/// Looks ahead, goes back, and checks that it is where and when it was.
const SCOUT: &str = r#"return function()
    local before = observe()
    local x, y, turns = before.x, before.y, before.turns
    if not checkpoint("to come back") then
        finish("failure", "nothing was kept")
    end
    for _ = 1, 3 do
        step(path.unknown().direction, "a look ahead")
    end
    if observe().turns == turns then
        finish("failure", "no turn passed")
    end
    if not restore("enough was seen") then
        finish("failure", "nothing was put back")
    end
    local now = observe()
    if now.x ~= x or now.y ~= y or now.turns ~= turns then
        finish("failure", `{now.x},{now.y} at turn {now.turns} is not {x},{y} at turn {turns}`)
    end
end
"#;

#[test]
fn a_skill_keeps_a_state_of_the_game_and_goes_back_to_it() {
    let workshop = Workshop::new();
    let manifest = "name = \"scout\"\nversion = \"1.0.0\"\ndescription = \"Looks ahead and comes back.\"\n";
    workshop.skill("custom/scout", manifest, SCOUT);
    let until = "floor == 1 and screen == 'command' and can_act";
    let (status, text) =
        agent_skills(&["run", "scout", "--seed", "3", "--until", until, "--config", &workshop.config()]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("scout: success after"), "{text}");
}
