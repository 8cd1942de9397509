//! The newest frame of a live window: its number, its picture, and the memory of the same frame.

use super::message::{Frame, PAGE_BYTES};
use crate::screenshot::{self, FORMAT, Screenshot};
use wire::memory::Region;
use wire::ring::Picture;

/// Most pixels that a picture may have: a Super Game Boy's border.
pub(super) const PIXELS_MAX: usize = 256 * 224;

/// What showing a frame came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// This many frames passed.
    Frames(u32),
    /// The emulator's own count did not go on from where it was.
    Jumped,
}

/// The newest frame.
#[derive(Debug)]
pub(super) struct View {
    number: u32,
    /// What the script's number and the emulator's own differ by; `None` before the first frame, and when a jump is
    /// expected.
    offset: Option<u32>,
    regions: Vec<Region>,
    memory: Vec<Vec<u8>>,
    picture: Screenshot,
    /// Whether the newest frame came with its picture.
    has_picture: bool,
}

impl View {
    pub(super) fn new(regions: &[Region]) -> View {
        View {
            number: 0,
            offset: None,
            regions: regions.to_vec(),
            memory: regions.iter().map(|region| vec![0; region.length as usize]).collect(),
            picture: Screenshot::black(240, 160),
            has_picture: false,
        }
    }

    /// Shows a frame; fails, changing nothing, when it does not fit the regions or its picture is none.
    pub(super) fn show(&mut self, frame: &Frame) -> Result<Shown, String> {
        for (region, index, bytes) in &frame.pages {
            let start = usize::from(*index) * PAGE_BYTES;
            let fits = self.memory.get(usize::from(*region)).is_some_and(|memory| start + bytes.len() <= memory.len());
            if !fits {
                return Err("it sends memory that nobody asked for".to_string());
            }
        }
        // A frame whose picture could not be taken is shown with none rather than with an older one.
        let picture = if frame.png.is_empty() {
            Screenshot::black(self.picture.width, self.picture.height)
        } else {
            screenshot::decode(&frame.png)?
        };
        if picture.pixels.len() > PIXELS_MAX * FORMAT.bytes() {
            return Err("its picture is larger than any console's".to_string());
        }
        for (region, index, bytes) in &frame.pages {
            let start = usize::from(*index) * PAGE_BYTES;
            self.memory[usize::from(*region)][start..start + bytes.len()].copy_from_slice(bytes);
        }
        self.picture = picture;
        self.has_picture = !frame.png.is_empty();
        let passed = if self.number == 0 { 1 } else { frame.number.wrapping_sub(self.number).max(1) };
        self.number = frame.number;
        let offset = frame.emulated.wrapping_sub(frame.number);
        let before = self.offset.replace(offset);
        Ok(if before.is_none_or(|before| before == offset) { Shown::Frames(passed) } else { Shown::Jumped })
    }

    /// The next frame may go on from anywhere. `under_way` left the window before.
    pub(super) fn expect_jump(&mut self, under_way: Vec<Frame>) {
        for frame in under_way {
            // One that cannot be shown is followed by others.
            let _ = self.show(&frame);
        }
        self.offset = None;
    }

    /// The script's number of the newest frame; 0 before the first.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn has_picture(&self) -> bool {
        self.has_picture
    }

    pub(super) fn picture(&self) -> Picture<'_> {
        let Screenshot { width, height, pixels } = &self.picture;
        Picture { width: *width, height: *height, pitch: *width as usize * FORMAT.bytes(), format: FORMAT, pixels }
    }

    pub(super) fn region_bytes(&self, index: usize) -> &[u8] {
        &self.memory[index]
    }

    /// Memory of this frame, where the view has it.
    pub(super) fn find(&self, address: u32, length: usize) -> Option<&[u8]> {
        let (index, start) = self.place(address, length)?;
        Some(&self.memory[index][start..start + length])
    }

    /// What was written into the emulator shows at once.
    pub(super) fn write(&mut self, address: u32, bytes: &[u8]) {
        if let Some((index, start)) = self.place(address, bytes.len()) {
            self.memory[index][start..start + bytes.len()].copy_from_slice(bytes);
        }
    }

    fn place(&self, address: u32, length: usize) -> Option<(usize, usize)> {
        self.regions.iter().enumerate().find_map(|(index, region)| {
            let start = address.checked_sub(region.address)? as usize;
            (start.checked_add(length)? <= region.length as usize).then_some((index, start))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGIONS: [Region; 1] = [Region { address: 0x0200_0000, length: 0x2000 }];

    fn frame(number: u32, emulated: u32, pages: Vec<(u8, u16, Vec<u8>)>) -> Frame {
        Frame { number, emulated, pages, png: Vec::new() }
    }

    #[test]
    fn frames_are_counted_and_a_jump_of_the_emulators_count_is_noticed() {
        let mut view = View::new(&REGIONS);
        assert_eq!(view.show(&frame(10, 110, Vec::new())), Ok(Shown::Frames(1)));
        assert_eq!(view.show(&frame(13, 113, Vec::new())), Ok(Shown::Frames(3)));
        assert_eq!(view.show(&frame(14, 20, Vec::new())), Ok(Shown::Jumped));
        assert_eq!(view.show(&frame(15, 21, Vec::new())), Ok(Shown::Frames(1)));
        view.expect_jump(vec![frame(16, 22, Vec::new())]);
        assert_eq!(view.show(&frame(17, 900, Vec::new())), Ok(Shown::Frames(1)));
    }

    #[test]
    fn pages_are_laid_where_they_belong_and_others_change_nothing() {
        let mut view = View::new(&REGIONS);
        view.show(&frame(1, 1, vec![(0, 1, vec![7; PAGE_BYTES])])).expect("it fits");
        assert_eq!(view.find(0x0200_1000, 2), Some(&[7, 7][..]));
        assert_eq!(view.find(0x0200_0FFF, 1), Some(&[0][..]));
        assert_eq!(view.find(0x0200_1FFF, 2), None);
        for bad in [(0, 2, vec![1]), (1, 0, vec![1])] {
            assert!(view.show(&frame(2, 2, vec![(0, 0, vec![9]), bad])).is_err());
            assert_eq!((view.number(), view.find(0x0200_0000, 1)), (1, Some(&[0][..])));
        }
    }
}
