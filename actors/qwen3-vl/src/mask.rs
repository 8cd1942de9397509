//! Who sees whom in a batch whose rows are padded on the left.

use candle_core::{Device, Result, Tensor};

/// What is added where a query must not see a key: its weight becomes 0, and a query of padding, which sees nothing, still
/// has finite weights.
const HIDDEN: f32 = -1e30;

/// For queries in the slots from `from` to `slots`, and keys in all slots before `slots`: `[rows, 1, slots - from, slots]` to
/// add to scores. A slot sees itself and those before it back to `starts`, where its row begins. None where every query sees
/// every key.
pub(crate) fn mask(starts: &[usize], from: usize, slots: usize, device: &Device) -> Result<Option<Tensor>> {
    let columns = slots - from;
    if columns == 1 && starts.iter().all(|start| *start == 0) {
        return Ok(None);
    }
    let mut hidden = vec![HIDDEN; starts.len() * columns * slots];
    let mut lines = hidden.chunks_exact_mut(slots);
    for start in starts {
        for (query, line) in (from..slots).zip(&mut lines) {
            if let Some(seen) = line.get_mut(*start..=query) {
                seen.fill(0.0);
            }
        }
    }
    Tensor::from_vec(hidden, (starts.len(), 1, columns, slots), device).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_sees_its_own_row_up_to_itself() -> Result<()> {
        let made = mask(&[0, 2], 1, 4, &Device::Cpu)?.expect("several queries need a mask");
        let seen = made.squeeze(1)?.eq(0f32)?.to_vec3::<u8>()?;
        assert_eq!(seen[0], [[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]);
        assert_eq!(seen[1], [[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]);
        Ok(())
    }

    #[test]
    fn one_query_a_row_needs_no_mask_without_padding() -> Result<()> {
        assert!(mask(&[0, 0], 3, 4, &Device::Cpu)?.is_none());
        assert!(mask(&[0, 1], 3, 4, &Device::Cpu)?.is_some());
        Ok(())
    }
}
