//! What streams do, against servers of the warehouse: `vsock GOOD CUT SILENT`, three addresses as `guest_user::net` has them.
//!
//! The facts are the same over every transport, so what Linux prints over Unix sockets is what the guest prints over vsock. What is
//! vsock's alone is told by the program `vsock-errors`.
#![no_std]
#![no_main]

mod ask;
mod ends;
mod pressure;
mod waiting;

use guest_user::net::Address;
use guest_user::{Arguments, eprintln, println, program};

program!(main);

/// The three servers.
struct Servers {
    /// Does all as it should.
    good: Address,
    /// Closes half-way through a page.
    cut: Address,
    /// Never answers.
    silent: Address,
}

fn main(arguments: Arguments) -> i32 {
    let address = |index| Address::parse(arguments.get(index)?);
    let (Some(good), Some(cut), Some(silent)) = (address(1), address(2), address(3)) else {
        eprintln!("usage: vsock GOOD CUT SILENT (vsock:CID:PORT, tcp:A.B.C.D:PORT or unix:PATH)");
        return 2;
    };
    let servers = Servers { good, cut, silent };
    println!("asking");
    ask::facts(&servers.good);
    println!("waiting");
    waiting::facts(&servers);
    println!("back-pressure");
    pressure::facts(&servers.good);
    println!("ends");
    ends::facts(&servers);
    0
}
