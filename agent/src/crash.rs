//! The one crash path: a panic says where it happened and ends the process at once, in whatever thread.
//!
//! The program is compiled to unwind nevertheless, because errors of Luau are C++ exceptions, and those must be able to
//! pass the Rust frames between a script and who runs it. No Rust panic ever unwinds.

/// From now on a panic ends the process.
pub fn end_process_on_panic() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        std::process::abort();
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    /// Tells the test program, started again, to panic.
    const PANIC: &str = "POCKETPILOT_TEST_PANIC";

    #[test]
    fn a_panic_in_any_thread_ends_the_process_at_once() {
        let own = std::env::current_exe().expect("a test knows its own path");
        let mut command = std::process::Command::new(own);
        let output = command
            .args(["--exact", "crash::tests::panic_where_told_to", "--nocapture"])
            .env(PANIC, "1")
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(6), "{said}");
        assert!(said.contains("as told"), "{said}");
    }

    #[test]
    fn panic_where_told_to() {
        if std::env::var_os(PANIC).is_none() {
            return;
        }
        end_process_on_panic();
        let caught = std::thread::spawn(|| std::panic::catch_unwind(|| panic!("as told"))).join();
        println!("it went on: {}", caught.is_ok());
    }
}
