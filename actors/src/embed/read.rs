//! Vectors of what the reader makes of the picture, beside the decoded state.

use super::aside::Network;
use super::{EmbedError, Embedded, Scene, Vector, folder_name, normalise, scale_to, state};
use reader::{Canvas, FEATURES, Picture, Reader};
use wire::recall::Space;

/// Names what the numbers mean, the reader's weights included; changes whenever that does.
const VERSION: &str = "reader";
/// Numbers in a vector.
const DIMENSIONS: usize = state::DIMENSIONS + FEATURES;
/// The share of the picture in a vector's squared length, where there is a state beside it.
const PICTURE_SHARE: f32 = 0.3;

/// The reader, once it is loaded.
#[derive(Default)]
pub(super) struct Read(Option<Reader>);

impl Network for Read {
    fn space(&mut self, game: &str) -> Result<Space, EmbedError> {
        let reader = match self.0.take() {
            Some(reader) => reader,
            None => Reader::burrow().map_err(|error| EmbedError::Unusable(error.to_string()))?,
        };
        let name = format!("{VERSION}-{:08x}-{DIMENSIONS}-{}", Reader::burrow_hash() as u32, folder_name(game));
        self.0 = Some(reader);
        Ok(Space { name, dimensions: DIMENSIONS as u32 })
    }

    fn embed(&mut self, scenes: &[Scene]) -> Embedded {
        let Some(reader) = &self.0 else { return Err(EmbedError::Unusable("the reader is not loaded".to_string())) };
        let canvas = |scene: &Scene| Canvas::of(&Picture::from(&*scene.frame)).ok();
        let canvases: Vec<Option<Canvas>> = scenes.iter().map(canvas).collect();
        let readable: Vec<&Canvas> = canvases.iter().flatten().collect();
        let mut readings = reader.read_canvases(&readable).into_iter();
        let vectors = scenes.iter().zip(&canvases).map(|(scene, canvas)| {
            let features = canvas.as_ref().and_then(|_| readings.next()).map(|reading| reading.features);
            vector(scene, features.as_deref())
        });
        Ok(vectors.collect())
    }
}

fn vector(scene: &Scene, features: Option<&[f32]>) -> Vector {
    let mut vector = vec![0.0; DIMENSIONS];
    let (told, picture) = vector.split_at_mut(state::DIMENSIONS);
    if let Some(seen) = &scene.state {
        state::write(seen, told);
    }
    if let Some(features) = features {
        picture.copy_from_slice(features);
    }
    scale_to(told, 1.0 - PICTURE_SHARE);
    scale_to(picture, PICTURE_SHARE);
    normalise(&mut vector).then_some(vector)
}
