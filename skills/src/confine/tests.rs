//! What a confined process can and cannot do. Confinement is for good, so it is tried in a process of its own: this test
//! program, started again.

use super::*;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::process::Command;

/// Names the folder of skills to the process that is to be confined.
const FOLDER: &str = "POCKETPILOT_TEST_CONFINED";

#[test]
fn a_confined_process_reads_skills_and_does_nothing_else() {
    let folder = std::env::temp_dir().join(format!("pocketpilot-confine-{}", std::process::id()));
    fs::create_dir_all(folder.join("skills")).expect("it is made");
    fs::write(folder.join("skills/main.luau"), "return 1").expect("it is written");
    fs::write(folder.join("secret"), "secret").expect("it is written");
    let own = std::env::current_exe().expect("a test knows its own path");
    let output = Command::new(own)
        .args(["--exact", "confine::tests::inside", "--nocapture", "--test-threads", "1"])
        .env(FOLDER, &folder)
        .output()
        .expect("it runs");
    fs::remove_dir_all(&folder).expect("it is removed");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("all is as it should be"), "{said}");
}

#[test]
fn inside() {
    let Some(folder) = std::env::var_os(FOLDER).map(std::path::PathBuf::from) else { return };
    let lines = confine(&folder.join("skills"));
    println!("{}", lines.join("; "));
    let has_landlock = lines.iter().any(|line| line.contains("(Landlock"));
    assert!(lines.iter().any(|line| line.contains("(seccomp)")), "{lines:?}");

    // What the role does.
    assert_eq!(fs::read_to_string(folder.join("skills/main.luau")).expect("skills can be read"), "return 1");
    assert_eq!(fs::read_dir(folder.join("skills")).expect("folders can be read").count(), 1);
    let grown = std::thread::spawn(|| vec![7u8; 32 << 20].len()).join().expect("threads can be started");
    assert_eq!(grown, 32 << 20);
    let mut watcher = notify::recommended_watcher(|_| {}).expect("edits can be watched");
    notify::Watcher::watch(&mut watcher, &folder.join("skills"), notify::RecursiveMode::Recursive).expect("they can");

    // What it cannot.
    let refused = [
        ("a process", Command::new("/bin/true").status().is_err()),
        ("a pair of sockets", wire::link::Link::pair().is_err()),
        ("a TCP socket", TcpListener::bind("127.0.0.1:0").is_err()),
        ("a UDP socket", UdpSocket::bind("127.0.0.1:0").is_err()),
        ("removing", fs::remove_file(folder.join("skills/main.luau")).is_err()),
        ("a folder", fs::create_dir(folder.join("skills/new")).is_err()),
        ("a link", std::os::unix::fs::symlink("/etc", folder.join("skills/link")).is_err()),
        ("writing", !has_landlock || fs::write(folder.join("skills/main.luau"), "return 2").is_err()),
        ("a secret", !has_landlock || fs::read(folder.join("secret")).is_err()),
        ("another file", !has_landlock || fs::read("/etc/passwd").is_err()),
    ];
    let done: Vec<&str> = refused.iter().filter(|(_, refused)| !refused).map(|(what, _)| *what).collect();
    assert!(done.is_empty(), "it could: {done:?}");
    println!("all is as it should be");
}
