//! Reads pictures.

use crate::classes::{GROUND_CLASSES, ITEM_CLASSES, LETTERS, MARK_CLASSES, MARKS, SCENE_CLASSES, SCENES, letter};
use crate::layout::{BLOCK_COLUMNS, CELLS, FINDER_ROWS, LETTER_WIDTH, MESSAGE_TOP, STATUS_HEIGHT};
use crate::lines::{self, Letter, most_likely};
use crate::network::{FEATURES, FIGURES, LETTER_VALUES, Network, cell_head, features};
use crate::picture::{Canvas, Picture};
use crate::reading::{Being, Cell, Hud, Line, Mark, Minimap, Reading, Scene, Sure};
use crate::status;
use candle_core::Device;
use rayon::prelude::*;
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
        let unusable = |error: candle_core::Error| ReaderError::Weights(error.to_string());
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu).map_err(unusable)?;
        let network = Network::new(|name| tensors.get(name).cloned())?;
        let widths = tensors.get(WIDTHS).and_then(|widths| widths.to_vec1::<f32>().ok());
        let is_width = |width: &f32| (0.0..=LETTER_WIDTH as f32).contains(width);
        let widths = widths.filter(|widths| widths.len() == LETTERS && widths.iter().all(is_width));
        let widths =
            widths.ok_or_else(|| ReaderError::Weights(format!("{WIDTHS} does not say how wide letters are")))?;
        Ok(Reader::with(network, widths.into_iter().map(|width| width as usize).collect()))
    }

    pub(crate) fn with(network: Network, widths: Vec<usize>) -> Reader {
        Reader { network, widths }
    }

    /// Reads pictures, all at once; one reading for each, in their order. A picture's reading does not depend on the others'.
    ///
    /// # Errors
    /// When a picture has the wrong size.
    pub fn read(&self, pictures: &[Picture<'_>]) -> Result<Vec<Reading>, ReaderError> {
        let canvases = pictures.iter().map(Canvas::of).collect::<Result<Vec<_>, _>>()?;
        Ok(self.read_canvases(&canvases.iter().collect::<Vec<_>>()))
    }

    /// The same for pictures that are in the network's form already. Several are read by all cores; one is read here: it takes less
    /// time than another thread would take to hear of it.
    pub fn read_canvases(&self, canvases: &[&Canvas]) -> Vec<Reading> {
        match canvases {
            [canvas] => vec![self.read_one(canvas)],
            canvases => canvases.par_iter().map(|canvas| self.read_one(canvas)).collect(),
        }
    }

    fn read_one(&self, canvas: &Canvas) -> Reading {
        let lines = self.lines(canvas);
        let hud = status::read(&lines);
        let (coarse, logits) = self.network.scene(&rows(|into| canvas.blocks(into)));
        let (scenes, map) = logits.split_at(SCENES);
        let scene = weigh(&softmax(scenes), has_cursor(&lines), has_window(&lines));
        let mut reading = Reading { scene, lines, hud, ..Reading::default() };
        if reading.scene.value != Scene::Floor {
            // Of tiles there is nothing to say.
            reading.features = coarse;
            reading.features.resize(FEATURES, 0.0);
            return reading;
        }
        let (kept, logits) = self.network.cell(&rows(|into| canvas.cells(into)));
        reading.features = features(&coarse, &kept);
        let logits = logits.chunks_exact(cell_head::ALL);
        reading.cells = CELLS.into_iter().zip(logits).map(|(place, logits)| cell(place, logits)).collect();
        reading.minimap = (map[0] > 0.0).then(|| self.minimap(canvas));
        if let Some(hud) = &reading.hud {
            let told = [reading.features.as_slice(), &figures(hud)].concat();
            reading.skills = softmax(&self.network.skill(&told));
        }
        reading
    }

    fn lines(&self, canvas: &Canvas) -> Vec<Line> {
        let (places, values) = canvas.line_heads();
        let mut heads = vec![0.0; FINDER_ROWS * BLOCK_COLUMNS];
        let logits = self.network.line(&values);
        // Where it is less likely than not, it does not matter how much.
        for (place, logit) in places.into_iter().zip(logits).filter(|(_, logit)| *logit > 0.0) {
            heads[place] = 1.0 / (1.0 + (-logit).exp());
        }
        lines::find(&heads).iter().filter_map(|stretch| self.line(canvas, stretch)).collect()
    }

    fn line(&self, canvas: &Canvas, stretch: &lines::Stretch) -> Option<Line> {
        let begins = |x: &usize| canvas.letter_may_begin(*x, stretch.y);
        let columns: Vec<usize> = (stretch.columns.0..stretch.columns.1).filter(begins).collect();
        let mut places = Vec::with_capacity(columns.len() * LETTER_VALUES);
        columns.iter().for_each(|x| canvas.letter(*x as i32, stretch.y as i32, &mut places));
        let logits = self.network.letter(&places);
        let letters = columns.into_iter().zip(logits.chunks_exact(LETTERS)).filter_map(|(column, logits)| {
            let (class, most) = most_likely(logits);
            let text = letter(class)?;
            Some(Letter { text, confidence: share(logits, most), column, end: column + self.widths[class] + 1 })
        });
        lines::read(stretch.y, letters.collect())
    }

    fn minimap(&self, canvas: &Canvas) -> Minimap {
        let logits = self.network.map(&rows(|into| canvas.map(into)));
        let sure: Vec<(usize, f32)> = logits.chunks_exact(MARKS).map(choose).collect();
        let marks: Vec<Mark> = sure.iter().map(|(class, _)| MARK_CLASSES[*class]).collect();
        Minimap { leader: leader(&marks, &sure), marks }
    }
}

fn rows(write: impl Fn(&mut Vec<f32>)) -> Vec<f32> {
    let mut rows = Vec::new();
    write(&mut rows);
    rows
}

/// Whether a cursor stands before an entry of a list.
fn has_cursor(lines: &[Line]) -> bool {
    lines.iter().any(|line| line.text.contains('>'))
}

/// Whether words stand in a window: between the status line and a message. Dots alone may be rooms of the small map.
fn has_window(lines: &[Line]) -> bool {
    let is_inside = |line: &Line| (STATUS_HEIGHT..MESSAGE_TOP).contains(&usize::from(line.y));
    let is_word = |line: &Line| line.text.chars().filter(|letter| letter.is_alphanumeric()).count() > 2;
    lines.iter().any(|line| is_inside(line) && line.confidence >= WORD_SURE && is_word(line))
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

fn softmax(logits: &[f32]) -> Vec<f32> {
    let (_, most) = most_likely(logits);
    let shares: Vec<f32> = logits.iter().map(|logit| (logit - most).exp()).collect();
    let all: f32 = shares.iter().sum();
    shares.into_iter().map(|share| share / all).collect()
}

/// The most likely of some logits, and its probability.
fn choose(logits: &[f32]) -> (usize, f32) {
    let (class, most) = most_likely(logits);
    (class, share(logits, most))
}

/// The probability of a logit among all.
fn share(logits: &[f32], logit: f32) -> f32 {
    1.0 / logits.iter().map(|other| (other - logit).exp()).sum::<f32>()
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
    use candle_core::Tensor;
    use wire::observation::MAP_HEIGHT;

    const MAP_TILES: usize = MAP_WIDTH * MAP_HEIGHT;

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
    fn dots_alone_are_no_words_in_a_window() {
        let line = |y, text: &str| Line { x: 193, y, text: text.to_owned(), confidence: 0.97 };
        assert!(!has_window(&[line(24, "...")]) && has_window(&[line(24, "Rest")]));
        assert!(!has_window(&[line(2, "Belly 87")]) && !has_window(&[line(150, "Rat was beaten.")]));
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

    #[test]
    fn weights_that_do_not_fit_are_refused_by_name() {
        let named = |change: &dyn Fn(&mut std::collections::HashMap<String, Tensor>)| {
            let mut tensors = candle_core::safetensors::load_buffer(BURROW, &Device::Cpu).expect("they are whole");
            change(&mut tensors);
            let file = std::env::temp_dir().join(format!("reader-weights-{}.safetensors", std::process::id()));
            candle_core::safetensors::save(&tensors, &file).expect("the folder can be written");
            let error = Reader::open(&file).map(|_| ()).expect_err("they do not fit").to_string();
            std::fs::remove_file(file).expect("it is there");
            error
        };
        let name = "line.0.weight";
        assert!(named(&|tensors| drop(tensors.remove(name))).contains("line.0.weight is missing"));
        let turned = named(&|tensors| {
            let turned = tensors[name].t().and_then(|turned| turned.contiguous()).expect("it is a matrix");
            tensors.insert(name.to_string(), turned);
        });
        assert!(turned.contains("line.0.weight is [88, 16], not [16, 88]"), "{turned}");
        let halved = named(&|tensors| {
            let halved = tensors[name].to_dtype(candle_core::DType::F16).expect("it fits");
            tensors.insert(name.to_string(), halved);
        });
        assert!(halved.contains("line.0.weight cannot be read"), "{halved}");
        let wide = named(&|tensors| {
            tensors.insert(WIDTHS.to_string(), Tensor::full(1e30_f32, LETTERS, &Device::Cpu).expect("it fits"));
        });
        assert!(wide.contains(WIDTHS), "{wide}");
    }
}
