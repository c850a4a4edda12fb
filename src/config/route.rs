//! `[[route]]`, `[table.NAME]` and `[template.NAME]`: the rules, and whether everything they name exists.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::section::{Placed, Section, did_you_mean};
use super::step;
use crate::condition::{Table, TableError, Tables};
use crate::route::{Route, Routes, Step, TemplateFormat, Templates};

/// The names that rules may refer to.
pub(super) struct Names {
    pub(super) sources: Vec<String>,
    pub(super) destinations: Vec<String>,
}

/// A named list of steps, and where it stands.
struct StepList {
    at: usize,
    steps: Vec<Step>,
}

/// Reads all rules.
pub(super) fn read_all(root: &Section<'_>, folder: &Path, names: &Names) -> Routes {
    let tables = read_tables(root, folder);
    let templates = read_templates(root, folder);
    let mut lists = BTreeMap::new();
    for (name, sections) in root.named_lists("steps") {
        let steps = step::read_all(sections);
        check_steps(root, &name, &steps, &tables, &templates);
        lists.insert(name.value, StepList { at: name.at, steps });
    }
    let mut used = Vec::new();
    let routes: Vec<Route> = root
        .list("route")
        .into_iter()
        .filter_map(|section| read_route(section, names, &tables, &lists, &mut used))
        .collect();
    for (name, list) in &lists {
        if !used.contains(name) {
            let key = format!("steps.{name}");
            let hint = "name it in the steps of a route, or remove it".to_owned();
            root.reader().fault(
                list.at,
                &key,
                "no route uses these steps".to_owned(),
                Some(hint),
            );
        }
    }
    Routes::new(routes, tables, templates)
}

fn read_route(
    section: Section<'_>,
    names: &Names,
    tables: &Tables,
    lists: &BTreeMap<String, StepList>,
    used: &mut Vec<String>,
) -> Option<Route> {
    let name = section.required("name", "\"what it is for\"");
    let from = known(&section, "from", &names.sources, "source");
    let to = known(&section, "to", &names.destinations, "destination");
    let when = step::condition(&section, "when");
    if let (Some(condition), Some(text)) = (&when, section.text("when")) {
        for (table, offset) in condition.tables() {
            if tables.get(table).is_none() {
                let before: usize = text.value.chars().take(offset).map(char::len_utf8).sum();
                let at = section.reader().inside(&text.span, before);
                unknown(&section, at, &text.key, "table", table, tables.names());
            }
        }
    }
    let mut steps = Vec::new();
    for list in section.texts("steps").unwrap_or_default() {
        match lists.get(&list.value) {
            Some(found) => steps.extend(found.steps.iter().cloned()),
            None => unknown_name(
                &section,
                &list,
                "step list",
                lists.keys().map(String::as_str),
            ),
        }
        used.push(list.value);
    }
    let replaced = steps.iter().position(Step::replaces_message);
    if replaced.is_some_and(|place| place + 1 < steps.len()) {
        section.fault(
            "steps",
            "a template that replaces the message must be the last step",
            None,
        );
    }
    let line = u32::try_from(section.line()).unwrap_or(u32::MAX);
    let also = section.flag("also").unwrap_or(false);
    section.finish();
    Some(Route {
        name: name?.value,
        line,
        from,
        when,
        steps,
        to,
        also,
    })
}

/// The names at `key`, each of which must be one of `names`.
fn known(section: &Section<'_>, key: &'static str, names: &[String], what: &str) -> Vec<String> {
    let Some(found) = section.texts(key) else {
        let example = names.first().map_or("NAME", String::as_str);
        let hint = format!("write {key} = [\"{example}\"]");
        section.fault_here(&format!("{key} is missing"), Some(hint));
        return Vec::new();
    };
    for name in &found {
        if !names.contains(&name.value) {
            unknown_name(section, name, what, names.iter().map(String::as_str));
        }
    }
    found.into_iter().map(|name| name.value).collect()
}

pub(super) fn unknown_name<'k>(
    section: &Section<'_>,
    name: &Placed<String>,
    what: &str,
    names: impl Iterator<Item = &'k str>,
) {
    unknown(section, name.at, &name.key, what, &name.value, names);
}

fn unknown<'k>(
    section: &Section<'_>,
    at: usize,
    key: &str,
    what: &str,
    name: &str,
    names: impl Iterator<Item = &'k str>,
) {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    let all = || {
        if names.is_empty() {
            return format!("there is no {what} in this file");
        }
        format!("there are {}", names.join(", "))
    };
    let hint = did_you_mean(name, names.iter().copied()).unwrap_or_else(all);
    section.reader().fault(
        at,
        key,
        format!("there is no {what} called {name}"),
        Some(hint),
    );
}

/// Reports tables and templates that steps name and that do not exist.
fn check_steps(
    root: &Section<'_>,
    list: &Placed<String>,
    steps: &[Step],
    tables: &Tables,
    templates: &Templates,
) {
    for step in steps {
        let at = root.reader().line_start(step.line() as usize);
        let key = format!("{}: {}", list.key, step.name());
        for table in step.tables() {
            if tables.get(table).is_none() {
                unknown(root, at, &key, "table", table, tables.names());
            }
        }
        for template in step.templates() {
            if !templates.names().any(|name| name == template) {
                unknown(root, at, &key, "template", template, templates.names());
            }
        }
    }
}

fn read_tables(root: &Section<'_>, folder: &Path) -> Tables {
    let mut tables = Tables::default();
    for (name, section) in root.named_sections("table") {
        if let Some(table) = read_table(&section, folder) {
            tables.insert(name.value, table);
        } else {
            // So that whatever names it is not reported as well.
            tables.insert(name.value, Table::default());
        }
        section.finish();
    }
    tables
}

fn read_table(section: &Section<'_>, folder: &Path) -> Option<Table> {
    let values = section.entries("values");
    let file = section.text("file");
    let (key, table): (_, Result<Table, TableError>) = match (values, file) {
        (Some(values), None) => (
            "values",
            Table::of(values.into_iter().map(|(from, to)| (from, to.value))),
        ),
        (None, Some(file)) => {
            let path = folder.join(&file.value);
            match fs::read(&path) {
                Ok(bytes) => ("file", Table::from_csv(&bytes)),
                Err(error) => {
                    section.fault(
                        "file",
                        format!("cannot read {}: {error}", path.display()),
                        None,
                    );
                    return None;
                }
            }
        }
        _ => {
            let hint = "write values = { \"A\" = \"B\" }, or file = \"tables/NAME.csv\"".to_owned();
            section.fault_here("a table needs one of values and file", Some(hint));
            return None;
        }
    };
    match table {
        Ok(table) => Some(table),
        Err(error) => {
            section.fault(key, error.to_string(), None);
            None
        }
    }
}

fn read_templates(root: &Section<'_>, folder: &Path) -> Templates {
    let mut templates = Templates::new();
    for (name, section) in root.named_sections("template") {
        let formats = [
            ("text", TemplateFormat::Text),
            ("json", TemplateFormat::Json),
            ("hl7", TemplateFormat::Hl7),
        ];
        let format = section.choice("format", &formats).unwrap_or_default();
        if let Some(source) = template_source(&section, folder)
            && let Err(error) = templates.add(&name.value, format, source)
        {
            let key = if section.has("file") {
                "file"
            } else {
                "source"
            };
            section.fault(key, format!("line {}: {}", error.line, error.reason), None);
        }
        section.finish();
    }
    templates
}

fn template_source(section: &Section<'_>, folder: &Path) -> Option<String> {
    match (section.text("source"), section.text("file")) {
        (Some(source), None) => Some(source.value),
        (None, Some(file)) => {
            let path = folder.join(&file.value);
            let read = fs::read_to_string(&path);
            if let Err(error) = &read {
                section.fault(
                    "file",
                    format!("cannot read {}: {error}", path.display()),
                    None,
                );
            }
            read.ok()
        }
        _ => {
            let hint = "write source = \"\"\"…\"\"\", or file = \"templates/NAME.txt\"".to_owned();
            section.fault_here("a template needs one of source and file", Some(hint));
            None
        }
    }
}
