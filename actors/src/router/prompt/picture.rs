//! The picture of a prompt: the frame as a PNG file, each pixel a square of a whole number of pixels.

use std::sync::Arc;
use wire::ring::Snapshot;
use wire::router::TierSettings;

/// Vision models see squares of so many pixels as one token.
const PATCH: f64 = 32.0;
/// They enlarge pictures of fewer pixels to about so many.
const AREA_MIN: f64 = 65_536.0;
/// The longest side of a picture.
const SIDE_MAX: u32 = 4096;

/// Whether a tier is shown the picture, and of which size: none where it would take more than half of what fits.
pub(super) fn size(tier: &TierSettings, frame: &Snapshot) -> Option<(u32, u32)> {
    let scale = tier.picture_scale.max(1);
    let size = (frame.width.checked_mul(scale)?, frame.height.checked_mul(scale)?);
    let bytes = frame.width as usize * frame.height as usize * frame.format.bytes();
    let is_whole = frame.width > 0 && frame.height > 0 && frame.pixels.len() >= bytes;
    let fits = size.0.max(size.1) <= SIDE_MAX && u64::from(tokens(size)) * 2 <= super::budget::room(tier);
    (tier.pictures > 0 && is_whole && fits).then_some(size)
}

/// About how many tokens a picture is, as Qwen's vision models count: each side rounded to whole patches, a small picture
/// enlarged first.
pub(super) fn tokens((width, height): (u32, u32)) -> u32 {
    let sides = [width, height].map(|side| f64::from(side.max(1)));
    let rounded = sides.map(|side| (side / PATCH).round_ties_even().max(1.0));
    let area = rounded[0] * rounded[1] * PATCH * PATCH;
    let patches = if area >= AREA_MIN {
        rounded
    } else {
        let enlarged = (AREA_MIN / (sides[0] * sides[1])).sqrt();
        sides.map(|side| (side * enlarged / PATCH).ceil())
    };
    (patches[0] * patches[1]) as u32
}

/// The frame as a PNG file.
pub(super) fn png(tier: &TierSettings, frame: &Snapshot) -> Option<Arc<[u8]>> {
    let (width, height) = size(tier, frame)?;
    let scale = tier.picture_scale.max(1) as usize;
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    for row in frame.pixels.chunks_exact(frame.width as usize * frame.format.bytes()).take(frame.height as usize) {
        let start = pixels.len();
        for pixel in row.chunks_exact(frame.format.bytes()) {
            let colour = frame.format.colour(pixel);
            (0..scale).for_each(|_| pixels.extend(colour));
        }
        let end = pixels.len();
        (1..scale).for_each(|_| pixels.extend_from_within(start..end));
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some(file.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::emulator::PixelFormat;

    fn tier(picture_scale: u32) -> TierSettings {
        TierSettings { pictures: 1, picture_scale, ..crate::router::prompt::tests::tier() }
    }

    fn decoded(file: &[u8]) -> ((u32, u32), Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("it is a picture");
        let mut pixels = vec![0; reader.output_buffer_size().expect("it has a size")];
        let info = reader.next_frame(&mut pixels).expect("it is whole");
        ((info.width, info.height), pixels)
    }

    #[test]
    fn each_pixel_becomes_a_square_of_its_colour() {
        let words = [0xF800_u16, 0x07E0, 0x001F, 0xFFFF];
        let pixels = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let frame = Snapshot { width: 2, height: 2, pixels, ..Snapshot::default() };
        let (size, pixels) = decoded(&png(&tier(2), &frame).expect("there is a picture"));
        let (red, green, blue, white) = ([255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]);
        let above = [red, red, green, green].concat();
        let below = [blue, blue, white, white].concat();
        assert_eq!((size, pixels), ((4, 4), [above.clone(), above, below.clone(), below].concat()));
        let frame = Snapshot {
            width: 1,
            height: 1,
            pixels: vec![3, 2, 1, 0],
            format: PixelFormat::Xrgb8888,
            ..Snapshot::default()
        };
        assert_eq!(decoded(&png(&tier(1), &frame).expect("there is a picture")), ((1, 1), vec![1, 2, 3]));
    }

    #[test]
    fn pictures_cost_as_many_tokens_as_models_make_of_them() {
        let counts = [(240, 160), (480, 320), (720, 480), (256, 256), (1, 1)].map(tokens);
        assert_eq!(counts, [70, 150, 330, 64, 64]);
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_left_out() {
        let whole = Snapshot { width: 240, height: 160, pixels: vec![0; 240 * 160 * 2], ..Snapshot::default() };
        assert!(png(&tier(2), &whole).is_some());
        assert_eq!(size(&tier(0), &whole), Some((240, 160)));
        let few = TierSettings { context_tokens: 600, answer_tokens: 500, ..tier(2) };
        assert_eq!((size(&few, &whole), size(&tier(18), &whole), size(&tier(u32::MAX), &whole)), (None, None, None));
        assert_eq!(size(&TierSettings { pictures: 0, ..tier(1) }, &whole), None);
        assert_eq!(size(&tier(1), &Snapshot { pixels: vec![0; 99], ..whole }), None);
        assert_eq!(size(&tier(1), &Snapshot::default()), None);
    }
}
