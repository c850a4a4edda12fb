//! Secrets: never in the file, only where to find them: `env:NAME` or `file:PATH`.

use std::path::Path;

use zeroize::Zeroizing;

/// Why a secret cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    #[error("a secret is never written into the file: expected env:NAME or file:PATH")]
    InClear,
    #[error("the environment has no variable {0}")]
    NoVariable(String),
    #[error("cannot read {0}: {1}")]
    Unreadable(String, std::io::Error),
    #[error("{0} is readable by others (chmod 600 it)")]
    TooOpen(String),
}

/// The secret that `reference` leads to, without a final line end; a relative path starts at `folder`.
pub(super) fn resolve(reference: &str, folder: &Path) -> Result<Zeroizing<String>, SecretError> {
    if let Some(name) = reference.strip_prefix("env:") {
        let value = std::env::var(name).map_err(|_| SecretError::NoVariable(name.to_owned()))?;
        return Ok(Zeroizing::new(value));
    }
    let Some(path) = reference.strip_prefix("file:") else {
        return Err(SecretError::InClear);
    };
    let full = folder.join(path);
    let unreadable = |error| SecretError::Unreadable(full.display().to_string(), error);
    let mode = rustix::fs::stat(&full)
        .map_err(|e| unreadable(e.into()))?
        .st_mode;
    if mode & 0o077 != 0 {
        return Err(SecretError::TooOpen(full.display().to_string()));
    }
    let text = Zeroizing::new(std::fs::read_to_string(&full).map_err(unreadable)?);
    Ok(Zeroizing::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}
