//! Shows five pages of a text that a server has, without loading the rest: the text is mapped as a whole, and each page is fetched when
//! it is touched for the first time.
//!
//! Arguments: a number, which decides which pages, and the server.
#![no_std]
#![no_main]

mod failure;
mod handler;
mod printable;
mod server;

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::warehouse::{EXTRACT_BYTES, pages_of};
use guest_user::net::Address;
use guest_user::syscall::process;
use guest_user::{Arguments, Span, eprintln, parse_number, println, program, thread};

use failure::Failure;
use handler::Handler;
use printable::printable;
use server::Server;

program!(main);

const FAILURE_STATUS: i32 = 1;
const USAGE_STATUS: i32 = 2;

fn main(arguments: Arguments) -> i32 {
    if arguments.get(1) == Some(b"--help") {
        print_usage();
        return 0;
    }
    let id = arguments.get(1).and_then(parse_number);
    let address = arguments.get(2).and_then(Address::parse);
    let (Some(id), Some(address)) = (id, address) else {
        print_usage();
        return USAGE_STATUS;
    };
    match show(id, &address) {
        Ok(()) => 0,
        Err(failure) => give_up(&failure),
    }
}

fn print_usage() {
    println!("usage: warehouse-client <id> <server>");
    println!(
        "Fetches five pages of the server's text, chosen by the number <id>, and shows how each begins."
    );
    println!(
        "  <server>  vsock:CID:PORT, tcp:ADDRESS:PORT or unix:PATH, as in vsock:2:9000 or tcp:127.0.0.1:9000"
    );
}

/// Ends the program, whichever thread it is that cannot go on.
fn give_up(failure: &Failure) -> ! {
    eprintln!("warehouse-client: {failure}");
    process::exit(FAILURE_STATUS)
}

fn show(id: u64, address: &Address) -> Result<(), Failure> {
    let mut server = Server::connect(address)?;
    let pages = server.pages()?;
    if pages == 0 {
        return Err(Failure::Empty);
    }
    let warehouse = Span::map(pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE)
        .map_err(|errno| Failure::System("mmap", errno))?;
    let handler = Handler::register(warehouse)?;
    println!("{pages} pages, none loaded");
    // It serves as long as the program lives, and ends with it.
    thread::spawn(move || handler.serve(server)).map_err(|errno| Failure::System("clone", errno))?;
    for page in pages_of(id, pages) {
        show_page(warehouse, page);
    }
    Ok(())
}

/// How a page begins. The first byte is the one that it is loaded for.
fn show_page(warehouse: Span, page: u64) {
    let bytes: [u8; EXTRACT_BYTES] =
        core::array::from_fn(|index| warehouse.load(page * PAGE_SIZE + index as u64));
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let lines = bytes[..end].split(|byte| *byte == b'\n');
    println!("page {page}:");
    for line in lines {
        println!("  {}", printable(line));
    }
}
