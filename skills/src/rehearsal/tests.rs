use super::*;
use crate::stage::tests::skill;

fn rehearsed(source: &str) -> Result<(), String> {
    rehearse(&skill("walk", source), &|_| None).map_err(|mistake| mistake.to_string())
}

#[test]
fn a_script_that_plays_along_passes() {
    let source = r#"
return function()
    while true do
        local seen = observe()
        if seen.screen ~= "command" then finish("failure", "no") end
        local way = path.unknown() or path.to(seen.stairs.x, seen.stairs.y)
        if not way then return end
        step(way.direction, "on")
    end
end"#;
    assert_eq!(rehearsed(source), Ok(()));
}

#[test]
fn a_fault_is_a_mistake_at_its_line() {
    let source =
        "return function()\n  local seen = observe()\n  if seen.screen == 'title' then seen.foes[1].x = 3 end\nend";
    assert_eq!(rehearsed(source), Err("core/walk/main.luau:3: attempt to index nil with 'x'".to_string()));
    let source = "return function()\n  call('other')\nend";
    let expected = "core/walk/main.luau:2: call: \"other\" is not in [requires] of skill.toml";
    assert_eq!(rehearsed(source), Err(expected.to_string()));
}

#[test]
fn a_script_may_rely_on_its_trigger() {
    let source = "return function()\n  local foe = observe().foes[1]\n  attack(observe().facing, `at {foe.x}`)\nend";
    assert!(rehearsed(source).is_err(), "without a trigger it may be called in any scene");
    let mut relying = skill("walk", source);
    let trigger = |when: &str| wire::skill::Trigger { when: when.to_string(), ..wire::skill::Trigger::default() };
    relying.manifest.offers = vec![trigger("enemies > 0")];
    assert_eq!(rehearse(&relying, &|_| None), Ok(()));
    relying.manifest.offers = vec![trigger("enemies > 0"), trigger("screen == 'title'")];
    assert!(rehearse(&relying, &|_| None).is_err(), "nobody is there at the title");
}
