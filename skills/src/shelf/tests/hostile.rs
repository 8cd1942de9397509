//! Folders that somebody made to do harm, or by accident.

use super::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;

fn rejected(place: &mut Place) -> String {
    let changes = place.look();
    assert_eq!(changes.len(), 1, "{changes:?}");
    changes[0].clone()
}

#[test]
fn a_pipe_in_place_of_a_file_is_refused_without_waiting() {
    let mut place = Place::new();
    place.skill("core/eat", "1.0.0", &[]);
    let file = place.root.join("core/eat/main.luau");
    fs::remove_file(&file).expect("it is removed");
    mknodat(CWD, &file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe is made");
    assert_eq!(rejected(&mut place), "rejected eat keeping none: core/eat/main.luau: this is no ordinary file");
    fs::remove_file(&file).expect("it is removed");
    fs::create_dir(&file).expect("it is made");
    assert_eq!(place.look(), [""; 0], "the same mistake is not said twice");
}

#[test]
fn links_are_followed_within_the_folder_of_skills_alone() {
    let mut place = Place::new();
    place.skill("core/eat", "1.0.0", &[]);
    place.look();
    let link = |from: &str, to: &str| symlink(to, place.root.join(from)).expect("it is linked");
    fs::create_dir_all(place.root.join("custom/out")).expect("it is made");
    link("custom/eat", "../core/eat");
    link("custom/out/skill.toml", "/etc/hostname");
    link("custom/round", "round");
    link("custom/lost", "nowhere");
    let changes = place.look();
    for (index, expected) in [
        "rejected lost keeping none: custom/lost: the link leads nowhere",
        "rejected out keeping none: custom/out/skill.toml: the link leads out of the folder of skills",
        "rejected round keeping none: custom/round: the link leads round in a circle",
        "reloaded custom/eat 1.0.0 before 1.0.0",
    ]
    .iter()
    .enumerate()
    {
        assert!(changes[index].starts_with(expected), "{changes:?}");
    }
    place.skill("core/eat", "1.1.0", &[]);
    assert_eq!(place.look(), ["reloaded custom/eat 1.1.0 before 1.0.0"], "an edit of what is linked is seen");
}

#[test]
fn a_file_that_is_too_large_or_not_text_is_refused_where_it_goes_wrong() {
    let mut place = Place::new();
    place.skill("core/eat", "1.0.0", &[]);
    place.write("core/eat/main.luau", &"x".repeat(FILE_BYTES_MAX + 1));
    assert!(rejected(&mut place).ends_with("core/eat/main.luau: the file is larger than 256 KiB"));
    fs::write(place.root.join("core/eat/main.luau"), b"return\n\xc3\xbc\xff").expect("it is written");
    assert!(rejected(&mut place).ends_with("core/eat/main.luau:2:2: the byte 0xff here is not UTF-8 text"));
}

#[test]
fn names_that_no_skill_can_have_are_refused_and_what_editors_leave_is_not_looked_at() {
    let mut place = Place::new();
    for name in [".git", "eat~", "#eat#", "4913", ".eat.swp"] {
        place.skill(&format!("custom/{name}"), "1.0.0", &[]);
    }
    place.write("custom/readme.md", "hello");
    assert_eq!(place.look(), [""; 0]);
    place.skill("custom/My Skill", "1.0.0", &[]);
    assert!(rejected(&mut place).contains("custom/My Skill: \"My Skill\" is no name for a skill"));
    let strange = place.root.join("custom").join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(strange).expect("it is made");
    assert!(rejected(&mut place).contains("the folder's name is not UTF-8"));
}

#[test]
fn what_may_not_be_read_is_refused_and_what_was_good_before_stays() {
    let mut place = Place::new();
    place.skill("core/eat", "1.0.0", &[]);
    place.look();
    let tier = place.root.join("core");
    let permit = |mode: u32| fs::set_permissions(&tier, fs::Permissions::from_mode(mode)).expect("it is set");
    permit(0);
    if fs::read_dir(&tier).is_ok() {
        // The one who may do everything cannot be refused anything.
        permit(0o755);
        return;
    }
    let changes = place.look();
    permit(0o755);
    assert_eq!(changes, ["rejected core keeping none: core: cannot be read: permission denied; make it readable"]);
    assert_eq!(place.used(), ["core/eat 1.0.0"]);
}

#[test]
fn a_file_where_a_tier_should_be_is_refused() {
    let mut place = Place::new();
    fs::remove_dir(place.root.join("custom")).expect("it is removed");
    place.write("custom", "not a folder");
    assert!(rejected(&mut place).starts_with("rejected custom keeping none: custom: cannot be read"));
}
