//! Code tables: what one system's code is in another's, and sets of codes for conditions.
//!
//! A table comes from `config.toml` or from a CSV file of one column (a set, for `in table(name)`) or two columns
//! (`from,to`, for `map`). A first line `from` or `from,to` is a heading. Commas separate; blanks around a code are not
//! part of it; codes are told apart by case.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use csv::{ReaderBuilder, StringRecord, Trim};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One table: from a code to another.
#[derive(Clone, Default)]
pub struct Table {
    entries: HashMap<String, String>,
}

/// All tables, by name.
#[derive(Clone, Debug, Default)]
pub struct Tables(HashMap<String, Table>);

/// What `map` does with a code that is not in the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Miss {
    /// Leaves the value as it is.
    #[default]
    Keep,
    /// Empties the value.
    Empty,
    /// Fails the step, so that the message is parked.
    Error,
    /// Writes this text.
    Default(String),
}

/// Why a table cannot be used. A line counts from 1 in the CSV file; for a table in `config.toml` it is the number of
/// the entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A line has more than two columns, or not as many as the lines before.
    #[error("line {line} has {found} columns (1 or 2 expected, the same on every line)")]
    Columns {
        /// Where.
        line: u64,
        /// How many there are.
        found: usize,
    },
    /// The same code twice.
    #[error("line {line} has the code of line {first} again")]
    Duplicate {
        /// The second one.
        line: u64,
        /// The first one.
        first: u64,
    },
    /// A line without a code.
    #[error("line {line} has no code in its first column")]
    EmptyCode {
        /// Where.
        line: u64,
    },
    /// A spreadsheet saved with semicolons.
    #[error("line {line} has its columns separated by semicolons (use commas)")]
    Semicolons {
        /// Where.
        line: u64,
    },
    /// Bytes that are no UTF-8.
    #[error("line {line} is not UTF-8 (save the file as CSV UTF-8)")]
    NotUtf8 {
        /// Where.
        line: u64,
    },
    /// Anything else the CSV reader refuses.
    #[error("line {line} is not CSV")]
    NotCsv {
        /// Where.
        line: u64,
    },
}

impl Table {
    /// A table of these pairs, in their order.
    ///
    /// # Errors
    /// An empty or repeated code; the line is the number of the pair, from 1.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, TableError> {
        let mut building = Building::default();
        for (line, (from, to)) in (1..).zip(pairs) {
            building.add(line, from, to)?;
        }
        Ok(building.done())
    }

    /// The table a CSV file holds, see the module's documentation.
    ///
    /// # Errors
    /// The first line that is none, see [`TableError`].
    pub fn from_csv(bytes: &[u8]) -> Result<Self, TableError> {
        let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .from_reader(bytes);
        let mut building = Building::default();
        let mut columns = None;
        let mut record = StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return Ok(building.done()),
                Err(error) => return Err(csv_error(&error)),
            }
            let line = record.position().map_or(0, |position| {
                // The reader begins a record before the LF of the CR LF that ended the one before.
                let at = usize::try_from(position.byte()).unwrap_or(usize::MAX);
                position.line() + u64::from(bytes.get(at) == Some(&b'\n'))
            });
            let found = record.len();
            if !(1..=2).contains(&found) || *columns.get_or_insert(found) != found {
                return Err(TableError::Columns { line, found });
            }
            let from = record.get(0).unwrap_or_default();
            let to = record.get(1);
            if to.is_none() && from.contains(';') {
                return Err(TableError::Semicolons { line });
            }
            let heading = from.eq_ignore_ascii_case("from")
                && to.is_none_or(|to| to.eq_ignore_ascii_case("to"));
            if heading && building.lines.is_empty() {
                continue;
            }
            building.add(line, from.to_owned(), to.unwrap_or(from).to_owned())?;
        }
    }

    /// What `code` is in the other system; in a set, the code itself.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&str> {
        self.entries.get(code).map(String::as_str)
    }

    /// Whether `code` is in the table.
    #[must_use]
    pub fn contains(&self, code: &str) -> bool {
        self.entries.contains_key(code)
    }

    /// How many codes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} codes)", self.len())
    }
}

impl Tables {
    /// The table called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Table> {
        self.0.get(name)
    }

    /// Adds a table; one of the same name is replaced.
    pub fn insert(&mut self, name: String, table: Table) {
        self.0.insert(name, table);
    }

    /// The names of all tables, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, Table)> for Tables {
    fn from_iter<I: IntoIterator<Item = (String, Table)>>(tables: I) -> Self {
        Self(tables.into_iter().collect())
    }
}

impl FromStr for Miss {
    type Err = MissError;

    fn from_str(text: &str) -> Result<Self, MissError> {
        match (text, text.strip_prefix("default:")) {
            ("keep", _) => Ok(Self::Keep),
            ("empty", _) => Ok(Self::Empty),
            ("error", _) => Ok(Self::Error),
            (_, Some(value)) if !value.is_empty() => Ok(Self::Default(value.to_owned())),
            _ => Err(MissError),
        }
    }
}

/// A `miss` that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected keep, empty, error or default:TEXT")]
pub struct MissError;

#[derive(Default)]
struct Building {
    entries: HashMap<String, String>,
    lines: HashMap<String, u64>,
}

impl Building {
    fn add(&mut self, line: u64, from: String, to: String) -> Result<(), TableError> {
        if from.is_empty() {
            return Err(TableError::EmptyCode { line });
        }
        if let Some(first) = self.lines.insert(from.clone(), line) {
            return Err(TableError::Duplicate { line, first });
        }
        self.entries.insert(from, to);
        Ok(())
    }

    fn done(self) -> Table {
        Table {
            entries: self.entries,
        }
    }
}

fn csv_error(error: &csv::Error) -> TableError {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => TableError::NotUtf8 { line },
        _ => TableError::NotCsv { line },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(text: &str) -> Result<Table, TableError> {
        Table::from_csv(text.as_bytes())
    }

    #[test]
    fn two_columns_map_one_code_to_another() {
        let table = csv("ICU, 4W\r\nER,\"ED, main\"\n").unwrap();
        assert_eq!(table.get("ICU"), Some("4W"));
        assert_eq!(table.get("ER"), Some("ED, main"));
        assert_eq!(table.get("icu"), None, "case counts");
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn one_column_is_a_set_and_a_heading_and_a_byte_order_mark_are_no_codes() {
        let set = csv("\u{FEFF}from\nICU\nCCU\n").unwrap();
        assert!(set.contains("ICU") && set.contains("CCU"));
        assert_eq!(set.len(), 2);
        let table = csv("From,To\nA,1\n").unwrap();
        assert_eq!((table.len(), table.get("A")), (1, Some("1")));
    }

    #[test]
    fn a_code_may_stand_for_nothing() {
        assert_eq!(csv("A,\n").unwrap().get("A"), Some(""));
    }

    #[test]
    fn a_faulty_line_is_named() {
        let error = |text: &str| csv(text).unwrap_err().to_string();
        insta::assert_snapshot!(error("from,to\nA,1\nB,2\nA,3\n"), @"line 4 has the code of line 2 again");
        insta::assert_snapshot!(error("A,1\n,2\n"), @"line 2 has no code in its first column");
        insta::assert_snapshot!(error("A,1\nB\n"), @"line 2 has 1 columns (1 or 2 expected, the same on every line)");
        insta::assert_snapshot!(error("A,1,x\n"), @"line 1 has 3 columns (1 or 2 expected, the same on every line)");
        insta::assert_snapshot!(error("A;1\n"), @"line 1 has its columns separated by semicolons (use commas)");
        let latin = Table::from_csv(b"A,1\nB,M\xFCnchen\n").unwrap_err();
        insta::assert_snapshot!(latin, @"line 2 is not UTF-8 (save the file as CSV UTF-8)");
    }

    #[test]
    fn pairs_of_the_configuration_are_checked_alike() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let table = Table::of([pair("A", "1"), pair("B", "2")]).unwrap();
        assert_eq!(table.get("B"), Some("2"));
        let twice = Table::of([pair("A", "1"), pair("A", "2")]).unwrap_err();
        assert_eq!(twice, TableError::Duplicate { line: 2, first: 1 });
    }

    #[test]
    fn a_miss_policy_is_read_from_its_words() {
        assert_eq!("keep".parse(), Ok(Miss::Keep));
        assert_eq!("default:U".parse(), Ok(Miss::Default("U".to_owned())));
        assert_eq!("default:".parse::<Miss>(), Err(MissError));
        assert_eq!("skip".parse::<Miss>(), Err(MissError));
    }
}
