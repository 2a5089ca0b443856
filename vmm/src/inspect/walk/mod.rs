//! The page walker: x86-64 four-level paging as the processor manual defines it, read from guest physical memory.
//!
//! Assumes EFER.NXE and CR0.WP set and CR4.LA57, CR4.SMEP and CR4.PKE irrelevant, which is what the permissions mean:
//! `writable` and `executable` as the tables say, for the kernel too. Address bits up to 51 are taken as address on every
//! machine, so that what is found does not depend on the physical-address width of the host; an address that the host
//! calls reserved lies outside guest memory anyway.
//!
//! - [`translate`] follows one virtual address and says at which level and why it fails, [`follow`] tells of each entry, too; [`read`] copies
//!   bytes through it
//! - [`mappings`] visits everything that is mapped in a half; [`Scanner`] is the same with page tables and a budget over
//!   several address spaces

mod entry;
mod region;
mod scan;
mod translate;

pub use entry::{Defect, Entry, Level, PageSize, Permissions, Root, Target};
pub(super) use region::Regions;
pub use region::{Region, regions};
pub use scan::{Anomaly, Descend, Mapping, Reached, Scanner, Table, Visitor, mappings};
pub use translate::{ReadError, Translation, WalkError, follow, read, translate};
