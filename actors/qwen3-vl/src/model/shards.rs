//! Weights from the files of a checked folder, one tensor after the other, each made into the precision it is kept in.
//!
//! Files are read, not mapped: a file that is cut short while it is in use is an error then, not the end of the process.

use crate::files::{Dtype, Folder};
use candle_core::{DType, Device, Error, Result, Shape, Tensor};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The weights of a folder, in this precision.
pub(super) fn weights(folder: &Folder, dtype: DType, device: &Device) -> VarBuilder<'static> {
    VarBuilder::from_backend(Box::new(Shards(folder.clone())), dtype, device.clone())
}

struct Shards(Folder);

impl SimpleBackend for Shards {
    fn get(&self, shape: Shape, name: &str, _: Init, dtype: DType, device: &Device) -> Result<Tensor> {
        let tensor = self.get_unchecked(name, dtype, device)?;
        match *tensor.shape() == shape {
            true => Ok(tensor),
            false => Err(Error::Msg(format!("{name} is {:?} where {shape:?} is asked for", tensor.shape()))),
        }
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        let unknown = || Error::CannotFindTensor { path: name.to_string() };
        let entry = self.0.tensors().get(name).ok_or_else(unknown)?;
        let path = self.0.shards().get(entry.shard).ok_or_else(unknown)?;
        let bytes = read(path, entry.start, entry.bytes)
            .map_err(|error| Error::Msg(format!("{} cannot be read: {error}", path.display())))?;
        let written = match entry.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::Other(_) => return Err(unknown()),
        };
        Tensor::from_raw_buffer(&bytes, written, &entry.shape, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.0.tensors().contains_key(name)
    }
}

fn read(path: &Path, start: u64, count: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = vec![0; usize::try_from(count).map_err(std::io::Error::other)?];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
