//! A disk that says that everything is safe and syncs nothing: what a power-cut test must be able to tell.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use wardwire::journal::{DiskFiles, File, Files};

/// The real file system without syncs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnsyncedFiles;

#[derive(Debug)]
struct UnsyncedFile(Arc<dyn File>);

impl Files for UnsyncedFiles {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(UnsyncedFile(DiskFiles.create(path)?)))
    }

    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(UnsyncedFile(DiskFiles.open(path, write)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        DiskFiles.rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        DiskFiles.unlink(path)
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        DiskFiles.list(dir)
    }

    fn free_space(&self, dir: &Path) -> io::Result<u64> {
        DiskFiles.free_space(dir)
    }
}

impl File for UnsyncedFile {
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(to, at)
    }

    fn write_at(&self, parts: &mut [IoSlice<'_>], at: u64) -> io::Result<()> {
        self.0.write_at(parts, at)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.0.set_size(size)
    }

    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }
}
