//! A frame as text: two pixels a character cell, the upper one as its foreground, the lower one as its background.

use std::fmt::Write as _;
use wire::ring::Snapshot;

type Colour = (u8, u8, u8);

/// The lines of a frame, as large as fits into the cells without changing its shape, and never larger than it is.
pub fn lines(frame: &Snapshot, columns: usize, rows: usize) -> Vec<String> {
    let (width, height) = fit((frame.width as usize, frame.height as usize), (columns, rows * 2));
    if width == 0 || height == 0 {
        return Vec::new();
    }
    let cell = |x: usize, y: usize| averaged(frame, (x, y), (width, height));
    (0..height / 2).map(|row| line((0..width).map(|x| (cell(x, 2 * row), cell(x, 2 * row + 1))))).collect()
}

/// The largest size with the shape of `size` that fits into `room`; its height is even.
fn fit(size: (usize, usize), room: (usize, usize)) -> (usize, usize) {
    let (width, height) = size;
    if width == 0 || height == 0 {
        return (0, 0);
    }
    let by_width = (width.min(room.0), height * width.min(room.0) / width);
    let fitted =
        if by_width.1 <= room.1 { by_width } else { (width * height.min(room.1) / height, height.min(room.1)) };
    (fitted.0, fitted.1 & !1)
}

fn line(cells: impl Iterator<Item = (Colour, Colour)>) -> String {
    let mut text = String::new();
    let mut current = (None, None);
    for (upper, lower) in cells {
        if current.0 != Some(upper) {
            let _ = write!(text, "\x1b[38;2;{};{};{}m", upper.0, upper.1, upper.2);
        }
        if current.1 != Some(lower) {
            let _ = write!(text, "\x1b[48;2;{};{};{}m", lower.0, lower.1, lower.2);
        }
        current = (Some(upper), Some(lower));
        text.push('▀');
    }
    text.push_str("\x1b[0m");
    text
}

/// The mean colour of the frame's pixels that a pixel of the scaled picture stands for.
fn averaged(frame: &Snapshot, at: (usize, usize), size: (usize, usize)) -> Colour {
    let span = |at: usize, size: usize, whole: u32| {
        let start = at * whole as usize / size;
        start..((at + 1) * whole as usize / size).max(start + 1)
    };
    let (columns, rows) = (span(at.0, size.0, frame.width), span(at.1, size.1, frame.height));
    let count = (columns.len() * rows.len()) as u32;
    let mut sum = (0u32, 0u32, 0u32);
    for y in rows {
        for x in columns.clone() {
            let (red, green, blue) = pixel(frame, y * frame.width as usize + x);
            sum = (sum.0 + u32::from(red), sum.1 + u32::from(green), sum.2 + u32::from(blue));
        }
    }
    ((sum.0 / count) as u8, (sum.1 / count) as u8, (sum.2 / count) as u8)
}

/// A pixel; black where the frame holds none.
fn pixel(frame: &Snapshot, index: usize) -> Colour {
    let bytes = frame.format.bytes();
    let pixel = frame.pixels.get(bytes * index..bytes * (index + 1));
    pixel.map_or((0, 0, 0), |pixel| frame.format.colour(pixel).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: u32, height: u32, packed: &[u16]) -> Snapshot {
        let pixels = packed.iter().flat_map(|pixel| pixel.to_le_bytes()).collect();
        Snapshot { width, height, pixels, ..Snapshot::default() }
    }

    #[test]
    fn a_picture_keeps_its_shape_in_any_terminal() {
        assert_eq!(fit((240, 160), (240, 200)), (240, 160));
        assert_eq!(fit((240, 160), (120, 200)), (120, 80));
        assert_eq!(fit((240, 160), (80, 38)), (57, 38));
        assert_eq!(fit((240, 160), (500, 500)), (240, 160));
        assert_eq!(fit((0, 0), (80, 38)), (0, 0));
    }

    #[test]
    fn two_pixels_share_a_cell_and_equal_colours_are_set_once() {
        let picture = frame(2, 2, &[0xffff, 0xffff, 0x0000, 0xf800]);
        let white = "\x1b[38;2;255;255;255m";
        assert_eq!(lines(&picture, 80, 20), [format!("{white}\x1b[48;2;0;0;0m▀\x1b[48;2;255;0;0m▀\x1b[0m")]);
    }

    #[test]
    fn pixels_are_averaged_when_they_do_not_fit() {
        let picture = frame(4, 4, &[0xffff, 0, 0, 0, 0, 0xffff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(averaged(&picture, (0, 0), (2, 2)), (127, 127, 127));
        assert_eq!(lines(&picture, 2, 1).len(), 1);
    }

    #[test]
    fn a_frame_that_is_cut_short_is_drawn_black() {
        assert_eq!(lines(&frame(2, 2, &[]), 80, 20).len(), 1);
    }
}
