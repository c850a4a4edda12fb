//! The program as a shell sees it: exit codes, what goes to stdout and what does not.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

const MESSAGE: &str =
    "MSH|^~\\&|LSG|LSG|||20260308||ADT^A01|MARKER1|P|2.5.1\rPID|1||MARKER2||MARKER3^X\r";

const CONFIG: &str = r#"
[engine]
data = "data"
[source.adt]
type = "mllp"
listen = "127.0.0.1:0"
[[route]]
name = "everything"
from = ["adt"]
to = ["archive", "down"]
[destination.archive]
type = "file"
path = "out/{source}.hl7"
[destination.down]
type = "mllp"
connect = "localhost:1"
[[test]]
name = "an admission is archived"
in = "m.hl7"
expect = { ack = "AA", to = ["archive", "down"] }
"#;

fn wardwire(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardwire"));
    command.args(line.split_whitespace()).current_dir(folder);
    command
}

fn run(folder: &Path, line: &str) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = wardwire(folder, line).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A folder with a configuration and a message.
fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), config).unwrap();
    fs::write(folder.path().join("m.hl7"), MESSAGE).unwrap();
    folder
}

/// A program that runs until the test ends.
struct Running {
    child: Child,
    /// Where it listens.
    address: String,
}

impl Running {
    /// Starts it and waits until a line on stderr names an address on this machine, and then for `ready`.
    fn start(folder: &Path, line: &str, ready: &str) -> Self {
        let mut child = wardwire(folder, line)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = String::new();
        for line in lines.by_ref() {
            let line = line.unwrap();
            if let Some(found) = line
                .split([' ', ';'])
                .find(|word| word.starts_with("127.0.0.1:"))
            {
                found.clone_into(&mut address);
            }
            if line.contains(ready) {
                break;
            }
        }
        // The rest is read to its end, so that the program is never stopped by a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    fn stop(&mut self) -> i32 {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn content_goes_into_a_pipe_only_where_phi_says_so() {
    let folder = folder(CONFIG);
    let (code, stdout, stderr) = run(folder.path(), "show m.hl7");
    assert_eq!((code, stdout.as_str()), (64, ""));
    assert!(
        stderr.contains("--phi") && !stderr.contains("MARKER"),
        "{stderr}"
    );
    let (code, stdout, _) = run(folder.path(), "show m.hl7 --phi");
    assert_eq!(code, 0);
    assert!(stdout.contains("PID-5.1  MARKER3"), "{stdout}");
    let (code, stdout, _) = run(folder.path(), "show m.hl7 --phi --raw");
    assert_eq!((code, stdout.as_str()), (0, MESSAGE));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = folder(CONFIG);
    let many = format!("{MESSAGE}PID|9|{}\r", "X|".repeat(100_000));
    fs::write(folder.path().join("m.hl7"), many).unwrap();
    let mut child = wardwire(folder.path(), "show m.hl7 --phi")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn check_tells_every_fault_with_its_place_and_ends_with_78() {
    let wrong = CONFIG
        .replace("listen = ", "lisen = ")
        .replace("to = [\"archive\", \"down\"]\n", "to = [\"archiv\"]\n");
    let folder = folder(&wrong);
    let (code, stdout, _) = run(folder.path(), "check");
    assert_eq!(code, 78);
    assert!(
        stdout.contains("config.toml:6:1 ") && stdout.contains("archiv"),
        "{stdout}"
    );
    let (_, stdout, _) = run(folder.path(), "check --format json");
    let faults: Vec<serde_json::Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        faults.len() >= 2 && faults.iter().all(|fault| fault["line"].is_u64()),
        "{stdout}"
    );
    for line in [
        "serve",
        "test",
        "status",
        "reload",
        "messages list",
        "journal verify",
    ] {
        assert_eq!(run(folder.path(), line).0, 78, "{line}");
    }
}

#[test]
fn a_failing_test_case_is_a_finding_and_is_told_without_content() {
    let folder = folder(CONFIG);
    let (code, stdout, _) = run(folder.path(), "test");
    assert_eq!(
        (code, stdout.lines().last()),
        (0, Some("1 of 1 tests hold"))
    );
    let wrong = CONFIG.replace("expect = { ack = \"AA\"", "expect = { ack = \"AR\"");
    fs::write(folder.path().join("config.toml"), wrong).unwrap();
    let (code, stdout, stderr) = run(folder.path(), "test");
    assert_eq!(code, 2);
    assert!(stdout.contains("acknowledged AA, expected AR"), "{stdout}");
    assert!(!stdout.contains("MARKER") && !stderr.contains("MARKER"));
}

#[test]
fn without_an_engine_or_a_partner_commands_say_so_with_69() {
    let folder = folder(CONFIG);
    for line in [
        "status",
        "reload",
        "messages list",
        "send m.hl7 --to 127.0.0.1:1",
    ] {
        let (code, stdout, stderr) = run(folder.path(), line);
        assert_eq!((code, stdout.as_str()), (69, ""), "{line}: {stderr}");
        assert!(stderr.starts_with("wardwire: "), "{stderr}");
    }
}

#[test]
fn a_message_is_sent_found_explained_settled_and_found_again_with_the_engine_down() {
    let folder = folder(CONFIG);
    let mut engine = Running::start(folder.path(), "serve", "ready");
    let (code, stdout, stderr) = run(
        folder.path(),
        &format!("send m.hl7 --to {} --expect AA", engine.address),
    );
    assert_eq!(code, 0, "{stdout}{stderr}");

    let (_, stdout, _) = run(folder.path(), "messages list --id MARKER2 --format json");
    let row: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (&row["type"], &row["state"]),
        (&"ADT^A01".into(), &"accepted".into())
    );
    let id = row["id"].as_str().unwrap();

    let (code, stdout, _) = run(folder.path(), &format!("messages show {id}"));
    assert_eq!(code, 0);
    assert!(
        stdout.contains("answered  AA") && stdout.contains("everything: applies"),
        "{stdout}"
    );
    assert!(
        !stdout.contains("MARKER"),
        "content without --phi: {stdout}"
    );
    let (_, raw, _) = run(folder.path(), &format!("messages show {id} --raw --phi"));
    assert_eq!(raw, MESSAGE);

    let (code, _, stderr) = run(
        folder.path(),
        &format!("messages park {id} --to down --reason wait"),
    );
    assert_eq!(code, 0, "{stderr}");
    let (_, stdout, _) = run(folder.path(), "messages list --state parked --format json");
    assert!(stdout.contains(id), "{stdout}");
    assert_eq!(run(folder.path(), "journal salvage --yes").0, 69);
    assert_eq!(run(folder.path(), "serve").0, 69, "a second engine");
    assert_eq!(run(folder.path(), "reload").0, 0);
    assert_eq!(engine.stop(), 0);

    let discard = format!("messages discard {id} --to down --reason done");
    assert_eq!(run(folder.path(), &discard).0, 0);
    let (_, stdout, _) = run(
        folder.path(),
        "messages list --state discarded --to down --format json",
    );
    assert!(stdout.contains(id), "{stdout}");
    assert_eq!(run(folder.path(), "messages show 9-10").0, 1);
    let (code, _, stderr) = run(folder.path(), "journal verify");
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn the_acknowledging_partner_answers_as_told_and_keeps_what_came() {
    let folder = folder(CONFIG);
    let mut partner = Running::start(
        folder.path(),
        "listen 127.0.0.1:0 --ack AR --count 1 --out got",
        "listening on",
    );
    let (code, stdout, _) = run(
        folder.path(),
        &format!("send m.hl7 --to {} --expect AR", partner.address),
    );
    assert_eq!(code, 0, "{stdout}");
    assert_eq!(partner.child.wait().unwrap().code(), Some(0));
    let kept: Vec<_> = fs::read_dir(folder.path().join("got")).unwrap().collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(
        fs::read_to_string(kept[0].as_ref().unwrap().path()).unwrap(),
        MESSAGE
    );
}

#[test]
fn completions_know_every_command() {
    let folder = folder(CONFIG);
    for shell in ["bash", "zsh", "fish"] {
        let (code, stdout, _) = run(folder.path(), &format!("completions {shell}"));
        assert_eq!(code, 0);
        assert!(
            stdout.contains("salvage") && stdout.contains("pipeline"),
            "{shell}"
        );
    }
}
