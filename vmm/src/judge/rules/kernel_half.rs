//! The kernel's own mappings are not writable and executable at once, and are for the kernel alone: after each step, and at each
//! moment at which the kernel says that it has changed them.

use super::{StandingRule, View, page_tables, told};
use crate::address::VirtAddr;
use crate::finding::Finding;
use crate::inspect::Findings;
use crate::inspect::audit::KernelFinding;
use crate::moments::Seen;
use crate::rule::Rule;
use crate::vm::VmError;

/// Keeps what was seen at moments within steps.
#[derive(Debug, Default)]
pub(super) struct KernelHalf {
    seen: Findings<KernelFinding>,
    missed: u64,
}

impl StandingRule for KernelHalf {
    fn note_moments(&mut self, seen: &mut Seen) {
        self.seen.append(std::mem::take(&mut seen.protection));
        self.missed = seen.protection_missed;
    }

    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let View {
            scene,
            owners,
            names,
            effort,
            ..
        } = view;
        let mut findings = Vec::new();
        if self.missed > 0 {
            let found = format!("{} changes too many to look at each", self.missed);
            findings.push(Finding::missing(
                "kernel memory",
                "few changes of protection",
                found,
            ));
        }
        let mut found = std::mem::take(&mut self.seen);
        let (in_use, kernels) = (scene.stop.root()?, scene.stop.kernel_root()?);
        found.append(scene.stop.audit_kernel_half(in_use, owners, effort));
        if kernels != in_use {
            found.append(scene.stop.audit_kernel_half(kernels, owners, effort));
        }
        let code = |address: VirtAddr| {
            let symbol = scene.stop.symbols().name(address);
            symbol.map_or_else(|| address.to_string(), |symbol| format!("{address} ({symbol})"))
        };
        findings.extend(told(&found, Rule::KernelWx, "kernel memory", |finding| {
            let not_both = "not both writable and executable";
            match finding {
                KernelFinding::WritableAndExecutable { region } => {
                    Finding::new(Rule::KernelWx, code(region.start), not_both, "both")
                }
                KernelFinding::WritableAlias { alias } => Finding::new(
                    Rule::KernelWx,
                    format!("{}, {}", code(alias.executable_at), names.frame(alias.first)),
                    not_both,
                    format!("writable at {}", alias.writable_at),
                ),
                KernelFinding::WritableByUser {
                    frame,
                    executable_at,
                    owner,
                } => Finding::new(
                    Rule::KernelWx,
                    format!("{}, {}", code(*executable_at), names.frame(*frame)),
                    not_both,
                    format!("writable at {}", scene.place_of(owner)),
                ),
                KernelFinding::UserAccessible { region } => Finding::new(
                    Rule::KernelExposed,
                    format!("the kernel's mapping at {}", region.start),
                    "for the kernel alone",
                    "accessible to users",
                ),
                KernelFinding::Anomaly { anomaly } => page_tables("the kernel half", anomaly),
            }
        }));
        Ok(findings)
    }
}
