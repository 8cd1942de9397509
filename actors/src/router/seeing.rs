//! The reader as a tier: it reads the picture of a question, and says by which of the skills on offer a planner would go on. It needs
//! no words, no download and a few milliseconds, and answers many games at once.
//!
//! Absent: anything about a game whose picture it cannot read; it says so, and the next tier or the planner decides.

use super::batch::BatchModel;
use super::model::{Ask, ModelError, Reply};
use super::remote::Probed;
use reader::{Picture, Reader, Reading, SKILLS, Scene};
use serde_json::{Value, json};
use std::io::Cursor;
use wire::emulator::PixelFormat;

/// The name in telemetry.
const MODEL: &str = "reader burrow";

/// The reader, once it is loaded.
#[derive(Default)]
pub struct Seeing(Option<Reader>);

/// A picture out of a question.
struct Shown {
    width: u32,
    height: u32,
    /// Blue, green, red and nothing a pixel.
    pixels: Vec<u8>,
}

impl BatchModel for Seeing {
    /// Loads the weights, and reads something black, so that the first real question finds everything in place.
    fn prepare(&mut self) -> Result<Probed, ModelError> {
        let failed = |error: reader::ReaderError| ModelError::Unusable(error.to_string());
        let reader = Reader::burrow().map_err(failed)?;
        let black = vec![0; 240 * 160 * 2];
        let picture = Picture { width: 240, height: 160, format: PixelFormat::Rgb565, pixels: &black };
        reader.read(&[picture]).map_err(failed)?;
        self.0 = Some(reader);
        let model = MODEL.to_string();
        Ok(Probed { model, takes_pictures: true, tells_probabilities: true, ..Probed::default() })
    }

    fn run(&mut self, asks: &[Ask]) -> Vec<Result<Reply, ModelError>> {
        let Some(reader) = &self.0 else {
            return vec![Err(ModelError::Unusable("the reader is not loaded".to_string())); asks.len()];
        };
        let shown: Vec<_> = asks.iter().map(|ask| shown(ask.prompt.picture.as_deref())).collect();
        let readable: Vec<Picture<'_>> = shown.iter().flatten().map(Shown::picture).collect();
        let mut readings = match reader.read(&readable) {
            Ok(readings) => readings.into_iter(),
            Err(error) => return vec![Err(ModelError::Unusable(error.to_string())); asks.len()],
        };
        let answers = asks.iter().zip(&shown).map(|(ask, shown)| match shown {
            Ok(_) => readings.next().map_or_else(
                || Err(ModelError::Unusable("the reader gave too few readings".to_string())),
                |reading| answer(&reading, &ask.prompt.schema),
            ),
            Err(why) => Err(ModelError::Unusable((*why).to_string())),
        });
        answers.collect()
    }
}

impl Shown {
    fn picture(&self) -> Picture<'_> {
        Picture { width: self.width, height: self.height, format: PixelFormat::Xrgb8888, pixels: &self.pixels }
    }
}

/// Unpacks a picture of the size that the reader knows; a larger one is taken for one that was enlarged by a whole factor.
fn shown(file: Option<&[u8]>) -> Result<Shown, &'static str> {
    const WIDTH: usize = 240;
    const HEIGHT: usize = 160;
    let file = file.ok_or("a question without a picture; set pictures = 1 for this tier")?;
    let mut decoder = png::Decoder::new(Cursor::new(file)).read_info().map_err(|_| "the picture is no PNG file")?;
    let (width, height) = (decoder.info().width as usize, decoder.info().height as usize);
    let scale = width / WIDTH;
    if scale == 0 || scale > 16 || (width, height) != (WIDTH * scale, HEIGHT * scale) {
        return Err("the picture is not 240 × 160 pixels, or a whole multiple");
    }
    let mut rows = vec![0; width * height * 3];
    if decoder.output_color_type() != (png::ColorType::Rgb, png::BitDepth::Eight) {
        return Err("the picture has not 8 bits of each of three colours");
    }
    decoder.next_frame(&mut rows).map_err(|_| "the picture is cut short")?;
    let mut pixels = Vec::with_capacity(WIDTH * HEIGHT * 4);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let first = (y * scale * width + x * scale) * 3;
            pixels.extend([rows[first + 2], rows[first + 1], rows[first], 0]);
        }
    }
    Ok(Shown { width: WIDTH as u32, height: HEIGHT as u32, pixels })
}

/// The likeliest of the skills on offer, with its share of what they have together.
fn answer(reading: &Reading, schema: &Value) -> Result<Reply, ModelError> {
    if reading.scene.value != Scene::Floor || reading.skills.is_empty() {
        return Err(ModelError::Unusable(format!("the reader sees no floor ({:?})", reading.scene.value)));
    }
    let offered = schema.pointer("/properties/skill/enum").and_then(Value::as_array);
    let offered = offered.into_iter().flatten().filter_map(Value::as_str);
    let known: Vec<(&str, f32)> = offered
        .filter_map(|offer| SKILLS.iter().position(|skill| *skill == offer).map(|place| (offer, reading.skills[place])))
        .collect();
    let together: f32 = known.iter().map(|(_, likely)| likely).sum();
    let best = known.iter().max_by(|left, right| left.1.total_cmp(&right.1));
    let (skill, likely) = best
        .ok_or_else(|| ModelError::Unusable("the reader knows none of the skills that offer themselves".to_string()))?;
    let confidence = likely / together.max(f32::MIN_POSITIVE) * reading.scene.confidence;
    let hp = reading.hud.map(|hud| format!(", {} of {} hit points", hud.hp, hud.hp_max)).unwrap_or_default();
    let foes = reading.cells.iter().filter(|cell| cell.being.value.is_some_and(|being| being.species > 2)).count();
    let reason = format!("the picture shows {foes} foes{hp}");
    let text = json!({ "skill": skill, "arguments": {}, "confidence": confidence, "reason": reason }).to_string();
    Ok(Reply { text, model: MODEL.to_string(), confidence: Some(confidence), ..Reply::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(width: u32, height: u32) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().expect("memory takes everything");
        let pixels: Vec<u8> = (0..width * height).flat_map(|pixel| [(pixel % 251) as u8, 2, 3]).collect();
        writer.write_image_data(&pixels).expect("memory takes everything");
        writer.finish().expect("memory takes everything");
        file
    }

    #[test]
    fn a_picture_that_was_enlarged_is_what_it_was() {
        for scale in [1, 2, 3] {
            let shown = shown(Some(&file(240 * scale, 160 * scale))).expect("it can be read");
            assert_eq!((shown.width, shown.height, shown.pixels.len()), (240, 160, 240 * 160 * 4));
            assert_eq!(shown.pixels[4..8], [3, 2, scale as u8, 0]);
        }
        for wrong in [&b"no picture"[..], &file(100, 100), &file(240, 160)[..90]] {
            shown(Some(wrong)).map(|_| ()).expect_err("it cannot be read");
        }
        shown(None).map(|_| ()).expect_err("there is none");
    }

    #[test]
    fn the_likeliest_of_what_is_on_offer_is_chosen() {
        let mut reading = Reading { skills: vec![0.01; SKILLS.len()], ..Reading::default() };
        let schema = json!({ "properties": { "skill": { "enum": ["hunt", "rest", "fight"] } } });
        answer(&reading, &schema).expect_err("no floor shows");
        reading.scene = reader::Sure { value: Scene::Floor, confidence: 1.0 };
        for (skill, likely) in [("explore", 0.6), ("fight", 0.3), ("rest", 0.1)] {
            let place = SKILLS.iter().position(|known| *known == skill).expect("it is one of them");
            reading.skills[place] = likely;
        }
        let reply = answer(&reading, &schema).expect("a skill is known");
        let text: Value = serde_json::from_str(&reply.text).expect("it is JSON");
        assert_eq!(text["skill"], "fight");
        assert!(reply.confidence.is_some_and(|confidence| (confidence - 0.75).abs() < 1e-6));
        let strange = json!({ "properties": { "skill": { "enum": ["hunt"] } } });
        answer(&reading, &strange).expect_err("it knows no such skill");
    }
}
