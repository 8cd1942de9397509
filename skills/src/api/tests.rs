use super::*;
use std::path::Path;

/// Compares a committed file with what it is made of; rewrites it when asked to.
fn is_committed(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("POCKETPILOT_BLESS").is_some() {
        std::fs::write(&path, text).expect("it is written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{file} is not what the table says; POCKETPILOT_BLESS=1 rewrites it");
}

#[test]
fn the_definitions_for_editors_are_those_of_the_table() {
    is_committed("pocketpilot.d.luau", &definitions());
}

#[test]
fn the_reference_is_that_of_the_table() {
    is_committed("../docs/skills-api.md", &reference());
}

#[test]
fn the_table_names_what_a_machine_offers_and_nothing_else() {
    let mut probe = String::from("return function()\nlocal missing = ''\n");
    for name in globals().filter(|name| *name != "memory") {
        probe.push_str(&format!("if {name} == nil then error('{name} is missing') end\n"));
        for member in members(name).unwrap_or_default() {
            probe.push_str(&format!("if {name}.{member} == nil then error('{name}.{member} is missing') end\n"));
        }
    }
    for (name, members) in LIBRARIES.iter().filter(|(_, members)| !members.is_empty()) {
        let known = members.join("','");
        probe.push_str(&format!("for key in pairs({name}) do if not table.find({{'{known}'}}, key) then missing ..= ' {name}.' .. key end end\n"));
    }
    for library in ["map", "path", "ACTION"] {
        let known = members(library).expect("it has members").join("','");
        probe.push_str(&format!("for key in pairs({library}) do if not table.find({{'{known}'}}, key) then error('{library}.' .. key .. ' is not in the table') end end\n"));
    }
    probe.push_str("if missing ~= '' then error('not in the table:' .. missing) end\n");
    for field in FIELDS {
        probe.push_str(&format!("local _ = observe().{}\n", field.name));
    }
    probe.push_str("for key in pairs(observe()) do\nlocal known = false\n");
    for field in FIELDS {
        probe.push_str(&format!("known = known or key == '{}'\n", field.name));
    }
    probe.push_str("if not known then error(key .. ' is not in the table') end\nend\nend\n");
    let mut stage = crate::stage::tests::stage([crate::stage::tests::skill("probe", &probe)]);
    let turned = stage.turn(crate::stage::tests::turn(1, &["probe"]));
    assert_eq!(turned.ended[0].reason, "done");
}
