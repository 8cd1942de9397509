//! How runs begin, go on, call one another and end.

use super::*;
use proptest::prelude::*;
use wire::skill::Argument;

const WAITS: &str = "return function() while true do wait(nil, 'on') end end";

/// The same skill, requiring others.
fn requiring(mut skill: Skill, others: &[&str]) -> Skill {
    for other in others {
        skill.manifest.requires.insert((*other).to_string(), semver::VersionReq::STAR);
    }
    skill
}

fn outcomes(turned: &Turned) -> Vec<(&str, Outcome, &str)> {
    turned.ended.iter().map(|ended| (ended.skill.as_str(), ended.outcome, ended.reason.as_str())).collect()
}

#[test]
fn a_called_skill_acts_for_the_run_that_called_it() {
    let caller = "return function()
    local is_done, reason = call('inner', { count = 2 })
    finish(if is_done then 'success' else 'failure', 'inner: ' .. reason)
end";
    let inner = "return function(told)
    for _ = 1, told.count do step('E', 'inner') end
    memory.last = told.count
    finish('failure', 'far enough')
end";
    let mut inner = skill("inner", inner);
    let count = wire::skill::Parameter {
        name: "count".to_string(),
        description: "steps".to_string(),
        kind: "integer".to_string(),
        default: Some(Argument::Number(1.0)),
        min: None,
        max: None,
        one_of: Vec::new(),
    };
    inner.manifest.given.insert("count".to_string(), count);
    let mut stage = stage([requiring(skill("outer", caller), &["inner"]), inner]);
    for id in 1..3 {
        let act = stage.turn(turn(id, &["outer"])).act.expect("it acts");
        assert_eq!((act.skill.as_str(), act.by.as_str(), act.is_new), ("outer", "inner", id == 1));
    }
    let turned = stage.turn(turn(3, &["outer"]));
    assert_eq!(outcomes(&turned), [("outer", Outcome::Failure, "inner: far enough")]);
    assert_eq!(turned.ended[0].memories, [("inner".to_string(), "{\"last\":2}".to_string())]);
    assert_eq!(turned.ended[0].steps, 2);
}

#[test]
fn calls_without_end_and_calls_of_oneself_are_stopped() {
    let forever = "return function() while true do call('nothing') end end";
    let itself = "return function() local ok, why = call('itself') finish('failure', why) end";
    let mut stage = stage([
        requiring(skill("forever", forever), &["nothing"]),
        requiring(skill("itself", itself), &["itself"]),
        skill("nothing", "return function() end"),
        skill("good", WAITS),
    ]);
    let turned = stage.turn(turn(1, &["forever", "itself", "good"]));
    assert_eq!(turned.ended[0].outcome, Outcome::Fault);
    assert!(turned.ended[0].reason.contains("calls between two acts"), "{turned:?}");
    assert_eq!(outcomes(&turned)[1], ("itself", Outcome::Failure, "itself was not run: it runs already"));
    assert_eq!(turned.act.map(|act| act.skill), Some("good".to_string()));
}

#[test]
fn a_run_gives_way_to_the_one_that_acts_and_waits_for_those_that_do_not() {
    let mut stage = stage([
        skill("low", WAITS),
        skill("high", WAITS),
        skill("never", "return function() finish('failure', 'no') end"),
    ]);
    assert!(stage.turn(turn(1, &["low"])).act.is_some_and(|act| act.is_new));
    let turned = stage.turn(turn(2, &["never", "low"]));
    assert_eq!(outcomes(&turned), [("never", Outcome::Failure, "no")]);
    assert!(turned.act.is_some_and(|act| !act.is_new && act.skill == "low"));
    let turned = stage.turn(turn(3, &["high", "low"]));
    assert_eq!(outcomes(&turned), [("low", Outcome::Interrupted, "high was more urgent")]);
    let turned = stage.turn(turn(4, &[]));
    assert_eq!(outcomes(&turned), [("high", Outcome::Interrupted, "it was not asked to go on")]);
    let turned = stage.turn(turn(5, &["unheard-of"]));
    assert_eq!(outcomes(&turned), [("unheard-of", Outcome::Failure, "there is no skill unheard-of")]);
}

#[test]
fn a_run_ends_when_its_steps_are_used_up_or_its_work_is_done() {
    let mut short = skill("short", WAITS);
    short.manifest.limits.steps = 2;
    let mut stage = stage([short]);
    assert!((1..3).all(|id| stage.turn(turn(id, &["short"])).act.is_some()));
    let turned = stage.turn(turn(3, &["short"]));
    assert_eq!(outcomes(&turned), [("short", Outcome::Failure, "took more than 2 steps")]);
    assert!(stage.turn(turn(4, &["short"])).act.is_some_and(|act| act.is_new));
    let turned = stage.turn(Turn { is_done: true, ..turn(5, &[]) });
    assert_eq!(outcomes(&turned), [("short", Outcome::Success, "what it is for is done")]);
}

#[test]
fn a_running_run_keeps_its_library_and_a_new_one_takes_the_new() {
    let mut stage = stage([skill("some", "return function() wait() wait() finish('success', 'old') end")]);
    stage.turn(turn(1, &["some"]));
    stage.use_library(library([skill("some", "return function() finish('success', 'new') end")]));
    stage.turn(turn(2, &["some"]));
    assert_eq!(outcomes(&stage.turn(turn(3, &["some"]))), [("some", Outcome::Success, "old")]);
    assert_eq!(outcomes(&stage.turn(turn(4, &["some"]))), [("some", Outcome::Success, "new")]);
    let mut meant = turn(5, &["some"]);
    meant.candidates[0].revision = Some(Hash(1));
    let turned = stage.turn(meant);
    assert_eq!(outcomes(&turned), [("some", Outcome::Failure, "the version of some that is meant is not loaded")]);
}

#[test]
fn games_do_not_disturb_each_other() {
    let mut stage = stage([skill(
        "some",
        "return function() memory.n = (memory.n or 0) + 1 wait() finish('success', memory.n .. '') end",
    )]);
    stage.begin(1, vec![("some".to_string(), "{\"n\":7}".to_string())]);
    for id in 1..3 {
        let first = stage.turn(turn(id, &["some"]));
        let second = stage.turn(Turn { instance: 1, ..turn(id, &["some"]) });
        if id == 2 {
            assert_eq!((outcomes(&first)[0].2, outcomes(&second)[0].2), ("1", "8"));
        }
    }
}

#[test]
fn as_many_games_as_there_may_be_have_memory_for_their_runs() {
    let mut stage = stage([skill(
        "some",
        "return function() local map = {} for i = 1, 60000 do map[i] = i end wait() finish('success', #map .. '') end",
    )]);
    let games = wire::control::INSTANCES_MAX;
    for id in 1..3 {
        for instance in 0..games {
            let turned = stage.turn(Turn { instance, ..turn(id, &["some"]) });
            match id {
                1 => assert!(turned.act.is_some(), "game {instance}: {:?}", outcomes(&turned)),
                _ => assert_eq!(outcomes(&turned), [("some", Outcome::Success, "60000")], "game {instance}"),
            }
        }
        assert!(stage.bytes() <= BYTES_MAX + GAME_BYTES * usize::from(games - 1));
    }
}

#[test]
fn machines_that_rest_are_thrown_away_before_there_are_too_many() {
    let names: Vec<String> = (0..100).map(|number| format!("skill-{number}")).collect();
    let mut stage = stage(names.iter().map(|name| skill(name, "return function() end")));
    for (id, name) in (1..).zip(&names) {
        stage.turn(turn(id, &[name]));
    }
    println!("{} KiB for a hundred skills", stage.bytes() >> 10);
    assert!(stage.bytes() <= BYTES_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn the_same_turns_make_the_same_acts(chances in proptest::collection::vec(any::<u64>(), 1..12)) {
        let source = "return function()
    local ways = { 'N', 'E', 'S', 'W' }
    while random() > 0.1 do
        local way = ways[random(4)]
        memory[way] = (memory[way] or 0) + 1
        note(memory)
        step(way, tostring(memory) .. tostring(print))
    end
end";
        let play = || {
            let mut stage = stage([skill("some", source)]);
            let turns = (1..).zip(&chances).map(|(id, chance)| Turn { chance: *chance, ..turn(id, &["some"]) });
            turns.map(|turn| Turned { spent_us: 0, ..stage.turn(turn) }).collect::<Vec<Turned>>()
        };
        prop_assert_eq!(play(), play());
    }
}
