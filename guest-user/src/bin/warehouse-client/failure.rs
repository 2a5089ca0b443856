//! Why the program cannot go on.

use core::fmt;

use guest_user::Text;
use guest_user::net::ReceiveError;
use guest_user::syscall::Errno;

use crate::printable::printable;

/// Room for a reason, with a NUL behind it.
pub(crate) const REASON_BYTES: usize = 96;

/// What went wrong, and where.
pub(crate) enum Failure {
    /// A system call.
    System(&'static str, Errno),
    /// The server cannot be reached.
    Unreachable(Errno),
    /// The server is not there any more.
    Lost(ReceiveError),
    /// The server does not answer.
    Silent { seconds: u64 },
    /// The text has no pages.
    Empty,
    /// The server says that it cannot, and why: as much as there is room for.
    Refused(Text<REASON_BYTES>),
    /// The answer to another question.
    Other { asked: u32, answered: u32 },
    /// An answer of another kind.
    Kind([u8; 4]),
    /// An answer of another length than it must have.
    Len { expected: usize, announced: u32 },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(call, errno) => write!(f, "{call}: {errno}"),
            Self::Unreachable(errno) => write!(f, "cannot reach the server: {errno}"),
            Self::Lost(ReceiveError::Ended(_)) => f.write_str("the server has closed the connection"),
            Self::Lost(ReceiveError::Failed(errno)) => write!(f, "the server is lost: {errno}"),
            Self::Silent { seconds } => write!(f, "the server has not answered for {seconds} s"),
            Self::Empty => f.write_str("the server's text is empty"),
            Self::Refused(message) => {
                write!(f, "the server refuses: {}", printable(message.as_bytes()))
            }
            Self::Other { asked, answered } => {
                write!(f, "asked for page {asked}, the server sent page {answered}")
            }
            Self::Kind(kind) => write!(
                f,
                "the server's answer is of the unknown kind {}",
                kind.escape_ascii()
            ),
            Self::Len { expected, announced } => {
                write!(
                    f,
                    "the server's answer has {announced} bytes, expected {expected}"
                )
            }
        }
    }
}
