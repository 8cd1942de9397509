//! The network that reads pictures, as this process holds it.

use reader::Reading;
use wire::ring::Snapshot;

/// Reads pictures.
pub(super) struct Network;

impl Network {
    /// Makes it ready.
    ///
    /// # Errors
    /// Why no picture can be read.
    pub fn open() -> Result<Network, String> {
        Err("this build has no reader".to_string())
    }

    /// A reading for each picture, in their order.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub fn read(&self, pictures: &[&Snapshot]) -> Result<Vec<Reading>, String> {
        Err(format!("{} pictures, and no reader", pictures.len()))
    }

    /// The reading of one picture.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read_one(&self, picture: &Snapshot) -> Result<Reading, String> {
        self.read(&[picture])?.pop().ok_or_else(|| "nothing was read".to_string())
    }
}
