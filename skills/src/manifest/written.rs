//! `skill.toml` as it is written. The parser and the published JSON Schema are both derived from these types, so that
//! they cannot differ; what a type cannot say is checked in [`super::check`].

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use wire::skill::Argument;

/// A value that knows where it stands.
#[derive(Clone, Debug, serde::Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(transparent, bound(deserialize = "T: Deserialize<'de>"))]
pub struct Placed<T>(Spanned<T>);

impl<T> Placed<T> {
    /// The value.
    pub fn get(&self) -> &T {
        self.0.get_ref()
    }

    /// Its bytes in the file.
    pub fn span(&self) -> Range<usize> {
        self.0.span()
    }
}

impl<T: JsonSchema> JsonSchema for Placed<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// The manifest of a PocketPilot skill, skill.toml.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a manifest")]
#[schemars(title = "skill.toml")]
pub struct Written {
    /// The skill's name, the same as its folder's: lower-case letters and digits, single hyphens between them.
    #[schemars(extend("pattern" = "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength" = 64))]
    pub name: Placed<String>,
    /// Its version, after semver.org: "1.0.0".
    #[schemars(extend("pattern" = r"^\d+\.\d+\.\d+([-+].*)?$"))]
    pub version: Placed<String>,
    /// What it does and when to use it, for whoever chooses.
    #[schemars(extend("minLength" = 1, "maxLength" = 1024))]
    pub description: Placed<String>,
    /// The condition with which its work is done, looked at after each act; start.NAME is a fact at the run's start.
    #[serde(default)]
    #[schemars(with = "Placed<String>", extend("maxLength" = 1024))]
    pub success: Option<Placed<String>>,
    /// The skills that it calls, and the versions of them that it can use: "^1", ">=1.2, <3", "*".
    #[serde(default)]
    pub requires: BTreeMap<Placed<String>, Placed<String>>,
    /// What it can be told, by name.
    #[serde(default)]
    pub parameters: BTreeMap<Placed<String>, Placed<WrittenParameter>>,
    /// When it offers itself.
    #[serde(default)]
    pub triggers: Vec<WrittenTrigger>,
    /// What one run may take.
    #[serde(default)]
    pub limits: WrittenLimits,
}

/// Something that a skill can be told.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a section [parameters.NAME]")]
pub struct WrittenParameter {
    /// The type of its values.
    #[serde(rename = "type")]
    pub kind: WrittenKind,
    /// What it means.
    #[schemars(extend("minLength" = 1, "maxLength" = 1024))]
    pub description: Placed<String>,
    /// The least number that is allowed; for integer and number.
    #[serde(default)]
    #[schemars(with = "Placed<f64>")]
    pub min: Option<Placed<f64>>,
    /// The greatest number that is allowed; for integer and number.
    #[serde(default)]
    #[schemars(with = "Placed<f64>")]
    pub max: Option<Placed<f64>>,
    /// The texts that are allowed; for text.
    #[serde(default)]
    #[schemars(with = "Placed<Vec<String>>", extend("minItems" = 1))]
    pub one_of: Option<Placed<Vec<Placed<String>>>>,
    /// What it is when it is not told. Without a default it must be told.
    #[serde(default)]
    #[schemars(with = "Placed<Scalar>")]
    pub default: Option<Placed<Scalar>>,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum WrittenKind {
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A text.
    Text,
}

/// One occasion on which a skill offers itself.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a section [[triggers]]")]
pub struct WrittenTrigger {
    /// The condition, over the facts of the game: "belly <= 48 and food > 0".
    #[schemars(extend("minLength" = 1, "maxLength" = 1024))]
    pub when: Placed<String>,
    /// Of all skills that offer themselves, the one with the highest priority is asked first.
    #[schemars(extend("minimum" = -1000, "maximum" = 1000))]
    pub priority: Placed<i64>,
    /// What it is told then.
    #[serde(default)]
    pub arguments: BTreeMap<Placed<String>, Placed<Scalar>>,
}

/// What one run may take.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a section [limits]")]
pub struct WrittenLimits {
    /// Acts of one run; 200 if nothing is said.
    #[serde(default)]
    #[schemars(with = "Placed<i64>", extend("minimum" = 1, "maximum" = 10_000))]
    pub steps: Option<Placed<i64>>,
    /// Longest time between two acts, in milliseconds; 20 if nothing is said. A community skill has 10 at most.
    #[serde(default)]
    #[schemars(with = "Placed<i64>", extend("minimum" = 1, "maximum" = 50))]
    pub milliseconds: Option<Placed<i64>>,
    /// Most memory of its script, in MiB; 8 if nothing is said. A community skill has 4 at most.
    #[serde(default)]
    #[schemars(with = "Placed<i64>", extend("minimum" = 1, "maximum" = 32))]
    pub memory_mib: Option<Placed<i64>>,
}

/// A value that a skill can be told.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(untagged, inline)]
pub enum Scalar {
    /// True or false.
    Truth(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl From<&Scalar> for Argument {
    fn from(scalar: &Scalar) -> Argument {
        match scalar {
            Scalar::Truth(truth) => Argument::Truth(*truth),
            Scalar::Number(number) => Argument::Number(*number),
            Scalar::Text(text) => Argument::Text(text.clone()),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number, a text in quotes, true or false")
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Scalar, E> {
        Ok(Scalar::Truth(truth))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_string()))
    }
}
