//! Keys and values of the slots that a batch has filled, so that a step computes those of its new tokens alone.
//!
//! Every layer has room for more slots than are filled; a step writes into that room. Where it is used up, the room doubles,
//! so that a slot is copied a bounded number of times however long the answers become.

use candle_core::{DType, Device, Result, Tensor};

/// Slots that the room is a multiple of.
const ROOM_STEP: usize = 64;

/// What the cached tensors are like.
#[derive(Clone, Debug)]
pub(crate) struct CacheShape {
    /// Layers.
    pub(crate) layers: usize,
    /// Heads that are asked.
    pub(crate) key_heads: usize,
    /// Width of a head.
    pub(crate) head: usize,
    /// Slots that are ever filled.
    pub(crate) slots_max: usize,
    /// Precision of keys and values.
    pub(crate) dtype: DType,
    /// Where they are.
    pub(crate) device: Device,
}

/// Keys and values of one layer, each `[rows, key heads, slots or room, head]`.
#[derive(Clone, Debug)]
pub(crate) struct KeysValues {
    pub(crate) keys: Tensor,
    pub(crate) values: Tensor,
}

/// The keys and values of a batch. All rows fill as many slots; rows are padded on the left.
#[derive(Debug)]
pub(crate) struct Cache {
    shape: CacheShape,
    layers: Vec<KeysValues>,
    rows: usize,
    slots: usize,
    room: usize,
}

impl Cache {
    /// An empty cache with room for at least `slots`.
    pub(crate) fn new(shape: CacheShape, rows: usize, slots: usize) -> Result<Self> {
        let room = slots.next_multiple_of(ROOM_STEP);
        let layers = (0..shape.layers).map(|_| shape.empty(rows, room)).collect::<Result<_>>()?;
        Ok(Self { shape, layers, rows, slots: 0, room })
    }

    /// How many slots are filled.
    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    /// Writes keys and values of new slots behind the filled ones, `[rows, key heads, new, head]` each. Returns those of all
    /// slots with the new ones. The slots count as filled after [`Self::advance`], when every layer has written.
    pub(crate) fn append(&mut self, layer: usize, new: &KeysValues) -> Result<KeysValues> {
        let count = new.keys.dim(2)?;
        self.make_room(self.slots + count)?;
        let KeysValues { keys, values } = &self.layers[layer];
        keys.slice_set(&new.keys.contiguous()?, 2, self.slots)?;
        values.slice_set(&new.values.contiguous()?, 2, self.slots)?;
        let filled = self.slots + count;
        Ok(KeysValues { keys: keys.narrow(2, 0, filled)?, values: values.narrow(2, 0, filled)? })
    }

    /// Counts `count` slots more as filled.
    pub(crate) fn advance(&mut self, count: usize) {
        self.slots += count;
    }

    /// Puts what [`Self::cut`] cut out into the slots of `row` from `start` on. It counts as filled as all slots do.
    pub(crate) fn paste(&mut self, row: usize, start: usize, kept: &[KeysValues], count: usize) -> Result<()> {
        self.make_room(start + count)?;
        for (layer, kept) in self.layers.iter().zip(kept) {
            for (to, from) in [(&layer.keys, &kept.keys), (&layer.values, &kept.values)] {
                to.narrow(0, row, 1)?.slice_set(&from.narrow(2, 0, count)?.contiguous()?, 2, start)?;
            }
        }
        Ok(())
    }

    /// Copies of the slots `start..start + count` of `row`, a layer each: `[1, key heads, count, head]`.
    pub(crate) fn cut(&self, row: usize, start: usize, count: usize) -> Result<Vec<KeysValues>> {
        let cut = |from: &Tensor| from.narrow(0, row, 1)?.narrow(2, start, count)?.force_contiguous();
        self.layers
            .iter()
            .map(|layer| Ok(KeysValues { keys: cut(&layer.keys)?, values: cut(&layer.values)? }))
            .collect()
    }

    /// Keeps only these rows, in this order, and of the slots only those from `start` on.
    pub(crate) fn select(&mut self, rows: &[usize], start: usize) -> Result<()> {
        let slots = self.slots - start;
        let room = (self.room - start).next_multiple_of(ROOM_STEP);
        // One layer after the other, so that no more than one of them is there twice.
        for layer in &mut self.layers {
            let kept = self.shape.empty(rows.len(), room)?;
            for (to, from) in [(&kept.keys, &layer.keys), (&kept.values, &layer.values)] {
                for (index, row) in rows.iter().enumerate() {
                    let filled = from.narrow(0, *row, 1)?.narrow(2, start, slots)?;
                    to.narrow(0, index, 1)?.slice_set(&filled.contiguous()?, 2, 0)?;
                }
            }
            *layer = kept;
        }
        (self.rows, self.slots, self.room) = (rows.len(), slots, room);
        Ok(())
    }

    fn make_room(&mut self, slots: usize) -> Result<()> {
        if slots <= self.room {
            return Ok(());
        }
        let room = slots.max((2 * self.room).min(self.shape.slots_max)).next_multiple_of(ROOM_STEP);
        for layer in &mut self.layers {
            let larger = self.shape.empty(self.rows, room)?;
            larger.keys.slice_set(&layer.keys, 2, 0)?;
            larger.values.slice_set(&layer.values, 2, 0)?;
            *layer = larger;
        }
        self.room = room;
        Ok(())
    }
}

impl CacheShape {
    fn empty(&self, rows: usize, room: usize) -> Result<KeysValues> {
        let empty = || Tensor::zeros((rows, self.key_heads, room, self.head), self.dtype, &self.device);
        Ok(KeysValues { keys: empty()?, values: empty()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(rows: usize, slots: usize) -> Result<(Cache, Tensor)> {
        let shape =
            CacheShape { layers: 1, key_heads: 2, head: 3, slots_max: 1000, dtype: DType::F32, device: Device::Cpu };
        let all = Tensor::randn(0f32, 1f32, (rows, 2, slots, 3), &Device::Cpu)?;
        let mut cache = Cache::new(shape, rows, 1)?;
        for slot in 0..slots {
            let new = all.narrow(2, slot, 1)?;
            cache.append(0, &KeysValues { keys: new.clone(), values: new })?;
            cache.advance(1);
        }
        Ok((cache, all))
    }

    fn content(cache: &Cache, row: usize) -> Result<Vec<f32>> {
        cache.cut(row, 0, cache.slots())?[0].keys.flatten_all()?.to_vec1()
    }

    fn expected(all: &Tensor, row: usize, start: usize, count: usize) -> Result<Vec<f32>> {
        all.narrow(0, row, 1)?.narrow(2, start, count)?.flatten_all()?.to_vec1()
    }

    #[test]
    fn slots_survive_growth() -> Result<()> {
        let (cache, all) = filled(2, 3 * ROOM_STEP + 5)?;
        assert_eq!(content(&cache, 0)?, expected(&all, 0, 0, 3 * ROOM_STEP + 5)?);
        assert_eq!(content(&cache, 1)?, expected(&all, 1, 0, 3 * ROOM_STEP + 5)?);
        Ok(())
    }

    #[test]
    fn dropped_rows_take_nothing_from_the_others() -> Result<()> {
        let (mut cache, all) = filled(4, 9)?;
        cache.select(&[3, 1], 2)?;
        assert_eq!(cache.slots(), 7);
        assert_eq!(content(&cache, 0)?, expected(&all, 3, 2, 7)?);
        assert_eq!(content(&cache, 1)?, expected(&all, 1, 2, 7)?);
        Ok(())
    }

    #[test]
    fn cut_slots_can_be_pasted_into_another_row() -> Result<()> {
        let (cache, all) = filled(2, 9)?;
        let kept = cache.cut(1, 2, 5)?;
        let (mut other, _) = filled(3, 9)?;
        other.paste(2, 3, &kept, 4)?;
        let pasted = other.cut(2, 3, 4)?[0].keys.flatten_all()?.to_vec1::<f32>()?;
        assert_eq!(pasted, expected(&all, 1, 2, 4)?);
        Ok(())
    }
}
