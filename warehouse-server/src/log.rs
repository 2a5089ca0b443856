//! What was asked for, and what came of it.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Fault;

/// Most requests that are kept; a client that asks more often than this is answered all the same.
const MAX_KEPT: usize = 1 << 17;

/// A request of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which connection it came over, counted from 1 in the order in which they were made.
    pub connection: u32,
    /// What was asked for.
    pub asked: Asked,
    /// What was decided to answer, before the first byte of it was sent.
    pub answer: Answer,
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A page, by its number.
    Page(u32),
    /// The length of the text.
    Size,
    /// The extracts that belong to a number.
    Extracts(u64),
    /// Nothing that the server understands.
    Nonsense,
}

/// What a client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What it asked for.
    Given,
    /// A message that says why not.
    Refused,
    /// Something wrong, on purpose.
    Faulty(Fault),
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}: ", self.connection)?;
        match self.asked {
            Asked::Page(number) => write!(f, "page {number}")?,
            Asked::Size => write!(f, "size")?,
            Asked::Extracts(id) => write!(f, "extracts of {id}")?,
            Asked::Nonsense => write!(f, "nonsense")?,
        }
        match self.answer {
            Answer::Given => Ok(()),
            Answer::Refused => write!(f, ", refused"),
            Answer::Faulty(fault) => write!(f, ", {fault}"),
        }
    }
}

/// Requests as they came.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<Request>>);

impl Log {
    pub(crate) fn add(&self, request: Request) {
        let mut requests = self.requests();
        if requests.len() < MAX_KEPT {
            requests.push(request);
        }
    }

    /// By connection, and in their order within each: which of two connections is served first is chance.
    pub(crate) fn sorted(&self) -> Vec<Request> {
        let mut requests = self.requests().clone();
        requests.sort_by_key(|request| request.connection);
        requests
    }

    fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
