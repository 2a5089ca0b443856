//! Loadable modules: what the kernel offers them, and how a module says what it is.
//!
//! The list of what is offered stands in [`module_exports`](crate::module_exports) and nowhere else. The kernel makes its
//! table from name to function of it, and the crate that modules are written with its declarations.

/// Version of the list, which a module must have been built with.
pub const EXPORTS_VERSION: u64 = 4;

/// Bytes of a module's name with the NUL that ends it, as on Linux.
pub const NAME_BYTES: usize = 56;

/// Section of a module's object that holds its [`ModuleInfo`] and nothing else. `module!` of the crate `kmod` repeats it,
/// because the name of a section must be a literal.
pub const INFO_SECTION: &str = ".modinfo";

/// What a module says of itself. The functions are relocated like everything else in the object.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ModuleInfo {
    /// [`EXPORTS_VERSION`] of the time when the module was built.
    pub exports_version: u64,
    /// Its name, then NULs.
    pub name: [u8; NAME_BYTES],
    /// Called once, at the end of loading. A negative result is an error number, and the module is not loaded.
    pub init: extern "C" fn() -> i32,
    /// Called once, before the module is removed.
    pub exit: extern "C" fn(),
}

/// Bytes of a [`ModuleInfo`].
pub const INFO_BYTES: usize = 80;
const _: () = assert!(size_of::<ModuleInfo>() == INFO_BYTES);
const _: () = assert!(core::mem::offset_of!(ModuleInfo, name) == 8);
const _: () = assert!(core::mem::offset_of!(ModuleInfo, init) == 64);
const _: () = assert!(core::mem::offset_of!(ModuleInfo, exit) == 72);

/// Hands the list of all functions that the kernel offers to modules to the macro `$with`.
///
/// Names are Linux's where Linux has such a function. All follow the C calling convention, and a pointer that is null means
/// that there was no memory.
#[macro_export]
macro_rules! module_exports {
    ($with:ident) => {
        $with! {
            /// Adds a line of text to the kernel's log.
            fn printk(text: *const u8, bytes: usize);
            /// Stops the machine and says why.
            fn panic(text: *const u8, bytes: usize) -> !;

            /// Memory in a row, aligned to 16 bytes; from a page's size on to a page. Its contents are of no interest.
            fn kmalloc(bytes: usize) -> *mut u8;
            /// Gives back what `kmalloc` gave; null is nothing to give back.
            fn kfree(memory: *mut u8);
            /// Whole pages, all zero, one behind the other in the kernel's addresses and anywhere in memory.
            fn vmalloc(bytes: usize) -> *mut u8;
            /// Gives back what `vmalloc` gave; null is nothing to give back.
            fn vfree(memory: *mut u8);
            /// Number of the frame behind an address that lies in what `vmalloc` gave.
            fn vmalloc_to_pfn(address: *const u8) -> u64;
            /// Whole pages, all zero and in a row, as many as the bytes need.
            fn alloc_pages_exact(bytes: usize) -> *mut u8;
            /// Gives back what `alloc_pages_exact` gave for as many bytes.
            fn free_pages_exact(memory: *mut u8, bytes: usize);
            /// Marks a frame of one of the three above as one that the kernel must leave where it is.
            fn set_page_reserved(pfn: u64);
            /// Takes the mark away, which must be before the frame is given back.
            fn clear_page_reserved(pfn: u64);

            /// Copies out of the calling process's memory, and says how many bytes it could not copy.
            fn copy_from_user(to: *mut u8, from: u64, bytes: usize) -> usize;
            /// Copies into the calling process's memory, and says how many bytes it could not copy.
            fn copy_to_user(to: u64, from: *const u8, bytes: usize) -> usize;

            /// Makes whole pages read-only. Like the three that follow, 0 or a negated error number: EPERM for what would
            /// be writable and executable at once, at this address or at another.
            fn set_memory_ro(address: *const u8, pages: usize) -> i32;
            /// Makes whole pages writable.
            fn set_memory_rw(address: *const u8, pages: usize) -> i32;
            /// Makes whole pages executable.
            fn set_memory_x(address: *const u8, pages: usize) -> i32;
            /// Makes whole pages not executable.
            fn set_memory_nx(address: *const u8, pages: usize) -> i32;

            /// Keeps a module from being removed: 1, or 0 if it is about to be. The module is named by its `ModuleInfo`.
            fn try_module_get(module: *const u8) -> i32;
            /// Ends what `try_module_get` began.
            fn module_put(module: *const u8);

            /// Makes a character device, `/dev/NAME`, of the module that is named by its `ModuleInfo`: its number, or a negated
            /// error number. The module cannot be removed while the device is open or mapped.
            fn register_chrdev(
                module: *const u8, name: *const u8, bytes: usize, table: *const abi::driver::FileTable, driver: *const u8
            ) -> i32;
            /// Takes the device of that number away, which nobody may have open.
            fn unregister_chrdev(major: u32, name: *const u8, bytes: usize);
            /// Makes a file `/proc/NAME`. What holds for devices holds for it: 0, or a negated error number.
            fn proc_create(
                module: *const u8, name: *const u8, bytes: usize, table: *const abi::driver::FileTable, driver: *const u8
            ) -> i32;
            /// Takes the file away, which nobody may have open.
            fn remove_proc_entry(name: *const u8, bytes: usize);
            /// Puts frames in a row into an area that is about to be mapped, from a page of the area on: 0, or a negated error
            /// number; EPERM for a frame that the kernel may not write or may execute.
            fn remap_pfn_range(area: *mut u8, page: u64, pfn: u64, pages: u64) -> i32;
            /// Has the module be asked for the pages of an area that is about to be mapped, and told of areas that come and go.
            fn set_vm_ops(area: *mut u8, table: *const abi::driver::AreaTable, driver: *const u8, word: u64) -> i32;
            /// Tells who watches that these pages are ready to be mapped by programs.
            fn offer_pages(module: *const u8, address: *const u8, pages: usize);
            /// Runs a function that lies in executable pages of the module's, for the calling process: 0 and its result, or EFAULT,
            /// negated, for one that faults. That ends the process when the module has returned. A fault of what lies outside of
            /// `code_bytes` from `code` on is not the function's, but the kernel's end.
            fn call_guarded(
                function: extern "C" fn() -> i32, code: *const u8, code_bytes: usize, result: *mut i32
            ) -> i32;

            /// How often something has changed that somebody may wait for: to be asked before looking at it.
            fn changes() -> u64;
            /// Has the calling thread wait until something has changed since: 0, or EINTR, negated, when its process is to end.
            fn wait_for_change(seen: u64) -> i32;
            /// Has all who wait look again.
            fn changed();

            /// Copies bytes. Compilers call this one and those that follow by themselves.
            fn memcpy(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8;
            /// Copies bytes between places that may overlap.
            fn memmove(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8;
            /// Sets bytes to the low eight bits of `byte`.
            fn memset(to: *mut u8, byte: i32, bytes: usize) -> *mut u8;
            /// Compares bytes: negative, 0 or positive.
            fn memcmp(left: *const u8, right: *const u8, bytes: usize) -> i32;
            /// Compares bytes: 0 or not.
            fn bcmp(left: *const u8, right: *const u8, bytes: usize) -> i32;
        }
    };
}

/// The list as text, without what only explains it.
macro_rules! text_of {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        concat!($(stringify!($name), $(" ", stringify!($type),)* $("=", stringify!($result),)? ";",)*)
    };
}

/// FNV-1a, to notice a change.
const fn fingerprint(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut sum = 0xcbf2_9ce4_8422_2325_usize;
    let mut index = 0;
    while index < bytes.len() {
        sum = (sum ^ bytes[index] as usize).wrapping_mul(0x100_0000_01b3);
        index += 1;
    }
    sum
}

/// The list has changed when the two lengths differ. Modules that were built before must be refused then: raise
/// [`EXPORTS_VERSION`], and put the new number here.
const _: [(); FINGERPRINT] = [(); fingerprint(module_exports!(text_of))];
const FINGERPRINT: usize = 2_433_766_799_943_915_649;
