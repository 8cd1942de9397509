//! Pictures on a terminal: by the protocol of kitty, as sixels, or as two pixels a cell, whichever it knows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};
use wire::ring::Snapshot;

/// Asks for kitty's protocol with a picture of one pixel, and for what every terminal answers: what it is.
const QUESTION: &str = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c";
/// How long a terminal may take to answer; over a slow connection it is taken for one that knows neither.
const ANSWER: Duration = Duration::from_millis(300);
/// Bytes of one piece of a picture in kitty's protocol.
const PIECE_BYTES: usize = 4096;
/// The picture's number in kitty's protocol: each replaces the one before.
const NUMBER: u32 = 7_201;
/// Colours of a sixel picture at most.
const COLOURS_MAX: usize = 256;

/// How pictures are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Graphics {
    /// The protocol of kitty.
    Kitty,
    /// Sixels.
    Sixel,
    /// Two pixels a cell.
    Cells,
}

/// A picture of three bytes a pixel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Columns of pixels.
    pub width: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Red, green, blue, row by row.
    pub pixels: Vec<u8>,
}

impl From<&Snapshot> for Picture {
    fn from(frame: &Snapshot) -> Picture {
        let (width, height) = (frame.width as usize, frame.height as usize);
        let pixels = frame.pixels.chunks_exact(frame.format.bytes()).take(width * height);
        let mut pixels: Vec<u8> = pixels.flat_map(|pixel| frame.format.colour(pixel)).collect();
        pixels.resize(width * height * 3, 0);
        Picture { width, height, pixels }
    }
}

impl Picture {
    /// The mean colour of the pixels that one of a smaller picture of this size stands for.
    pub fn scaled(&self, (x, y): (usize, usize), (width, height): (usize, usize)) -> [u8; 3] {
        let span = |at: usize, size: usize, whole: usize| {
            let start = at * whole / size;
            start..((at + 1) * whole / size).max(start + 1).min(whole.max(1))
        };
        let (columns, rows) = (span(x, width, self.width), span(y, height, self.height));
        let mut sum = [0u32; 3];
        let mut count = 0;
        for row in rows {
            for column in columns.clone() {
                let first = (row * self.width + column) * 3;
                if let Some(pixel) = self.pixels.get(first..first + 3) {
                    sum.iter_mut().zip(pixel).for_each(|(sum, part)| *sum += u32::from(*part));
                    count += 1;
                }
            }
        }
        sum.map(|part| (part / count.max(1)) as u8)
    }

    /// The picture with each pixel as a square of so many.
    fn enlarged(&self, factor: usize) -> Picture {
        let (width, height) = (self.width * factor, self.height * factor);
        let mut pixels = Vec::with_capacity(width * height * 3);
        for row in self.pixels.chunks_exact(self.width.max(1) * 3) {
            let row: Vec<u8> = row.chunks_exact(3).flat_map(|pixel| pixel.repeat(factor)).collect();
            (0..factor).for_each(|_| pixels.extend_from_slice(&row));
        }
        Picture { width, height, pixels }
    }
}

impl Graphics {
    /// Asks the terminal. Keys are not read meanwhile, and the terminal must not echo.
    pub fn of_terminal() -> Graphics {
        let mut stdout = io::stdout().lock();
        if stdout.write_all(QUESTION.as_bytes()).and_then(|()| stdout.flush()).is_err() {
            return Graphics::Cells;
        }
        Graphics::said(&answer())
    }

    fn said(answer: &[u8]) -> Graphics {
        let text = String::from_utf8_lossy(answer);
        let attributes =
            text.rsplit_once("\x1b[?").and_then(|(_, rest)| rest.split_once('c')).map_or("", |parts| parts.0);
        if text.contains("\x1b_Gi=31;OK") {
            Graphics::Kitty
        } else if attributes.split(';').any(|attribute| attribute == "4") {
            Graphics::Sixel
        } else {
            Graphics::Cells
        }
    }

    /// The text that shows a picture at the cursor within so many cells; nothing where it is drawn as cells. `cell`: the size of a
    /// cell in pixels.
    pub fn show(self, picture: &Picture, cells: (u16, u16), cell: (u16, u16)) -> Option<String> {
        match self {
            Graphics::Kitty => Some(kitty(picture, cells)),
            Graphics::Sixel => {
                let room = (usize::from(cells.0) * usize::from(cell.0), usize::from(cells.1) * usize::from(cell.1));
                let factor = (room.0 / picture.width.max(1)).min(room.1 / picture.height.max(1));
                (factor > 0).then(|| sixel(&picture.enlarged(factor)))
            }
            Graphics::Cells => None,
        }
    }

    /// The text that takes the picture away.
    pub fn clear(self) -> String {
        match self {
            Graphics::Kitty => format!("\x1b_Ga=d,d=I,i={NUMBER},q=2\x1b\\"),
            Graphics::Sixel | Graphics::Cells => String::new(),
        }
    }
}

/// What the terminal says until it has said what it is.
fn answer() -> Vec<u8> {
    let stdin = io::stdin();
    let deadline = Instant::now() + ANSWER;
    let mut answer = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
        let mut sources = [PollFd::new(&stdin, PollFlags::IN)];
        if left.is_zero() || !matches!(poll(&mut sources, Some(&timeout)), Ok(1..)) {
            return answer;
        }
        let mut bytes = [0; 256];
        match rustix::io::read(&stdin, &mut bytes) {
            Ok(0) | Err(_) => return answer,
            Ok(read) => answer.extend_from_slice(&bytes[..read]),
        }
        let ended = answer.windows(3).rposition(|window| window == b"\x1b[?");
        if ended.is_some_and(|start| answer[start..].contains(&b'c')) {
            return answer;
        }
    }
}

fn kitty(picture: &Picture, (columns, rows): (u16, u16)) -> String {
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(&picture.pixels, 1);
    let encoded = STANDARD.encode(packed);
    let pieces: Vec<&[u8]> = encoded.as_bytes().chunks(PIECE_BYTES).collect();
    let mut text = String::with_capacity(encoded.len() + 32 * pieces.len());
    for (place, piece) in pieces.iter().enumerate() {
        let more = u8::from(place + 1 < pieces.len());
        let piece = String::from_utf8_lossy(piece);
        if place == 0 {
            let (width, height) = (picture.width, picture.height);
            let _ = write!(
                text,
                "\x1b_Ga=T,q=2,f=24,o=z,s={width},v={height},i={NUMBER},p=1,c={columns},r={rows},C=1,m={more};{piece}\x1b\\"
            );
        } else {
            let _ = write!(text, "\x1b_Gm={more};{piece}\x1b\\");
        }
    }
    text
}

/// A picture as sixels: six rows at a time, colour by colour.
fn sixel(picture: &Picture) -> String {
    let mut palette: BTreeMap<[u8; 3], usize> = BTreeMap::new();
    // Games of this size have few colours; where there are more, the lowest bits are left out.
    let shift = (0..6).find(|shift| {
        palette.clear();
        picture.pixels.chunks_exact(3).all(|pixel| {
            let colour = [pixel[0] >> shift, pixel[1] >> shift, pixel[2] >> shift];
            let next = palette.len();
            *palette.entry(colour).or_insert(next) < COLOURS_MAX
        })
    });
    let shift = shift.unwrap_or(6);
    let mut text = format!("\x1bP0;1q\"1;1;{};{}", picture.width, picture.height);
    for (colour, number) in &palette {
        let [red, green, blue] = colour.map(|part| u32::from(part << shift) * 100 / 255);
        let _ = write!(text, "#{number};2;{red};{green};{blue}");
    }
    let row_bytes = picture.width.max(1) * 3;
    for band in picture.pixels.chunks(row_bytes * 6) {
        let mut layers: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        for (row, pixels) in band.chunks_exact(row_bytes).enumerate() {
            for (column, pixel) in pixels.chunks_exact(3).enumerate() {
                let colour = [pixel[0] >> shift, pixel[1] >> shift, pixel[2] >> shift];
                let number = palette.get(&colour).copied().unwrap_or(0);
                layers.entry(number).or_insert_with(|| vec![0; picture.width])[column] |= 1 << row;
            }
        }
        for (number, layer) in layers {
            let _ = write!(text, "#{number}");
            for run in layer.chunk_by(|left, right| left == right) {
                let sign = char::from(63 + run[0]);
                match run.len() {
                    count @ 1..4 => text.extend(std::iter::repeat_n(sign, count)),
                    count => drop(write!(text, "!{count}{sign}")),
                }
            }
            text.push('$');
        }
        text.push('-');
    }
    text + "\x1b\\"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_say_what_they_know() {
        assert_eq!(Graphics::said(b"\x1b_Gi=31;OK\x1b\\\x1b[?62;c"), Graphics::Kitty);
        assert_eq!(Graphics::said(b"\x1b[?62;4;22c"), Graphics::Sixel);
        assert_eq!(Graphics::said(b"\x1b[?1;2c"), Graphics::Cells);
        assert_eq!(Graphics::said(b"\x1b[?64;14;44c"), Graphics::Cells, "14 and 44 are not 4");
        assert_eq!(Graphics::said(b""), Graphics::Cells);
    }

    #[test]
    fn a_picture_goes_to_kitty_in_pieces_that_unpack_to_it() {
        let pixels: Vec<u8> = (0..64 * 64 * 3u32).map(|at| (at * at % 251) as u8).collect();
        let picture = Picture { width: 64, height: 64, pixels };
        let text = kitty(&picture, (20, 10));
        assert!(text.starts_with("\x1b_Ga=T,q=2,f=24,o=z,s=64,v=64,"), "{}", &text[..60]);
        let pieces = text.split("\x1b\\").filter_map(|piece| piece.split_once(';').map(|parts| parts.1));
        let packed = STANDARD.decode(pieces.collect::<String>()).expect("it is base64");
        assert_eq!(miniz_oxide::inflate::decompress_to_vec_zlib(&packed).expect("it unpacks"), picture.pixels);
        assert_eq!(text.matches("m=1;").count() + 1, text.matches("\x1b_G").count());
    }

    #[test]
    fn sixels_are_bands_of_six_rows_colour_by_colour() {
        let (red, blue) = ([255, 0, 0], [0, 0, 255]);
        let pixels = [red, red, red, red, red, blue].repeat(7).concat();
        let text = sixel(&Picture { width: 6, height: 7, pixels });
        assert!(text.starts_with("\x1bP0;1q\"1;1;6;7#1;2;0;0;100#0;2;100;0;0"), "{text:?}");
        assert!(text.contains("#0!5~?$#1!5?~$-") && text.ends_with("#0!5@?$#1!5?@$-\x1b\\"), "{text:?}");
    }

    #[test]
    fn a_smaller_picture_has_mean_colours_and_a_larger_one_squares() {
        let picture = Picture { width: 2, height: 1, pixels: vec![0, 0, 0, 200, 100, 50] };
        assert_eq!(picture.scaled((0, 0), (1, 1)), [100, 50, 25]);
        assert_eq!(picture.scaled((3, 1), (4, 2)), [200, 100, 50]);
        assert_eq!(picture.enlarged(2).pixels, [0, 0, 0, 0, 0, 0, 200, 100, 50, 200, 100, 50].repeat(2));
    }
}
