//! What makes a crate a module.
#![allow(unsafe_code, reason = "hands the module's description to the kernel")]

use core::ops::Range;

use abi::module::{EXPORTS_VERSION, ModuleInfo, NAME_BYTES};

use crate::{Memory, kernel};

/// Makes the crate a module: `module! { name: "hello", init: init, exit: exit, }`.
///
/// `init` is a `fn() -> Result<(), Errno>`, and the module is not loaded when it fails; `exit` is a `fn()`. The macro also
/// defines `THIS_MODULE`.
#[macro_export]
macro_rules! module {
    (name: $name:literal, init: $init:path, exit: $exit:path $(,)?) => {
        /// This module, as the kernel knows it.
        #[allow(dead_code, reason = "not every module names itself")]
        static THIS_MODULE: $crate::Module = {
            extern "C" fn init_for_the_kernel() -> i32 {
                match $init() {
                    Ok(()) => 0,
                    Err(error) => -$crate::Errno::number(error),
                }
            }

            extern "C" fn exit_for_the_kernel() {
                $exit();
            }

            #[allow(
                unsafe_code,
                reason = "the kernel finds a module's description in this section"
            )]
            #[unsafe(link_section = ".modinfo")]
            #[used]
            static INFO: $crate::Info = $crate::info($name, init_for_the_kernel, exit_for_the_kernel);

            $crate::Module::new(&INFO)
        };
    };
}

/// A description with this version of the list of exports. The name is checked by the kernel.
#[must_use]
pub const fn info(name: &str, init: extern "C" fn() -> i32, exit: extern "C" fn()) -> ModuleInfo {
    assert!(
        name.len() < NAME_BYTES,
        "the name of a module has at most 55 bytes"
    );
    let mut bytes = [0; NAME_BYTES];
    let mut index = 0;
    while index < name.len() {
        bytes[index] = name.as_bytes()[index];
        index += 1;
    }
    ModuleInfo {
        exports_version: EXPORTS_VERSION,
        name: bytes,
        init,
        exit,
    }
}

/// A module that is loaded.
#[derive(Debug)]
pub struct Module(&'static ModuleInfo);

impl Module {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(info: &'static ModuleInfo) -> Self {
        Self(info)
    }

    pub(crate) fn address(&self) -> *const u8 {
        core::ptr::from_ref(self.0).cast()
    }

    /// Tells who watches that pages of the module's memory are ready to be mapped by programs.
    pub fn offer(&'static self, memory: &impl Memory, pages: Range<usize>) {
        let start = memory.page(pages.start);
        // SAFETY: the kernel tells of the addresses, and reads nothing there.
        unsafe { kernel::offer_pages(self.address(), start, pages.len()) };
    }

    /// Keeps the module from being removed (`try_module_get`); None if it is about to be.
    #[must_use]
    pub fn hold(&'static self) -> Option<Hold> {
        // SAFETY: the kernel looks for the module that the address lies in, and reads nothing there.
        let held = unsafe { kernel::try_module_get(self.address()) };
        (held != 0).then_some(Hold(self))
    }
}

/// As long as it lives, the module cannot be removed.
#[derive(Debug)]
pub struct Hold(&'static Module);

impl Drop for Hold {
    fn drop(&mut self) {
        // SAFETY: as in `Module::hold`, which has taken what is given back here.
        unsafe { kernel::module_put(self.0.address()) };
    }
}
