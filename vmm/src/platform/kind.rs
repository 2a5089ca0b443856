//! Which kind of KVM there is: what reports name, and people who wonder why something is slow want to know.

use std::fmt;
use std::path::Path;

use kvm_ioctls::Kvm;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inside::CALL;
use crate::vm::{self, KernelMode, VmError};

/// A kind of KVM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KvmKind {
    /// The processor runs guests, kernel mode included.
    Kvm,
    /// The processor runs user mode; instructions of kernel mode are interpreted.
    KvmInterpreted,
    /// The KVM of a machine that QEMU emulates.
    KvmEmulated,
}

impl KvmKind {
    /// The kind of this one, found out by trying. Takes milliseconds.
    ///
    /// # Errors
    /// The host has no virtual machine to give.
    pub fn of(kvm: &Kvm) -> Result<KvmKind, VmError> {
        if Path::new(CALL).exists() {
            return Ok(KvmKind::KvmEmulated);
        }
        Ok(match vm::kernel_mode(kvm)? {
            KernelMode::Native => KvmKind::Kvm,
            KernelMode::Interpreted => KvmKind::KvmInterpreted,
        })
    }
}

impl fmt::Display for KvmKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            KvmKind::Kvm => "KVM",
            KvmKind::KvmInterpreted => "KVM that interprets kernel mode",
            KvmKind::KvmEmulated => "KVM in an emulated machine",
        })
    }
}
