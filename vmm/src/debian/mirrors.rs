//! The Debian mirrors in the system's package sources: no server is named in this program.
//!
//! Sources come in two forms, stanzas (`*.sources`) and lines (`*.list`). A source counts as a Debian mirror if it serves
//! one of Debian's suites by its own name, which excludes third parties' sources and the security archive.

use std::fs;
use std::path::Path;

use deb822_fast::{Deb822, Paragraph};

/// Suites that a compiler newer than the system's own may be in, small ones first.
const FURTHER_SUITES: [&str; 5] = ["trixie-backports", "trixie", "forky", "forky-backports", "sid"];
/// Names by which a Debian mirror is known, with or without [`SUFFIXES`].
const DEBIAN_SUITES: [&str; 10] = [
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "oldstable",
    "stable",
    "testing",
    "unstable",
];
const SUFFIXES: [&str; 2] = ["-updates", "-backports"];
/// Options of a source that say how it is to be trusted; they hold for all its suites.
const TRUST_OPTIONS: [&str; 3] = ["Signed-By", "Trusted", "Check-Valid-Until"];

/// A Debian mirror of the system.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    pub(crate) uri: String,
    /// Suites that the system uses.
    pub(crate) suites: Vec<String>,
    /// Fields of [`TRUST_OPTIONS`].
    pub(crate) options: Vec<(String, String)>,
}

/// Mirrors configured in an apt configuration directory, in apt's order and each once.
pub(crate) fn configured(etc: &Path) -> Vec<Mirror> {
    let mut files = vec![etc.join("sources.list")];
    let mut parts: Vec<_> = fs::read_dir(etc.join("sources.list.d"))
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    parts.sort_by_key(fs::DirEntry::file_name);
    files.extend(parts.iter().map(fs::DirEntry::path));

    let mut mirrors: Vec<Mirror> = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let sources = match file.extension().and_then(|extension| extension.to_str()) {
            Some("sources") => from_stanzas(&text),
            Some("list") => text.lines().filter_map(from_line).collect(),
            _ => continue,
        };
        for source in sources.into_iter().filter(Mirror::is_debian) {
            match mirrors.iter_mut().find(|mirror| mirror.is_at(&source.uri)) {
                Some(known) => known.suites.extend(source.suites),
                None => mirrors.push(source),
            }
        }
    }
    mirrors
}

impl Mirror {
    /// Groups of suites to look into, one after the other: first the system's own, whatever they are.
    pub(crate) fn suites_to_try(&self) -> Vec<Vec<String>> {
        let further = FURTHER_SUITES
            .iter()
            .filter(|suite| !self.suites.iter().any(|own| own == *suite));
        let mut groups = vec![self.suites.clone()];
        groups.extend(further.map(|suite| vec![(*suite).to_owned()]));
        groups
    }

    /// A source for apt that offers binary packages of `suites`.
    pub(crate) fn to_deb822(&self, suites: &[String]) -> String {
        let mut stanza = format!(
            "Types: deb\nURIs: {}\nSuites: {}\nComponents: main\nTargets: Packages\n",
            self.uri,
            suites.join(" ")
        );
        for (name, value) in &self.options {
            stanza += &format!("{name}: {}\n", value.replace('\n', "\n "));
        }
        stanza
    }

    fn is_at(&self, uri: &str) -> bool {
        self.uri.trim_end_matches('/') == uri.trim_end_matches('/')
    }

    fn is_debian(&self) -> bool {
        let plain = |suite: &String| {
            let without = SUFFIXES.iter().find_map(|suffix| suite.strip_suffix(suffix));
            DEBIAN_SUITES.contains(&without.unwrap_or(suite))
        };
        !self.uri.starts_with("cdrom:") && self.suites.iter().any(plain)
    }
}

fn from_stanzas(text: &str) -> Vec<Mirror> {
    let stanzas: Deb822 = match text.parse() {
        Ok(stanzas) => stanzas,
        // Apt will have complained about it; the system's other sources are still good.
        Err(_) => return Vec::new(),
    };
    stanzas.iter().flat_map(from_stanza).collect()
}

fn from_stanza(stanza: &Paragraph) -> Vec<Mirror> {
    let words = |name| {
        stanza
            .get(name)
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
    };
    let disabled = words("Enabled").any(|value| {
        ["no", "false", "0", "off", "without", "disable"].contains(&value.to_lowercase().as_str())
    });
    if disabled
        || !words("Types").any(|kind| kind == "deb")
        || !words("Components").any(|name| name == "main")
    {
        return Vec::new();
    }
    let options = TRUST_OPTIONS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), stanza.get(name)?.to_owned())));
    let options: Vec<_> = options.collect();
    words("URIs")
        .map(|uri| Mirror {
            uri,
            suites: words("Suites").collect(),
            options: options.clone(),
        })
        .collect()
}

/// One line, as in `deb [signed-by=/a/key.gpg] http://mirror/debian trixie main`.
fn from_line(line: &str) -> Option<Mirror> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let rest = line.strip_prefix("deb")?;
    let rest = rest.strip_prefix(char::is_whitespace)?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let (uri, suite) = (words.next()?, words.next()?);
    if !words.any(|component| component == "main") {
        return None;
    }
    let options = options.split_whitespace().filter_map(|option| {
        let (name, value) = option.split_once('=')?;
        let name = TRUST_OPTIONS
            .iter()
            .find(|known| known.eq_ignore_ascii_case(name))?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    Some(Mirror {
        uri,
        suites: vec![suite],
        options: options.collect(),
    })
}

#[cfg(test)]
mod tests;
