//! Embedders: they turn what is seen in a step into a vector, so that situations can be compared.
//!
//! Vectors of one embedder live in a space, named after everything that changes what a vector means; two spaces never
//! mix. A vector has unit length. What an embedder cannot do is a value: play goes on without experience.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use wire::observation::Observation;
use wire::recall::Space;
use wire::ring::Snapshot;

mod aside;
mod picture;
mod read;
mod served;
#[cfg(feature = "local-vlm")]
mod spoken;
mod state;
mod text;

pub use aside::Aside;
pub use served::{KEY_VARIABLE, Served};
pub(crate) use state::nearest_foe;

/// What is seen in one step.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The frame.
    pub frame: Arc<Snapshot>,
    /// What it means; nothing where no profile explains the game.
    pub state: Option<Arc<Observation>>,
}

impl Scene {
    /// The scene in a few lines, for embedders that read.
    pub fn text(&self) -> String {
        text::describe(self.state.as_deref())
    }
}

/// A vector of unit length; `None` for a scene that shows nothing at all.
pub type Vector = Option<Vec<f32>>;

/// The vectors of a batch of scenes, in their order.
pub type Embedded = Result<Vec<Vector>, EmbedError>;

/// When the vectors come.
pub enum Embedding {
    /// At once.
    Now(Vec<Vector>),
    /// Later, from elsewhere.
    Later(Pin<Box<dyn Future<Output = Embedded>>>),
}

/// Turns scenes into vectors.
pub trait Embedder {
    /// The space of its vectors for a game. Asked once for each game, before anything is embedded.
    fn space(&mut self, game: &str) -> Pin<Box<dyn Future<Output = Result<Space, EmbedError>>>>;

    /// Whether it looks at frames. For one that does not, they are not kept.
    fn sees_frames(&self) -> bool;

    /// Embeds a batch.
    fn embed(&self, scenes: &[Scene]) -> Embedding;
}

/// Why there are no vectors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmbedError {
    /// The server cannot be reached, or breaks off.
    #[error("the embeddings server does not answer: {0}")]
    Unreachable(String),
    /// The server took too long.
    #[error("the embeddings server did not answer within {0} ms")]
    Late(u64),
    /// The server refuses.
    #[error("the embeddings server answered {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// How its answer begins.
        message: String,
    },
    /// The answer is not one to such a question.
    #[error("the embeddings server's answer is of no use: {0}")]
    Unusable(String),
}

/// Numbers in a vector of the built-in embedder.
const DIMENSIONS: usize = state::DIMENSIONS + picture::DIMENSIONS;
/// Names what the built-in embedder's numbers mean; changes whenever that does.
const VERSION: &str = "state1";
/// The share of the picture in a vector's squared length, where there is a state beside it.
const PICTURE_SHARE: f32 = 0.15;

/// The built-in embedder, which needs no model: what memory tells of the situation, and the large shapes of the picture.
#[derive(Debug, Default)]
pub struct BuiltIn {
    picture: picture::Shapes,
}

impl BuiltIn {
    fn vector(&self, scene: &Scene) -> Vector {
        let mut vector = vec![0.0; DIMENSIONS];
        let (state, picture) = vector.split_at_mut(state::DIMENSIONS);
        if let Some(seen) = &scene.state {
            state::write(seen, state);
        }
        self.picture.write(&scene.frame, picture);
        scale_to(state, 1.0 - PICTURE_SHARE);
        scale_to(picture, PICTURE_SHARE);
        normalise(&mut vector).then_some(vector)
    }
}

/// An embedder that looks at the picture with the reader.
pub fn by_reader() -> Aside {
    Aside::start(read::Read::default())
}

/// An embedder that asks the model of a tier for what it makes of the picture and the words.
#[cfg(feature = "local-vlm")]
pub fn by_model(tier: &wire::router::TierSettings) -> Aside {
    Aside::start(spoken::Spoken::of(tier))
}

impl Embedder for BuiltIn {
    fn space(&mut self, game: &str) -> Pin<Box<dyn Future<Output = Result<Space, EmbedError>>>> {
        let name = format!("{VERSION}-{DIMENSIONS}-{}", folder_name(game));
        Box::pin(std::future::ready(Ok(Space { name, dimensions: DIMENSIONS as u32 })))
    }

    fn sees_frames(&self) -> bool {
        true
    }

    fn embed(&self, scenes: &[Scene]) -> Embedding {
        Embedding::Now(scenes.iter().map(|scene| self.vector(scene)).collect())
    }
}

/// Makes a vector of unit length; `false` when it is zero or not finite.
pub(crate) fn normalise(vector: &mut [f32]) -> bool {
    scale_to(vector, 1.0)
}

/// Gives a vector this squared length, unless it is zero or not finite.
fn scale_to(vector: &mut [f32], squared: f32) -> bool {
    let length_squared: f32 = vector.iter().map(|value| value * value).sum();
    if !length_squared.is_finite() || length_squared < 1e-12 {
        return false;
    }
    let factor = (squared / length_squared).sqrt();
    vector.iter_mut().for_each(|value| *value *= factor);
    true
}

/// A name that is good for a folder: lower-case letters, digits and dashes.
fn folder_name(name: &str) -> String {
    const LETTERS_MAX: usize = 40;
    let letters = name.chars().take(LETTERS_MAX).map(|letter| match letter.to_ascii_lowercase() {
        letter if letter.is_ascii_alphanumeric() => letter,
        _ => '-',
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::observation::{Meter, Monster, Position, Screen};

    fn frame(shade: impl Fn(usize, usize) -> u16) -> Arc<Snapshot> {
        let pixels = (0..160).flat_map(|y| (0..240).map(move |x| (x, y)));
        let pixels = pixels.flat_map(|(x, y)| shade(x, y).to_le_bytes()).collect();
        Arc::new(Snapshot { width: 240, height: 160, pixels, ..Snapshot::default() })
    }

    fn seen(hp: i32, foe: Option<i16>) -> Observation {
        let leader = Monster {
            is_leader: true,
            is_team: true,
            hp: Some(Meter { value: hp, max: 40 }),
            position: Position { x: 20, y: 10 },
            ..Monster::default()
        };
        let foe = foe.map(|x| Monster { slot: 4, species: 7, position: Position { x, y: 10 }, ..Monster::default() });
        let monsters = [Some(leader), foe].into_iter().flatten().collect();
        Observation { screen: Screen::Command, floor: 2, leader: Some(0), monsters, ..Observation::default() }
    }

    fn vector(state: Option<Observation>, shade: impl Fn(usize, usize) -> u16) -> Vector {
        let scene = Scene { frame: frame(shade), state: state.map(Arc::new) };
        match BuiltIn::default().embed(&[scene]) {
            Embedding::Now(mut vectors) => vectors.remove(0),
            Embedding::Later(_) => None,
        }
    }

    fn distance(one: &[f32], other: &[f32]) -> f32 {
        one.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum()
    }

    #[test]
    fn alike_situations_are_nearer_than_unlike_ones() {
        let shade = |x: usize, _: usize| (x / 8) as u16;
        let of = |hp, foe| vector(Some(seen(hp, foe)), shade).expect("it shows something");
        let calm = of(40, None);
        assert_eq!(distance(&calm, &of(40, None)), 0.0);
        assert!((calm.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(calm.len(), 256);
        let (hurt, dying) = (of(34, None), of(4, None));
        assert!(distance(&calm, &hurt) < distance(&calm, &dying));
        let (near, nearer) = (of(40, Some(23)), of(40, Some(21)));
        assert!(distance(&near, &nearer) < distance(&near, &calm));
    }

    #[test]
    fn a_game_that_nobody_explains_is_known_by_its_pictures() {
        let stripes = vector(None, |x, _| if x / 40 % 2 == 0 { 0xFFFF } else { 0 }).expect("it shows something");
        let speck = vector(None, |x, y| if (x / 40 % 2 == 0) != ((x, y) == (6, 6)) { 0xFFFF } else { 0 });
        let bars = vector(None, |_, y| if y / 40 % 2 == 0 { 0xFFFF } else { 0 }).expect("it shows something");
        assert!(distance(&stripes, &speck.expect("it shows something")) < 0.01);
        assert!(distance(&stripes, &bars) > 0.5);
        assert_eq!(vector(None, |_, _| 0x1234), None, "a picture of one colour says nothing");
        assert_eq!(vector(None, |_, _| 0).map(|_| ()), None);
    }

    #[test]
    fn a_frame_of_no_size_is_no_fault() {
        let scene = Scene { frame: Arc::default(), state: Some(Arc::new(seen(1, None))) };
        let Embedding::Now(vectors) = BuiltIn::default().embed(&[scene]) else { panic!("it is built in") };
        assert!(vectors[0].as_ref().is_some_and(|vector| vector.iter().all(|value| value.is_finite())));
    }

    #[test]
    fn spaces_are_named_after_embedder_dimensions_and_game() {
        assert_eq!(folder_name("POKE DUNGEON/B24E"), "poke-dungeon-b24e");
        let space = actix::System::new().block_on(BuiltIn::default().space("burrow"));
        assert_eq!(space, Ok(Space { name: "state1-256-burrow".into(), dimensions: 256 }));
    }
}
