//! A profile as a TOML file.

use super::{EpisodeValues, Field, Figure, Format, Layout, Profile, ProfileError, Recognition, Role, Words};
use serde::Deserialize;
use std::ops::Range;
use toml::de::{DeTable, DeValue};
use wire::memory::{Comparison, Condition, Place, Region, Test, Width};

/// How far a misspelt key may be from a known one to be named: 1 is equal, 0 has nothing in common.
const SIMILARITY_MIN: f64 = 0.5;

/// The keys that a file may use. It repeats the names of the structs below; serde alone cannot tell the nearest one.
enum Schema {
    Value,
    /// A table whose keys are the game's own.
    Names,
    List(&'static Schema),
    Table(&'static [(&'static str, Schema)]),
}

const TEST: Schema = Schema::Table(&[
    ("address", Schema::Value),
    ("offset", Schema::Value),
    ("type", Schema::Value),
    ("equals", Schema::Value),
    ("differs", Schema::Value),
    ("at_least", Schema::Value),
    ("at_most", Schema::Value),
]);

const FIELD: Schema = Schema::Table(&[
    ("name", Schema::Value),
    ("address", Schema::Value),
    ("offset", Schema::Value),
    ("type", Schema::Value),
    ("range", Schema::Value),
    ("meaning", Schema::Value),
    ("role", Schema::Value),
    (
        "values",
        Schema::Table(&[
            ("title", Schema::Value),
            ("playing", Schema::Value),
            ("lost", Schema::Value),
            ("won", Schema::Value),
        ]),
    ),
]);

const WORDS: Schema = Schema::Table(&[
    ("leader", Schema::Value),
    ("message_rows", Schema::Value),
    ("main_menu", Schema::Value),
    ("bag_entry", Schema::Value),
    ("bag_title", Schema::Value),
    ("set_mark", Schema::Value),
    ("won", Schema::Value),
    ("items", Schema::Names),
    ("actions", Schema::Names),
    ("missile_actions", Schema::Names),
    (
        "messages",
        Schema::Table(&[
            ("picked_up", Schema::Value),
            ("bag_full", Schema::Value),
            ("bag_empty", Schema::Value),
            ("nothing_set", Schema::Value),
            ("ate", Schema::Value),
            ("put_down", Schema::Value),
            ("revived", Schema::Value),
            ("joined", Schema::Value),
            ("beaten", Schema::Value),
            ("poisoned", Schema::Value),
            ("cured", Schema::Value),
            ("map_shown", Schema::Value),
        ]),
    ),
    (
        "rules",
        Schema::Table(&[
            ("dungeon", Schema::Value),
            ("last_floor", Schema::Value),
            ("belly_max", Schema::Value),
            ("turns_a_floor", Schema::Value),
            ("poison_turns", Schema::Value),
            ("sight", Schema::Value),
            ("dark_from", Schema::Value),
            ("dark_sight", Schema::Value),
            ("room_min", Schema::Value),
            ("turning_frames", Schema::Value),
            ("strangers", Schema::Value),
        ]),
    ),
]);

const FILE: Schema = Schema::Table(&[
    ("decoder", Schema::Value),
    ("recognition", Schema::Table(&[("title", Schema::Value), ("code", Schema::Value), ("sha1", Schema::Value)])),
    ("regions", Schema::List(&Schema::Table(&[("address", Schema::Value), ("length", Schema::Value)]))),
    ("turn", Schema::Table(&[("any_of", Schema::List(&Schema::List(&TEST)))])),
    ("key_echo", Schema::Table(&[("address", Schema::Value), ("offset", Schema::Value), ("type", Schema::Value)])),
    ("seed", Schema::Table(&[("address", Schema::Value), ("offset", Schema::Value), ("type", Schema::Value)])),
    ("field", Schema::List(&FIELD)),
    ("recall", Schema::Value),
    ("words", WORDS),
]);

#[derive(Deserialize)]
struct ProfileFile {
    decoder: Option<DecoderName>,
    #[serde(default)]
    recognition: RecognitionTable,
    regions: Vec<Region>,
    #[serde(default)]
    turn: TurnTable,
    seed: Option<Place>,
    key_echo: Option<Place>,
    #[serde(default)]
    recall: bool,
    #[serde(default)]
    field: Vec<FieldTable>,
    words: Option<Words>,
}

#[derive(Deserialize)]
enum DecoderName {
    #[serde(rename = "pmd-red")]
    PmdRed,
}

#[derive(Default, Deserialize)]
struct RecognitionTable {
    title: Option<String>,
    code: Option<String>,
    sha1: Option<String>,
}

#[derive(Default, Deserialize)]
struct TurnTable {
    any_of: Vec<Vec<TestTable>>,
}

#[derive(Deserialize)]
#[serde(try_from = "UncheckedTest")]
struct TestTable(Test);

#[derive(Deserialize)]
struct UncheckedTest {
    address: u32,
    offset: Option<u32>,
    #[serde(rename = "type")]
    width: Width,
    equals: Option<i64>,
    differs: Option<i64>,
    at_least: Option<i64>,
    at_most: Option<i64>,
}

#[derive(Deserialize)]
#[serde(try_from = "UncheckedField")]
struct FieldTable(Field);

#[derive(Deserialize)]
struct UncheckedField {
    name: String,
    address: u32,
    offset: Option<u32>,
    #[serde(rename = "type")]
    format: Format,
    range: Option<(i64, i64)>,
    #[serde(default)]
    meaning: String,
    role: Option<RoleName>,
    values: Option<ValuesTable>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RoleName {
    Turns,
    EpisodeState,
    Hp,
    HpMax,
    Belly,
    Level,
    Money,
}

#[derive(Deserialize)]
struct ValuesTable {
    title: i64,
    playing: i64,
    lost: i64,
    won: i64,
}

/// Reads a profile. `file` is what an error calls it.
pub(super) fn parse(name: &str, file: &str, text: &str) -> Result<Profile, ProfileError> {
    let invalid = |span: Option<Range<usize>>, message: String| {
        let before = &text.as_bytes()[..span.map_or(0, |span| span.start.min(text.len()))];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        ProfileError::Invalid { file: file.to_owned(), line, message }
    };
    let from_toml = |error: toml::de::Error| invalid(error.span(), error.message().to_owned());
    let table = DeTable::parse(text).map_err(from_toml)?;
    if let Some((span, message)) = unknown_key(table.get_ref(), &FILE) {
        return Err(invalid(Some(span), message));
    }
    let read: ProfileFile = toml::from_str(text).map_err(from_toml)?;
    let fields: Vec<Field> = read.field.into_iter().map(|field| field.0).collect();
    for (index, field) in fields.iter().enumerate() {
        if fields[..index].iter().any(|earlier| earlier.name == field.name) {
            return Err(invalid(None, format!("field `{}` is declared twice", field.name)));
        }
    }
    let mut regions = read.regions;
    if regions.is_empty() || regions.len() > wire::ring::REGIONS_MAX {
        let message =
            format!("`regions` holds {} regions; 1 to {} are possible", regions.len(), wire::ring::REGIONS_MAX);
        return Err(invalid(None, message));
    }
    regions.sort_by_key(|region| region.address);
    Ok(Profile {
        name: name.to_owned(),
        recognition: Recognition {
            title: read.recognition.title,
            code: read.recognition.code,
            sha1: read.recognition.sha1,
        },
        regions,
        turn: Condition {
            any_of: read.turn.any_of.into_iter().map(|group| group.into_iter().map(|test| test.0).collect()).collect(),
        },
        decoder: read.decoder.map(|DecoderName::PmdRed| Layout::PmdRed),
        seed: read.seed,
        key_echo: read.key_echo,
        recall: read.recall,
        fields,
        words: read.words,
    })
}

impl TryFrom<UncheckedTest> for TestTable {
    type Error = String;

    fn try_from(test: UncheckedTest) -> Result<TestTable, String> {
        let comparisons = [
            (Comparison::Equal, test.equals),
            (Comparison::NotEqual, test.differs),
            (Comparison::AtLeast, test.at_least),
            (Comparison::AtMost, test.at_most),
        ];
        let mut given = comparisons.into_iter().filter_map(|(comparison, operand)| Some((comparison, operand?)));
        let (Some((comparison, operand)), None) = (given.next(), given.next()) else {
            return Err("a test has exactly one of `equals`, `differs`, `at_least`, `at_most`".to_owned());
        };
        let place = Place { address: test.address, offset: test.offset, width: test.width };
        Ok(TestTable(Test { place, comparison, operand }))
    }
}

impl TryFrom<UncheckedField> for FieldTable {
    type Error = String;

    fn try_from(field: UncheckedField) -> Result<FieldTable, String> {
        let role = match (field.role, field.values) {
            (None, None) => None,
            (Some(RoleName::Turns), None) => Some(Role::Turns),
            (Some(RoleName::Hp), None) => Some(Role::Figure(Figure::Hp)),
            (Some(RoleName::HpMax), None) => Some(Role::Figure(Figure::HpMax)),
            (Some(RoleName::Belly), None) => Some(Role::Figure(Figure::Belly)),
            (Some(RoleName::Level), None) => Some(Role::Figure(Figure::Level)),
            (Some(RoleName::Money), None) => Some(Role::Figure(Figure::Money)),
            (Some(RoleName::EpisodeState), Some(values)) => Some(Role::Episode(EpisodeValues {
                title: values.title,
                playing: values.playing,
                lost: values.lost,
                won: values.won,
            })),
            _ => return Err("`values` belongs to `role = \"episode_state\"` and to no other role".to_owned()),
        };
        if field.range.is_some_and(|(low, high)| low > high) {
            return Err(format!("the range of `{}` is empty", field.name));
        }
        Ok(FieldTable(Field {
            name: field.name,
            address: field.address,
            offset: field.offset,
            format: field.format,
            range: field.range,
            meaning: field.meaning,
            role,
        }))
    }
}

/// The first key that the schema does not know, and what to say of it.
fn unknown_key(table: &DeTable<'_>, schema: &Schema) -> Option<(Range<usize>, String)> {
    let Schema::Table(known) = schema else { return None };
    for (key, value) in table {
        let name: &str = key.get_ref();
        match known.iter().find(|(known, _)| *known == name) {
            Some((_, schema)) => match unknown_key_in(value.get_ref(), schema) {
                None => {}
                found => return found,
            },
            None => return Some((key.span(), unknown_key_message(name, known.iter().map(|(known, _)| *known)))),
        }
    }
    None
}

fn unknown_key_in(value: &DeValue<'_>, schema: &Schema) -> Option<(Range<usize>, String)> {
    match (value, schema) {
        (DeValue::Table(table), Schema::Table(_)) => unknown_key(table, schema),
        (DeValue::Array(values), Schema::List(schema)) => {
            values.iter().find_map(|value| unknown_key_in(value.get_ref(), schema))
        }
        _ => None,
    }
}

fn unknown_key_message(name: &str, known: impl Iterator<Item = &'static str> + Clone) -> String {
    let similarity = |known: &str| strsim::jaro_winkler(name, known);
    let nearest = known.clone().max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
    match nearest.filter(|nearest| similarity(nearest) >= SIMILARITY_MIN) {
        Some(nearest) => format!("unknown key `{name}`; did you mean `{nearest}`?"),
        None => format!("unknown key `{name}`; known are {}", known.collect::<Vec<_>>().join(", ")),
    }
}
