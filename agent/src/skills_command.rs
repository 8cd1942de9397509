//! `agent skills`: what skills there are, whether they are well, and how to make one.
//!
//! It looks at the same folder as a run would, in its own process, and changes nothing there but what `new` makes.

use crate::cli::{ShelfArgs, SkillsCommand};
use crate::config::Config;
use crate::failure::Failure;
use crate::{screen, skill_test, trial};
use clap::CommandFactory as _;
use serde_json::{Value, json};
use skills::names::nearest;
use skills::shelf::{Change, Checks, Shelf};
use skills::skill::{Library, Mistake, Skill, Tier};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wire::exit;

mod check;
mod list;
mod new;
mod show;

/// The skills of a folder, for a person.
pub struct Opened {
    /// The folder, as it was named.
    pub folder: PathBuf,
    /// The skills that are used.
    pub library: Arc<Library>,
    /// What cannot be used, and why: the name of the skill and the mistake.
    pub mistakes: Vec<(String, Mistake)>,
    shelf: Shelf,
}

/// Does what was asked; returns the exit status.
pub fn carry_out(command: &SkillsCommand) -> Result<i32, Failure> {
    match command {
        SkillsCommand::List { json, shelf } => list::list(&Opened::open(shelf)?, *json),
        SkillsCommand::Show { name, json, shelf } => show::show(&Opened::open(shelf)?, name, *json),
        SkillsCommand::Check { named, shelf } => check::check(&Opened::open(shelf)?, named),
        SkillsCommand::New { name, tier, shelf } => new::make(&Opened::open(shelf)?, name, (*tier).into()),
        SkillsCommand::Schema { what } => {
            screen::print(&what.text());
            Ok(exit::OK)
        }
        SkillsCommand::Run(args) => trial::run(args),
        SkillsCommand::Test(args) => {
            let shelf = ShelfArgs { config: args.config.clone(), skills: None };
            let opened = Opened::open_manifests(&shelf)?;
            let skills = opened.chosen(&args.skills)?;
            skill_test::test(args, &skills)
        }
    }
}

/// Says how to use it, to a person who did not say what for.
pub fn explain() -> i32 {
    let mut program = crate::cli::Cli::command();
    program.build();
    if let Some(skills) = program.find_subcommand_mut("skills") {
        screen::complain(&skills.render_help().to_string());
    }
    exit::USAGE
}

impl Opened {
    /// Reads the folder that the command line or the configuration names.
    pub fn open(args: &ShelfArgs) -> Result<Opened, Failure> {
        Opened::open_with(args, skills::CHECKS)
    }

    /// The same, without looking at scripts: the parent of a run runs no C code, and Luau is some.
    pub fn open_manifests(args: &ShelfArgs) -> Result<Opened, Failure> {
        Opened::open_with(args, skills::MANIFESTS_ALONE)
    }

    fn open_with(args: &ShelfArgs, checks: Checks) -> Result<Opened, Failure> {
        let folder = match &args.skills {
            Some(folder) => folder.clone(),
            None => Config::load(args.config.as_deref())?.skills.folder,
        };
        if let Some(folder) = &args.skills
            && let Err(error) = std::fs::read_dir(folder)
        {
            let remedy = "name the folder that holds the folders core, community and custom";
            return Err(Failure::NoInput { path: folder.clone(), error, remedy });
        }
        Ok(Opened::read_with(&folder, checks))
    }

    /// Reads a folder; one that is not there holds the built-in skills.
    pub fn read(folder: &Path) -> Opened {
        Opened::read_with(folder, skills::CHECKS)
    }

    fn read_with(folder: &Path, checks: Checks) -> Opened {
        let mut shelf = Shelf::new(folder, checks);
        let refreshed = shelf.refresh(&BTreeSet::new());
        let mistakes = refreshed.changes.into_iter().filter_map(|change| match change {
            Change::Rejected { name, mistake, .. } => Some((name, mistake)),
            _ => None,
        });
        let mistakes = mistakes.collect();
        Opened { folder: folder.to_path_buf(), library: refreshed.library, mistakes, shelf }
    }

    /// Whether a skill is a part of the program and has no folder.
    pub fn is_built_in(&self, skill: &Skill) -> bool {
        skill.tier == Tier::Core && self.has_built_in_core()
    }

    /// Whether the core skills are those that are a part of the program.
    pub fn has_built_in_core(&self) -> bool {
        self.shelf.core_folder().is_none()
    }

    /// Where a skill comes from, for a person.
    pub fn origin(&self, skill: &Skill) -> String {
        if self.is_built_in(skill) { "built in".to_string() } else { skill.tier.name().to_string() }
    }

    /// Where the files of a skill are.
    pub fn folder_of(&self, skill: &Skill) -> PathBuf {
        self.folder.join(&skill.folder)
    }

    /// A skill by its name.
    pub fn skill(&self, name: &str) -> Result<&Arc<Skill>, Failure> {
        self.library.skills.get(name).ok_or_else(|| self.unknown(name))
    }

    /// Names and folders of the skills that were named, or of all.
    fn chosen(&self, names: &[String]) -> Result<Vec<(String, PathBuf)>, Failure> {
        let all: Vec<String> = self.library.skills.keys().cloned().collect();
        let names = if names.is_empty() { &all } else { names };
        names.iter().map(|name| Ok((name.clone(), self.folder_of(self.skill(name)?)))).collect()
    }

    fn unknown(&self, name: &str) -> Failure {
        if let Some((_, mistake)) = self.mistakes.iter().find(|(other, _)| other == name) {
            return Failure::Skill(self.line(mistake));
        }
        let remedy = match nearest(name, self.library.skills.keys().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => "`agent skills list` shows all".to_string(),
        };
        Failure::Skill(format!("there is no skill {}; {remedy}", skills::names::shortened(name)))
    }

    /// A mistake with a path that can be opened from here.
    pub fn line(&self, mistake: &Mistake) -> String {
        Mistake { path: self.folder.join(&mistake.path), ..mistake.clone() }.to_string()
    }
}

/// What there is to know of a skill, for a program.
fn describe(opened: &Opened, skill: &Skill) -> Value {
    let card = skill.card();
    let argument = |argument: &wire::skill::Argument| match argument {
        wire::skill::Argument::Truth(truth) => json!(truth),
        wire::skill::Argument::Number(number) => json!(number),
        wire::skill::Argument::Text(text) => json!(text),
    };
    let triggers = card.triggers.iter().map(|trigger| {
        let told = trigger.arguments.iter().map(|(name, value)| (name.clone(), argument(value)));
        json!({ "when": trigger.when, "priority": trigger.priority, "arguments": told.collect::<serde_json::Map<_, _>>() })
    });
    let parameters = card.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name, "type": parameter.kind, "description": parameter.description,
            "default": parameter.default.as_ref().map(argument), "min": parameter.min, "max": parameter.max,
            "one_of": parameter.one_of,
        })
    });
    let requires = skill.manifest.requires.iter().map(|(name, range)| (name.clone(), json!(range.to_string())));
    let folder = (!opened.is_built_in(skill)).then(|| opened.folder_of(skill));
    json!({
        "name": card.name, "version": card.version, "tier": card.tier, "built_in": opened.is_built_in(skill),
        "folder": folder, "revision": card.revision, "description": card.description, "success": card.success,
        "triggers": triggers.collect::<Vec<_>>(), "parameters": parameters.collect::<Vec<_>>(),
        "requires": requires.collect::<serde_json::Map<_, _>>(),
        "steps": skill.manifest.limits.steps, "milliseconds": skill.manifest.limits.milliseconds,
        "memory_mib": skill.manifest.limits.memory_mib,
        "has_script": card.has_script, "has_guidance": skill.guidance.is_some(),
    })
}
