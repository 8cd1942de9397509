//! A whole network: tower and decoder. It is not changed by what it is asked.

use crate::config::Config;
use crate::error::Error;
use crate::prefill::Prefill;
use crate::text::Text;
use crate::vision::Vision;
use crate::weights;
use candle_core::{DType, Device, Result as Computed};
use candle_nn::VarBuilder;

/// A Qwen3-VL with its weights.
#[derive(Debug)]
pub struct Network {
    config: Config,
    pub(crate) text: Text,
    vision: Option<Vision>,
}

impl Network {
    /// Loads the tensors of a checkpoint, named as in published ones. Weights are kept in the precision that `vb` has, which is
    /// f32, bf16 or f16. On a CPU arithmetic is in f32 whatever that is; elsewhere it is in that precision, but norms, softmax
    /// and rotation in f32 all the same.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape than the configuration says, or memory runs out.
    pub fn load(vb: VarBuilder, config: &Config) -> Result<Self, Error> {
        let model = vb.pp("model");
        let vision = config.vision.as_ref().map(|vision| Vision::load(&model.pp("visual"), vision)).transpose()?;
        let text = Text::load(&model.pp("language_model"), &vb.pp("lm_head"), config)?;
        Ok(Self { config: config.clone(), text, vision })
    }

    /// A network of this shape whose weights are random, the same for the same seed. It answers nonsense at the speed of a real
    /// one.
    ///
    /// # Errors
    /// Where memory runs out, or there are no random numbers of that precision.
    pub fn random(config: &Config, seed: u64, dtype: DType, device: &Device) -> Result<Self, Error> {
        Self::load(weights::random(seed, dtype, device), config)
    }

    /// The shape of the network.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether it is computed by the processor, in its memory.
    pub(crate) fn is_on_cpu(&self) -> bool {
        self.text.is_on_cpu()
    }

    /// Bytes that the keys and values of one token take.
    pub fn token_bytes(&self) -> usize {
        self.text.token_bytes()
    }

    /// Looks at those pictures of a batch that its columns need. Returns whether all of them were seen before it was over.
    pub(crate) fn look(&self, prefill: &mut Prefill, is_over: &dyn Fn() -> bool) -> Computed<bool> {
        match &self.vision {
            Some(vision) => prefill.look(vision, is_over),
            None => Ok(true),
        }
    }
}
