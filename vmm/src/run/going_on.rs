//! Whether the steps that follow one that went wrong make sense.

use crate::rule::Rule;
use crate::scenario::Operation;

/// Whether the processes that there are do not depend on what came of the operation: then the steps that follow make sense even
/// when it was not what was expected.
pub(super) fn leaves_processes_as_they_were(operation: &Operation) -> bool {
    match operation {
        Operation::Fork { .. }
        | Operation::ForkUntil { .. }
        | Operation::Exit { .. }
        | Operation::Wait { .. }
        | Operation::Finish
        | Operation::Execve { .. }
        | Operation::Kill { .. }
        | Operation::Spin => false,
        Operation::Mmap { .. }
        | Operation::Munmap { .. }
        | Operation::Mprotect { .. }
        | Operation::Madvise { .. }
        | Operation::Brk { .. }
        | Operation::TouchStack { .. }
        | Operation::StackRoom { .. }
        | Operation::Read(_)
        | Operation::Write(_)
        | Operation::CopyToUser(_)
        | Operation::CopyFromUser(_)
        | Operation::MemWrite(_)
        | Operation::MemRead(_)
        | Operation::SchedYield
        | Operation::Exec { .. }
        | Operation::Sleep { .. }
        | Operation::Getppid { .. }
        | Operation::Setuid { .. }
        | Operation::FailNth { .. }
        | Operation::Pagemap { .. }
        | Operation::ShadowptOpen { .. }
        | Operation::ShadowptClose
        | Operation::ShadowptStart
        | Operation::ShadowptStop
        | Operation::ShadowptPageContents { .. } => true,
    }
}

/// Whether a finding of this rule says that one step went wrong, and nothing of whether its process can be asked again.
pub(super) fn is_about_one_step(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::Result | Rule::ProgramOutput | Rule::PageMap | Rule::ShadowTable | Rule::Evidence
    )
}
