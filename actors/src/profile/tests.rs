use super::*;

fn cartridge(title: &str, code: &str, sha1: Option<&str>) -> Cartridge {
    Cartridge { title: title.to_owned(), code: code.to_owned(), sha1: sha1.map(str::to_owned), bytes: None }
}

fn message_of(text: &str) -> String {
    file::parse("game", "game.toml", text).map(|profile| profile.name).unwrap_err().to_string()
}

#[test]
fn built_in_profiles_parse() {
    let names: Vec<_> = Profiles::built_in().names().map(str::to_owned).collect();
    assert_eq!(names, ["burrow", "pmd-red"]);
}

#[test]
fn who_looks_at_the_picture_alone_wants_no_memory() {
    let profile = Profiles::built_in().named("burrow").unwrap().clone().without_memory();
    assert_eq!((profile.regions.len(), profile.turn.any_of.len(), profile.key_echo), (0, 0, None));
    assert!(profile.words.is_some() && profile.seed.is_some());
}

#[test]
fn mistakes_in_words_are_reported_with_their_line() {
    let own = include_str!("../../profiles/burrow.toml");
    let changed = |from: &str, to: &str| {
        assert!(own.contains(from), "{from}");
        let line = 1 + own[..own.find(from).unwrap()].matches('\n').count();
        (line, message_of(&own.replacen(from, to, 1)))
    };
    let (line, message) = changed("picked_up = ", "picked_down = ");
    assert_eq!(message, format!("game.toml:{line}: unknown key `picked_down`; did you mean `picked_up`?"));
    let (line, message) = changed("{who} was beaten.", "{whom} was beaten.");
    assert!(message.starts_with(&format!("game.toml:{line}: `{{whom}}` is no gap")), "{message}");
    let (line, message) = changed("\"Turnip\" = 82", "\"Turnip\" = 820");
    assert!(message.starts_with(&format!("game.toml:{line}: ")), "{message}");
}

#[test]
fn sha1_is_believed_before_title_and_code() {
    let name = |cartridge: &Cartridge| Profile::recognise(cartridge).map(|profile| profile.name);
    let hash = Some("9F4CFC5B5F4859D17169A485462E977C7AAC2B89");
    assert_eq!(name(&cartridge("POKE DUNGEON", "B24E", None)).as_deref(), Some("pmd-red"));
    assert_eq!(name(&cartridge("BURROW", "BPPE", None)).as_deref(), Some("burrow"));
    assert_eq!(name(&cartridge("BURROW\0\0\0\0\0\0", "BPPE", None)).as_deref(), Some("burrow"));
    assert_eq!(name(&cartridge("BURROW", "BPPE", hash)).as_deref(), Some("pmd-red"));
    assert_eq!(name(&cartridge("BURROW", "B24E", None)), None);
    assert_eq!(name(&cartridge("POKE DUNGEON", "B24P", None)), None);
}

#[test]
fn a_chosen_profile_says_why_it_is_that_one() {
    let profiles = Profiles::built_in();
    let chosen = |name, cartridge: &Cartridge| {
        profiles.choose(name, cartridge).map(|chosen| chosen.map(|(profile, why)| (profile.name.clone(), why)))
    };
    let (pmd, burrow) = ("pmd-red".to_string(), "burrow".to_string());
    let hash = Some("9f4cfc5b5f4859d17169a485462e977c7aac2b89");
    let game = cartridge("POKE DUNGEON", "B24E", hash);
    assert_eq!(chosen(None, &game), Ok(Some((pmd.clone(), Likeness::Hash))));
    assert_eq!(chosen(None, &cartridge("POKE DUNGEON", "B24E", None)), Ok(Some((pmd, Likeness::Header))));
    assert_eq!(chosen(Some("burrow"), &game), Ok(Some((burrow, Likeness::Named))));
    assert_eq!(chosen(Some(NO_PROFILE), &game), Ok(None));
    assert_eq!(chosen(None, &cartridge("OTHER", "AAAE", None)), Ok(None));
    let error = chosen(Some("burow"), &game).expect_err("there is none of this name");
    assert_eq!(error, "there is no profile `burow`; there are: burrow, pmd-red, none");
}

#[test]
fn misspelt_keys_are_reported_with_line_and_nearest_name() {
    let text =
        "regions = [{ address = 0x02000000, length = 16 }]\n\n[[field]]\nname = \"hp\"\nadress = 1\ntype = \"u8\"\n";
    assert_eq!(message_of(text), "game.toml:5: unknown key `adress`; did you mean `address`?");
    let text = "regions = [{ address = 0, lenght = 16 }]\n";
    assert_eq!(message_of(text), "game.toml:1: unknown key `lenght`; did you mean `length`?");
    let text = "[turn]\nany_of = [\n  [{ address = 0, type = \"u8\", equal = 1 }],\n]\n";
    assert_eq!(message_of(text), "game.toml:3: unknown key `equal`; did you mean `equals`?");
    let text = "zzz = 1\n";
    assert!(message_of(text).starts_with("game.toml:1: unknown key `zzz`; known are decoder, recognition"));
}

#[test]
fn a_profile_says_whether_experience_takes_part() {
    let regions = "regions = [{ address = 0, length = 16 }]\n";
    let recall = |text: String| file::parse("game", "game.toml", &text).expect("it is a profile").recall;
    assert!(!recall(regions.to_string()));
    assert!(recall(format!("recall = true\n{regions}")));
}

#[test]
fn mistakes_are_reported_with_their_line() {
    let regions = "regions = [{ address = 0, length = 16 }]\n";
    assert!(message_of("regions = [").starts_with("game.toml:1: "));
    let wrong_type = message_of(&format!("{regions}[[field]]\nname = \"hp\"\naddress = 1\ntype = \"u9\"\n"));
    assert!(wrong_type.starts_with("game.toml:5: `u9` is no type; write u8"), "{wrong_type}");
    let two = "[turn]\nany_of = [[{ address = 0, type = \"u8\", equals = 1, at_most = 2 }]]\n";
    let two = message_of(&format!("{regions}{two}"));
    assert!(two.starts_with("game.toml:3: a test has exactly one of"), "{two}");
    let decoder = message_of(&format!("decoder = \"pmd-blue\"\n{regions}"));
    assert!(decoder.starts_with("game.toml:1: unknown variant `pmd-blue`"), "{decoder}");
    let twice = "[[field]]\nname = \"hp\"\naddress = 1\ntype = \"u8\"\n";
    assert!(message_of(&format!("{regions}{twice}{twice}")).ends_with("field `hp` is declared twice"));
    assert!(message_of("regions = []\n").contains("`regions` holds 0 regions"));
}

#[test]
fn a_folder_replaces_built_in_profiles_of_the_same_name() {
    let folder = std::env::temp_dir().join(format!("pocketpilot-profiles-{}", std::process::id()));
    let game = folder.join("Airstriker-Genesis");
    std::fs::create_dir_all(&game).unwrap();
    let own = "regions = [{ address = 0x02000000, length = 16 }]\n[recognition]\ntitle = \"BURROW\"\ncode = \"BPPE\"\n";
    std::fs::write(folder.join("burrow.toml"), own).unwrap();
    std::fs::write(folder.join("notes.md"), "not a profile").unwrap();
    std::fs::write(game.join("data.json"), r#"{"info": {"score": {"address": 16755020, "type": ">d4"}}}"#).unwrap();
    let profiles = Profiles::with_folder(&folder).unwrap();
    assert_eq!(profiles.names().collect::<Vec<_>>(), ["burrow", "pmd-red"]);
    assert_eq!(profiles.recognise(&cartridge("BURROW", "BPPE", None)).unwrap().decoder, None);
    assert_eq!(Profile::load(&game.join("data.json")).unwrap().name, "Airstriker-Genesis");
    let missing = Profile::load(&folder.join("none.toml")).unwrap_err().to_string();
    assert!(missing.contains("none.toml"), "{missing}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn stable_retro_data_is_a_profile_within_the_regions_of_a_snapshot() {
    let variables: Vec<String> = (0..40_u32)
        .map(|index| format!(r#""v{index}": {{"address": {}, "type": "<u2"}}"#, 0x0200_0000 + index * index * 64))
        .collect();
    let text = format!(r#"{{"info": {{{}}}}}"#, variables.join(","));
    let profile = retro::parse("many", "many.json", &text).unwrap();
    assert_eq!(profile.regions.len(), wire::ring::REGIONS_MAX);
    let covers = |region: &Region, field: &Field| {
        field.address >= region.address && field.address + 2 <= region.address + region.length
    };
    assert!(profile.fields.iter().all(|field| profile.regions.iter().any(|region| covers(region, field))));
    let error =
        retro::parse("bad", "bad.json", "{\"info\": {\n\"x\": {\"address\": 1, \"type\": \">q2\"}}}").unwrap_err();
    assert!(error.to_string().starts_with("bad.json:2: `>q2` is no type"), "{error}");
}
