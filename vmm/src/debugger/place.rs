//! Where a debugger is waited for.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The port when none is named.
const PORT: u16 = 1234;
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The name of the loopback address.
const LOOPBACK_NAME: &str = "localhost";
/// What a path may begin with.
const UNIX: &str = "unix:";

/// An address at which a debugger can connect. One that names no host is of the loopback interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// A TCP port. That with the number 0 is any that is free.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// The text names no such address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected PORT, ADDRESS:PORT, ADDRESS (port {PORT}) or unix:PATH, as in 1234, 127.0.0.1:1234 or unix:/tmp/gdb, found `{found}`"
)]
pub struct NoPlace {
    found: String,
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Place, NoPlace> {
        let path = text.strip_prefix(UNIX).or(text.contains('/').then_some(text));
        if let Some(path) = path.filter(|path| !path.is_empty()) {
            return Ok(Place::Unix(path.into()));
        }
        tcp(text).map(Place::Tcp).ok_or_else(|| NoPlace {
            found: text.to_owned(),
        })
    }
}

fn tcp(text: &str) -> Option<SocketAddr> {
    let on_loopback = |port: &str| Some(SocketAddr::new(LOOPBACK, port.parse().ok()?));
    match text.strip_prefix(LOOPBACK_NAME) {
        Some("") => Some(SocketAddr::new(LOOPBACK, PORT)),
        Some(rest) => on_loopback(rest.strip_prefix(':')?),
        None => on_loopback(text.strip_prefix(':').unwrap_or(text))
            .or_else(|| text.parse().ok())
            .or_else(|| Some(SocketAddr::new(text.parse().ok()?, PORT))),
    }
}

impl Place {
    /// Whether nobody can connect from outside of the machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Place::Tcp(address) => address.ip().is_loopback(),
            Place::Unix(_) => true,
        }
    }
}

/// What gdb is told of it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(address) => address.fmt(f),
            Place::Unix(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> String {
        let place: Result<Place, _> = text.parse();
        place.map_or_else(|error| error.to_string(), |place| place.to_string())
    }

    #[test]
    fn who_names_no_host_means_the_loopback_interface() {
        for (text, expected) in [
            ("1234", "127.0.0.1:1234"),
            (":4321", "127.0.0.1:4321"),
            ("0", "127.0.0.1:0"),
            ("localhost", "127.0.0.1:1234"),
            ("localhost:7", "127.0.0.1:7"),
            ("127.0.0.1", "127.0.0.1:1234"),
            ("127.0.0.1:99", "127.0.0.1:99"),
            ("::1", "[::1]:1234"),
            ("[::1]:99", "[::1]:99"),
        ] {
            assert_eq!(place(text), expected, "{text}");
            assert!(text.parse::<Place>().unwrap().is_local(), "{text}");
        }
    }

    #[test]
    fn a_host_that_is_reached_from_outside_is_taken_as_it_was_named() {
        for text in ["0.0.0.0:1234", "192.0.2.7:1234", "[::]:1234"] {
            assert_eq!(place(text), text);
            assert!(!text.parse::<Place>().unwrap().is_local(), "{text}");
        }
    }

    #[test]
    fn what_has_a_slash_is_a_path() {
        for (text, expected) in [
            ("unix:gdb", "gdb"),
            ("/tmp/gdb", "/tmp/gdb"),
            ("unix:/tmp/gdb", "/tmp/gdb"),
        ] {
            assert_eq!(text.parse(), Ok(Place::Unix(expected.into())), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_by_what_there_is() {
        for text in [
            "",
            ":",
            "unix:",
            "99999",
            "localhostile",
            "localhost7",
            "example.org:1234",
            "1.2.3:4",
        ] {
            assert!(
                place(text).starts_with("expected PORT"),
                "{text}: {}",
                place(text)
            );
        }
    }
}
