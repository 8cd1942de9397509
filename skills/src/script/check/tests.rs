use crate::script::compile;
use proptest::prelude::*;
use std::path::Path;

fn compiled(source: &str) -> Result<(), String> {
    compile(Path::new("core/walk/main.luau"), source).map(|_| ()).map_err(|mistake| mistake.to_string())
}

#[test]
fn each_misuse_is_named_with_its_place() {
    for (source, expected) in [
        ("local x = obsreve()", "1:11: there is nothing called \"obsreve\"; did you mean \"observe\"?"),
        (
            "local s = observe()\nreturn s.hitpoints",
            "2:10: an observation has no field \"hitpoints\"; did you mean \"hp\"?",
        ),
        ("return observe().foess", "1:18: an observation has no field \"foess\"; did you mean \"foes\"?"),
        ("map.tiel(1, 2)", "1:5: map has nothing called \"tiel\"; did you mean \"tile\"?"),
        ("return math.flor(1)", "1:13: math has nothing called \"flor\"; did you mean \"floor\"?"),
        ("return ACTION.eats", "1:15: ACTION has nothing called \"eats\"; did you mean \"eat\"?"),
        ("step('north', 'x')", "1:6: step: direction must be one of S SE E NE N NW W SW, not \"north\""),
        (
            "step('N')",
            "1:9: step needs one more argument: reason; it is step(direction: Direction, reason: string) -> string",
        ),
        ("step('N', 'x', 3)", "1:16: too many arguments: step is step(direction: Direction, reason: string) -> string"),
        ("map.tile('a', 2)", "1:10: map.tile: x must be a number, not \"a\""),
        (
            "finish('succes', 'x')",
            "1:8: finish: outcome must be one of success failure, not \"succes\"; did you mean \"success\"?",
        ),
        ("pass_turn('')", "1:11: pass_turn: reason must be a text that says something, not \"\""),
        (
            "os.time()",
            "1:1: os is not available to skills: skills have no clock and no files; time is observe().frame or observe().turns",
        ),
        ("score = 3", "1:1: score is not declared: write `local score = …`"),
        ("step = 3", "1:1: step belongs to the API and cannot be assigned; write `local step`"),
        ("return `{obsreve()}`", "1:10: there is nothing called \"obsreve\"; did you mean \"observe\"?"),
    ] {
        assert_eq!(compiled(source), Err(format!("core/walk/main.luau:{expected}")), "{source}");
    }
}

#[test]
fn syntax_errors_have_their_line() {
    let error = compiled("local x = 1\nlocal = 2").expect_err("it does not compile");
    assert!(error.starts_with("core/walk/main.luau:2: "), "{error}");
}

#[test]
fn what_is_not_sure_passes() {
    for source in [
        "local s = observe() s = { hitpoints = 1 } return s.hitpoints",
        "local s = observe().stairs return s and s.z",
        "local s = observe() local function f(s) return s.anything end return f",
        "local function f(...) step(...) end return f",
        "local function g() return 'N', 'x' end step(g()) step('N', g())",
        "local t = { os = 1, step = 2 } t.os = 3 t.score = 4 return t.os",
        "local map = { x = 1 } return map.x",
        "type Pair<T> = { a: T, b: Direction } local function f<T>(p: Pair<T>, n: number?): (T, string) return p.a, 'x' end return f",
        "local a: { [string]: Monster } = {} for key: string, foe in a do a[key] = foe end return (a :: any).z",
        "local s: string = 'x' return s:upper():len()",
        "for i, foe in observe().foes do note(`{i}: {foe.x}`) end",
        "if observe().menu then press('A', 'yes', { as = 'menu', expect = 'cursor' }) end",
        "local t = setmetatable({}, { __index = function(self, key) return key end }) return t.any",
        "local f = function(a, b) return a, b end table.sort({}, function(l, r) return l < r end) return f",
        "local way = path.to(1, 2, { regardless = true }) return way",
        "local x, y = map.neighbour(1, 2, 'N') x, y = y, x return x",
        "memory.count = (memory.count or 0) + 1",
        "wait() wait(nil, 'x') wait(3)",
        "call('other', { until = 3 } :: any)",
        "continue = 3",
    ] {
        if let Err(error) = compiled(source) {
            assert!(
                error.contains("Expected") || source.contains("until = 3") || source.starts_with("continue"),
                "{source}: {error}"
            );
        }
    }
}

#[test]
fn the_core_skills_pass() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("core");
    for entry in std::fs::read_dir(core).expect("it is there").flatten() {
        if let Ok(source) = std::fs::read_to_string(entry.path().join("main.luau")) {
            assert_eq!(compiled(&source), Ok(()), "{}", entry.path().display());
        }
    }
}

proptest! {
    #[test]
    fn garbage_is_refused_or_passes_and_never_panics(source in "\\PC{0,200}") {
        let _ = compiled(&source);
        let _ = super::check(Path::new("x"), &source);
    }

    #[test]
    fn pieces_of_scripts_never_panic(pieces in proptest::collection::vec(prop_oneof![
        Just("local "), Just("observe()"), Just("step("), Just(")"), Just("`{"), Just("}`"), Just("\""), Just("'N'"), Just(","),
        Just("["), Just("[=["), Just("]]"), Just("--[["), Just("\n"), Just("é"), Just("function "), Just("type "), Just("= "),
        Just(". "), Just("..."), Just("map."), Just(" x "), Just("{"), Just("}"), Just("\\"), Just("0x.e+"), Just(": "), Just("for "),
    ], 0..40)) {
        let source: String = pieces.concat();
        let _ = compiled(&source);
        let _ = super::check(Path::new("x"), &source);
    }
}
