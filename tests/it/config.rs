//! What an admin is told about a configuration: a snapshot for each faulty file, and files without a fault.
//!
//! One file a case, in `tests/data/config/`. Read the snapshot as the admin would: does it say what to do?

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wardwire::config::{EMBEDDED, Origin, load};

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/config")
        .join(kind)
}

/// A copy of the folder: secret files must be private, and a checkout leaves them readable.
fn private_copy(kind: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(folder(kind)).unwrap().map(Result::unwrap) {
        if file.file_type().unwrap().is_file() {
            let to = copy.path().join(file.file_name());
            fs::copy(file.path(), &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
    copy
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut cases: Vec<_> = all
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    cases.sort();
    cases
}

#[test]
fn every_fault_is_told_with_its_place_and_what_to_write_instead() {
    let copy = private_copy("invalid");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder("invalid"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for case in cases(copy.path()) {
        let name = case.file_stem().unwrap().to_string_lossy().into_owned();
        let Err(error) = load(&Origin::File(case.clone())) else {
            panic!("{name}: no fault was found");
        };
        let told = error
            .to_string()
            .replace(&format!("{}/", copy.path().display()), "");
        settings.bind(|| insta::assert_snapshot!(name, told));
    }
}

#[test]
fn what_is_right_is_taken() {
    let copy = private_copy("valid");
    fs::write(copy.path().join("journal.key"), "ab".repeat(32)).unwrap();
    fs::write(copy.path().join("token"), "t0ken\n").unwrap();
    for name in ["journal.key", "token"] {
        fs::set_permissions(copy.path().join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    for case in cases(copy.path()) {
        if let Err(error) = load(&Origin::File(case)) {
            panic!("{error}");
        }
    }
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let copy = private_copy("valid");
    let key = copy.path().join("journal.key");
    fs::write(&key, "ab".repeat(32)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let error = load(&Origin::File(copy.path().join("everything.toml")))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("journal.key is readable by others (chmod 600 it)"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_not_there_or_not_text_is_told() {
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("config.toml");
    let error = load(&Origin::File(path.clone())).unwrap_err().to_string();
    assert!(
        error.ends_with("the file cannot be read: No such file or directory (os error 2)"),
        "{error}"
    );
    fs::write(&path, b"[engine]\nname = \"\xFF\"\n").unwrap();
    let error = load(&Origin::File(path.clone())).unwrap_err().to_string();
    assert!(error.contains("the file cannot be read"), "{error}");
    // A byte order mark, as some editors write it, and their line ends.
    fs::write(&path, format!("\u{FEFF}{}", EMBEDDED.replace('\n', "\r\n"))).unwrap();
    load(&Origin::File(path)).unwrap();
}
