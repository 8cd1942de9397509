//! Pictures as PNG files.

use std::io;
use std::path::Path;

/// Writes a picture: red, green and blue a pixel, rows without gaps, top first.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, (width, height): (usize, usize), rgb: &[u8]) -> io::Result<()> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    // At once, so that a full disk is noticed.
    std::fs::write(path, file)
}
