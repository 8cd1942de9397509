//! What hostile or hopeless scripts try. Each ends its own run, within its limits, while another skill goes on.

use super::*;

/// What is tried, and how it ends: the beginning of a fault's message, or the reason of a run that ended well.
const ATTACKS: &[(&str, &str, &str)] = &[
    ("endless loop", "while true do end", "took more than"),
    ("endless loop in pcall", "while true do pcall(function() while true do end end) end", "took more than"),
    ("endless loop in xpcall's handler", "xpcall(function() error('x') end, function() while true do end end)", "took"),
    ("pcall that swallows the limit", "local function f() pcall(f) f() end while true do pcall(f) end", ""),
    ("allocation bomb", "local t = {} for i = 1, 1e9 do t[i] = {i} end", "needs more than 8 MiB"),
    ("an impossible table", "local t = table.create(1e8, 0)", "table overflow"),
    ("one huge table", "local t = table.create(6e7, 0)", "needs more than 8 MiB"),
    ("huge memory", "for i = 1, 1e9 do memory[i] = 'x' .. i end", ""),
    ("deep recursion", "local function f(n) return 1 + f(n + 1) end f(1)", "stack overflow"),
    ("recursion through pcall", "local function f() local _, e = pcall(f) return 1, e end while true do f() end", ""),
    ("giant string", "local s = 'x' while true do s = s .. s end", "needs more than 8 MiB"),
    ("string.rep", "local s = string.rep('x', 2^31 - 1)", "resulting string too large"),
    ("string.rep of nothing", "for i = 1, 1e9 do string.rep('', 2^31 - 1) end", "took"),
    (
        "string.format",
        "local s = string.rep('x', 1e6) local t = {} for i = 1, 1e6 do t[i] = string.format('%s%d', s, i) end",
        "",
    ),
    ("buffer.create", "buffer.create(2^30)", "needs more than 8 MiB"),
    ("buffer.fill in a loop", "local b = buffer.create(4e6) while true do buffer.fill(b, 0, 1) end", "took"),
    ("string.lower in a loop", "local s = string.rep('A', 3e6) while true do string.lower(s) end", ""),
    (
        "table.concat",
        "local t = table.create(4e5, 0.123456789) while true do table.concat(t) end",
        "table.concat goes over",
    ),
    ("table.concat of much", "local t = table.create(6e4, 0.123456789) while true do table.concat(t) end", "took"),
    ("table.move of nothing", "table.move({}, 1, 1e9, 1, {})", "table.move goes over"),
    ("table.unpack", "while true do pcall(table.unpack, {}, 1, 5e5) end", ""),
    ("table.insert at the front", "local t = table.create(3e5, 0) while true do table.insert(t, 1, 0) end", ""),
    ("table.sort", "local t = table.create(2e5) for i = 1, 9e4 do t[i] = -i end table.sort(t)", "took"),
    ("table.sort with an endless comparison", "table.sort({3, 2, 1}, function() while true do end end)", "took"),
    ("table.sort with a native comparison", "table.sort(table.create(2e5, 1), math.max)", ""),
    (
        "table.sort of long texts",
        "local t = {} for i = 1, 50 do t[i] = string.rep('x', 1e5) .. i end while true do table.sort(t) end",
        "took",
    ),
    (
        "plain find",
        "local s = string.rep('a', 65536) while true do string.find(s, string.rep('a', 255) .. 'b', 1, true) end",
        "took",
    ),
    ("long plain find", "string.find(string.rep('a', 1e6), 'b', 1, true)", "string.find takes texts of at most"),
    ("pattern", "string.match(string.rep('a', 60000), string.rep('a-', 60) .. 'b')", "took"),
    ("pattern of stars", "string.match(string.rep('a', 60000), string.rep('a*', 60) .. 'b')", "took"),
    (
        "pattern with a long set",
        "while true do string.match(string.rep('z', 65536), '[' .. string.rep('y', 250) .. ']*') end",
        "took",
    ),
    ("pattern through a method", "local s = string.rep('a', 60000) s:gsub(string.rep('a*', 60) .. 'b', '')", "took"),
    ("gsub with a looping replacement", "string.gsub('abc', '.', function() while true do end end)", "took"),
    ("split of much", "while true do string.split(string.rep('a,', 8000), ',') end", "took"),
    (
        "__index that loops",
        "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) return t[1]",
        "",
    ),
    (
        "__eq that loops",
        "local m = {__eq = function() while true do end end} return setmetatable({}, m) == setmetatable({}, m)",
        "took",
    ),
    ("__tostring that loops", "error(setmetatable({}, {__tostring = function() while true do end end}))", ""),
    (
        "__iter that loops",
        "for _ in setmetatable({}, {__iter = function() return function() return 1 end end}) do end",
        "took",
    ),
    ("__index chain to itself", "local t = {} setmetatable(t, {__index = t}) return t.x", ""),
    (
        "coroutine",
        "local k = 'coroutine' return coroutine.wrap(function() end)",
        "coroutine is not available to skills",
    ),
    ("io", "io.open('/etc/passwd')", "io is not available to skills"),
    ("os", "os.execute('true')", "os is not available to skills"),
    ("require", "require('x')", "require is not available to skills"),
    ("debug", "debug.info(1, 's')", "debug is not available to skills"),
    ("loadstring", "loadstring('x = 1')()", "loadstring is not available to skills"),
    ("getfenv", "getfenv(0).x = 1", "getfenv is not available to skills"),
    ("collectgarbage", "collectgarbage('stop')", "collectgarbage is not available to skills"),
    ("_G", "_G.x = 1", "there is nothing called \"_G\""),
    ("a new global", "score = 1", "score cannot become a global: write `local score`"),
    ("a known global", "math = nil", "attempt to modify a readonly table"),
    ("a library", "string.find = nil", "attempt to modify a readonly table"),
    ("rawset on a library", "rawset(string, 'x', 1)", ""),
    ("the metatable of texts", "getmetatable('').__index.x = 1", ""),
    ("the metatable of a library", "getmetatable(map).__index = nil", ""),
    ("the metatable of an observation", "setmetatable(observe(), {})", ""),
    ("an observation", "observe().hp = 99", "attempt to modify a readonly table"),
    ("a list of an observation", "observe().foes[1].hp = 99", "attempt to modify a readonly table"),
    (
        "acts in a comparison",
        "table.sort({2, 1}, function() step('E', 'x') return true end)",
        "step cannot be used within",
    ),
    (
        "acts in a metamethod",
        "return setmetatable({}, {__index = function() wait() end}).x",
        "wait cannot be used within",
    ),
    (
        "an error in every callback",
        "local ok, e = pcall(step, 3, 4) assert(not ok) map.tile('x')",
        "map.tile: argument 1 (x)",
    ),
    ("notes without end", "while true do note(string.rep('x', 1e5)) end", "took"),
    ("ways without end", "while true do path.distance(8, 8, 14, 10) end", "took"),
    ("lists without end", "local t = {} while true do t[#t + 1] = path.near(99) end", ""),
    ("observations without end", "while true do observe() end", "took"),
    ("memory that is no data", "memory.f = function() end", "memory.f cannot be kept: it is a function"),
    ("memory within itself", "memory.m = memory", "cannot be kept: tables lie deeper"),
    ("memory with infinity", "memory.x = math.huge", "memory.x cannot be kept"),
    ("too much memory", "memory.x = string.rep('x', 20000)", "memory cannot be kept: it is"),
    ("calls of what is not required", "call('good')", "call: \"good\" is not in [requires]"),
    ("a number where a text belongs", "finish('success', 3)", "finish: argument 2 (reason)"),
];

#[test]
fn each_attack_ends_its_own_run_and_nothing_else() {
    let good = "return function() while true do wait(nil, 'on') end end";
    let mut slowest = (0, "");
    for (name, body, expected) in ATTACKS {
        let mut stage =
            stage([skill("bad", &format!("--!nolint\nreturn function()\n{body}\nend")), skill("good", good)]);
        let turned = stage.turn(turn(1, &["bad", "good"]));
        println!("{:>8} us {:>6} KiB  {name}: {}", turned.spent_us, stage.bytes() >> 10, turned.ended[0].reason);
        slowest = slowest.max((turned.spent_us, *name));
        assert_eq!(turned.ended[0].outcome, Outcome::Fault, "{name}: {:?}", turned.ended[0]);
        assert!(turned.ended[0].reason.starts_with("core/bad/main.luau"), "{name}: {}", turned.ended[0].reason);
        // On a slow or busy computer the clock may be faster than any other limit.
        let reason = &turned.ended[0].reason;
        assert!(reason.contains(expected) || reason.contains("took longer than"), "{name}: {reason}");
        assert_eq!(turned.act.expect("the other acts").skill, "good", "{name}");
        assert!(stage.bytes() < BYTES_MAX, "{name}");
        let again = stage.turn(turn(2, &["bad", "good"]));
        assert_eq!(again.ended[0].outcome, Outcome::Fault, "{name} again");
        assert_eq!(again.act.map(|act| act.is_new), Some(false), "{name} again");
    }
    println!("slowest: {slowest:?}");
}

#[test]
fn finish_ends_a_run_from_wherever_it_is_said() {
    for body in [
        "pcall(function() finish('success', 'enough') end) wait()",
        "pcall(pcall, pcall, finish, 'success', 'enough') wait()",
        "table.sort({3, 2, 1}, function() finish('success', 'enough') return true end) wait()",
        "pcall(table.sort, {3, 2, 1}, function() finish('success', 'enough') return true end) while true do end",
        "local x = setmetatable({}, {__index = function() finish('success', 'enough') end}).x wait()",
    ] {
        let mut stage = stage([skill("some", &format!("return function()\n{body}\nend"))]);
        let turned = stage.turn(turn(1, &["some"]));
        assert_eq!(turned.act, None, "{body}");
        assert_eq!((turned.ended[0].outcome, turned.ended[0].reason.as_str()), (Outcome::Success, "enough"), "{body}");
    }
}

#[test]
fn acts_within_pcall_are_acts() {
    let mut stage = stage([skill(
        "some",
        "return function() local ok, effect = pcall(step, 'E', 'on') finish('failure', effect) end",
    )]);
    assert_eq!(stage.turn(turn(1, &["some"])).act.map(|act| act.action), Some("step E".to_string()));
    let turned = stage.turn(turn(2, &["some"]));
    assert_eq!((turned.ended[0].outcome, turned.ended[0].reason.as_str()), (Outcome::Failure, "moved"));
}

#[test]
fn a_run_leaves_nothing_to_the_next_but_memory() {
    let source = "local count = 0
return function()
    count += 1
    memory.runs = (memory.runs or 0) + 1
    finish('success', count .. ' ' .. memory.runs)
end";
    let mut stage = stage([skill("some", source)]);
    let reasons: Vec<String> = (1..4).map(|id| stage.turn(turn(id, &["some"])).ended.remove(0).reason).collect();
    assert_eq!(reasons, ["1 1", "1 2", "1 3"]);
}
