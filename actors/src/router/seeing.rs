//! The reader as a tier: it reads the picture of a question, and says by which of the skills on offer a planner would go on. It needs
//! no words, no download and a few milliseconds, and answers many games at once.
//!
//! Absent: anything about a game whose picture it cannot read; it says so, and the next tier or the planner decides.

use super::batch::BatchModel;
use super::model::{Ask, ModelError, Reply};
use super::remote::Probed;
use super::unpacking::{Unpacked, unpack};
use reader::layout::{HEIGHT, WIDTH};
use reader::{Canvas, Picture, Reader, Reading, SKILLS, Scene};
use serde_json::{Value, json};
use wire::emulator::PixelFormat;

/// The name in telemetry.
const MODEL: &str = "reader burrow";

/// The reader, once it is loaded.
#[derive(Default)]
pub struct Seeing(Option<Reader>);

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
        let readable: Vec<&Canvas> = shown.iter().flatten().collect();
        let mut readings = reader.read_canvases(&readable).into_iter();
        let answers = asks.iter().zip(&shown).map(|(ask, shown)| match shown {
            Ok(_) => readings.next().map_or_else(
                || Err(ModelError::Unusable("the reader gave too few readings".to_string())),
                |reading| answer(&reading, &ask.prompt.schema),
            ),
            Err(why) => Err(why.clone()),
        });
        answers.collect()
    }
}

/// The picture of a question at the size that the reader knows; a larger one is taken for one that was enlarged by a whole factor.
fn shown(file: Option<&[u8]>) -> Result<Canvas, ModelError> {
    let unusable = |why: &str| ModelError::Unusable(why.to_string());
    let file = file.ok_or_else(|| unusable("a question without a picture; set pictures = 1 for this tier"))?;
    let Unpacked { width, height, rgb } = unpack(file)?;
    let scale = width / WIDTH;
    if scale == 0 || (width, height) != (WIDTH * scale, HEIGHT * scale) {
        return Err(unusable("the picture is not 240 × 160 pixels, or a whole multiple"));
    }
    let mut pixels = Vec::with_capacity(WIDTH * HEIGHT * 4);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let first = (y * scale * width + x * scale) * 3;
            pixels.extend([rgb[first + 2], rgb[first + 1], rgb[first], 0]);
        }
    }
    let (width, height) = (WIDTH as u32, HEIGHT as u32);
    let picture = Picture { width, height, format: PixelFormat::Xrgb8888, pixels: &pixels };
    Canvas::of(&picture).map_err(|error| unusable(&error.to_string()))
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
    use super::super::unpacking::tests::file;
    use super::*;

    #[test]
    fn a_picture_that_was_enlarged_is_what_it_was() {
        for scale in [1, 2, 3] {
            let place = |pixel: u32| (pixel / 240 * scale) * 240 * scale + pixel % 240 * scale;
            let pixels: Vec<u8> = (0..240 * 160).flat_map(|pixel| [3, 2, (place(pixel) % 251) as u8, 0]).collect();
            let picture = Picture { width: 240, height: 160, format: PixelFormat::Xrgb8888, pixels: &pixels };
            let read = shown(Some(&file(240 * scale, 160 * scale))).expect("it can be read");
            assert_eq!(read, Canvas::of(&picture).expect("it has the right size"), "{scale} times as large");
        }
        for wrong in [&b"no picture"[..], &file(100, 100), &file(240, 160)[..90]] {
            shown(Some(wrong)).expect_err("it cannot be read");
        }
        shown(None).expect_err("there is none");
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
