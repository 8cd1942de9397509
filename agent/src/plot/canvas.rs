//! A picture to draw on.

use crate::{font, png_file};
use std::path::Path;

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
            let dots = font::glyph(letter).unwrap_or_default();
            for (column, row) in &dots {
                let at = (left + scale * *column as i32, y + scale * *row as i32);
                self.fill(at, (scale, scale), colour);
            }
            let width = if dots.is_empty() { BLANK } else { font::width(&dots) as i32 };
            left += scale * (width + 1);
        }
    }

    /// Pixels of a colour.
    #[cfg(test)]
    pub fn count(&self, colour: Colour) -> usize {
        self.pixels.chunks_exact(3).filter(|pixel| *pixel == colour).count()
    }

    /// Writes a PNG file.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        png_file::write(path, (self.width, self.height), &self.pixels)
    }
}
