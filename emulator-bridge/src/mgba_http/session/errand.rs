//! What is asked, one thing at a time.

use super::super::approach::GAME;
use super::super::hold::Order;
use super::super::request::{Notation, Request};
use wire::buttons::Mask;
use wire::memory::Region;

/// Something to ask, and what its answer is for.
#[derive(Debug)]
pub(super) enum Errand {
    Frame,
    /// A sight, in the file at this path.
    Sight(String),
    /// The watched places.
    Places(Vec<Region>),
    ChangeKeys(Order),
    ReadBackKeys(Mask),
    CheckGame,
    LearnGame,
    /// Whatever a caller wants.
    Extra(Vec<Request>),
}

impl Errand {
    /// What is sent for it. What a look or a caller asks for ends in the frame's number.
    pub(super) fn requests(&self, notation: Notation) -> Vec<Request> {
        match self {
            Errand::Frame => vec![Request::Frame],
            Errand::Sight(path) => vec![Request::StateFile(path.clone())],
            Errand::Places(regions) => regions.iter().copied().map(Request::Range).chain([Request::Frame]).collect(),
            Errand::ChangeKeys(Order::Keep(mask)) => vec![Request::HoldKeys(*mask)],
            Errand::ChangeKeys(Order::Press(mask, frames)) => vec![Request::PressKeys(*mask, *frames, notation)],
            Errand::ReadBackKeys(_) => vec![Request::Keys],
            Errand::CheckGame => vec![Request::Code, Request::Title],
            Errand::LearnGame => GAME.to_vec(),
            Errand::Extra(requests) => requests.iter().cloned().chain([Request::Frame]).collect(),
        }
    }
}
