//! Files that programs find by their names.
#![allow(unsafe_code, reason = "hands a driver and its functions to the kernel")]

use super::{FileOperations, table};
use crate::boxed::Boxed;
use crate::{Errno, Module, kernel};

/// A character device, `/dev/NAME`, and its driver. Dropped, it is gone.
#[derive(Debug)]
pub struct Chrdev<D> {
    name: &'static str,
    major: u32,
    driver: Boxed<D>,
}

impl<D: FileOperations> Chrdev<D> {
    /// Registers the device under a number that is free (`register_chrdev`). EEXIST for a name that another device has, and what the
    /// kernel says of other names.
    pub fn register(module: &'static Module, name: &'static str, driver: D) -> Result<Self, Errno> {
        let driver = Boxed::new(driver)?;
        let table = const { &table::file::<D>() };
        let (this, address) = (module.address(), driver.address());
        // SAFETY: the functions of the table are this driver's, which stays where it is until the device is gone.
        let result = unsafe { kernel::register_chrdev(this, name.as_ptr(), name.len(), table, address) };
        Errno::check(result)?;
        Ok(Self {
            name,
            major: result as u32,
            driver,
        })
    }
}

impl<D> Chrdev<D> {
    /// Its driver.
    pub fn driver(&self) -> &D {
        &self.driver
    }
}

impl<D> Drop for Chrdev<D> {
    fn drop(&mut self) {
        // SAFETY: the kernel reads the name alone, and calls the driver no more.
        unsafe { kernel::unregister_chrdev(self.major, self.name.as_ptr(), self.name.len()) };
    }
}

/// A file `/proc/NAME` and its driver. Dropped, it is gone.
#[derive(Debug)]
pub struct ProcFile<D> {
    name: &'static str,
    _driver: Boxed<D>,
}

impl<D: FileOperations> ProcFile<D> {
    /// Makes the file (`proc_create`). EEXIST for a name that is taken.
    pub fn create(module: &'static Module, name: &'static str, driver: D) -> Result<Self, Errno> {
        let driver = Boxed::new(driver)?;
        let table = const { &table::file::<D>() };
        let (this, address) = (module.address(), driver.address());
        // SAFETY: as in `Chrdev::register`.
        let result = unsafe { kernel::proc_create(this, name.as_ptr(), name.len(), table, address) };
        Errno::check(result)?;
        Ok(Self {
            name,
            _driver: driver,
        })
    }
}

impl<D> Drop for ProcFile<D> {
    fn drop(&mut self) {
        // SAFETY: as in `Chrdev::drop`.
        unsafe { kernel::remove_proc_entry(self.name.as_ptr(), self.name.len()) };
    }
}
