//! What a warehouse was asked for, as part of a report.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use warehouse_server::{Answer, Asked, Request};

use crate::vsock::Served;

/// Most entries of either list that a line of text shows.
const MAX_SHOWN: usize = 12;
/// Most entries of either list that a line holds.
const MAX_KEPT: usize = 1000;
/// Most connections of a warehouse that are told of.
const MAX_LINES: usize = 256;

/// The requests on one connection to a warehouse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarehouseLine {
    /// The port, as the guest sees it.
    pub port: u32,
    /// The connection, counted from 1.
    pub connection: u32,
    /// What was asked for, in its order; the same thing many times in a row is one entry.
    pub requests: Vec<String>,
    /// Pages that were asked for more than once on this connection, with how often.
    pub repeated: Vec<(u32, usize)>,
    /// Entries of both lists that are not told, because there are too many.
    #[serde(skip_serializing_if = "is_none", default)]
    pub entries_left_out: usize,
    /// Further connections that are not told of, because there are too many; the last line that is told has their number.
    #[serde(skip_serializing_if = "is_none", default)]
    pub connections_left_out: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// A line for each connection.
pub(crate) fn lines(served: &Served) -> Vec<WarehouseLine> {
    let connections = served
        .requests
        .chunk_by(|one, next| one.connection == next.connection);
    let mut lines: Vec<WarehouseLine> = connections
        .clone()
        .take(MAX_LINES)
        .map(|requests| line(served.port, requests))
        .collect();
    if let Some(last) = lines.last_mut() {
        last.connections_left_out = connections.skip(MAX_LINES).count();
    }
    lines
}

fn line(port: u32, requests: &[Request]) -> WarehouseLine {
    let (mut in_order, mut repeated) = (in_order(requests), repeated(requests));
    let entries_left_out = in_order.len().saturating_sub(MAX_KEPT) + repeated.len().saturating_sub(MAX_KEPT);
    in_order.truncate(MAX_KEPT);
    repeated.truncate(MAX_KEPT);
    WarehouseLine {
        port,
        connection: requests[0].connection,
        requests: in_order,
        repeated,
        entries_left_out,
        connections_left_out: 0,
    }
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
        if self.entries_left_out > 0 {
            write!(f, "; {} entries left out", self.entries_left_out)?;
        }
        if self.connections_left_out > 0 {
            write!(f, "; and {} more connections", self.connections_left_out)?;
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
    fn a_client_that_asks_without_end_is_told_of_up_to_a_limit_and_the_rest_is_counted() {
        let request = |connection, page| Request {
            connection,
            asked: Asked::Page(page),
            answer: Answer::Given,
        };
        let many = (0..MAX_KEPT as u32 + 3).map(|page| request(1, page));
        let connections = (2..MAX_LINES as u32 + 6).map(|connection| request(connection, 7));
        let requests = many.chain(connections).collect();
        let told = lines(&Served { port: 9000, requests });
        assert_eq!((told.len(), told[0].requests.len()), (MAX_LINES, MAX_KEPT));
        assert!(told[0].to_string().ends_with("; 3 entries left out"));
        assert!(
            told[MAX_LINES - 1]
                .to_string()
                .ends_with("; and 5 more connections")
        );
    }

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
