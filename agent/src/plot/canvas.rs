//! A picture to draw on.

use std::path::Path;

/// The font: see [`crate::train::text::widths`] for how its file is made.
const FONT: &str = include_str!("../../../emulator-bridge/burrow/art/font.txt");
const ROWS: usize = 9;
const COLUMNS: usize = 6;
/// Columns of a letter that the font lacks, a space above all.
const BLANK: i32 = 3;

/// Red, green, blue.
pub type Colour = [u8; 3];

/// A picture to draw on.
pub struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    /// A picture of one colour.
    pub fn new(width: usize, height: usize, paper: Colour) -> Canvas {
        Canvas { width, height, pixels: paper.repeat(width * height) }
    }

    /// Fills a rectangle; what lies beyond the picture is left out.
    pub fn fill(&mut self, (left, top): (i32, i32), (width, height): (i32, i32), colour: Colour) {
        for y in top.max(0)..(top + height).min(self.height as i32) {
            for x in left.max(0)..(left + width).min(self.width as i32) {
                let first = (y as usize * self.width + x as usize) * 3;
                self.pixels[first..first + 3].copy_from_slice(&colour);
            }
        }
    }

    /// A straight line, both ends included.
    pub fn line(&mut self, from: (i32, i32), to: (i32, i32), colour: Colour) {
        let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()).max(1);
        for step in 0..=steps {
            let at = |from: i32, to: i32| from + ((to - from) * step + (to - from).signum() * steps / 2) / steps;
            self.fill((at(from.0, to.0), at(from.1, to.1)), (1, 1), colour);
        }
    }

    /// Text, each pixel of a letter a square of so many.
    pub fn text(&mut self, (x, y): (i32, i32), text: &str, colour: Colour, scale: i32) {
        let mut left = x;
        for letter in text.chars() {
            let dots = glyph(letter);
            for (column, row) in &dots {
                self.fill((left + scale * *column, y + scale * row), (scale, scale), colour);
            }
            left += scale * (dots.iter().map(|(column, _)| column + 1).max().unwrap_or(BLANK) + 1);
        }
    }

    /// Pixels of a colour.
    #[cfg(test)]
    pub fn count(&self, colour: Colour) -> usize {
        self.pixels.chunks_exact(3).filter(|pixel| *pixel == colour).count()
    }

    /// Writes a PNG file.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let file = std::io::BufWriter::new(std::fs::File::create(path)?);
        let mut encoder = png::Encoder::new(file, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(())
    }
}

/// The dots of a letter, column and row, its first column 0.
fn glyph(letter: char) -> Vec<(i32, i32)> {
    let lines: Vec<&str> = FONT.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let Some(place) = line.strip_prefix("= ").and_then(|letters| letters.chars().position(|known| known == letter))
        else {
            continue;
        };
        let rows = lines.iter().skip(number + 1).take(ROWS).enumerate();
        let dots: Vec<(i32, i32)> = rows
            .flat_map(|(row, line)| {
                let cells = line.as_bytes().iter().skip(COLUMNS * place).take(COLUMNS).enumerate();
                cells.filter(|(_, pixel)| **pixel == b'#').map(move |(column, _)| (column as i32, row as i32))
            })
            .collect();
        let first = dots.iter().map(|(column, _)| *column).min().unwrap_or_default();
        return dots.into_iter().map(|(column, row)| (column - first, row)).collect();
    }
    Vec::new()
}
