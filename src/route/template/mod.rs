//! Templates: a text made from a message, for documents, FHIR JSON and messages of another shape (minijinja).
//!
//! | in a template | gives |
//! |---|---|
//! | `v("PID-5.1")`, `m["PID-5.1"]` | the first value as text; empty if there is none or a delete indicator |
//! | `all("OBX[*]-5")` | every populated value, a list of texts |
//! | `exists("PID-8")`, `null("PID-8")` | true or false, as in conditions |
//! | `segments("OBX")` | the segments of that name; of each, `obx["OBX-5.1"]` is the first value |
//!
//! A template of format [`TemplateFormat::Json`] writes every `{{ … }}` as a JSON value, quotes included; one of format
//! [`TemplateFormat::Hl7`] escapes it for `|^~\&` and ends lines in CR. A template reads no file and no clock, calls no
//! other template, and ends after a bounded number of instructions. Using what is not defined is an error.

use std::fmt;
use std::sync::Arc;

use minijinja::value::Object;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value as Jinja,
};

use crate::condition::Tables;
use crate::condition::{Scope, View};
use crate::hl7::{
    Delimiters, Draft, Message, Occurrence, Path, SegmentName, Segments, Value, escape,
};

/// Instructions that one rendering may take: some tens of milliseconds.
const FUEL: u64 = 500_000;
const HL7_ESCAPE: &str = "hl7";
/// A message on which a new template is tried, to find names that do not exist.
const TRIAL: &[u8] = b"MSH|^~\\&|||||||ACK|1|P|2.5\r";
const BAD_PATH: &str = "not a path";

/// All templates, by name.
#[derive(Clone)]
pub struct Templates {
    environment: Environment<'static>,
    formats: Vec<(String, TemplateFormat)>,
}

/// What a template writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TemplateFormat {
    /// Text: values are written as they are.
    #[default]
    Text,
    /// JSON: values are written as JSON.
    Json,
    /// A message or segments: values are escaped, lines end in CR, empty lines are left out.
    Hl7,
}

/// Why a template cannot be read or rendered. It holds no content of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template {template}, line {line}: {reason}")]
pub struct TemplateError {
    /// The template's name.
    pub template: String,
    /// Line in the template, from 1; 0 if none is to blame.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl TemplateFormat {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Text => "text:",
            Self::Json => "json:",
            Self::Hl7 => "hl7:",
        }
    }
}

impl Templates {
    /// No templates yet.
    #[must_use]
    pub fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|name| match name.split_once(':') {
            Some(("json", _)) => AutoEscape::Json,
            Some(("hl7", _)) => AutoEscape::Custom(HL7_ESCAPE.into()),
            _ => AutoEscape::None,
        });
        environment.set_formatter(write_value);
        environment.add_filter("hl7_escape", |text: &str| escaped(text));
        Self {
            environment,
            formats: Vec::new(),
        }
    }

    /// Adds a template.
    ///
    /// # Errors
    /// The first line that cannot be read, or that uses a function, filter or test that does not exist.
    pub fn add(
        &mut self,
        name: &str,
        format: TemplateFormat,
        source: String,
    ) -> Result<(), TemplateError> {
        let key = format!("{}{name}", format.prefix());
        self.environment
            .add_template_owned(key, source)
            .map_err(|error| at_load(name, &error))?;
        self.formats.retain(|(known, _)| known != name);
        self.formats.push((name.to_owned(), format));
        let Ok(trial) = Message::parse(TRIAL) else {
            return Ok(());
        };
        match self.rendered(name, format, &Draft::of(&trial)) {
            Err(error) if is_about_names(&error) => Err(at_load(name, &error)),
            _ => Ok(()),
        }
    }

    /// The names of all templates.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.formats.iter().map(|(name, _)| name.as_str())
    }

    /// What template `name` makes of a message.
    pub(crate) fn render(&self, name: &str, message: &Draft) -> Result<String, TemplateError> {
        let Some((_, format)) = self.formats.iter().find(|(known, _)| known == name) else {
            return Err(TemplateError {
                template: name.to_owned(),
                line: 0,
                reason: "there is no such template".to_owned(),
            });
        };
        let text = self.rendered(name, *format, message);
        let text = text.map_err(|error| at_rendering(name, &error))?;
        if *format != TemplateFormat::Hl7 {
            return Ok(text);
        }
        let lines = text
            .split(['\r', '\n'])
            .filter(|line| !line.trim().is_empty());
        Ok(
            lines.fold(String::with_capacity(text.len() + 1), |out, line| {
                out + line + "\r"
            }),
        )
    }

    fn rendered(
        &self,
        name: &str,
        format: TemplateFormat,
        message: &Draft,
    ) -> Result<String, Error> {
        let key = format!("{}{name}", format.prefix());
        let template = self.environment.get_template(&key)?;
        let message = Arc::new(message.clone());
        let with = |message: &Arc<Draft>| Arc::clone(message);
        let (first, every) = (with(&message), with(&message));
        let (there, deleted, named) = (with(&message), with(&message), with(&message));
        template.render(minijinja::context! {
            v => Jinja::from_function(move |path: &str| Ok::<_, Error>(text_of(&first, &read(path)?))),
            all => Jinja::from_function(move |path: &str| Ok::<_, Error>(all_of(&every, &read(path)?))),
            exists => Jinja::from_function(move |path: &str| {
                Ok::<_, Error>(there.value(&read(path)?) != Value::NotPopulated)
            }),
            null => Jinja::from_function(move |path: &str| {
                Ok::<_, Error>(deleted.value(&read(path)?) == Value::DeleteIndicator)
            }),
            segments => Jinja::from_function(move |name: &str| segments_of(&named, name)),
            m => Jinja::from_object(Reading { message, scope: None }),
        })
    }
}

impl Default for Templates {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// A message, or one of its segments, whose values a template reads as `m["PID-5.1"]`.
struct Reading {
    message: Arc<Draft>,
    scope: Option<Scope>,
}

impl Object for Reading {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let path: Path = key.as_str()?.parse().ok()?;
        let tables = Tables::default();
        let elsewhere = self.scope.is_some() && Scope::of(self.scope, &path).is_none();
        let view = View::within(&*self.message, &tables, self.scope);
        (!elsewhere).then(|| Jinja::from(text_at(&view, &path)))
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.message)
    }
}

fn read(path: &str) -> Result<Path, Error> {
    let bad = || Error::new(ErrorKind::InvalidOperation, BAD_PATH);
    path.parse().map_err(|_| bad())
}

fn text_of(message: &Draft, path: &Path) -> String {
    text_at(&View::new(message, &Tables::default()), path)
}

fn text_at(view: &View<'_, Draft>, path: &Path) -> String {
    match Value::from(view.first(path)) {
        Value::Populated(raw) => view.text(raw).into_owned(),
        Value::NotPopulated | Value::DeleteIndicator => String::new(),
    }
}

fn all_of(message: &Draft, path: &Path) -> Vec<String> {
    let tables = Tables::default();
    let view = View::new(message, &tables);
    let mut found = Vec::new();
    view.any(path, |raw| {
        if let Value::Populated(raw) = Value::from(Some(raw)) {
            found.push(view.text(raw).into_owned());
        }
        false
    });
    found
}

fn segments_of(message: &Arc<Draft>, name: &str) -> Result<Vec<Jinja>, Error> {
    let Path {
        segment: name,
        field: None,
        occurrence: Occurrence::Unsaid,
        ..
    } = read(name)?
    else {
        return Err(Error::new(ErrorKind::InvalidOperation, BAD_PATH));
    };
    let reading = |index, name: SegmentName| Reading {
        message: Arc::clone(message),
        scope: Some(Scope { name, index }),
    };
    let found = message.named(name);
    Ok(found
        .map(|(index, _)| Jinja::from_object(reading(index, name)))
        .collect())
}

fn escaped(text: &str) -> String {
    let bytes = escape::encode(text.as_bytes(), &Delimiters::STANDARD);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Jinja,
) -> Result<(), Error> {
    if !matches!(state.auto_escape(), AutoEscape::Custom(name) if name == HL7_ESCAPE) {
        return minijinja::escape_formatter(out, state, value);
    }
    let text = value.to_string();
    let text = if value.is_safe() {
        text
    } else {
        escaped(&text)
    };
    out.write_str(&text).map_err(Error::from)
}

fn is_about_names(error: &Error) -> bool {
    use ErrorKind as Kind;
    let unknown = [
        Kind::UnknownFilter,
        Kind::UnknownFunction,
        Kind::UnknownTest,
    ];
    unknown.contains(&error.kind()) || error.detail() == Some(BAD_PATH)
}

/// Nothing but the template's own text can be in the error.
fn at_load(name: &str, error: &Error) -> TemplateError {
    let reason = match error.detail() {
        Some(detail) if detail == BAD_PATH => {
            "expected a path such as \"PID-5.1\" (for segments(…) a name such as \"OBX\")"
                .to_owned()
        }
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    TemplateError {
        template: name.to_owned(),
        line: error.line().unwrap_or_default(),
        reason,
    }
}

/// The detail of an error that came up with a message may quote it: only the kind is told.
fn at_rendering(name: &str, error: &Error) -> TemplateError {
    TemplateError {
        template: name.to_owned(),
        line: error.line().unwrap_or_default(),
        reason: error.kind().to_string(),
    }
}

#[cfg(test)]
mod tests;
