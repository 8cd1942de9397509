//! A picture as the network takes it, and the pieces that its parts look at.

use crate::ReaderError;
use crate::layout::{
    BLOCK, BLOCK_COLUMNS, BLOCK_ROWS, CELL_TOP_MARGIN, CELL_WIDTH, CELLS, FINDER_ROWS, HEIGHT, LETTER_HEIGHT,
    LETTER_LEFT_MARGIN, LETTER_WIDTH, MAP_LEFT, MAP_TOP, PATCH, PATCHES_ACROSS, PATCHES_DOWN, WIDTH, cell_corner,
};
use wire::emulator::PixelFormat;
use wire::observation::{MAP_HEIGHT, MAP_WIDTH};
use wire::ring::Snapshot;

/// A picture as an emulator shows it.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// How pixels are stored.
    pub format: PixelFormat,
    /// Rows without gaps, top first.
    pub pixels: &'a [u8],
}

impl<'a> From<&'a Snapshot> for Picture<'a> {
    fn from(snapshot: &'a Snapshot) -> Picture<'a> {
        let Snapshot { width, height, format, pixels, .. } = snapshot;
        Picture { width: *width, height: *height, format: *format, pixels }
    }
}

/// A picture as the network takes it: five bits of red, six of green, five of blue a pixel, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas(Vec<u16>);

const CHANNELS: usize = 3;
/// The least brightness of a letter, and the most of its shadow; the game's are 0.35 and 0.12.
const LETTER_BRIGHTNESS: f32 = 0.3;
const SHADOW_BRIGHTNESS: f32 = 0.2;
/// What a pixel is beyond the picture.
const BLACK: u16 = 0;

impl Canvas {
    /// # Errors
    /// When the picture has not the size that the network reads, or lacks bytes.
    pub fn of(picture: &Picture<'_>) -> Result<Canvas, ReaderError> {
        let size = (picture.width as usize, picture.height as usize);
        if size != (WIDTH, HEIGHT) || picture.pixels.len() != WIDTH * HEIGHT * picture.format.bytes() {
            return Err(ReaderError::Size {
                width: picture.width,
                height: picture.height,
                bytes: picture.pixels.len(),
            });
        }
        let pixels = match picture.format {
            PixelFormat::Rgb565 => {
                picture.pixels.chunks_exact(2).map(|pixel| u16::from_le_bytes([pixel[0], pixel[1]])).collect()
            }
            PixelFormat::Xrgb8888 => {
                let part = |value: u8| u16::from(value >> 3);
                let pixels = picture.pixels.chunks_exact(4);
                pixels.map(|pixel| part(pixel[2]) << 11 | part(pixel[1]) << 6 | part(pixel[0])).collect()
            }
        };
        Ok(Canvas(pixels))
    }

    /// The picture in red, green and blue, a byte each, for somebody to look at.
    pub fn rgb(&self) -> Vec<u8> {
        self.0.iter().flat_map(|pixel| colour(*pixel).map(|part| (part * 255.0) as u8)).collect()
    }

    fn row(&self, y: usize) -> &[u16] {
        &self.0[y * WIDTH..(y + 1) * WIDTH]
    }

    /// The share of the pixels of a rectangle, as far as it lies in the picture, that are not black.
    pub fn filled(&self, (left, top): (i32, i32), (width, height): (i32, i32)) -> f32 {
        let columns = left.clamp(0, WIDTH as i32) as usize..(left + width).clamp(0, WIDTH as i32) as usize;
        let rows = top.clamp(0, HEIGHT as i32) as usize..(top + height).clamp(0, HEIGHT as i32) as usize;
        let all = columns.len() * rows.len();
        let filled: usize =
            rows.map(|y| self.row(y)[columns.clone()].iter().filter(|pixel| **pixel != BLACK).count()).sum();
        if all == 0 { 0.0 } else { filled as f32 / all as f32 }
    }

    /// The tiles in view, each in patches of 4 × 4 pixels: by eights of 8 × 8, in these by fours. What lies beyond the picture
    /// is black.
    pub(crate) fn cells(&self, into: &mut Vec<f32>) {
        for cell in CELLS {
            self.cell(cell_corner(cell), into);
        }
    }

    /// The tile whose top left corner is there.
    pub(crate) fn cell(&self, (left, top): (i32, i32), into: &mut Vec<f32>) {
        let top = top - CELL_TOP_MARGIN as i32;
        for (down, across) in (0..PATCHES_DOWN).flat_map(|down| (0..PATCHES_ACROSS).map(move |across| (down, across))) {
            for (row, column) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let x = left + ((2 * across + column) * PATCH) as i32;
                let y = top + ((2 * down + row) * PATCH) as i32;
                for y in y..y + PATCH as i32 {
                    self.span(x, y, PATCH, into);
                }
            }
        }
        debug_assert_eq!(CELL_WIDTH, 2 * PATCHES_ACROSS * PATCH);
    }

    /// Pixels of a row; black beyond the picture.
    fn span(&self, x: i32, y: i32, length: usize, into: &mut Vec<f32>) {
        let inside = |x: i32| (0..WIDTH as i32).contains(&x);
        if !(0..HEIGHT as i32).contains(&y) {
            into.resize(into.len() + length * CHANNELS, 0.0);
        } else if inside(x) && inside(x + length as i32 - 1) {
            let pixels = &self.row(y as usize)[x as usize..x as usize + length];
            let start = into.len();
            into.resize(start + length * CHANNELS, 0.0);
            for (values, pixel) in into[start..].chunks_exact_mut(CHANNELS).zip(pixels) {
                values.copy_from_slice(&colour(*pixel));
            }
        } else {
            for x in x..x + length as i32 {
                into.extend(colour(if inside(x) { self.row(y as usize)[x as usize] } else { BLACK }));
            }
        }
    }

    /// The mean colour of each block of 8 × 8 pixels, row by row.
    pub(crate) fn blocks(&self, into: &mut Vec<f32>) {
        let start = into.len();
        into.resize(start + BLOCK_COLUMNS * BLOCK_ROWS * CHANNELS, 0.0);
        let scale = 1.0 / (BLOCK * BLOCK) as f32;
        for y in 0..HEIGHT {
            let sums = &mut into[start + y / BLOCK * BLOCK_COLUMNS * CHANNELS..];
            for (sums, pixels) in sums.chunks_exact_mut(CHANNELS).zip(self.row(y).chunks_exact(BLOCK)) {
                for pixel in pixels {
                    for (sum, value) in sums.iter_mut().zip(colour(*pixel)) {
                        *sum += value * scale;
                    }
                }
            }
        }
    }

    /// The pixels of the small map, row by row.
    pub(crate) fn map(&self, into: &mut Vec<f32>) {
        for y in 0..MAP_HEIGHT {
            self.span(MAP_LEFT as i32, (MAP_TOP + y) as i32, MAP_WIDTH, into);
        }
    }

    /// One pixel of the small map.
    pub(crate) fn map_pixel(&self, place: usize, into: &mut Vec<f32>) {
        self.span((MAP_LEFT + place % MAP_WIDTH) as i32, (MAP_TOP + place / MAP_WIDTH) as i32, 1, into);
    }

    /// Whether a letter may begin at a column, in a line whose capitals begin at a row: something there must be bright, or, as in
    /// figures, which are all of one width, in the column after it.
    pub(crate) fn letter_may_begin(&self, x: usize, y: usize) -> bool {
        let is_bright = |pixel: &u16| brightness(*pixel) >= LETTER_BRIGHTNESS;
        (y..(y + LETTER_HEIGHT).min(HEIGHT)).any(|y| self.row(y)[x..(x + 2).min(WIDTH)].iter().any(is_bright))
    }

    /// Where a line of text may begin: places, counted by rows of blocks of eight columns, and how bright each pixel there is. Only
    /// places that are both bright and dark can be: letters are bright, and have a shadow.
    pub(crate) fn line_heads(&self) -> (Vec<usize>, Vec<f32>) {
        let brightness: Vec<f32> = self.0.iter().map(|pixel| brightness(*pixel)).collect();
        let range = |pixels: &[f32]| {
            pixels.iter().fold((f32::MAX, f32::MIN), |(least, most), value| (least.min(*value), most.max(*value)))
        };
        let ranges: Vec<(f32, f32)> = brightness.chunks_exact(BLOCK).map(range).collect();
        let (mut places, mut values) = (Vec::new(), Vec::new());
        for place in 0..FINDER_ROWS * BLOCK_COLUMNS {
            let rows = (0..LETTER_HEIGHT).map(|row| ranges[place + row * BLOCK_COLUMNS]);
            let (least, most) =
                rows.fold((f32::MAX, f32::MIN), |(least, most), row| (least.min(row.0), most.max(row.1)));
            if most < LETTER_BRIGHTNESS || least > SHADOW_BRIGHTNESS {
                continue;
            }
            places.push(place);
            for row in 0..LETTER_HEIGHT {
                let first = (place + row * BLOCK_COLUMNS) * BLOCK;
                values.extend_from_slice(&brightness[first..first + BLOCK]);
            }
        }
        (places, values)
    }

    /// One place where a line of text may begin.
    pub(crate) fn line_head(&self, column: usize, y: usize, into: &mut Vec<f32>) {
        for row in y..y + LETTER_HEIGHT {
            into.extend(self.row(row)[column * BLOCK..(column + 1) * BLOCK].iter().map(|pixel| brightness(*pixel)));
        }
    }

    /// What a letter that begins there would look like.
    pub(crate) fn letter(&self, x: i32, y: i32, into: &mut Vec<f32>) {
        for row in 0..LETTER_HEIGHT as i32 {
            self.span(x - LETTER_LEFT_MARGIN as i32, y + row, LETTER_WIDTH, into);
        }
    }
}

/// Red, green and blue from 0 (dark) to 1. Five bits of each count: the sixth of green is the emulator's own.
fn colour(pixel: u16) -> [f32; CHANNELS] {
    [pixel >> 11, pixel >> 6 & 31, pixel & 31].map(|part| f32::from(part) * (1.0 / 31.0))
}

fn brightness(pixel: u16) -> f32 {
    let [red, green, blue] = colour(pixel);
    0.3 * red + 0.6 * green + 0.1 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(pixels: &[u8], width: u32) -> Result<Canvas, ReaderError> {
        Canvas::of(&Picture { width, height: 160, format: PixelFormat::Rgb565, pixels })
    }

    #[test]
    fn pieces_have_the_sizes_that_the_network_takes() {
        let canvas = picture(&[0xFF; WIDTH * HEIGHT * 2], 240).expect("a picture of the right size");
        let length = |take: &dyn Fn(&mut Vec<f32>)| {
            let mut into = Vec::new();
            take(&mut into);
            into.len()
        };
        assert_eq!(length(&|into| canvas.cells(into)), CELLS.count() * 24 * 32 * 3);
        assert_eq!(length(&|into| canvas.blocks(into)), 30 * 20 * 3);
        assert_eq!(length(&|into| canvas.map(into)), MAP_WIDTH * MAP_HEIGHT * 3);
        assert_eq!(length(&|into| canvas.letter(-5, 158, into)), LETTER_WIDTH * LETTER_HEIGHT * 3);
        assert_eq!(length(&|into| canvas.line_head(3, 5, into)), BLOCK * LETTER_HEIGHT);
    }

    #[test]
    fn lines_are_looked_for_where_bright_meets_dark_alone() {
        let mut pixels = vec![0xFF; WIDTH * HEIGHT * 2];
        let even = picture(&pixels, 240).expect("a picture of the right size");
        assert_eq!(even.line_heads(), (Vec::new(), Vec::new()));
        pixels[2 * (50 * WIDTH + 100)..][..2].fill(0);
        let (places, values) = picture(&pixels, 240).expect("a picture of the right size").line_heads();
        // The eleven rows from which the dark pixel is within a letter's height, in its block.
        assert_eq!(places, (40..=50).map(|y| y * BLOCK_COLUMNS + 12).collect::<Vec<_>>());
        assert_eq!(values.len(), places.len() * BLOCK * LETTER_HEIGHT);
    }

    #[test]
    fn what_lies_beyond_the_picture_is_black() {
        let canvas = picture(&[0xFF; WIDTH * HEIGHT * 2], 240).expect("a picture of the right size");
        let mut span = Vec::new();
        canvas.span(-2, 0, 4, &mut span);
        assert_eq!(span, [[0.0; 6], [1.0; 6]].concat());
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        assert!(picture(&[0; 480 * 160 * 2], 480).is_err());
        assert!(picture(&[0; 100], 240).is_err());
        assert!(picture(&[], 0).is_err());
    }
}
