//! Which acknowledgments were expected, and whether they came.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// What must come.
pub(super) enum Expectation {
    /// Anything.
    None,
    /// This for every frame (`--expect AA`): one code that every acknowledgment must have, several that must come in
    /// this order, or `none`.
    Codes(String),
    /// This for each file (`--expect-file`), by the file's full path.
    Files(HashMap<PathBuf, Expected>),
}

/// What must come back for one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub(super) struct Expected {
    file: String,
    /// The values of MSA-1 in the order they must come, or `none`.
    acks: String,
    /// The first error code (ERR-3.1), or empty if it does not matter.
    #[serde(default)]
    error: String,
}

impl Expectation {
    /// Reads a CSV file with the columns `file,acks,error`; files are relative to its folder.
    pub(super) fn from_file(path: &Path) -> anyhow::Result<Self> {
        let context = || format!("cannot read {}", path.display());
        let text = std::fs::read(path).with_context(context)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut files = HashMap::new();
        for row in csv::Reader::from_reader(&*text).deserialize() {
            let row: Expected = row.with_context(context)?;
            files.insert(full(&folder.join(&row.file)), row);
        }
        Ok(Self::Files(files))
    }

    /// What was expected of `file` and did not come: `expected AA`. `codes` are all that came for it, `error` the
    /// first error code among them.
    pub(super) fn missed(
        &self,
        file: Option<&Path>,
        codes: &[String],
        error: &str,
    ) -> Option<String> {
        let came = codes.join(" ");
        match self {
            Self::None => None,
            Self::Codes(expected) => {
                let fits = match expected.as_str() {
                    "none" => codes.is_empty(),
                    several if several.contains(' ') => several == came,
                    one => !codes.is_empty() && codes.iter().all(|code| code == one),
                };
                (!fits).then(|| format!("expected {expected}"))
            }
            Self::Files(files) => {
                let Some(row) = files.get(&full(file?)) else {
                    return Some("no line in the file of expectations".to_owned());
                };
                let acks = if row.acks == "none" { "" } else { &row.acks };
                if acks != came {
                    return Some(format!("expected {}", row.acks));
                }
                let error_fits = row.error.is_empty() || row.error == error;
                (!error_fits).then(|| format!("expected error {}", row.error))
            }
        }
    }

    /// Whether all frames of a file are judged together.
    pub(super) const fn by_file(&self) -> bool {
        matches!(self, Self::Files(_))
    }
}

/// One way to write a path, whatever way it came.
fn full(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_expected_code_goes_for_every_acknowledgment_of_a_frame() {
        let aa = Expectation::Codes("AA".to_owned());
        let codes = |codes: &[&str]| codes.iter().map(|&c| c.to_owned()).collect::<Vec<_>>();
        assert_eq!(aa.missed(None, &codes(&["AA", "AA"]), ""), None);
        assert!(aa.missed(None, &codes(&["AA", "AE"]), "").is_some());
        assert!(aa.missed(None, &[], "").is_some());
        let both = Expectation::Codes("CA AA".to_owned());
        assert_eq!(both.missed(None, &codes(&["CA", "AA"]), ""), None);
        assert!(both.missed(None, &codes(&["AA", "CA"]), "").is_some());
    }

    #[test]
    fn each_file_must_get_what_its_line_says() {
        let folder = tempfile::tempdir().unwrap();
        let table = folder.path().join("expected.csv");
        std::fs::write(
            &table,
            "file,acks,error\na.hl7,AA AA,\nb.hl7,none,\nc.hl7,AR,200\n",
        )
        .unwrap();
        let expectation = Expectation::from_file(&table).unwrap();
        let judge = |file: &str, codes: &[&str], error: &str| {
            let codes: Vec<String> = codes.iter().map(|&code| code.to_owned()).collect();
            expectation.missed(Some(&folder.path().join(file)), &codes, error)
        };
        assert_eq!(judge("a.hl7", &["AA", "AA"], ""), None);
        assert_eq!(
            judge("a.hl7", &["AA"], ""),
            Some("expected AA AA".to_owned())
        );
        assert_eq!(judge("b.hl7", &[], ""), None);
        assert_eq!(
            judge("b.hl7", &["AA"], ""),
            Some("expected none".to_owned())
        );
        assert_eq!(judge("c.hl7", &["AR"], "200"), None);
        assert_eq!(
            judge("c.hl7", &["AR"], "203"),
            Some("expected error 200".to_owned())
        );
        assert!(judge("d.hl7", &["AA"], "").is_some());
    }
}
