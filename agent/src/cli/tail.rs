//! The command line of `agent tail`, as typed.

use clap::Args;
use std::path::PathBuf;
use std::str::FromStr;

/// Examples of `tail`.
pub const TAIL_EXAMPLES: &str = "\
Examples:
  agent tail                               what the newest run did last
  agent tail --follow                      and what it does, until Ctrl-C; the next run, too, when that begins
  agent tail --step 100..120               these steps, with all that was written about them
  agent tail --event FloorReached          when each floor was reached
  agent tail --event AlertRaised --event ProcessExited --follow
                                           what somebody should know of
  agent tail runs/20261129T003841Z-5ba7bf  another run, by its folder, its name or its log
  agent tail copy/telemetry.jsonl --json | jq .latency
                                           a log from another machine, as it was written

Without --process, --event and --step it shows the last 20 lines; with one of them, all lines that match. The same without this
program: tail -F runs/latest/telemetry.jsonl | jq

Exit status: 0 when the log was read, 66 when there is none, 130 after Ctrl-C.";

/// Options of `tail`.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// The run: its folder, its name, or its log [default: the newest one]
    #[arg(value_name = "RUN")]
    pub run: Option<PathBuf>,
    /// Lines of this process alone: agent, actors, emulator-bridge, indexes or skills; more than once for several
    #[arg(long, value_name = "P")]
    pub process: Vec<String>,
    /// Events of this name alone; more than once for several
    #[arg(long, value_name = "E")]
    pub event: Vec<String>,
    /// Lines of these steps alone, first and last included: A..B, A.., ..B, or one
    #[arg(long, value_name = "A..B")]
    pub step: Option<Steps>,
    /// Go on with what is written from now on
    #[arg(long, short)]
    pub follow: bool,
    /// The lines as they are in the log
    #[arg(long)]
    pub json: bool,
    /// Configuration file, which says where runs are [default: ./config.toml, else built-in]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Steps from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl FromStr for Steps {
    type Err = String;

    fn from_str(text: &str) -> Result<Steps, String> {
        let number = |text: &str, missing: u64| match text.trim() {
            "" => Ok(missing),
            text => {
                text.parse().map_err(|_| format!("{text:?} is no number of a step; steps are A..B, A.., ..B, or one"))
            }
        };
        let (first, last) = match text.split_once("..") {
            Some((first, last)) => (number(first, 0)?, number(last.trim_start_matches('='), u64::MAX)?),
            None if text.trim().is_empty() => return Err("steps are A..B, A.., ..B, or one".to_string()),
            None => (number(text, 0)?, number(text, 0)?),
        };
        if first > last {
            return Err(format!("there is no step from {first} to {last}"));
        }
        Ok(Steps { first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_ranges_with_both_ends() {
        let steps = |text: &str| text.parse::<Steps>().map(|steps| (steps.first, steps.last));
        assert_eq!(steps("3..7"), Ok((3, 7)));
        assert_eq!((steps("3.."), steps("..7"), steps("5")), (Ok((3, u64::MAX)), Ok((0, 7)), Ok((5, 5))));
        assert_eq!(steps(".."), Ok((0, u64::MAX)));
        for wrong in ["", "x", "3-7", "7..3", "-1", "3..x"] {
            assert!(steps(wrong).is_err(), "{wrong}");
        }
    }
}
