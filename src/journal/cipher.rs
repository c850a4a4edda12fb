//! Sealing at rest: a random data key a segment file, wrapped by the configured key in the file's head.
//!
//! Bodies are sealed with XChaCha20-Poly1305; the nonce is the segment's ID (16 bytes) and the record's sequence (8), and
//! the record's head is authenticated. A start of the engine begins a new segment file, so no nonce is used twice,
//! and records cannot be swapped. Checksums cover the sealed bytes: checking needs no key.

use std::fmt;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use chacha20poly1305::{AeadInOut, Key, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::JournalError;
use super::record::Head;

/// Bytes that sealing adds to a body.
pub(crate) const TAG: usize = 16;

/// A 32-byte key that is wiped when dropped and never printed.
#[derive(Clone)]
pub struct Secret32(Zeroizing<[u8; 32]>);

impl Secret32 {
    /// Takes the key over.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.0))
    }
}

impl fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret32(…)")
    }
}

/// `data` sealed by `key` for the owner `id`: nonce, sealed key, tag. `path` is for the error.
pub(crate) fn wrap(
    key: &Secret32,
    id: &[u8; 16],
    data: &Secret32,
    path: &Path,
) -> Result<[u8; 72], JournalError> {
    let failed = || JournalError::io("seal the key of", path)(std::io::ErrorKind::Other.into());
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).map_err(|_| failed())?;
    let mut sealed = *data.bytes();
    let tag = key
        .cipher()
        .encrypt_inout_detached(&XNonce::from(nonce), id, sealed.as_mut_slice().into())
        .map_err(|_| failed())?;
    let mut out = [0; 72];
    let parts = nonce.iter().chain(&sealed).chain(tag.iter());
    out.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
    Ok(out)
}

/// The inverse of [`wrap`]; nothing if the key is the wrong one.
pub(crate) fn unwrap(key: &Secret32, id: &[u8; 16], wrapped: &[u8; 72]) -> Option<Secret32> {
    let (nonce, rest) = wrapped.split_first_chunk::<24>()?;
    let (sealed, tag) = rest.split_first_chunk::<32>()?;
    let tag: [u8; TAG] = *tag.first_chunk()?;
    let mut data = Secret32::new(*sealed);
    key.cipher()
        .decrypt_inout_detached(
            &XNonce::from(*nonce),
            id,
            data.bytes_mut().as_mut_slice().into(),
            &Tag::from(tag),
        )
        .ok()?;
    Some(data)
}

/// The sealing of one segment file.
pub(crate) struct Seal {
    cipher: XChaCha20Poly1305,
    id: [u8; 16],
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl Seal {
    pub(crate) fn new(data: &Secret32, id: [u8; 16]) -> Self {
        Self {
            cipher: data.cipher(),
            id,
        }
    }

    fn nonce(&self, head: &Head) -> XNonce {
        let mut nonce = [0; 24];
        let parts = self.id.into_iter().chain(head.sequence.to_le_bytes());
        nonce
            .iter_mut()
            .zip(parts)
            .for_each(|(to, from)| *to = from);
        XNonce::from(nonce)
    }

    /// Seals `body` in place; `head.len` counts the tag that is returned.
    pub(crate) fn seal(&self, head: &Head, body: &mut [u8]) -> Option<[u8; TAG]> {
        let tag =
            self.cipher
                .encrypt_inout_detached(&self.nonce(head), &head.encode(), body.into());
        Some(tag.ok()?.into())
    }

    /// The readable body, or nothing if it is not the one that was sealed under this head.
    pub(crate) fn open(&self, head: &Head, body: Bytes) -> Option<Bytes> {
        let mut body = BytesMut::from(body);
        let tag = body.split_off(body.len().checked_sub(TAG)?);
        let tag: [u8; TAG] = *tag.first_chunk()?;
        self.cipher
            .decrypt_inout_detached(
                &self.nonce(head),
                &head.encode(),
                (&mut *body).into(),
                &Tag::from(tag),
            )
            .ok()?;
        Some(body.freeze())
    }
}
