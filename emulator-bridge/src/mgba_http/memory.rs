//! What a Game Boy Advance has memory at. The script answers any address, with whatever lies on the bus.

use super::approach::Game;
use wire::memory::Region;

/// Work memory.
pub(super) const EWRAM: Region = Region { address: 0x0200_0000, length: 0x4_0000 };
/// The fast work memory in the processor's chip.
pub(super) const IWRAM: Region = Region { address: 0x0300_0000, length: 0x8000 };
const IO: Region = Region { address: 0x0400_0000, length: 0x400 };
const PALETTE: Region = Region { address: 0x0500_0000, length: 0x400 };
const PICTURE: Region = Region { address: 0x0600_0000, length: 0x1_8000 };
const OBJECTS: Region = Region { address: 0x0700_0000, length: 0x400 };
const CARTRIDGE: u32 = 0x0800_0000;
/// What a cartridge saves in.
const SAVE: Region = Region { address: 0x0E00_0000, length: 0x1_0000 };

/// Whether all of this can be read.
pub(super) fn is_readable(game: &Game, address: u32, length: usize) -> bool {
    let cartridge = Region { address: CARTRIDGE, length: game.rom_bytes as u32 };
    [EWRAM, IWRAM, IO, PALETTE, PICTURE, OBJECTS, cartridge, SAVE].iter().any(|area| covers(area, address, length))
}

/// Whether all of this keeps what is written to it byte by byte.
pub(super) fn is_writable(address: u32, length: usize) -> bool {
    [EWRAM, IWRAM, SAVE].iter().any(|area| covers(area, address, length))
}

/// Whether all of this lies in a region.
pub(super) fn covers(region: &Region, address: u32, length: usize) -> bool {
    address.checked_sub(region.address).is_some_and(|start| start as usize + length <= region.length as usize)
}
