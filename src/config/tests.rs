//! The configuration that is built in. What an admin is told about a faulty one is tested in `tests/it/config.rs`.

use super::*;

#[test]
fn the_shipped_configuration_has_no_fault_and_test_cases_of_its_own() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let settings = load(&Origin::Embedded(folder.to_owned())).unwrap();
    assert_eq!(settings.sources.len(), 2);
    assert_eq!(settings.destinations.len(), 2);
    assert!(!settings.tests.is_empty());
}
