//! A row that was checked: where its tokens stand, and which of them are what is seen.

use crate::config::Config;
use crate::error::RowError;
use crate::positions::Positions;
use crate::row::{PatchedPicture, Row};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

/// A prompt with its pictures.
#[derive(Debug)]
pub(crate) struct Prompt<'a> {
    pub(crate) tokens: &'a [u32],
    pub(crate) pictures: &'a [PatchedPicture],
    pub(crate) positions: Positions,
    /// For each picture the tokens in whose places it stands.
    pub(crate) spans: Vec<Range<usize>>,
    /// For each token what it is: equal for equal tokens, and for equal parts of equal pictures. Two prompts whose first keys
    /// are equal have equal keys and values there.
    pub(crate) keys: Vec<u64>,
}

impl<'a> Prompt<'a> {
    /// Checks a row and finds out where everything stands.
    pub(crate) fn new(row: &'a Row, config: &Config) -> Result<Self, RowError> {
        check_tokens(row, config)?;
        check_pictures(row, config)?;
        let mut prompt = Self {
            tokens: &row.tokens,
            pictures: &row.pictures,
            positions: Positions::default(),
            spans: Vec::with_capacity(row.pictures.len()),
            keys: Vec::with_capacity(row.tokens.len()),
        };
        let mut pictures = row.pictures.iter();
        while let Some(token) = row.tokens.get(prompt.keys.len()) {
            match pictures.as_slice().first().zip(config.vision.as_ref()) {
                Some((picture, vision)) if *token == config.image_token => {
                    pictures.next();
                    let [frames, rows, columns] = picture.grid;
                    prompt.push_picture(picture, [frames, rows / vision.merge, columns / vision.merge]);
                }
                _ => {
                    prompt.positions.push_text();
                    prompt.keys.push(u64::from(*token));
                }
            }
        }
        Ok(prompt)
    }

    fn push_picture(&mut self, picture: &PatchedPicture, grid: [usize; 3]) {
        let start = self.keys.len();
        let count: usize = grid.iter().product();
        self.spans.push(start..start + count);
        self.positions.push_picture(grid.map(|side| side as u32));
        let seed = fingerprint(picture);
        self.keys.extend((0..count as u64).map(|index| seed.wrapping_add(index) | PICTURED));
    }
}

/// Tells the keys of pictures from those of tokens, which have 32 bits.
const PICTURED: u64 = 1 << 63;

/// Different pictures have different ones, but for one pair in 2⁶³.
fn fingerprint(picture: &PatchedPicture) -> u64 {
    let mut hasher = DefaultHasher::new();
    picture.grid.hash(&mut hasher);
    for value in &picture.patches {
        value.to_bits().hash(&mut hasher);
    }
    hasher.finish()
}

fn check_tokens(row: &Row, config: &Config) -> Result<(), RowError> {
    let (tokens, context, vocabulary) = (row.tokens.len(), config.text.context, config.text.vocabulary);
    if tokens == 0 {
        return Err(RowError::Empty);
    }
    if tokens >= context {
        return Err(RowError::TooLong { tokens, context });
    }
    if let Some(index) = row.tokens.iter().position(|token| *token as usize >= vocabulary) {
        return Err(RowError::UnknownToken { token: row.tokens[index], index, vocabulary });
    }
    match row.tokens.iter().position(|token| *token == config.video_token) {
        Some(index) => Err(RowError::Video { index }),
        None => Ok(()),
    }
}

fn check_pictures(row: &Row, config: &Config) -> Result<(), RowError> {
    let is_place = |token: &u32| *token == config.image_token;
    let places = row.tokens.iter().filter(|token| is_place(token)).count();
    let unfit = |tokens| RowError::Places { places, pictures: row.pictures.len(), tokens };
    let Some(vision) = &config.vision else {
        return if places == 0 && row.pictures.is_empty() { Ok(()) } else { Err(unfit(0)) };
    };
    for (index, picture) in row.pictures.iter().enumerate() {
        let [frames, rows, columns] = picture.grid;
        let values = [rows, columns, vision.patch_values()]
            .into_iter()
            .try_fold(frames, |product, factor| product.checked_mul(factor))
            .unwrap_or(usize::MAX);
        let is_merged = rows.is_multiple_of(vision.merge) && columns.is_multiple_of(vision.merge);
        if values == 0 || values != picture.patches.len() || !is_merged {
            let (values, grid, merge) = (picture.patches.len(), picture.grid, vision.merge);
            return Err(RowError::Patches { picture: index, values, grid, merge });
        }
    }
    let counts: Vec<usize> = row.pictures.iter().map(|picture| vision.tokens(picture.grid)).collect();
    let mut rest = row.tokens.as_slice();
    for count in &counts {
        let start = rest.iter().position(is_place).unwrap_or(rest.len());
        match rest[start..].get(..*count) {
            Some(places) if places.iter().all(is_place) => rest = &rest[start + count..],
            _ => return Err(unfit(counts.iter().sum())),
        }
    }
    if rest.iter().any(is_place) { Err(unfit(counts.iter().sum())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Size, VisionConfig};

    fn config() -> Config {
        let vision = VisionConfig { channels: 1, frames: 1, patch: 1, ..Size::B2.config().vision.unwrap() };
        let text = crate::config::TextConfig { context: 16, vocabulary: 100, ..Size::B2.config().text };
        Config { vision: Some(vision), text, image_token: 90, video_token: 91, ..Size::B2.config() }
    }

    fn picture(values: [f32; 8]) -> PatchedPicture {
        PatchedPicture { patches: values.to_vec(), grid: [1, 2, 4] }
    }

    fn row(tokens: &[u32], pictures: &[PatchedPicture]) -> Row {
        Row { tokens: tokens.to_vec(), pictures: pictures.to_vec(), max_new_tokens: 1 }
    }

    #[test]
    fn keys_differ_from_the_first_difference_of_token_or_picture_on() {
        let rows = [
            row(&[1, 90, 90, 2], &[picture([0.0; 8])]),
            row(&[1, 90, 90, 2], &[picture([1.0; 8])]),
            row(&[1, 90, 90, 3], &[picture([0.0; 8])]),
        ];
        let config = config();
        let keys = rows.each_ref().map(|row| Prompt::new(row, &config).unwrap().keys);
        let common = |other: &[u64]| keys[0].iter().zip(other).take_while(|(a, b)| a == b).count();
        assert_eq!(common(&keys[1]), 1);
        assert_eq!(common(&keys[2]), 3);
    }

    #[test]
    fn rows_that_make_no_sense_are_refused_one_by_one() {
        let config = config();
        let refusal = |row: &Row| Prompt::new(row, &config).unwrap_err();
        assert_eq!(refusal(&row(&[], &[])), RowError::Empty);
        assert_eq!(refusal(&row(&[1; 16], &[])), RowError::TooLong { tokens: 16, context: 16 });
        let unknown = RowError::UnknownToken { token: 100, index: 1, vocabulary: 100 };
        assert_eq!(refusal(&row(&[1, 100], &[])), unknown);
        assert_eq!(refusal(&row(&[1, 91], &[])), RowError::Video { index: 1 });
        let places = |places, pictures, tokens| RowError::Places { places, pictures, tokens };
        assert_eq!(refusal(&row(&[90], &[])), places(1, 0, 0));
        assert_eq!(refusal(&row(&[90, 1, 90], &[picture([0.0; 8])])), places(2, 1, 2));
        assert_eq!(refusal(&row(&[90; 3], &[picture([0.0; 8])])), places(3, 1, 2));
        for grid in [[1, 1, 8], [1, 4, 4], [0, 2, 4], [1, usize::MAX, 4]] {
            let cut = PatchedPicture { grid, ..picture([0.0; 8]) };
            assert!(matches!(refusal(&row(&[90, 90], &[cut])), RowError::Patches { picture: 0, .. }), "{grid:?}");
        }
    }
}
