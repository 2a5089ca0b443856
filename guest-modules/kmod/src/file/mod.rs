//! Files of a module's own: character devices and files in `/proc`.
//!
//! - [`FileOperations`]: what can be done with a file; [`FaultHandler`]: what is asked about areas that show it
//! - [`Chrdev`], [`ProcFile`]: a file that programs find by its name, as long as the value lives
//! - [`Area`]: what is about to be mapped
//!
//! While a program has such a file open or mapped its module cannot be removed, so whatever a module takes away in its exit function
//! is nobody's any more.

mod area;
mod operations;
mod register;
mod table;

pub use area::Area;
pub use operations::{FaultHandler, FileOperations};
pub use register::{Chrdev, ProcFile};
