//! The kernel's functions as they are: declarations of everything in the list of [`abi::module_exports`].
#![allow(
    unsafe_code,
    reason = "functions of the kernel, found when the module is loaded"
)]

/// Makes the declarations of the list.
macro_rules! declarations {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        unsafe extern "C" {
            $(
                $(#[$doc])*
                pub fn $name($($argument: $type),*) $(-> $result)?;
            )*
        }
    };
}

abi::module_exports!(declarations);
