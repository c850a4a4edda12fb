//! Replacing one part of a segment and copying the rest.

use crate::hl7::delimiters::Delimiters;
use crate::hl7::path::Path;
use crate::hl7::segment::parts;

/// The repetition `old` with its component and subcomponent of `path` replaced.
pub(super) fn below(
    old: &[u8],
    path: &Path,
    delimiters: &Delimiters,
    value: &[u8],
) -> Option<Vec<u8>> {
    let Some(component) = path.component else {
        return Some(value.to_vec());
    };
    replace_part(old, delimiters.component, usize::from(component), |old| {
        let Some(subcomponent) = path.subcomponent else {
            return Some(value.to_vec());
        };
        replace_part(
            old,
            delimiters.subcomponent,
            usize::from(subcomponent),
            |_| Some(value.to_vec()),
        )
    })
}

/// `bytes` with part `number` (from 1) replaced by what `make` gives for it; missing parts before it are created empty.
/// `None` where a separator is needed that does not exist.
pub(super) fn replace_part(
    bytes: &[u8],
    separator: Option<u8>,
    number: usize,
    make: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len() + 16);
    let mut make = Some(make);
    let mut written = 0;
    for part in parts(bytes, separator) {
        written += 1;
        if written > 1 {
            out.push(separator?);
        }
        match make.take_if(|_| written == number) {
            Some(make) => out.extend(make(part)?),
            None => out.extend_from_slice(part),
        }
    }
    if let Some(make) = make {
        for _ in written..number {
            out.push(separator?);
        }
        out.extend(make(b"")?);
    }
    Some(out)
}
