//! Qwen3-VL in this process as a tier: several games' questions are answered in one batch, held to their schemas.
//!
//! A model is loaded once for the process: its tier and the embedder of recall share it, and take turns.

use super::batch::BatchModel;
use super::model::{Ask, ModelError, Reply};
use super::remote::Probed;
use super::unpacking::{Unpacked, unpack};
use qwen3_vl::choose::Sampling;
use qwen3_vl::model::{self, Model, Numbers, Options, Picture, Question, QuestionError};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use wire::router::TierSettings;

/// Questions that are gathered for a model whose batch is not set; it takes as many at a time as its size allows.
pub const BATCH_MAX: usize = 8;

/// The models of this process, by folder.
static LOADED: OnceLock<Mutex<BTreeMap<PathBuf, Arc<Mutex<Model>>>>> = OnceLock::new();

/// A model that is loaded when it is first needed.
pub struct Local {
    options: Options,
    model: Option<Arc<Mutex<Model>>>,
}

impl Local {
    /// The model of a tier.
    pub fn new(tier: &TierSettings) -> Local {
        let numbers = match tier.dtype.as_str() {
            "f32" => Numbers::F32,
            "bf16" => Numbers::BF16,
            "f16" => Numbers::F16,
            _ => Numbers::Auto,
        };
        let (batch, context) = (tier.batch as usize, tier.context_tokens as usize);
        Local { options: Options { folder: tier.folder.clone(), numbers, context, batch }, model: None }
    }

    /// Loads it, unless somebody did.
    ///
    /// # Errors
    /// Why it cannot be had, in one line.
    pub fn load(&mut self) -> Result<Arc<Mutex<Model>>, String> {
        if let Some(model) = &self.model {
            return Ok(model.clone());
        }
        // Whoever comes meanwhile waits for the same model.
        let mut loaded = locked(LOADED.get_or_init(Mutex::default));
        let model = match loaded.get(&self.options.folder) {
            Some(model) => model.clone(),
            None => {
                let model = Model::open(&self.options).map_err(|error| error.to_string())?;
                let model = Arc::new(Mutex::new(model));
                loaded.insert(self.options.folder.clone(), model.clone());
                model
            }
        };
        self.model = Some(model.clone());
        Ok(model)
    }
}

/// The lock of a model, or of the models.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("a panic ends the process")
}

impl BatchModel for Local {
    fn prepare(&mut self) -> Result<Probed, ModelError> {
        let model = self.load().map_err(ModelError::Unreachable)?;
        let model = locked(&model);
        Ok(Probed {
            url: self.options.folder.display().to_string(),
            model: model.name().to_string(),
            dialect: "none".to_string(),
            takes_pictures: true,
            takes_schema: true,
            tells_probabilities: true,
        })
    }

    fn run(&mut self, asks: &[Ask]) -> Vec<Result<Reply, ModelError>> {
        let model = match self.load() {
            Ok(model) => model,
            Err(why) => return vec![Err(ModelError::Unreachable(why)); asks.len()],
        };
        let mut model = locked(&model);
        let shown: Vec<Result<Option<Unpacked>, ModelError>> =
            asks.iter().map(|ask| ask.prompt.picture.as_deref().map(unpack).transpose()).collect();
        let mut answers: Vec<Option<Result<Reply, ModelError>>> =
            shown.iter().map(|shown| shown.as_ref().err().cloned().map(Err)).collect();
        let readable: Vec<usize> = (0..asks.len()).filter(|place| answers[*place].is_none()).collect();
        for places in readable.chunks(model.batch().max(1)) {
            let questions: Vec<Question<'_>> =
                places.iter().map(|place| question(&asks[*place], &shown[*place])).collect();
            for (place, answered) in places.iter().zip(model.answer(&questions)) {
                answers[*place] = Some(reply(answered, model.name()));
            }
        }
        let missing = || Err(ModelError::Unusable("the model gave no answer".to_string()));
        answers.into_iter().map(|answer| answer.unwrap_or_else(missing)).collect()
    }
}

fn question<'a>(ask: &'a Ask, shown: &'a Result<Option<Unpacked>, ModelError>) -> Question<'a> {
    let prompt = &ask.prompt;
    let picture = shown.as_ref().ok().and_then(Option::as_ref);
    Question {
        system: &prompt.system,
        user: &prompt.user,
        picture: picture.map(|shown| Picture { width: shown.width, height: shown.height, rgb: &shown.rgb }),
        repair: prompt.repair.as_ref().map(|repair| (repair.answer.as_str(), repair.complaint.as_str())),
        schema: Some(&prompt.schema),
        answer_tokens: prompt.answer_tokens as usize,
        deadline: ask.deadline,
        sampling: Sampling::greedy(),
    }
}

fn reply(answered: Result<model::Answer, QuestionError>, name: &str) -> Result<Reply, ModelError> {
    let answer = answered.map_err(|error| match error {
        QuestionError::Late => ModelError::Late,
        error => ModelError::Unusable(error.to_string()),
    })?;
    Ok(Reply {
        text: answer.text,
        reasoning: answer.reasoning,
        model: name.to_string(),
        tokens_in: answer.tokens_in as u64,
        tokens_cached: answer.tokens_cached as u64,
        tokens_out: answer.tokens_out as u64,
        confidence: Some(answer.confidence),
        first_byte_us: answer.waited_for_first_us,
        ..Reply::default()
    })
}
