//! What all other tests' runs wrote into their logs, together.

use std::collections::BTreeSet;
use wire::event::EVENT_NAMES;

/// Written only where a live window is played.
const OF_WINDOWS: [&str; 3] = ["EmulatorSilent", "EmulatorResumed", "EmulatorChanged"];

#[test]
#[ignore = "it looks at what all other tests left behind; make test runs it after them"]
fn every_documented_event_was_written_by_some_run() {
    let noted = tests::emitted::noted();
    let mut wanted: BTreeSet<&str> = EVENT_NAMES.iter().copied().collect();
    if let Err(missing) = tests::Window::available() {
        println!("skipped: {}: {missing}", OF_WINDOWS.join(", "));
        wanted.retain(|name| !OF_WINDOWS.contains(name));
    }
    let absent: Vec<_> = wanted.into_iter().filter(|name| !noted.contains(*name)).collect();
    assert!(absent.is_empty(), "no run of any test wrote {}", absent.join(", "));
}
