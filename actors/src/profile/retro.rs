//! stable-retro's `data.json` as a profile: single values, no turns and no recognition.

use super::{Field, Format, Profile, ProfileError, Recognition};
use serde::Deserialize;
use std::collections::BTreeMap;
use wire::memory::{Condition, Region};

#[derive(Deserialize)]
struct DataFile {
    info: BTreeMap<String, Variable>,
}

#[derive(Deserialize)]
struct Variable {
    address: u32,
    #[serde(rename = "type")]
    format: Format,
}

/// Reads a `data.json`. `file` is what an error calls it.
pub(super) fn parse(name: &str, file: &str, text: &str) -> Result<Profile, ProfileError> {
    let data: DataFile = serde_json::from_str(text).map_err(|error| ProfileError::Invalid {
        file: file.to_owned(),
        line: error.line(),
        message: error.to_string(),
    })?;
    let fields: Vec<Field> = data.info.into_iter().map(|(name, variable)| field(name, &variable)).collect();
    Ok(Profile {
        name: name.to_owned(),
        recognition: Recognition::default(),
        regions: regions_of(&fields),
        turn: Condition::default(),
        decoder: None,
        seed: None,
        key_echo: None,
        recall: false,
        fields,
        words: None,
    })
}

fn field(name: String, variable: &Variable) -> Field {
    Field {
        name,
        address: variable.address,
        offset: None,
        format: variable.format,
        range: None,
        meaning: String::new(),
        role: None,
    }
}

/// The fewest bytes that hold every field in no more regions than a snapshot has: regions with the smallest gap between
/// them are joined until they fit.
fn regions_of(fields: &[Field]) -> Vec<Region> {
    let mut spans: Vec<(u64, u64)> =
        fields.iter().map(|field| (u64::from(field.address), field.format.bytes() as u64)).collect();
    spans.sort_unstable();
    let mut spans: Vec<(u64, u64)> = spans.into_iter().map(|(start, bytes)| (start, start + bytes)).collect();
    let gap = |pair: &[(u64, u64)]| pair[1].0.saturating_sub(pair[0].1);
    loop {
        let nearest =
            spans.windows(2).enumerate().min_by_key(|(_, pair)| gap(pair)).map(|(index, pair)| (index, gap(pair)));
        match nearest {
            Some((index, gap)) if gap == 0 || spans.len() > wire::ring::REGIONS_MAX => {
                spans[index].1 = spans[index].1.max(spans[index + 1].1);
                spans.remove(index + 1);
            }
            _ => break,
        }
    }
    spans.into_iter().map(|(start, end)| Region { address: start as u32, length: (end - start) as u32 }).collect()
}
