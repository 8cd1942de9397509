//! The picture of a question, unpacked for a model in this process.

use super::model::ModelError;
use std::io::Cursor;

/// Pixels of a picture, at most.
const PIXELS_MAX: usize = 4096 * 4096;

/// A picture: red, green and blue a pixel, rows without gaps, top first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unpacked {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
}

/// Unpacks a PNG file.
///
/// # Errors
/// [`ModelError::Unusable`] for what is no whole PNG file of 8 bits a colour, or too large.
pub(super) fn unpack(file: &[u8]) -> Result<Unpacked, ModelError> {
    let unusable = |why: &str| ModelError::Unusable(format!("the picture of the question: {why}"));
    let mut decoder = png::Decoder::new(Cursor::new(file)).read_info().map_err(|_| unusable("no PNG file"))?;
    let (width, height) = (decoder.info().width as usize, decoder.info().height as usize);
    if width.saturating_mul(height) > PIXELS_MAX {
        return Err(unusable("too large"));
    }
    if decoder.output_color_type() != (png::ColorType::Rgb, png::BitDepth::Eight) {
        return Err(unusable("not 8 bits of each of three colours"));
    }
    let mut rgb = vec![0; width * height * 3];
    decoder.next_frame(&mut rgb).map_err(|_| unusable("cut short"))?;
    Ok(Unpacked { width, height, rgb })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A picture whose pixels' red counts up.
    pub fn file(width: u32, height: u32) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().expect("memory takes everything");
        let pixels: Vec<u8> = (0..width * height).flat_map(|pixel| [(pixel % 251) as u8, 2, 3]).collect();
        writer.write_image_data(&pixels).expect("memory takes everything");
        writer.finish().expect("memory takes everything");
        file
    }

    #[test]
    fn what_is_no_whole_picture_is_refused() {
        let whole = unpack(&file(3, 2)).expect("it is a picture");
        assert_eq!((whole.width, whole.height), (3, 2));
        assert_eq!(whole.rgb[3..9], [1, 2, 3, 2, 2, 3]);
        for wrong in [&b"no picture"[..], &file(240, 160)[..90], &[]] {
            unpack(wrong).expect_err("it is no whole picture");
        }
        assert!(unpack(&file(4097, 4096)).expect_err("too many pixels").to_string().contains("too large"));
    }
}
