//! What an admin is told about a configuration.

use super::*;

fn faults(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let origin = Origin::Embedded(folder.path().to_owned());
    match parse(text, Path::new("config.toml"), folder.path(), origin) {
        Ok(_) => "no fault".to_owned(),
        Err(error) => error
            .to_string()
            .replace(&folder.path().display().to_string(), "FOLDER"),
    }
}

#[test]
fn the_shipped_configuration_has_no_fault() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let settings = load(&Origin::Embedded(folder.to_owned())).unwrap();
    assert_eq!(settings.sources.len(), 2);
    assert_eq!(settings.destinations.len(), 2);
    assert!(!settings.tests.is_empty());
}
