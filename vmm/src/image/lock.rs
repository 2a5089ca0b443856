//! One build at a time in one cache.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;

use super::places::Places;
use super::{ImageError, Progress};

/// Proof that no other process builds in this cache. The operating system gives the lock back when the process ends,
/// however it ends.
pub(super) struct CacheLock<'a> {
    pub(super) places: &'a Places,
    _file: File,
}

/// Takes the lock, after waiting for whoever has it, and removes what a killed build left over.
pub(super) fn hold<'a>(places: &'a Places, progress: &dyn Progress) -> Result<CacheLock<'a>, ImageError> {
    fs::create_dir_all(&places.cache).map_err(ImageError::file("create", &places.cache))?;
    let path = places.lock();
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(&path)
        .map_err(ImageError::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress.step(&format!(
                "waiting for another process that builds in {}",
                places.cache.display()
            ));
            file.lock().map_err(ImageError::file("lock", &path))?;
        }
        Err(TryLockError::Error(source)) => return Err(ImageError::file("lock", &path)(source)),
    }
    let lock = CacheLock { places, _file: file };
    lock.clear_work()?;
    Ok(lock)
}

impl CacheLock<'_> {
    /// Leaves the work directory empty.
    pub(super) fn clear_work(&self) -> Result<(), ImageError> {
        let work = self.places.work();
        match fs::remove_dir_all(&work) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ImageError::file("remove", &work)(error));
            }
            _ => {}
        }
        fs::create_dir_all(&work).map_err(ImageError::file("create", &work))
    }
}

impl Drop for CacheLock<'_> {
    fn drop(&mut self) {
        // Half a gigabyte of source need not lie around. If it stays, the next build tries again and says why it cannot.
        let _ = fs::remove_dir_all(self.places.work());
    }
}
