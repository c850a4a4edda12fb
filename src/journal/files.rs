//! The file system as the journal uses it, behind a trait so that tests can make it fail.

use std::fmt;
use std::io;
use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

/// An open file.
pub trait File: Send + Sync + fmt::Debug {
    /// Reads into `to` from byte `at`; fewer bytes than asked for only at the end of the file.
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize>;
    /// Writes all of `parts` at byte `at`.
    fn write_at(&self, parts: &mut [IoSlice<'_>], at: u64) -> io::Result<()>;
    /// Returns when the bytes written, and a changed size, are on the disk (fdatasync).
    fn sync_data(&self) -> io::Result<()>;
    /// Cuts the file off, or extends it with zeros.
    fn set_size(&self, size: u64) -> io::Result<()>;
    /// The size in bytes.
    fn size(&self) -> io::Result<u64>;
}

/// The file system.
pub trait Files: Send + Sync + fmt::Debug {
    /// Makes a new file (mode 0600) and opens it; an error if it exists.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Opens a file for reading and, if `write`, writing; never through a symbolic link.
    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn File>>;
    /// Renames, replacing what has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn unlink(&self, path: &Path) -> io::Result<()>;
    /// Returns when creations, renames and removals in `dir` are on the disk.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// The names in `dir`.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Bytes free for us on the disk of `dir`.
    fn free_space(&self, dir: &Path) -> io::Result<u64>;
}

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiskFiles;

fn plain(write: bool) -> std::fs::OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC;
    options
        .read(true)
        .write(write)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed());
    options
}

impl Files for DiskFiles {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = plain(true).create_new(true).open(path)?;
        Ok(Arc::new(DiskFile(file)))
    }

    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(DiskFile(plain(write).open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        std::fs::File::open(dir)?.sync_all()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(dir)?
            .map(|item| Ok(item?.file_name().into_string().unwrap_or_default()));
        names.collect()
    }

    fn free_space(&self, dir: &Path) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(dir)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

#[derive(Debug)]
struct DiskFile(std::fs::File);

impl File for DiskFile {
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize> {
        use std::os::unix::fs::FileExt;
        let mut done = 0;
        while let Some(rest) = to.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, at + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, mut parts: &mut [IoSlice<'_>], mut at: u64) -> io::Result<()> {
        /// The most parts that Linux takes in one call (`IOV_MAX`).
        const MOST: usize = 1024;
        while !parts.is_empty() {
            let some = parts.get(..parts.len().min(MOST)).unwrap_or_default();
            match rustix::io::pwritev(&self.0, some, at) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    at += count as u64;
                    IoSlice::advance_slices(&mut parts, count);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
