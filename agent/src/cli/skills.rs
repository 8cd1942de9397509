//! The command line of `agent skills`, as typed.

use crate::skill_test::TestArgs;
use crate::trial::TrialArgs;
use ::skills::skill::Tier;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Examples of `skills`.
pub const SKILLS_EXAMPLES: &str = "\
Examples:
  agent skills list                        every skill, with version, priority and what it does
  agent skills show eat                    all of one: triggers, parameters, what it calls
  agent skills check                       every mistake as FILE:LINE:COLUMN: MESSAGE
  agent skills new sing                    a folder skills/custom/sing to begin with
  agent skills run eat --until 'belly < 60'   try one, from a moment that the planner plays up to
  agent skills test eat                    the tests in its folder

Skills are looked for in core, community and custom below the skills folder. Of the same name, custom
goes before community before core. Without a folder core, the core skills that are built in are used.
A run takes up edits while it goes on.

Exit status: 0 when all is well, 65 when check finds a mistake, 66 when there is no such skill.";

const CHECK_EXAMPLES: &str = "\
Examples:
  agent skills check                       all skills
  agent skills check eat skills/custom/sing   one by its name, one by its folder

The scripts are compiled and tried out on a few made-up observations, where nothing can happen.

Exit status: 0 without a mistake, 65 with one; each is a line FILE:LINE:COLUMN: MESSAGE.";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  agent skills schema > skills/skill.schema.json          what skill.toml may hold, as a JSON Schema
  agent skills schema types > skills/pocketpilot.d.luau   what scripts can call, for luau-lsp
  agent skills schema reference                           the same for a reader";

/// Options of `skills`.
#[derive(Debug, Args)]
pub struct SkillsArgs {
    /// What to do; without one, the process is a role.
    #[command(subcommand)]
    pub command: Option<SkillsCommand>,
}

/// What to do with skills.
#[derive(Debug, Subcommand)]
pub enum SkillsCommand {
    /// Every skill that is used, one a line
    List {
        /// A JSON list instead of lines
        #[arg(long)]
        json: bool,
        /// Where the skills are.
        #[command(flatten)]
        shelf: ShelfArgs,
    },
    /// All that one skill says of itself
    Show {
        /// The skill
        #[arg(value_name = "NAME")]
        name: String,
        /// A JSON object instead of text
        #[arg(long)]
        json: bool,
        /// Where the skills are.
        #[command(flatten)]
        shelf: ShelfArgs,
    },
    /// Look for mistakes, without playing
    #[command(after_help = CHECK_EXAMPLES)]
    Check {
        /// Skills by name or by folder [default: all]
        #[arg(value_name = "NAME|PATH")]
        named: Vec<String>,
        /// Where the skills are.
        #[command(flatten)]
        shelf: ShelfArgs,
    },
    /// Make the folder of a new skill, one that works
    New {
        /// Its name: lower-case letters and digits, with single hyphens between them
        #[arg(value_name = "NAME")]
        name: String,
        /// Whose it is
        #[arg(long, value_enum, default_value = "custom")]
        tier: TierArg,
        /// Where the skills are.
        #[command(flatten)]
        shelf: ShelfArgs,
    },
    /// Print what editors and readers need to write skills
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema {
        /// What to print
        #[arg(value_enum, default_value = "manifest")]
        what: SchemaKind,
    },
    /// Try one skill on the embedded emulator
    Run(TrialArgs),
    /// Run the tests in the folders of skills
    Test(TestArgs),
}

/// Where skills are.
#[derive(Clone, Debug, Default, Args)]
pub struct ShelfArgs {
    /// The folder that holds core, community and custom [default: skills.folder of the configuration]
    #[arg(long, value_name = "DIR")]
    pub skills: Option<PathBuf>,
    /// Configuration file [default: ./config.toml, else built-in]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Whose a new skill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TierArg {
    /// Your own
    Custom,
    /// Somebody else's, under tighter limits
    Community,
}

impl From<TierArg> for Tier {
    fn from(tier: TierArg) -> Tier {
        match tier {
            TierArg::Custom => Tier::Custom,
            TierArg::Community => Tier::Community,
        }
    }
}

/// What `skills schema` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// JSON Schema of skill.toml
    Manifest,
    /// Luau types of what scripts can call
    Types,
    /// What scripts can call, in Markdown
    Reference,
}

impl SchemaKind {
    /// The text.
    pub fn text(self) -> String {
        match self {
            SchemaKind::Manifest => ::skills::manifest::schema::text(),
            SchemaKind::Types => ::skills::api::definitions(),
            SchemaKind::Reference => ::skills::api::reference(),
        }
    }
}
