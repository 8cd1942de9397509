//! Pictures as PNG files.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

/// Writes a picture: red, green and blue a pixel, rows without gaps, top first.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, (width, height): (usize, usize), rgb: &[u8]) -> io::Result<()> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(())
}
