//! Which models a run could ask.

use super::{Finding, fine};
use crate::cli::WorkerArgs;
use crate::config::Config;
use crate::failure::Failure;
use actors::router::models;
use actors::router::remote::Probed;
use std::time::Duration;
use wire::router::TierSettings;

/// A server may have to load its model first.
const LIMIT: Duration = Duration::from_secs(30);
/// What a run does without any.
const PLANNER: &str = "the planner plays";

/// Looks for the server of each tier, and asks it something tiny.
pub fn find(args: &WorkerArgs) -> Result<Vec<Finding>, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let is_played_by = config.run.brain == "router";
    let os = |error| Failure::Os { what: "a runtime for requests".to_string(), error };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(os)?;
    let look = |tier: &TierSettings| {
        let tier = tier.clone();
        runtime.spawn(async move { models::look(&tier, LIMIT).await })
    };
    let looks: Vec<_> = config.router.tiers.iter().map(look).collect();
    let mut findings = Vec::new();
    for (tier, look) in config.router.tiers.iter().zip(looks) {
        let name = format!("model {}", tier.name);
        let found = runtime.block_on(look).unwrap_or_else(|error| Err(error.to_string()));
        findings.push(match found {
            Ok(probed) => fine(&name, described(&probed)),
            Err(problem) if is_played_by => missing(name, &problem),
            Err(problem) => {
                let problem = problem.split_once("; ").map_or(problem.as_str(), |(problem, _)| problem);
                fine(&name, format!("{problem}; {PLANNER}"))
            }
        });
    }
    Ok(findings)
}

fn described(probed: &Probed) -> String {
    let Probed { url, model, dialect, .. } = probed;
    let abilities = [
        ("pictures", probed.takes_pictures),
        ("answers by schema", probed.takes_schema),
        ("probabilities", probed.tells_probabilities),
    ];
    let abilities = abilities.map(|(what, can)| if can { what.to_string() } else { format!("no {what}") });
    format!("{model} at {url} ({dialect}): {}", abilities.join(", "))
}

/// Errors of a server end with what to do, after a semicolon, where that is known.
fn missing(name: String, problem: &str) -> Finding {
    let (found, fix) = problem.split_once("; ").unwrap_or((problem, "start it, or set url and model of the tier"));
    Finding { name, found: found.to_string(), fix: Some(fix.to_string()) }
}
