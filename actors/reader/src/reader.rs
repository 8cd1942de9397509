//! Reads pictures.

use crate::classes::{GROUND_CLASSES, ITEM_CLASSES, LETTERS, MARK_CLASSES, SCENE_CLASSES, SCENES, SKILLS};
use crate::layout::{BLOCK_COLUMNS, CELLS, FINDER_ROWS, MAP_TILES, MESSAGE_TOP, STATUS_HEIGHT};
use crate::lines::{self, most_likely};
use crate::network::{CELL_VALUES, FEATURES, FIGURES, LETTER_VALUES, LINE_VALUES, Network, SCENE_VALUES, cell_head};
use crate::picture::{Canvas, Picture};
use crate::reading::{Being, Cell, Hud, Line, Mark, Minimap, Reading, Scene, Sure};
use crate::status;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_nn::ops::{sigmoid, softmax_last_dim};
use std::path::Path;
use wire::observation::{DIRECTIONS, MAP_WIDTH, Position};

/// Burrow's weights.
const BURROW: &[u8] = include_bytes!("../weights/burrow.safetensors");
/// How likely a kind of screen still is where what was read speaks against it: text is read with few mistakes.
const WORDS_AGAINST: f32 = 1e-4;
/// How sure words in a window must be.
const WORD_SURE: f32 = 0.9;
/// The letters' widths, among the weights.
pub(crate) const WIDTHS: &str = "letter.widths";

/// Why nothing can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The picture has another size than those that the network learned from.
    #[error("a picture of {width} × {height} in {bytes} bytes cannot be read; the reader knows pictures of 240 × 160")]
    Size {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes of pixels.
        bytes: usize,
    },
    /// Weights cannot be used.
    #[error("weights of the reader: {0}; make them again with `agent train reader`")]
    Weights(String),
    /// A computation failed.
    #[error("the reader's network: {0}")]
    Computation(#[from] candle_core::Error),
}

/// Reads pictures of one game.
pub struct Reader {
    network: Network,
    widths: Vec<usize>,
    device: Device,
}

/// One picture under way.
struct Page<'a> {
    canvas: &'a Canvas,
    reading: Reading,
    shows_map: bool,
}

impl Reader {
    /// The reader of Burrow, whose weights come with the program.
    ///
    /// # Errors
    /// When they do not fit the program.
    pub fn burrow() -> Result<Reader, ReaderError> {
        Reader::of(BURROW)
    }

    /// Names the weights that come with the program.
    pub fn burrow_hash() -> u64 {
        wire::hash::Hash::of([BURROW]).0
    }

    /// A reader with the weights of a safetensors file.
    ///
    /// # Errors
    /// When the file cannot be read, or holds other weights.
    pub fn open(path: &Path) -> Result<Reader, ReaderError> {
        let bytes =
            std::fs::read(path).map_err(|error| ReaderError::Weights(format!("{}: {error}", path.display())))?;
        Reader::of(&bytes)
    }

    fn of(bytes: &[u8]) -> Result<Reader, ReaderError> {
        let device = Device::Cpu;
        let unusable = |error: candle_core::Error| ReaderError::Weights(error.to_string());
        let weights = VarBuilder::from_slice_safetensors(bytes, DType::F32, &device).map_err(unusable)?;
        let network = Network::new(&weights).map_err(unusable)?;
        let widths = weights.get(LETTERS, WIDTHS).and_then(|widths| widths.to_vec1::<f32>()).map_err(unusable)?;
        Ok(Reader::with(network, widths.into_iter().map(|width| width as usize).collect()))
    }

    pub(crate) fn with(network: Network, widths: Vec<usize>) -> Reader {
        Reader { network, widths, device: Device::Cpu }
    }

    /// Reads pictures, all at once; one reading for each, in their order. A picture's reading does not depend on the others'.
    ///
    /// # Errors
    /// When a picture has the wrong size, or a computation fails.
    pub fn read(&self, pictures: &[Picture<'_>]) -> Result<Vec<Reading>, ReaderError> {
        let canvases = pictures.iter().map(Canvas::of).collect::<Result<Vec<_>, _>>()?;
        self.read_canvases(&canvases.iter().collect::<Vec<_>>())
    }

    /// The same for pictures that are in the network's form already.
    ///
    /// # Errors
    /// When a computation fails.
    pub fn read_canvases(&self, canvases: &[&Canvas]) -> Result<Vec<Reading>, ReaderError> {
        if canvases.is_empty() {
            return Ok(Vec::new());
        }
        let new = |canvas| Page { canvas, reading: Reading::default(), shows_map: false };
        let mut pages: Vec<Page<'_>> = canvases.iter().copied().map(new).collect();
        self.read_text(&mut pages)?;
        let scenes = self.read_scenes(&mut pages)?;
        self.read_cells(&mut pages, &scenes)?;
        self.read_maps(&mut pages)?;
        self.choose_skills(&mut pages)?;
        Ok(pages.into_iter().map(|page| page.reading).collect())
    }

    fn tensor(&self, values: Vec<f32>, width: usize) -> candle_core::Result<Tensor> {
        let rows = values.len() / width;
        Tensor::from_vec(values, (rows, width), &self.device)
    }

    /// Returns what the network keeps of each.
    fn read_scenes(&self, pages: &mut [Page<'_>]) -> candle_core::Result<Tensor> {
        let mut blocks = Vec::with_capacity(pages.len() * SCENE_VALUES);
        pages.iter().for_each(|page| page.canvas.blocks(&mut blocks));
        let (hidden, logits) = self.network.scene(&self.tensor(blocks, SCENE_VALUES)?)?;
        let scenes = softmax_last_dim(&logits.narrow(1, 0, SCENES)?.contiguous()?)?.flatten_all()?.to_vec1::<f32>()?;
        let maps = logits.narrow(1, SCENES, 1)?.flatten_all()?.to_vec1::<f32>()?;
        for ((page, scene), map) in pages.iter_mut().zip(scenes.chunks_exact(SCENES)).zip(maps) {
            page.reading.scene = weigh(scene, has_cursor(&page.reading.lines), has_window(&page.reading.lines));
            page.shows_map = map > 0.0 && page.reading.scene.value == Scene::Floor;
        }
        Ok(hidden)
    }

    fn read_text(&self, pages: &mut [Page<'_>]) -> candle_core::Result<()> {
        for page in pages {
            let mut heads = Vec::with_capacity(FINDER_ROWS * BLOCK_COLUMNS * LINE_VALUES);
            page.canvas.line_heads(&mut heads);
            let likely = sigmoid(&self.network.line(&self.tensor(heads, LINE_VALUES)?)?)?;
            let stretches = lines::find(&likely.flatten_all()?.to_vec1::<f32>()?);
            page.reading.lines = self.read_lines(page.canvas, &stretches)?;
            page.reading.hud = status::read(&page.reading.lines);
        }
        Ok(())
    }

    fn read_lines(&self, canvas: &Canvas, stretches: &[lines::Stretch]) -> candle_core::Result<Vec<Line>> {
        if stretches.is_empty() {
            return Ok(Vec::new());
        }
        let columns: usize = stretches.iter().map(lines::Stretch::length).sum();
        let mut places = Vec::with_capacity(columns * LETTER_VALUES);
        for stretch in stretches {
            for x in stretch.columns.0..stretch.columns.1 {
                canvas.letter(x as i32, stretch.y as i32, &mut places);
            }
        }
        let letters = softmax_last_dim(&self.network.letter(&self.tensor(places, LETTER_VALUES)?)?)?;
        let letters = letters.flatten_all()?.to_vec1::<f32>()?;
        let mut rest = letters.as_slice();
        let read = stretches.iter().filter_map(|stretch| {
            let (own, others) = rest.split_at(stretch.length() * LETTERS);
            rest = others;
            lines::read(stretch, own, &self.widths)
        });
        Ok(read.collect())
    }

    /// Reads the tiles in view of floors, and describes each picture.
    fn read_cells(&self, pages: &mut [Page<'_>], scenes: &Tensor) -> candle_core::Result<()> {
        let of = |page: &Page<'_>| page.reading.scene.value == Scene::Floor;
        let mut values = Vec::with_capacity(pages.len() * CELLS.count() * CELL_VALUES);
        for page in pages.iter() {
            if of(page) {
                page.canvas.cells(&mut values);
            }
        }
        let floors: Vec<u32> = (0..).zip(pages.iter()).filter(|(_, page)| of(page)).map(|(place, _)| place).collect();
        if floors.is_empty() {
            return describe(pages.iter_mut(), scenes, None);
        }
        let (hidden, logits) = self.network.cell(&self.tensor(values, CELL_VALUES)?)?;
        let logits = logits.flatten_all()?.to_vec1::<f32>()?;
        let logits = logits.chunks_exact(cell_head::ALL * CELLS.count());
        for (page, logits) in pages.iter_mut().filter(|page| of(page)).zip(logits) {
            let cells = CELLS.into_iter().zip(logits.chunks_exact(cell_head::ALL));
            page.reading.cells = cells.map(|(place, logits)| cell(place, logits)).collect();
        }
        let chosen = scenes.index_select(&Tensor::new(floors, &self.device)?, 0)?;
        describe(pages.iter_mut().filter(|page| of(page)), &chosen, Some(&hidden))?;
        let others: Vec<u32> = (0..).zip(pages.iter()).filter(|(_, page)| !of(page)).map(|(place, _)| place).collect();
        if others.is_empty() {
            return Ok(());
        }
        let chosen = scenes.index_select(&Tensor::new(others, &self.device)?, 0)?;
        describe(pages.iter_mut().filter(|page| !of(page)), &chosen, None)
    }

    fn read_maps(&self, pages: &mut [Page<'_>]) -> candle_core::Result<()> {
        for page in pages.iter_mut().filter(|page| page.shows_map) {
            let mut pixels = Vec::with_capacity(MAP_TILES * 3);
            page.canvas.map(&mut pixels);
            let likely = softmax_last_dim(&self.network.map(&self.tensor(pixels, 3)?)?)?;
            let likely = likely.flatten_all()?.to_vec1::<f32>()?;
            let sure: Vec<(usize, f32)> = likely.chunks_exact(MARK_CLASSES.len()).map(most_likely).collect();
            let marks: Vec<Mark> = sure.iter().map(|(class, _)| MARK_CLASSES[*class]).collect();
            page.reading.minimap = Some(Minimap { leader: leader(&marks, &sure), marks });
        }
        Ok(())
    }

    fn choose_skills(&self, pages: &mut [Page<'_>]) -> candle_core::Result<()> {
        for page in pages.iter_mut().filter(|page| page.reading.scene.value == Scene::Floor) {
            let Some(hud) = &page.reading.hud else { continue };
            let mut values = page.reading.features.clone();
            values.extend(figures(hud));
            let likely = softmax_last_dim(&self.network.skill(&self.tensor(values, FEATURES + FIGURES)?)?)?;
            page.reading.skills = likely.flatten_all()?.to_vec1::<f32>()?;
            debug_assert_eq!(page.reading.skills.len(), SKILLS.len());
        }
        Ok(())
    }
}

/// Whether a cursor stands before an entry of a list.
fn has_cursor(lines: &[Line]) -> bool {
    lines.iter().any(|line| line.text.contains('>'))
}

/// Whether words stand in a window: between the status line and a message.
fn has_window(lines: &[Line]) -> bool {
    let is_inside = |line: &Line| (STATUS_HEIGHT..MESSAGE_TOP).contains(&usize::from(line.y));
    lines.iter().any(|line| is_inside(line) && line.confidence >= WORD_SURE && line.text.len() > 2)
}

/// The likeliest kind of screen, by the coarse picture and by what was read: lists and questions have a cursor, others not;
/// floors have words at the top and the bottom alone, windows in between.
fn weigh(scenes: &[f32], has_cursor: bool, has_window: bool) -> Sure<Scene> {
    let against = |scene: Scene| {
        let cursor = match scene {
            // The list below a page may show beside it.
            Scene::Page => false,
            scene => matches!(scene, Scene::Menu | Scene::Choice) != has_cursor,
        };
        let window = match scene {
            Scene::Floor | Scene::FloorMap => has_window,
            Scene::Menu | Scene::Page | Scene::Log | Scene::Dialogue | Scene::Choice => !has_window,
            Scene::Dark | Scene::Title | Scene::End => false,
        };
        WORDS_AGAINST.powi(i32::from(cursor) + i32::from(window))
    };
    let weighed: Vec<f32> = SCENE_CLASSES.iter().zip(scenes).map(|(scene, likely)| likely * against(*scene)).collect();
    let (class, likely) = most_likely(&weighed);
    Sure { value: SCENE_CLASSES[class], confidence: likely / weighed.iter().sum::<f32>().max(f32::MIN_POSITIVE) }
}

/// The figures that a skill is chosen by.
pub(crate) fn figures(hud: &Hud) -> [f32; FIGURES] {
    [
        hud.hp as f32 / hud.hp_max.max(1) as f32,
        hud.hp as f32 / 100.0,
        hud.belly as f32 / 100.0,
        f32::from(hud.floor) / 20.0,
        f32::from(hud.level) / 20.0,
        hud.money as f32 / 1000.0,
    ]
}

/// Describes pictures by numbers; without tiles, those of the tiles are zero.
fn describe<'a, 'b: 'a>(
    pages: impl Iterator<Item = &'a mut Page<'b>>,
    scenes: &Tensor,
    cells: Option<&Tensor>,
) -> candle_core::Result<()> {
    let features = match cells {
        Some(cells) => Network::features(scenes, cells)?,
        None => scenes.clone(),
    };
    for (page, features) in pages.zip(features.to_vec2::<f32>()?) {
        page.reading.features = features;
        page.reading.features.resize(FEATURES, 0.0);
    }
    Ok(())
}

/// A tile, from the network's numbers.
fn cell((dx, dy): (i8, i8), logits: &[f32]) -> Cell {
    let part = |(first, count): (usize, usize)| &logits[first..first + count];
    let (ground, ground_confidence) = choose(part(cell_head::GROUND));
    let (species, being_confidence) = choose(part(cell_head::BEING));
    let (direction, _) = choose(part(cell_head::DIRECTION));
    let (item, item_confidence) = choose(part(cell_head::ITEM));
    let being = (species > 0).then(|| Being {
        species: species as u8,
        direction: DIRECTIONS[direction],
        is_asleep: part(cell_head::ASLEEP)[0] > 0.0,
    });
    let item = item.checked_sub(1).map(|place| ITEM_CLASSES[place]);
    Cell {
        dx,
        dy,
        ground: Sure { value: GROUND_CLASSES[ground], confidence: ground_confidence },
        is_lit: part(cell_head::LIT)[0] > 0.0,
        being: Sure { value: being, confidence: being_confidence },
        item: Sure { value: item, confidence: item_confidence },
    }
}

/// The most likely of some logits, and its probability.
fn choose(logits: &[f32]) -> (usize, f32) {
    let (class, most) = most_likely(logits);
    (class, 1.0 / logits.iter().map(|logit| (logit - most).exp()).sum::<f32>())
}

/// The leader's dot: the first of its marks with one to its right and one below.
fn leader(marks: &[Mark], sure: &[(usize, f32)]) -> Option<Sure<Position>> {
    let is_leader = |place: usize| marks.get(place) == Some(&Mark::Leader);
    let place =
        (0..marks.len()).find(|place| is_leader(*place) && (is_leader(place + 1) || is_leader(place + MAP_WIDTH)))?;
    let value = Position { x: (place % MAP_WIDTH) as i16, y: (place / MAP_WIDTH) as i16 };
    Some(Sure { value, confidence: sure[place].1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likely(scenes: &[(Scene, f32)]) -> Vec<f32> {
        let of = |class: &Scene| scenes.iter().find(|(scene, _)| scene == class).map_or(0.0, |(_, likely)| *likely);
        SCENE_CLASSES.iter().map(of).collect()
    }

    #[test]
    fn words_decide_between_kinds_of_screens_that_look_alike() {
        let unsure = likely(&[(Scene::Menu, 0.9), (Scene::Floor, 0.1)]);
        assert_eq!((weigh(&unsure, false, false).value, weigh(&unsure, true, true).value), (Scene::Floor, Scene::Menu));
        let sure = likely(&[(Scene::Menu, 0.999), (Scene::Floor, 0.001)]);
        assert_eq!(
            weigh(&sure, false, true).value,
            Scene::Menu,
            "one letter that is missed does not hide what is plain to see"
        );
    }

    #[test]
    fn the_leaders_dot_is_where_its_marks_begin() {
        let mut marks = vec![Mark::Dark; MAP_TILES];
        let sure = vec![(0, 0.9); MAP_TILES];
        assert_eq!(leader(&marks, &sure), None);
        for place in [100, 101, 156, 157] {
            marks[place] = Mark::Leader;
        }
        assert_eq!(leader(&marks, &sure), Some(Sure { value: Position { x: 44, y: 1 }, confidence: 0.9 }));
    }

    #[test]
    fn a_pictures_reading_does_not_depend_on_the_others() {
        let reader = Reader::burrow().expect("the weights fit the program");
        let pictures: Vec<Vec<u8>> =
            (0..3u32).map(|seed| (0..240 * 160 * 2u32).map(|byte| (byte * (seed + 3) / 7) as u8).collect()).collect();
        let picture = |pixels| Picture { width: 240, height: 160, format: wire::emulator::PixelFormat::Rgb565, pixels };
        let together =
            reader.read(&pictures.iter().map(|pixels| picture(pixels)).collect::<Vec<_>>()).expect("it reads");
        for (pixels, together) in pictures.iter().zip(together) {
            let alone = reader.read(&[picture(pixels)]).expect("it reads").remove(0);
            assert_eq!(
                (alone.scene.value, alone.lines, alone.hud),
                (together.scene.value, together.lines, together.hud)
            );
        }
    }
}
