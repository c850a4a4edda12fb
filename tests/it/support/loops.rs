//! File systems of our own, in files, for faults that need one: a full disk, a read-only one, and one whose power can be
//! cut. They need root; whoever is not, or may not mount, gets the reason.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A mounted file system; unmounted when dropped.
pub(crate) struct Mount {
    at: PathBuf,
}

impl Mount {
    /// Mounts with these arguments at a folder that is made for it.
    pub(crate) fn new(arguments: &[&str], at: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(at).map_err(|error| error.to_string())?;
        let at_text = at.to_str().unwrap();
        run("mount", &[arguments, &[at_text]].concat())?;
        Ok(Self { at: at.to_owned() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.at
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let at = self.at.to_str().unwrap();
        if run("umount", &[at]).is_err() {
            // Something still holds a file in it: it goes when that does.
            drop(run("umount", &["-l", at]));
        }
    }
}

/// Runs a tool of the system; what it complained of if it fails.
pub(crate) fn run(tool: &str, arguments: &[&str]) -> Result<(), String> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let done = Command::new(tool)
        .args(arguments)
        .env("PATH", path)
        .output();
    let done = done.map_err(|error| format!("{tool}: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!(
        "{tool}: {}",
        String::from_utf8_lossy(&done.stderr).trim()
    ))
}

/// A disk whose power can be cut.
///
/// An ext4 in a file on an XFS in a file, both mounted. A cut is one atomic copy (`FICLONE`) of the inner file: it has what
/// reached the inner disk, not what still lies in the page cache above it. The copy is the disk after the cut.
pub(crate) struct PowerRig {
    // Unmounted in this order.
    inner: Option<Mount>,
    _outer: Mount,
    folder: TempDir,
}

impl PowerRig {
    /// An empty disk, or why there is none.
    pub(crate) fn new() -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("only root may mount".to_owned());
        }
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("outer.img");
        File::create(&image).unwrap().set_len(600 << 20).unwrap();
        run(
            "mkfs.xfs",
            &["-q", "-m", "reflink=1", image.to_str().unwrap()],
        )?;
        let outer = Mount::new(
            &["-o", "loop", image.to_str().unwrap()],
            &folder.path().join("outer"),
        )?;
        let mut rig = Self {
            inner: None,
            _outer: outer,
            folder,
        };
        rig.renew()?;
        Ok(rig)
    }

    /// Puts an empty disk in the place of the one in use.
    pub(crate) fn renew(&mut self) -> Result<(), String> {
        self.inner = None;
        let image = self.image();
        drop(std::fs::remove_file(&image));
        File::create(&image).unwrap().set_len(96 << 20).unwrap();
        run("mkfs.ext4", &["-q", "-F", image.to_str().unwrap()])?;
        self.mount()
    }

    /// Cuts the power; `kill` ends whoever writes. From now on the disk is what was left.
    pub(crate) fn cut(&mut self, kill: impl FnOnce()) {
        let (image, left) = (self.image(), self.image().with_extension("cut"));
        let source = File::open(&image).unwrap();
        let copy = File::create(&left).unwrap();
        rustix::fs::ioctl_ficlone(&copy, &source).unwrap();
        kill();
        self.inner = None;
        std::fs::rename(left, image).unwrap();
        self.mount().unwrap();
    }

    /// Where the disk is mounted.
    pub(crate) fn path(&self) -> &Path {
        self.inner.as_ref().unwrap().path()
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("outer/inner.img")
    }

    fn mount(&mut self) -> Result<(), String> {
        let image = self.image();
        let at = self.folder.path().join("inner");
        self.inner = Some(Mount::new(&["-o", "loop", image.to_str().unwrap()], &at)?);
        Ok(())
    }
}
