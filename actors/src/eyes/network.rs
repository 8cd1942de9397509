//! The network that reads pictures, as this process holds it.

use reader::{Picture, Reader, Reading};
use wire::ring::Snapshot;

/// Reads pictures.
pub(super) struct Network(Reader);

impl Network {
    /// Makes it ready.
    ///
    /// # Errors
    /// Why no picture can be read.
    pub fn open() -> Result<Network, String> {
        Reader::burrow().map(Network).map_err(|error| error.to_string())
    }

    /// A reading for each picture, in their order.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub fn read(&self, pictures: &[&Snapshot]) -> Result<Vec<Reading>, String> {
        let pictures: Vec<Picture<'_>> = pictures.iter().map(|picture| Picture::from(*picture)).collect();
        self.0.read(&pictures).map_err(|error| error.to_string())
    }

    /// The reading of one picture.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read_one(&self, picture: &Snapshot) -> Result<Reading, String> {
        self.read(&[picture])?.pop().ok_or_else(|| "nothing was read".to_string())
    }
}
