//! What a warehouse was asked for, as part of a report.

use std::fmt;

use serde::Serialize;
use warehouse_server::{Answer, Asked, Request};

use crate::vsock::Served;

/// Most entries of either list that a line of text shows; JSON has all.
const MAX_SHOWN: usize = 12;

/// The requests on one connection to a warehouse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WarehouseLine {
    /// The port, as the guest sees it.
    pub port: u32,
    /// The connection, counted from 1.
    pub connection: u32,
    /// What was asked for, in its order; the same thing many times in a row is one entry.
    pub requests: Vec<String>,
    /// Pages that were asked for more than once on this connection, with how often.
    pub repeated: Vec<(u32, usize)>,
}

/// A line for each connection.
pub(crate) fn lines(served: &Served) -> Vec<WarehouseLine> {
    let connections = served
        .requests
        .chunk_by(|one, next| one.connection == next.connection);
    connections
        .map(|requests| WarehouseLine {
            port: served.port,
            connection: requests[0].connection,
            requests: in_order(requests),
            repeated: repeated(requests),
        })
        .collect()
}

impl fmt::Display for WarehouseLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "warehouse at port {}, connection {}: {}",
            self.port,
            self.connection,
            shortened(&self.requests)
        )?;
        if !self.repeated.is_empty() {
            let repeated = self.repeated.iter();
            let texts: Vec<String> = repeated
                .map(|(page, times)| format!("page {page} {times} times"))
                .collect();
            write!(f, "; in all {}", shortened(&texts))?;
        }
        Ok(())
    }
}

fn shortened(texts: &[String]) -> String {
    let shown = texts.len().min(MAX_SHOWN);
    let text = texts[..shown].join(", ");
    match texts.len() - shown {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

fn in_order(requests: &[Request]) -> Vec<String> {
    let runs = requests.chunk_by(|one, next| (one.asked, one.answer) == (next.asked, next.answer));
    runs.map(|run| match run.len() {
        1 => describe(&run[0]),
        times => format!("{} {times} times", describe(&run[0])),
    })
    .collect()
}

fn describe(request: &Request) -> String {
    let asked = match request.asked {
        Asked::Page(number) => format!("page {number}"),
        Asked::Size => "size".to_owned(),
        Asked::Extracts(id) => format!("extracts of {id}"),
        Asked::Nonsense => "nonsense".to_owned(),
    };
    match request.answer {
        Answer::Given => asked,
        Answer::Refused => format!("{asked} (refused)"),
        Answer::Faulty(fault) => format!("{asked} ({fault})"),
    }
}

/// In the order of the pages' numbers.
fn repeated(requests: &[Request]) -> Vec<(u32, usize)> {
    let mut pages: Vec<u32> = requests
        .iter()
        .filter_map(|request| match request.asked {
            Asked::Page(number) => Some(number),
            Asked::Size | Asked::Extracts(_) | Asked::Nonsense => None,
        })
        .collect();
    pages.sort_unstable();
    let repeated = pages.chunk_by(|one, next| one == next);
    repeated
        .filter(|same| same.len() > 1)
        .map(|same| (same[0], same.len()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_a_line_with_its_order_and_what_came_more_than_once() {
        let request = |connection, asked, answer| Request {
            connection,
            asked,
            answer,
        };
        let served = Served {
            port: 9000,
            requests: vec![
                request(1, Asked::Size, Answer::Given),
                request(1, Asked::Size, Answer::Given),
                request(1, Asked::Page(7), Answer::Given),
                request(1, Asked::Page(3), Answer::Refused),
                request(1, Asked::Page(7), Answer::Given),
                request(2, Asked::Page(7), Answer::Given),
            ],
        };
        let lines: Vec<String> = lines(&served).iter().map(WarehouseLine::to_string).collect();
        assert_eq!(
            lines,
            [
                "warehouse at port 9000, connection 1: size 2 times, page 7, page 3 (refused), page 7; in all page 7 2 times",
                "warehouse at port 9000, connection 2: page 7",
            ]
        );
    }
}
