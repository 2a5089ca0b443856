//! Ringside.

pub mod address;
pub mod channel;
pub mod drive;
pub mod inspect;
pub mod judge;
pub mod model;
pub mod perform;
pub mod report;
pub mod run;
pub mod scenario;
pub mod vm;
pub mod image;
