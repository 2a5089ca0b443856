//! The inspector, on guests whose page tables were made by hand.

mod guest;

mod audit_kernel;
mod audit_user;
mod cross_check;
mod dirty;
mod frame_table;
mod hostile_memory;
mod owners;
mod round_trip;
mod scan;
mod translate;
