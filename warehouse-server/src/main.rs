//! The server as a command.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use warehouse_server::{Address, Fault, Options, Server, Text};

/// There is nothing to serve, or nowhere to listen; also clap's for arguments.
const UNUSABLE: u8 = 2;
/// Pages of a text that is generated.
const PAGES: u64 = 4096;

const EXAMPLES: &str = "\
Examples:
  warehouse-server --tcp 127.0.0.1:7000                 a generated text of 4096 pages
  echo 21307140051 | nc 127.0.0.1 7000                  five extracts, for this number
  warehouse-server --unix /tmp/w --text book.txt        a text of yours
  warehouse-server --tcp 127.0.0.1:7000 --fault cut-page
                                                        close half-way through each page

Each request is a line on standard error. The server runs until it is ended by a signal.

Exit status: 2 the arguments, the text or the address are unusable.";

/// Serve a text page by page: five extracts for a number (by hand, with nc), or pages by their numbers (for programs).
#[derive(Parser)]
#[command(name = "warehouse-server", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    address: Where,
    /// File to serve; without it the text is generated, and the same everywhere.
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// Number of pages of 4096 bytes: of a generated text (without this 4096), or at most so many of the file.
    #[arg(long, value_name = "N")]
    pages: Option<u64>,
    /// Do something wrong in each page: cut-page, short-page, long-page, wrong-page, mislabelled-page,
    /// never-answers.
    #[arg(long, value_name = "NAME")]
    fault: Option<Fault>,
    /// Close a connection on which nothing has moved for so long.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    idle: u64,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Where {
    /// Listen on this host and port; port 0 is any that is free.
    #[arg(long, value_name = "HOST:PORT")]
    tcp: Option<String>,
    /// Listen on a Unix socket at this path, which must not exist.
    #[arg(long, value_name = "PATH")]
    unix: Option<PathBuf>,
}

fn main() -> ExitCode {
    match serve(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes = std::iter::successors(error.source(), |error| error.source());
            let causes: String = causes.map(|cause| format!(": {cause}")).collect();
            eprintln!("warehouse-server: {error}{causes}");
            ExitCode::from(UNUSABLE)
        }
    }
}

fn serve(cli: Cli) -> Result<(), Box<dyn std::error::Error>> {
    let text = match &cli.text {
        Some(path) => Text::read(path, cli.pages)?,
        None => Text::generated(cli.pages.unwrap_or(PAGES))?,
    };
    let address = match (cli.address.tcp, cli.address.unix) {
        (Some(host), _) => Address::Tcp(host),
        (None, Some(path)) => Address::Unix(path),
        (None, None) => unreachable!("one of the two is required"),
    };
    let options = Options {
        fault: cli.fault,
        idle: Some(Duration::from_secs(cli.idle)),
        watcher: Some(Box::new(|request| eprintln!("{request}"))),
    };
    let (pages, len_bytes) = (text.pages(), text.len_bytes());
    let server = Server::start(&address, text, options)?;
    eprintln!(
        "serving {len_bytes} bytes in {pages} pages on {}",
        server.address()
    );
    server.wait();
    Ok(())
}
