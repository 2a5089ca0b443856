//! Opening the host's KVM, with an answer for each way in which it can be unusable.

use std::os::fd::{AsRawFd, FromRawFd};
use std::path::PathBuf;

use kvm_ioctls::{Cap, Kvm};
use nix::errno::Errno;

/// The only version of KVM's interface that there has been since 2007 (Linux `Documentation/virt/kvm/api.rst`).
const API_VERSION: i32 = 12;

/// What Ringside needs of KVM, with the name under which the documentation has it.
const NEEDED: [(Cap, &str); 4] = [
    (Cap::UserMemory, "KVM_CAP_USER_MEMORY"),
    (Cap::ExtCpuid, "KVM_CAP_EXT_CPUID"),
    (Cap::ImmediateExit, "KVM_CAP_IMMEDIATE_EXIT"),
    (Cap::SetTssAddr, "KVM_CAP_SET_TSS_ADDR"),
];

/// Why KVM cannot be used here.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no device.
    #[error(
        "{path} does not exist: load the kvm_intel or kvm_amd module, or switch on nested virtualisation if this is a virtual machine"
    )]
    Missing {
        /// The device.
        path: PathBuf,
    },
    /// The device is there and closed to us.
    #[error(
        "no permission to open {path}: add yourself to the group that owns it (usually `kvm`) and log in again"
    )]
    NotPermitted {
        /// The device.
        path: PathBuf,
    },
    /// The device cannot be opened for another reason.
    #[error("cannot open {path}: {errno}")]
    Unusable {
        /// The device.
        path: PathBuf,
        /// What open answered.
        errno: Errno,
    },
    /// The interface is another one than ours.
    #[error("KVM has interface version {found}, expected {API_VERSION}")]
    WrongVersion {
        /// What the device answered.
        found: i32,
    },
    /// KVM is too old.
    #[error("KVM is too old: it lacks {capability}")]
    TooOld {
        /// The missing capability.
        capability: &'static str,
    },
}

/// Opens KVM's device and checks that it can do what Ringside needs.
///
/// # Errors
/// See [`OpenError`]: one variant each for a device that is missing, not permitted, too old.
pub fn open() -> Result<Kvm, OpenError> {
    open_at("/dev/kvm")
}

/// The same device, for somebody who keeps it.
#[allow(unsafe_code, reason = "KVM's handle is one of a file descriptor")]
pub(crate) fn another(kvm: &Kvm) -> Result<Kvm, super::VmError> {
    // SAFETY: this command takes a number, and is safe for every number.
    let copy = unsafe { libc::fcntl(kvm.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 0) };
    if copy < 0 {
        let error = kvm_ioctls::Error::last();
        return Err(super::refused("be used twice")(error));
    }
    // SAFETY: the descriptor is new, is of the device, and is nobody else's.
    Ok(unsafe { Kvm::from_raw_fd(copy) })
}

fn open_at(path: &str) -> Result<Kvm, OpenError> {
    let device = std::ffi::CString::new(path).expect("the path has no NUL");
    let kvm = Kvm::new_with_path(device).map_err(|error| {
        let path = PathBuf::from(path);
        match Errno::from_raw(error.errno()) {
            Errno::ENOENT | Errno::ENODEV | Errno::ENXIO => OpenError::Missing { path },
            Errno::EACCES | Errno::EPERM => OpenError::NotPermitted { path },
            errno => OpenError::Unusable { path, errno },
        }
    })?;
    match kvm.get_api_version() {
        API_VERSION => {}
        found => return Err(OpenError::WrongVersion { found }),
    }
    match NEEDED
        .iter()
        .find(|(capability, _)| !kvm.check_extension(*capability))
    {
        Some((_, capability)) => Err(OpenError::TooOld { capability }),
        None => Ok(kvm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_device_is_named() {
        let path = "/dev/no-such-kvm";
        assert_eq!(
            open_at(path).unwrap_err(),
            OpenError::Missing { path: path.into() }
        );
    }

    #[test]
    fn a_file_that_is_no_kvm_device_has_the_wrong_version() {
        assert_eq!(
            open_at("/dev/null").unwrap_err(),
            OpenError::WrongVersion { found: -1 }
        );
    }

    #[test]
    fn a_directory_cannot_be_opened() {
        let error = open_at("/").unwrap_err();
        assert_eq!(
            error,
            OpenError::Unusable {
                path: "/".into(),
                errno: Errno::EISDIR
            }
        );
    }
}
