//! A picture as the vision tower takes it: resized to whole merge windows, normalised, cut into patches.
//!
//! The numbers are those of the reference's default ("fast") image processor on a CPU, bit for bit: it resizes bytes
//! with integer weights, and that is what `resize` does. The older processor on top of Pillow rounds its weights
//! differently and may differ by one step of 255 here and there.
//!
//! Videos are absent: a picture is one frame, repeated to fill the temporal patch.

mod resize;

use crate::row::PatchedPicture;
use serde::Deserialize;
use std::fmt::Debug;

/// Pixels a side that a picture may have.
pub const SIDE_MAX: usize = 20_000;

/// How many times longer than the other a side may be.
pub const ASPECT_MAX: usize = 200;

/// How pictures are prepared: a folder's `preprocessor_config.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct Preparation {
    /// Pixels a side of a patch.
    pub patch: usize,
    /// Frames in a patch.
    pub temporal: usize,
    /// Patches a side that are merged into one visual token.
    pub merge: usize,
    /// Fewest pixels after resizing.
    pub pixels_min: usize,
    /// Most pixels after resizing.
    pub pixels_max: usize,
    /// What a byte is multiplied with before it is normalised.
    pub rescale: f64,
    /// Mean of each channel.
    pub mean: [f64; 3],
    /// Standard deviation of each channel.
    pub deviation: [f64; 3],
}

/// Why a picture is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// A side has no pixels.
    #[error("a picture of {width}x{height} pixels shows nothing")]
    Empty {
        /// Pixels a line.
        width: usize,
        /// Lines.
        height: usize,
    },
    /// A side has more than [`SIDE_MAX`] pixels.
    #[error("a picture of {width}x{height} pixels is too large; at most {SIDE_MAX} a side are taken, so scale it down")]
    TooLarge {
        /// Pixels a line.
        width: usize,
        /// Lines.
        height: usize,
    },
    /// One side is more than [`ASPECT_MAX`] times the other.
    #[error(
        "a picture of {width}x{height} pixels is too narrow; one side may be at most {ASPECT_MAX} times the other, so cut it"
    )]
    TooNarrow {
        /// Pixels a line.
        width: usize,
        /// Lines.
        height: usize,
    },
    /// The bytes are not three for each pixel.
    #[error("a picture of {width}x{height} pixels has {found} bytes instead of {}; it must be RGB, 8 bits each", .width * .height * 3)]
    Length {
        /// Pixels a line.
        width: usize,
        /// Lines.
        height: usize,
        /// Bytes there are.
        found: usize,
    },
    /// The settings make no sense.
    #[error("the picture settings make no sense: {0}; take the model's own preprocessor_config.json")]
    Settings(String),
}

impl Default for Preparation {
    /// What every published Qwen3-VL uses.
    fn default() -> Self {
        Self {
            patch: 16,
            temporal: 2,
            merge: 2,
            pixels_min: 256 * 256,
            pixels_max: 4096 * 4096,
            rescale: 1.0 / 255.0,
            mean: [0.5; 3],
            deviation: [0.5; 3],
        }
    }
}

impl Preparation {
    /// Reads `preprocessor_config.json`. What it does not say is as in [`Preparation::default`].
    ///
    /// # Errors
    /// [`PictureError::Settings`] where it is no JSON object of this kind, or a value cannot be.
    pub fn parse(json: &[u8]) -> Result<Self, PictureError> {
        let raw: Raw = serde_json::from_slice(json).map_err(|error| PictureError::Settings(error.to_string()))?;
        let usual = Self::default();
        let size = raw.size.unwrap_or_default();
        let read = Self {
            patch: raw.patch_size.unwrap_or(usual.patch),
            temporal: raw.temporal_patch_size.unwrap_or(usual.temporal),
            merge: raw.merge_size.unwrap_or(usual.merge),
            pixels_min: raw.min_pixels.or(size.shortest_edge).unwrap_or(usual.pixels_min),
            pixels_max: raw.max_pixels.or(size.longest_edge).unwrap_or(usual.pixels_max),
            rescale: raw.rescale_factor.unwrap_or(usual.rescale),
            mean: raw.image_mean.unwrap_or(usual.mean),
            deviation: raw.image_std.unwrap_or(usual.deviation),
        };
        read.check(&raw.resample)?;
        Ok(read)
    }

    /// Width and height that a picture of this size is resized to: whole merge windows, the aspect kept as well as that
    /// allows, within the limits of pixels.
    ///
    /// # Errors
    /// Where the picture is empty, too large or too narrow.
    pub fn target(&self, width: usize, height: usize) -> Result<(usize, usize), PictureError> {
        if width == 0 || height == 0 {
            return Err(PictureError::Empty { width, height });
        }
        if width.max(height) > SIDE_MAX {
            return Err(PictureError::TooLarge { width, height });
        }
        if width.max(height) > width.min(height) * ASPECT_MAX {
            return Err(PictureError::TooNarrow { width, height });
        }
        let factor = self.patch * self.merge;
        let nearest = |side: usize| (side as f64 / factor as f64).round_ties_even() as usize * factor;
        let (wide, high) = (nearest(width), nearest(height));
        let area = (width * height) as f64;
        if wide * high > self.pixels_max {
            let shrink = (area / self.pixels_max as f64).sqrt();
            let fit = |side: usize| ((side as f64 / shrink / factor as f64).floor() as usize).max(1) * factor;
            return Ok((fit(width), fit(height)));
        }
        if wide * high < self.pixels_min {
            let grow = (self.pixels_min as f64 / area).sqrt();
            let fit = |side: usize| (side as f64 * grow / factor as f64).ceil() as usize * factor;
            return Ok((fit(width), fit(height)));
        }
        Ok((wide, high))
    }

    /// Visual tokens that a picture of this size becomes.
    ///
    /// # Errors
    /// As [`Preparation::target`].
    pub fn tokens(&self, width: usize, height: usize) -> Result<usize, PictureError> {
        let (wide, high) = self.target(width, height)?;
        let factor = self.patch * self.merge;
        Ok((wide / factor) * (high / factor))
    }

    /// Prepares `rgb`, lines of `width` pixels from the top, three bytes each.
    ///
    /// # Errors
    /// Where the picture is empty, too large or too narrow, or the bytes are not three for each pixel.
    pub fn prepare(&self, rgb: &[u8], width: usize, height: usize) -> Result<PatchedPicture, PictureError> {
        let (wide, high) = self.target(width, height)?;
        if rgb.len() != width * height * 3 {
            return Err(PictureError::Length { width, height, found: rgb.len() });
        }
        let resized = resize::bicubic(rgb, (width, height), (wide, high));
        Ok(PatchedPicture { patches: self.cut(&resized, wide, high), grid: [1, high / self.patch, wide / self.patch] })
    }

    fn cut(&self, rgb: &[u8], width: usize, height: usize) -> Vec<f32> {
        let tables = [0, 1, 2].map(|channel| self.normalised(channel));
        let (patch, merge) = (self.patch, self.merge);
        let mut patches = Vec::with_capacity(rgb.len() * self.temporal);
        for (window_y, window_x) in pairs(height / patch / merge, width / patch / merge) {
            for (inner_y, inner_x) in pairs(merge, merge) {
                let top = (window_y * merge + inner_y) * patch;
                let left = (window_x * merge + inner_x) * patch;
                for (channel, table) in tables.iter().enumerate() {
                    for _ in 0..self.temporal {
                        for y in top..top + patch {
                            let line = &rgb[(y * width + left) * 3..(y * width + left + patch) * 3];
                            patches.extend(line.chunks_exact(3).map(|pixel| table[usize::from(pixel[channel])]));
                        }
                    }
                }
            }
        }
        patches
    }

    /// The reference folds rescaling into mean and deviation, and works in single precision.
    fn normalised(&self, channel: usize) -> [f32; 256] {
        let unit = (1.0 / self.rescale) as f32;
        let mean = self.mean[channel] as f32 * unit;
        let deviation = self.deviation[channel] as f32 * unit;
        std::array::from_fn(|byte| (byte as f32 - mean) / deviation)
    }

    fn check(&self, resample: &Option<u32>) -> Result<(), PictureError> {
        let wrong = |what: String| Err(PictureError::Settings(what));
        for (name, value, most) in
            [("patch_size", self.patch, 64), ("temporal_patch_size", self.temporal, 8), ("merge_size", self.merge, 8)]
        {
            if value == 0 || value > most {
                return wrong(format!("{name} is {value}, not 1 to {most}"));
            }
        }
        let window = (self.patch * self.merge).pow(2);
        if self.pixels_max < window || self.pixels_min > self.pixels_max || self.pixels_max > PIXELS_MAX {
            return wrong(format!("{} to {} pixels", self.pixels_min, self.pixels_max));
        }
        let is_number = |value: &f64| value.is_finite() && value.abs() < 1e6;
        if !self.mean.iter().all(is_number) || !self.deviation.iter().all(|value| is_number(value) && *value > 1e-6) {
            return wrong(format!("image_mean {:?}, image_std {:?}", self.mean, self.deviation));
        }
        if !is_number(&self.rescale) || self.rescale < 1e-9 {
            return wrong(format!("rescale_factor is {}", self.rescale));
        }
        match resample {
            None | Some(BICUBIC) => Ok(()),
            Some(other) => wrong(format!("resample is {other}; only bicubic, {BICUBIC}, is known")),
        }
    }
}

/// Pillow's number for bicubic resampling.
const BICUBIC: u32 = 3;

/// The most that `pixels_max` may be: what a picture of [`SIDE_MAX`] has.
const PIXELS_MAX: usize = SIDE_MAX * SIDE_MAX;

#[derive(Deserialize)]
struct Raw {
    size: Option<Size>,
    min_pixels: Option<usize>,
    max_pixels: Option<usize>,
    patch_size: Option<usize>,
    temporal_patch_size: Option<usize>,
    merge_size: Option<usize>,
    rescale_factor: Option<f64>,
    image_mean: Option<[f64; 3]>,
    image_std: Option<[f64; 3]>,
    resample: Option<u32>,
}

#[derive(Default, Deserialize)]
struct Size {
    shortest_edge: Option<usize>,
    longest_edge: Option<usize>,
}

fn pairs(rows: usize, columns: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
}
