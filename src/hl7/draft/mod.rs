//! A message being edited: an overlay on the original, so that untouched segments are written back byte for byte.

mod error;
mod splice;
#[cfg(test)]
mod tests;

use std::fmt;

use bytes::Bytes;

use super::charset::Charset;
use super::delimiters::Delimiters;
use super::escape;
use super::message::{END_BLOCK, Message, START_BLOCK};
use super::path::{Occurrence, Path};
use super::segment::{Segment, Segments, parts};
pub use error::EditError;
use splice::{below, replace_part};

/// Edits on top of a message. Reading it shows the edits; [`Draft::write`] gives the bytes.
#[derive(Clone)]
pub struct Draft {
    base: Message,
    pieces: Vec<Piece>,
    changed: bool,
}

#[derive(Clone)]
enum Piece {
    /// Segment `n` of the base, as it is.
    Kept(usize),
    /// New content; `instead_of` is the segment whose terminator it keeps.
    Changed {
        bytes: Vec<u8>,
        instead_of: Option<usize>,
    },
}

/// The highest repetition that an edit creates; a larger one would be a slip and cost memory.
const LAST_REPETITION: u32 = 65_535;

impl Draft {
    /// A draft without edits.
    #[must_use]
    pub fn of(base: &Message) -> Self {
        let pieces = (0..base.count()).map(Piece::Kept).collect();
        Self {
            base: base.clone(),
            pieces,
            changed: false,
        }
    }

    /// The message underneath.
    #[must_use]
    pub const fn base(&self) -> &Message {
        &self.base
    }

    /// Whether anything was edited.
    #[must_use]
    pub const fn is_changed(&self) -> bool {
        self.changed
    }

    /// Puts `value`, already escaped and in the message's character set, at `path`; fields, repetitions and components
    /// that are missing before it are created. With `[*]` it is put everywhere the path leads. Gives the
    /// number of places.
    ///
    /// A path that stops at a field without a repetition replaces all repetitions.
    ///
    /// # Errors
    /// See [`EditError`]; the draft is then as it was, or, with `[*]`, edited up to the failing segment.
    pub fn set_raw(&mut self, path: &Path, value: &[u8]) -> Result<usize, EditError> {
        self.check_value(path, value)?;
        let targets = self.targets(path);
        if targets.is_empty() {
            return Err(EditError::NoSegment { path: *path });
        }
        let mut places = 0;
        for index in targets {
            places += self.set_in(index, path, value)?;
        }
        Ok(places)
    }

    /// As [`Draft::set_raw`], in segment `index` whatever its name; the segment part of `path` is not looked at.
    ///
    /// # Errors
    /// See [`EditError`]; the draft is then as it was.
    pub fn set_at(&mut self, index: usize, path: &Path, value: &[u8]) -> Result<usize, EditError> {
        self.check_value(path, value)?;
        self.set_in(index, path, value)
    }

    /// Puts text at `path`: encoded in the message's character set and escaped, so that it comes back as the same text
    /// and cannot become a separator, a segment or a delete indicator.
    ///
    /// # Errors
    /// As [`Draft::set_raw`], and [`EditError::Unwritable`] for characters the character set lacks (U+FFFD included:
    /// what could not be read is not written back).
    pub fn set_text(&mut self, path: &Path, text: &str) -> Result<usize, EditError> {
        let unwritable = EditError::Unwritable { path: *path };
        let Ok(bytes) = self.charset().encode(text) else {
            return Err(unwritable);
        };
        let value = escape::encode_exact(&bytes, self.delimiters()).ok_or(unwritable)?;
        self.set_raw(path, &value)
    }

    /// Empties what `path` leads to; nothing happens where there is nothing.
    ///
    /// # Errors
    /// MSH-1 and MSH-2 cannot be cleared, nor what is no place for a value.
    pub fn clear(&mut self, path: &Path) -> Result<usize, EditError> {
        if !is_a_place(path) {
            return Err(EditError::NotAPlace { path: *path });
        }
        let mut places = 0;
        for index in self.targets(path) {
            let mut found = Vec::new();
            if let Some(segment) = self.at(index) {
                segment.read_all(path, &mut found);
            }
            if found.iter().any(|value| !value.is_empty()) {
                places += self.set_in(index, path, b"")?;
            }
        }
        Ok(places)
    }

    /// Inserts a segment (without terminator) before segment `index`; at or beyond the end it is appended. Nothing can
    /// stand before MSH.
    ///
    /// # Errors
    /// [`EditError::NotASegment`].
    pub fn insert(&mut self, index: usize, segment: &[u8]) -> Result<(), EditError> {
        self.check_segment(segment)?;
        let index = index.clamp(1, self.pieces.len().max(1));
        let piece = Piece::Changed {
            bytes: segment.to_vec(),
            instead_of: None,
        };
        self.pieces.insert(index, piece);
        self.changed = true;
        Ok(())
    }

    /// Removes segment `index` with its terminator. MSH stays.
    pub fn remove(&mut self, index: usize) {
        if index > 0 && index < self.pieces.len() {
            self.pieces.remove(index);
            self.changed = true;
        }
    }

    /// Removes all segments for which `keep` is false, in one pass. MSH stays.
    pub fn retain(&mut self, mut keep: impl FnMut(usize, Segment<'_>) -> bool) {
        let kept: Vec<bool> = self.iter().map(|(i, s)| i == 0 || keep(i, s)).collect();
        if kept.contains(&false) {
            let mut kept = kept.into_iter();
            self.pieces.retain(|_| kept.next().unwrap_or(true));
            self.changed = true;
        }
    }

    /// Replaces a whole segment other than MSH by `segment` (without terminator).
    ///
    /// # Errors
    /// [`EditError::NotASegment`], also where there is no segment `index`.
    pub fn replace(&mut self, index: usize, segment: Vec<u8>) -> Result<(), EditError> {
        self.check_segment(&segment)?;
        if index == 0 || index >= self.pieces.len() {
            return Err(EditError::NotASegment { offset: 0 });
        }
        self.put(index, segment);
        Ok(())
    }

    /// The bytes: the original's own where nothing was edited.
    #[must_use]
    pub fn write(&self) -> Bytes {
        let raw = self.base.raw();
        if !self.changed {
            return raw.clone();
        }
        let mut out = Vec::with_capacity(raw.len() + 256);
        let last = self.pieces.len().saturating_sub(1);
        for (place, piece) in self.pieces.iter().enumerate() {
            let ending = match piece {
                Piece::Kept(index) => {
                    out.extend_from_slice(self.base.at(*index).map_or(&[][..], |s| s.bytes()));
                    self.ending(*index)
                }
                Piece::Changed { bytes, instead_of } => {
                    out.extend_from_slice(bytes);
                    instead_of.map_or_else(|| self.base.terminator().bytes(), |i| self.ending(i))
                }
            };
            // A last segment without terminator that is no longer last needs one.
            let missing = ending.is_empty() && place < last;
            out.extend_from_slice(if missing {
                self.base.terminator().bytes()
            } else {
                ending
            });
        }
        Bytes::from(out)
    }

    /// What stands between segment `index` of the base and the next one: its terminator and blank lines.
    fn ending(&self, index: usize) -> &[u8] {
        let spans = self.base.spans();
        let Some(span) = spans.get(index) else {
            return &[];
        };
        let next = spans
            .get(index + 1)
            .map_or(self.base.raw().len(), |next| next.start as usize);
        self.base
            .raw()
            .get(span.end as usize..next)
            .unwrap_or_default()
    }

    /// Where `bytes` would end a segment or a frame. LF does where LF ends segments, and in a message of one segment
    /// without terminator, which an LF would turn into such a one.
    fn would_break(&self, bytes: &[u8]) -> Option<usize> {
        let lf_ends = memchr::memchr(b'\r', self.base.raw()).is_none();
        let breaks =
            |b: u8| matches!(b, b'\r' | START_BLOCK | END_BLOCK) || (lf_ends && b == b'\n');
        bytes.iter().position(|&byte| breaks(byte))
    }

    fn check_value(&self, path: &Path, value: &[u8]) -> Result<(), EditError> {
        if !is_a_place(path) {
            return Err(EditError::NotAPlace { path: *path });
        }
        if self.would_break(value).is_some() {
            return Err(EditError::Terminator { path: *path });
        }
        Ok(())
    }

    fn check_segment(&self, segment: &[u8]) -> Result<(), EditError> {
        let name = Segment::new(segment, *self.base.delimiters()).name();
        let usable = name.is_some_and(|name| {
            !matches!(name.bytes(), b"MSH" | b"FHS" | b"BHS" | b"BTS" | b"FTS")
        });
        match self.would_break(segment) {
            _ if !usable => Err(EditError::NotASegment { offset: 0 }),
            Some(offset) => Err(EditError::NotASegment { offset }),
            None => Ok(()),
        }
    }

    fn put(&mut self, index: usize, bytes: Vec<u8>) {
        if let Some(piece) = self.pieces.get_mut(index) {
            let instead_of = match piece {
                Piece::Kept(index) => Some(*index),
                Piece::Changed { instead_of, .. } => *instead_of,
            };
            *piece = Piece::Changed { bytes, instead_of };
            self.changed = true;
        }
    }

    fn targets(&self, path: &Path) -> Vec<usize> {
        let found = self.named(path.segment).map(|(index, _)| index);
        match path.occurrence {
            Occurrence::All => found.collect(),
            Occurrence::Unsaid => found.take(1).collect(),
            // 0 was refused before.
            Occurrence::Nth(n) => found.skip(n.saturating_sub(1) as usize).take(1).collect(),
        }
    }

    fn set_in(&mut self, index: usize, path: &Path, value: &[u8]) -> Result<usize, EditError> {
        let Some(segment) = self.at(index) else {
            return Err(EditError::NoSegment { path: *path });
        };
        let Some(field) = path.field.map(usize::from) else {
            return Err(EditError::NotAPlace { path: *path });
        };
        if segment.declares_delimiters() && field <= 2 {
            return Err(EditError::Header { path: *path });
        }
        let before = if segment.declares_delimiters() {
            field
        } else {
            field + 1
        };
        let delimiters = *segment.delimiters();
        let mut places = 1;
        let bytes = replace_part(
            segment.bytes(),
            Some(delimiters.field),
            before,
            |old| match path.repetition {
                Occurrence::All => {
                    let separator = delimiters.repetition;
                    let each: Option<Vec<Vec<u8>>> = parts(old, separator)
                        .map(|repetition| below(repetition, path, &delimiters, value))
                        .collect();
                    let each = each?;
                    places = each.len();
                    Some(each.join(&separator.map_or_else(Vec::new, |byte| vec![byte])[..]))
                }
                Occurrence::Unsaid if path.component.is_none() => Some(value.to_vec()),
                Occurrence::Unsaid | Occurrence::Nth(_) => {
                    let nth = if let Occurrence::Nth(n) = path.repetition {
                        n as usize
                    } else {
                        1
                    };
                    replace_part(old, delimiters.repetition, nth, |repetition| {
                        below(repetition, path, &delimiters, value)
                    })
                }
            },
        );
        let Some(bytes) = bytes else {
            return Err(EditError::NoSeparator { path: *path });
        };
        self.put(index, bytes);
        Ok(places)
    }
}

/// Whether a value can stand at `path`: paths that were made by hand may have zeros.
fn is_a_place(path: &Path) -> bool {
    let numbers = [path.field, path.component, path.subcomponent];
    let gap = path.component.is_none() && path.subcomponent.is_some();
    path.field.is_some()
        && !gap
        && !numbers.contains(&Some(0))
        && path.occurrence != Occurrence::Nth(0)
        && !matches!(path.repetition, Occurrence::Nth(n) if n == 0 || n > LAST_REPETITION)
}

impl Segments for Draft {
    fn delimiters(&self) -> &Delimiters {
        self.base.delimiters()
    }

    fn count(&self) -> usize {
        self.pieces.len()
    }

    fn charset(&self) -> Charset {
        self.base.charset()
    }

    fn at(&self, index: usize) -> Option<Segment<'_>> {
        match self.pieces.get(index)? {
            Piece::Kept(index) => self.base.at(*index),
            Piece::Changed { bytes, .. } => Some(Segment::new(bytes, *self.base.delimiters())),
        }
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (edited, base) = (self.changed, &self.base);
        write!(f, "Draft({base:?}, edited: {edited})")
    }
}
