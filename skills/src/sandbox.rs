//! One Luau machine for the script of one skill, fenced in: no files, no clock, no other machine, and only so much time
//! and memory.
//!
//! Invariants: a machine whose script broke a limit or raised an error is thrown away; a run sees nothing of the run
//! before it but `memory`; nothing that a script does makes a native panic.

use crate::skill::{Library, Skill};
use mlua::{Error, Function, Lua, LuaOptions, MultiValue, StdLib, Table, Thread, VmState};
use std::rc::Rc;
use std::sync::Arc;
use wire::skill::Argument;

mod acts;
mod chance;
mod context;
mod given;
mod ground;
mod meter;
mod natives;
mod remembered;
mod sight;
mod world;

pub use chance::Chance;
pub use context::Wish;
pub use meter::{Allowance, Broken, INSTRUCTIONS_PER_MILLISECOND};
pub use world::World;

use context::Context;

/// What a machine needs beyond its script's own use: libraries and natives.
const BASE_BYTES: usize = 256 << 10;
/// A machine that rests with more than this is swept.
const REST_BYTES: usize = 320 << 10;
/// What is allowed on top, to find out where a script that used up its memory was.
const REPORT_BYTES: usize = 1 << 20;
/// Characters of a fault's reason.
const REASON_CHARACTERS_MAX: usize = 500;

/// A machine for one skill.
pub struct Sandbox {
    context: Rc<Context>,
    main: Function,
    locate: Function,
    start: Function,
    globals: Table,
    lua: Lua,
}

/// One run of a script in its machine.
#[derive(Debug)]
pub struct Strand {
    thread: Thread,
    told: Table,
    memory: Table,
    memory_before: String,
}

/// What a script is told when it goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It begins.
    Nothing,
    /// What came of its act.
    Effect(String),
    /// How the skill that it called ended.
    Called(bool, String),
}

/// Why a script handed over.
#[derive(Clone, Debug, PartialEq)]
pub enum Handover {
    /// It wants something.
    Wish(Wish),
    /// It cannot go on: file, line and what is wrong.
    Fault(String),
}

impl Sandbox {
    /// A machine for this skill.
    ///
    /// # Errors
    /// When there is not enough memory for it, or the skill has no script.
    pub fn new(skill: &Arc<Skill>) -> Result<Sandbox, String> {
        let Some(script) = &skill.script else { return Err("the skill has no script".to_string()) };
        let path = script.path.display().to_string();
        Sandbox::build(skill, &path, &script.bytecode).map_err(|error| one_line(&error.to_string()))
    }

    fn build(skill: &Arc<Skill>, path: &str, bytecode: &[u8]) -> mlua::Result<Sandbox> {
        let libraries = StdLib::COROUTINE
            | StdLib::TABLE
            | StdLib::STRING
            | StdLib::UTF8
            | StdLib::BIT
            | StdLib::BUFFER
            | StdLib::VECTOR
            | StdLib::MATH
            | StdLib::DEBUG;
        let lua = Lua::new_with(libraries, LuaOptions::new())?;
        let context = Rc::new(Context::new(skill.clone(), path.to_string()));
        let globals = lua.globals();
        let (locate, start) = natives::install(&lua, &context, path)?;
        lua.sandbox(true)?;
        globals.set_readonly(true);
        let main = lua.load(bytecode).set_name(format!("={path}")).set_environment(globals.clone()).into_function()?;
        let watched = context.clone();
        // Handing over ends a script at once, however deep it is; where it cannot hand over, it goes up by an error.
        lua.set_interrupt(move |lua| match watched.meter.spend(|| line_of(lua, &watched.path)) {
            None => Ok(VmState::Continue),
            Some(_) if watched.meter.hands_over() => Ok(VmState::Yield),
            Some(broken) => Err(Error::runtime(broken)),
        });
        Ok(Sandbox { context, main, locate, start, globals, lua })
    }

    /// The skill that it is for.
    pub fn skill(&self) -> &Arc<Skill> {
        &self.context.skill
    }

    /// Its script as messages name it.
    pub fn path(&self) -> &str {
        &self.context.path
    }

    /// Bytes that it takes up.
    pub fn bytes(&self) -> usize {
        self.lua.used_memory()
    }

    /// Begins a run. Its random numbers come from `chance`; the skills that it can call from `library`.
    ///
    /// # Errors
    /// When there is not enough memory for it.
    pub fn begin(
        &self,
        library: &Arc<Library>,
        arguments: &[(String, Argument)],
        memory: &str,
        chance: Chance,
    ) -> Result<Strand, String> {
        self.context.forget();
        self.context.library.replace(library.clone());
        self.context.chance.replace(chance);
        let made = || -> mlua::Result<Strand> {
            let told = self.lua.create_table_with_capacity(0, arguments.len())?;
            for (name, argument) in arguments {
                told.raw_set(name.as_str(), natives::value_of(&self.lua, argument)?)?;
            }
            let table = remembered::read(&self.lua, memory)?;
            self.set_memory_table(Some(&table))?;
            let thread = self.lua.create_thread(self.start.clone())?;
            Ok(Strand { thread, told, memory: table, memory_before: memory.to_string() })
        };
        made().map_err(|error| one_line(&error.to_string()))
    }

    /// Lets a run go on until it wants something. `bytes_max` bounds the machine's memory.
    pub fn resume(
        &self,
        strand: &Strand,
        world: &Rc<World>,
        answer: Answer,
        allowance: Allowance,
        bytes_max: usize,
    ) -> Handover {
        let context = &self.context;
        context.enter(world.clone());
        context.wish.replace(None);
        context.meter.set(allowance);
        // A limit below what is in use would refuse even what frees memory.
        let _ = self.lua.set_memory_limit(bytes_max + BASE_BYTES);
        let resumed = match answer {
            Answer::Nothing => strand.thread.resume::<MultiValue>((&self.main, &strand.told)),
            Answer::Effect(effect) => strand.thread.resume(effect),
            Answer::Called(is_success, reason) => strand.thread.resume((is_success, reason)),
        };
        let wish = context.wish.take();
        if let Some(finish @ Wish::Finish { .. }) = wish {
            return Handover::Wish(finish);
        }
        if let Some((broken, line)) = context.meter.broken() {
            return Handover::Fault(format!("{}: {broken}", self.place(line)));
        }
        match (resumed, wish) {
            (Ok(_), Some(wish)) => Handover::Wish(wish),
            (Ok(_), None) => Handover::Wish(Wish::Finish { is_success: true, reason: "done".to_string() }),
            (Err(error), _) => Handover::Fault(self.explain(strand, &error, bytes_max)),
        }
    }

    /// Loop rounds and calls since the script was last resumed.
    pub fn instructions(&self) -> u64 {
        self.context.meter.spent()
    }

    /// What the script noted since the turn began, and no longer needs.
    pub fn take_notes(&self) -> Vec<String> {
        self.context.notes.take()
    }

    /// What the script is after, when it said so since it was last asked.
    pub fn take_goal(&self) -> Option<String> {
        self.context.goal.take()
    }

    /// What the skill remembers after this run, if that changed.
    ///
    /// # Errors
    /// What cannot be kept.
    pub fn remembered(&self, strand: &Strand) -> Result<Option<String>, String> {
        let text = remembered::write(&strand.memory)?;
        Ok((text != strand.memory_before).then_some(text))
    }

    /// The turn is over: lets go of what was seen in it.
    pub fn leave(&self) {
        self.context.leave();
    }

    /// A run is over: frees what it held.
    pub fn rest(&self) {
        self.context.forget();
        let _ = self.lua.set_memory_limit(0);
        let _ = self.set_memory_table(None);
        if self.lua.used_memory() > REST_BYTES {
            // Left alone, a machine that is seldom used keeps the garbage of all its runs for hours.
            let _ = self.lua.gc_collect();
        }
    }

    /// Globals are read-only to scripts; this one alone is another in each run.
    fn set_memory_table(&self, table: Option<&Table>) -> mlua::Result<()> {
        self.globals.set_readonly(false);
        let set = self.globals.raw_set("memory", table);
        self.globals.set_readonly(true);
        set
    }

    fn place(&self, line: Option<u32>) -> String {
        let path = &self.context.path;
        line.map_or_else(|| path.clone(), |line| format!("{path}:{line}"))
    }

    /// File, line and what is wrong.
    fn explain(&self, strand: &Strand, error: &Error, bytes_max: usize) -> String {
        let path = &self.context.path;
        if is_memory(error) {
            let _ = self.lua.set_memory_limit(self.lua.used_memory() + REPORT_BYTES);
            self.context.meter.set(Allowance::new(1));
            let line = self.locate.call::<Option<u32>>(strand.thread.clone()).ok().flatten();
            return format!("{}: needs more than {} MiB", self.place(line), bytes_max >> 20);
        }
        let text = error.to_string();
        let text = text.strip_prefix("runtime error: ").unwrap_or(&text);
        let (message, trace) = text.rsplit_once("\nstack traceback:").unwrap_or((text, ""));
        let message = without_address(one_line(message));
        if message.starts_with(&format!("{path}:")) {
            return message;
        }
        let line = trace.split(&format!("{path}:")).nth(1).and_then(|rest| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        });
        format!("{}: {message}", self.place(line))
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sandbox").field("path", &self.context.path).field("bytes", &self.bytes()).finish()
    }
}

/// The line at which the script is that just runs.
fn line_of(lua: &Lua, path: &str) -> Option<u32> {
    const LEVELS_MAX: usize = 64;
    (0..LEVELS_MAX).find_map(|level| {
        lua.inspect_stack(level, |frame| {
            let is_script = frame.source().short_src.is_some_and(|source| source == path);
            if is_script { frame.current_line().and_then(|line| u32::try_from(line).ok()) } else { None }
        })?
    })
}

/// `table: 0x7f…` without the number, which is another in each life of the process.
fn without_address(message: String) -> String {
    match message.split_once(": 0x") {
        Some((kind, digits)) if digits.chars().all(|c| c.is_ascii_hexdigit()) => format!("an error that is a {kind}"),
        _ => message,
    }
}

fn is_memory(error: &Error) -> bool {
    match error {
        Error::MemoryError(_) => true,
        Error::CallbackError { cause, .. } => is_memory(cause),
        Error::RuntimeError(text) => text.starts_with("not enough memory"),
        _ => false,
    }
}

fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let joined = lines.join("; ");
    joined.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_CHARACTERS_MAX).collect()
}
