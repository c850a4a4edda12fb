//! Walking a TOML file: tables in tables, lists of tables, tables by name, in the order of the file.

use super::section::{Placed, Section, Value};

impl<'a> Section<'a> {
    /// A table inside this one.
    pub(super) fn section(&self, key: &'static str) -> Option<Self> {
        let value = self.raw(key)?;
        self.as_section(self.key(key), key, value)
    }

    fn as_section(&self, name: String, key: &str, value: Value<'a>) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(key, value, "a table");
            return None;
        };
        Some(Self::new(self.reader, name, table, value.span()))
    }

    /// The tables `[key.NAME]` in the order of the file, each with its name.
    pub(super) fn named_sections(&self, key: &'static str) -> Vec<(Placed<String>, Self)> {
        let Some(all) = self.section(key) else {
            return Vec::new();
        };
        let mut found: Vec<_> = all
            .table
            .iter()
            .filter_map(|(name, value)| {
                let full = format!("{}.{}", all.name, name.get_ref());
                let section = all.as_section(full.clone(), name.get_ref(), value)?;
                let name = Placed {
                    value: name.get_ref().to_string(),
                    at: name.span().start,
                    span: 0..0,
                    key: full,
                };
                Some((name, section))
            })
            .collect();
        found.sort_by_key(|(name, _)| name.at);
        found
    }

    /// The keys and values of a table whose keys are free: texts only.
    pub(super) fn entries(&self, key: &'static str) -> Option<Vec<(String, Placed<String>)>> {
        let section = self.section(key)?;
        let texts = section.table.iter().filter_map(|(name, value)| {
            Some((
                name.get_ref().to_string(),
                section.as_text(name.get_ref(), value)?,
            ))
        });
        Some(texts.collect())
    }

    /// The tables of `[[key]]`, in order.
    pub(super) fn list(&self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.raw(key) else {
            return Vec::new();
        };
        self.as_list(&self.key(key), key, value)
    }

    fn as_list(&self, name: &str, key: &str, value: Value<'a>) -> Vec<Self> {
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, value, &format!("a list of tables, as in [[{name}]]"));
            return Vec::new();
        };
        let sections = array
            .iter()
            .filter_map(|item| self.as_section(name.to_owned(), key, item));
        sections.collect()
    }

    /// The lists of `[[key.NAME]]` in the order of the file, each with its name.
    pub(super) fn named_lists(&self, key: &'static str) -> Vec<(Placed<String>, Vec<Self>)> {
        let Some(all) = self.section(key) else {
            return Vec::new();
        };
        let mut found: Vec<_> = all
            .table
            .iter()
            .map(|(name, value)| {
                let full = format!("{}.{}", all.name, name.get_ref());
                let list = all.as_list(&full, name.get_ref(), value);
                let at = name.span().start;
                (
                    Placed {
                        value: name.get_ref().to_string(),
                        at,
                        span: 0..0,
                        key: full,
                    },
                    list,
                )
            })
            .collect();
        found.sort_by_key(|(name, _)| name.at);
        found
    }
}
