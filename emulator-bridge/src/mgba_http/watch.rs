//! Memory that is looked at in every frame, and what was found there in the newest.
//!
//! What was asked for once will be asked for again, by the next frame's conditions. So it is fetched with the frame's
//! number, in one batch that the script carries out within one frame.

use super::memory::covers;
use wire::memory::Region;

/// The longest read that is expected again in the next frame.
pub(super) const WATCHED_BYTES_MAX: usize = 256;
/// The most places that are watched; those looked at longest ago make room.
const PLACES_MAX: usize = 64;
/// A place that nobody looked at in this many frames is no longer fetched.
const FORGOTTEN_AFTER: u64 = 240;
/// Places this close to each other are fetched together: an answer's bytes are cheaper than a request.
const GAP_MAX: u32 = 32;
/// The most bytes that are fetched with one request.
const TOGETHER_BYTES_MAX: u32 = 1024;

/// The places, and what they hold.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// With the number of the look at which each was last asked for.
    places: Vec<(Region, u64)>,
    looks: u64,
    found: Vec<(Region, Vec<u8>)>,
}

impl Watch {
    /// Notes that this was asked for; returns its bytes in the newest frame, if they were fetched.
    pub(super) fn look(&mut self, wanted: Region) -> Option<&[u8]> {
        match self.places.iter_mut().find(|(place, _)| *place == wanted) {
            Some((_, asked)) => *asked = self.looks,
            None => {
                if self.places.len() >= PLACES_MAX {
                    let oldest = self.places.iter().enumerate().min_by_key(|(_, (_, asked))| *asked);
                    if let Some((index, _)) = oldest {
                        self.places.swap_remove(index);
                    }
                }
                self.places.push((wanted, self.looks));
            }
        }
        let length = wanted.length as usize;
        let (region, bytes) = self.found.iter().find(|(region, _)| covers(region, wanted.address, length))?;
        let start = (wanted.address - region.address) as usize;
        Some(&bytes[start..start + length])
    }

    /// What to fetch: the places, put together where they lie close.
    pub(super) fn regions(&mut self) -> Vec<Region> {
        self.looks += 1;
        let looks = self.looks;
        self.places.retain(|(_, asked)| asked + FORGOTTEN_AFTER >= looks);
        let mut places: Vec<Region> = self.places.iter().map(|(place, _)| *place).collect();
        places.sort_by_key(|place| (place.address, place.length));
        let mut regions: Vec<Region> = Vec::new();
        for place in places {
            if let Some(last) = regions.last_mut() {
                let end = (place.address + place.length).max(last.address + last.length);
                let is_close = place.address <= last.address + last.length + GAP_MAX;
                if is_close && end - last.address <= TOGETHER_BYTES_MAX && place.address >> 24 == last.address >> 24 {
                    last.length = end - last.address;
                    continue;
                }
            }
            regions.push(place);
        }
        regions
    }

    /// What was fetched is what the newest frame holds.
    pub(super) fn found(&mut self, found: Vec<(Region, Vec<u8>)>) {
        self.found = found;
    }

    /// What was fetched does not hold any more; the places stay.
    pub(super) fn outdate(&mut self) {
        self.found.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(address: u32, length: u32) -> Region {
        Region { address, length }
    }

    #[test]
    fn close_places_are_fetched_together_and_found_one_by_one() {
        let mut watch = Watch::default();
        for place in [region(0x0200_0010, 4), region(0x0200_0000, 2), region(0x0200_0800, 1), region(0x0300_0000, 4)] {
            assert_eq!(watch.look(place), None);
        }
        let regions = watch.regions();
        assert_eq!(regions, [region(0x0200_0000, 0x14), region(0x0200_0800, 1), region(0x0300_0000, 4)]);
        watch.found(regions.into_iter().map(|region| (region, (0..region.length as u8).collect())).collect());
        assert_eq!(watch.look(region(0x0200_0010, 4)), Some(&[16, 17, 18, 19][..]));
        watch.outdate();
        assert_eq!(watch.look(region(0x0200_0010, 4)), None);
    }

    #[test]
    fn places_that_nobody_looks_at_are_forgotten() {
        let mut watch = Watch::default();
        for address in 0..PLACES_MAX as u32 + 10 {
            watch.look(region(0x0200_0000 + address * 0x1000, 1));
        }
        assert_eq!(watch.regions().len(), PLACES_MAX);
        for _ in 0..FORGOTTEN_AFTER + 1 {
            watch.look(region(0x0200_0000, 1));
            watch.regions();
        }
        assert_eq!(watch.regions(), [region(0x0200_0000, 1)]);
    }
}
