//! Pictures are prepared as the reference prepares them. `scripts/qwen3_vl_pictures.py` writes the goldens.

use qwen3_vl::picture::{PictureError, Preparation, SIDE_MAX};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    settings: String,
    width: usize,
    height: usize,
    picture_crc32: u32,
    grid: [usize; 3],
    columns: usize,
    bytes_crc32: u32,
    values_crc32: u32,
    samples: Vec<f32>,
}

#[test]
fn pictures_are_the_references_bit_for_bit() {
    let goldens: Vec<Golden> = serde_json::from_str(include_str!("../pictures/goldens.json")).unwrap();
    for golden in &goldens {
        let settings = match golden.settings.as_str() {
            "usual" => include_bytes!("../pictures/usual.json").as_slice(),
            _ => include_bytes!("../pictures/other.json"),
        };
        let preparation = Preparation::parse(settings).unwrap();
        let (width, height) = (golden.width, golden.height);
        let which = format!("{} {width}x{height}", golden.settings);
        let rgb = drawn(width, height);
        assert_eq!(crc32(rgb.iter().copied()), golden.picture_crc32, "{which}: the drawing");

        let picture = preparation.prepare(&rgb, width, height).unwrap();
        assert_eq!(picture.grid, golden.grid, "{which}");
        let rows: usize = picture.grid.iter().product();
        assert_eq!(picture.patches.len(), rows * golden.columns, "{which}");
        assert_eq!(preparation.tokens(width, height).unwrap() * 4, rows, "{which}");

        let far = golden
            .samples
            .iter()
            .enumerate()
            .map(|(i, sample)| (picture.patches[(i * 7919) % picture.patches.len()] - sample).abs())
            .fold(0.0, f32::max);
        assert!(far < 1e-6, "{which}: {far} from a sample");
        let block = golden.columns / 3;
        let bytes = picture.patches.iter().enumerate().map(|(at, value)| {
            let channel = at % golden.columns / block;
            (value * (255.0 * preparation.deviation[channel]) as f32 + (255.0 * preparation.mean[channel]) as f32)
                .round() as u8
        });
        assert_eq!(crc32(bytes), golden.bytes_crc32, "{which}: bytes");
        assert_eq!(
            crc32(picture.patches.iter().flat_map(|value| value.to_le_bytes())),
            golden.values_crc32,
            "{which}: values"
        );
    }
    assert!(goldens.len() >= 20);
}

#[test]
fn a_handheld_screen_becomes_seventy_tokens_and_its_double_a_hundred_and_fifty() {
    let preparation = Preparation::default();
    assert_eq!(preparation.target(240, 160).unwrap(), (320, 224));
    assert_eq!(preparation.tokens(240, 160).unwrap(), 70);
    assert_eq!(preparation.target(480, 320).unwrap(), (480, 320));
    assert_eq!(preparation.tokens(480, 320).unwrap(), 150);
}

#[test]
fn pictures_that_cannot_be_are_refused() {
    let preparation = Preparation::default();
    let refused = |width, height| preparation.prepare(&[], width, height).unwrap_err();
    assert_eq!(refused(0, 5), PictureError::Empty { width: 0, height: 5 });
    assert_eq!(refused(5, 0), PictureError::Empty { width: 5, height: 0 });
    assert_eq!(refused(SIDE_MAX + 1, 900), PictureError::TooLarge { width: SIDE_MAX + 1, height: 900 });
    assert_eq!(refused(usize::MAX, usize::MAX), PictureError::TooLarge { width: usize::MAX, height: usize::MAX });
    assert_eq!(refused(201, 1), PictureError::TooNarrow { width: 201, height: 1 });
    assert!(preparation.target(200, 1).is_ok());
    assert_eq!(refused(4, 4), PictureError::Length { width: 4, height: 4, found: 0 });
    assert!(refused(4, 4).to_string().contains("0 bytes instead of 48"));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for settings in [
        "",
        "[]",
        "{",
        r#"{"patch_size": 0}"#,
        r#"{"patch_size": 100000}"#,
        r#"{"merge_size": -2}"#,
        r#"{"min_pixels": 10, "max_pixels": 5}"#,
        r#"{"max_pixels": 18446744073709551615}"#,
        r#"{"size": {"shortest_edge": 1, "longest_edge": 5}}"#,
        r#"{"image_std": [0.5, 0.0, 0.5]}"#,
        r#"{"image_mean": [0.5]}"#,
        r#"{"rescale_factor": 0.0}"#,
        r#"{"resample": 0}"#,
    ] {
        let error = Preparation::parse(settings.as_bytes()).expect_err(settings);
        assert!(matches!(error, PictureError::Settings(_)), "{settings}: {error}");
    }
    assert_eq!(Preparation::parse(b"{}").unwrap(), Preparation::default());
}

/// Ramps, hard edges and noise, so that overshoot and rounding show. The script has the same formula.
fn drawn(width: usize, height: usize) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height as u32 {
        for x in 0..width as u32 {
            for channel in 0..3_u32 {
                let mixed = x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663) ^ channel.wrapping_mul(83_492_791);
                rgb.push(match (x >> 5) % 3 {
                    0 => (mixed.wrapping_mul(2_654_435_761) >> 24) as u8,
                    1 => (x * 3 + y * 5 + channel * 40) as u8,
                    _ => (((x >> 3) + (y >> 3)) & 1) as u8 * 255,
                });
            }
        }
    }
    rgb
}

fn crc32(bytes: impl Iterator<Item = u8>) -> u32 {
    !bytes.fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}
