//! A disk that fails on demand: for fault tests here and in `tests/it`, never for an engine.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::core::lock;
use super::{DiskFiles, File, Files};

/// What can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A write; half of its bytes arrive.
    Write,
    /// An fdatasync of a file.
    Sync,
    /// A sync of a folder.
    SyncDir,
    /// A rename.
    Rename,
    /// A creation.
    Create,
    /// A removal.
    Unlink,
}

/// The real file system with faults. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct FaultFiles(Arc<Faults>);

#[derive(Debug, Default)]
struct Faults {
    plan: Mutex<Option<(Operation, u64)>>,
    hits: AtomicU64,
    victim: Mutex<Option<PathBuf>>,
    free: Mutex<Option<u64>>,
    full: Mutex<bool>,
    unsynced: Mutex<HashMap<PathBuf, Vec<Undo>>>,
}

/// What lay where a write went.
struct Undo {
    at: u64,
    before: Vec<u8>,
    len: usize,
}

impl std::fmt::Debug for Undo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Undo({} bytes at {:#x})", self.len, self.at)
    }
}

impl FaultFiles {
    /// Makes the `n`-th `operation` from now (1 is the next) fail with EIO, once.
    pub fn fail(&self, operation: Operation, n: u64) {
        *lock(&self.0.plan) = Some((operation, n));
    }

    /// How many operations failed.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.0.hits.load(Ordering::SeqCst)
    }

    /// The file or folder whose operation failed last.
    #[must_use]
    pub fn victim(&self) -> Option<PathBuf> {
        lock(&self.0.victim).clone()
    }

    /// Pretends that `bytes` are free; `None` tells the truth again.
    pub fn pretend_free(&self, bytes: Option<u64>) {
        *lock(&self.0.free) = bytes;
    }

    /// Whether every write that makes a file longer fails for want of space.
    pub fn pretend_full(&self, full: bool) {
        *lock(&self.0.full) = full;
    }

    /// What a power cut would do: of the writes that were not synced, those are undone for which `keep` says no. Call
    /// it when nothing uses the files any more.
    ///
    /// # Errors
    /// When the real disk fails.
    pub fn power_cut(&self, mut keep: impl FnMut() -> bool) -> io::Result<()> {
        let mut all: Vec<_> = std::mem::take(&mut *lock(&self.0.unsynced))
            .into_iter()
            .collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        for (path, undos) in all {
            let Ok(file) = DiskFiles.open(&path, true) else {
                continue;
            };
            for mut undo in undos.into_iter().rev() {
                if !keep() {
                    undo.before.resize(undo.len, 0);
                    file.write_at(&mut [IoSlice::new(&undo.before)], undo.at)?;
                }
            }
        }
        Ok(())
    }

    fn check(&self, operation: Operation, path: &Path) -> io::Result<()> {
        let mut plan = lock(&self.0.plan);
        if let Some((planned, left)) = plan.as_mut()
            && *planned == operation
        {
            *left -= 1;
            if *left == 0 {
                *plan = None;
                *lock(&self.0.victim) = Some(path.to_owned());
                self.0.hits.fetch_add(1, Ordering::SeqCst);
                return Err(rustix::io::Errno::IO.into());
            }
        }
        Ok(())
    }

    fn wrap(&self, file: Arc<dyn File>, path: &Path) -> Arc<dyn File> {
        Arc::new(FaultFile {
            file,
            path: path.to_owned(),
            faults: self.clone(),
        })
    }
}

impl Files for FaultFiles {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.check(Operation::Create, path)?;
        Ok(self.wrap(DiskFiles.create(path)?, path))
    }

    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn File>> {
        Ok(self.wrap(DiskFiles.open(path, write)?, path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Operation::Rename, from)?;
        DiskFiles.rename(from, to)?;
        // The handle that made the file still goes by its first name: whatever it writes is found under both.
        let mut unsynced = lock(&self.0.unsynced);
        if let Some(undos) = unsynced.remove(from) {
            unsynced.insert(to.to_owned(), undos);
        }
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.check(Operation::Unlink, path)?;
        DiskFiles.unlink(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.check(Operation::SyncDir, dir)?;
        DiskFiles.sync_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        DiskFiles.list(dir)
    }

    fn free_space(&self, dir: &Path) -> io::Result<u64> {
        let pretended = *lock(&self.0.free);
        pretended.map_or_else(|| DiskFiles.free_space(dir), Ok)
    }
}

#[derive(Debug)]
struct FaultFile {
    file: Arc<dyn File>,
    path: PathBuf,
    faults: FaultFiles,
}

impl FaultFile {
    /// The name under which the file lies now: a segment file is made under another.
    fn name(&self) -> PathBuf {
        if self.path.extension().is_some_and(|end| end == "tmp") && !self.path.exists() {
            return self.path.with_extension("log");
        }
        self.path.clone()
    }
}

impl File for FaultFile {
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(to, at)
    }

    fn write_at(&self, parts: &mut [IoSlice<'_>], at: u64) -> io::Result<()> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if *lock(&self.faults.0.full) && at + len as u64 > self.file.size()? {
            return Err(rustix::io::Errno::NOSPC.into());
        }
        let mut before = vec![0; len];
        let read = self.file.read_at(&mut before, at)?;
        before.truncate(read);
        lock(&self.faults.0.unsynced)
            .entry(self.name())
            .or_default()
            .push(Undo { at, before, len });
        if let Err(error) = self.faults.check(Operation::Write, &self.path) {
            let mut half: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
            half.truncate(len / 2);
            self.file.write_at(&mut [IoSlice::new(&half)], at)?;
            return Err(error);
        }
        self.file.write_at(parts, at)
    }

    fn sync_data(&self) -> io::Result<()> {
        let name = self.name();
        let count = lock(&self.faults.0.unsynced).get(&name).map_or(0, Vec::len);
        self.faults.check(Operation::Sync, &self.path)?;
        self.file.sync_data()?;
        if let Some(undos) = lock(&self.faults.0.unsynced).get_mut(&name) {
            undos.drain(..count.min(undos.len()));
        }
        Ok(())
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.file.set_size(size)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}
