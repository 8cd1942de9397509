//! Screenshots of live windows: from a PNG file's bytes to the pixels that a frame ring holds.

use wire::emulator::PixelFormat;

/// The format of the pixels that come out.
pub(crate) const FORMAT: PixelFormat = PixelFormat::Rgb565;
/// The widest and highest picture that is taken; the consoles mGBA knows draw at most 256 x 224.
const SIDE_MAX: u32 = 512;

/// A picture: width and height in pixels, and its rows, top first, without gaps, in [`FORMAT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Screenshot {
    pub width: u32,
    pub height: u32,
    pub pixels: Vec<u8>,
}

impl Screenshot {
    /// A black picture.
    pub(crate) fn black(width: u32, height: u32) -> Screenshot {
        Screenshot { width, height, pixels: vec![0; width as usize * height as usize * FORMAT.bytes()] }
    }
}

/// Decodes a PNG file. What is no PNG, or too large, gives an error that says so.
pub(crate) fn decode(bytes: &[u8]) -> Result<Screenshot, String> {
    let text = |error: png::DecodingError| format!("the picture is no PNG: {error}");
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::STRIP_16);
    let (width, height) = {
        let header = decoder.read_header_info().map_err(text)?;
        (header.width, header.height)
    };
    if width == 0 || height == 0 || width > SIDE_MAX || height > SIDE_MAX {
        return Err(format!("the picture has {width} x {height} pixels; at most {SIDE_MAX} x {SIDE_MAX} are taken"));
    }
    let mut reader = decoder.read_info().map_err(text)?;
    let mut samples = vec![0; reader.output_buffer_size().ok_or("the picture is too large")?];
    let info = reader.next_frame(&mut samples).map_err(text)?;
    let channels = match info.color_type {
        png::ColorType::Rgb => 3,
        png::ColorType::Rgba => 4,
        other => return Err(format!("the picture has colours of the kind {other:?}")),
    };
    let mut pixels = Vec::with_capacity(width as usize * height as usize * FORMAT.bytes());
    for sample in samples[..info.buffer_size()].chunks_exact(channels) {
        pixels.extend_from_slice(&rgb565(sample[0], sample[1], sample[2]).to_le_bytes());
    }
    if pixels.len() != width as usize * height as usize * FORMAT.bytes() {
        return Err("the picture ends early".to_string());
    }
    Ok(Screenshot { width, height, pixels })
}

fn rgb565(red: u8, green: u8, blue: u8) -> u16 {
    u16::from(red >> 3) << 11 | u16::from(green >> 2) << 5 | u16::from(blue >> 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_of(width: u32, height: u32, colors: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(colors).expect("its pixels");
        writer.finish().expect("its end");
        bytes
    }

    #[test]
    fn colours_keep_the_bits_that_the_console_has() {
        let decoded = decode(&png_of(3, 1, &[255, 0, 0, 0, 255, 0, 0, 0, 255])).expect("it is a picture");
        let words: Vec<u16> = decoded.pixels.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        assert_eq!((decoded.width, decoded.height, words), (3, 1, vec![0xF800, 0x07E0, 0x001F]));
    }

    #[test]
    fn damaged_and_oversized_pictures_are_refused() {
        let good = png_of(4, 4, &[7; 48]);
        for cut in 0..good.len() - 12 {
            assert!(decode(&good[..cut]).is_err(), "cut to {cut} bytes");
        }
        assert!(decode(&png_of(513, 1, &[0; 513 * 3])).is_err());
        assert!(decode(b"GIF89a").is_err());
    }
}
