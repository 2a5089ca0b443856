//! System calls on sockets.

use abi::linux::socket::{
    AF_MAX, AF_VSOCK, MAX_ADDRESS_BYTES, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_OOB, MSG_PEEK, MSG_WAITALL, SHUT_RD,
    SHUT_RDWR, SHUT_WR, SO_ERROR, SO_TYPE, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_MAX, SOCK_NONBLOCK, SOCK_STREAM,
    SOCK_TYPE_MASK, SOCKADDR_VM_BYTES, SOCKADDR_VM_CID, SOCKADDR_VM_PORT, SOL_SOCKET,
};
use abi::vsock::{SHUTDOWN_BOTH, SHUTDOWN_RECEIVE, SHUTDOWN_SEND};

use super::file::open_file;
use crate::errno::Errno;
use crate::fs::{AtExec, OpenMode, Patience, open_unnamed};
use crate::mm::UserSlice;
use crate::net::{Address, Socket};
use crate::process::{self, with_current};

/// All arguments are C ints.
pub(super) fn socket(family: u64, kind: u64, protocol: u64) -> Result<u64, Errno> {
    let (family, kind, protocol) = (family as u32, kind as u32, protocol as u32);
    let (flags, kind) = (kind & !SOCK_TYPE_MASK, kind & SOCK_TYPE_MASK);
    if flags & !(SOCK_CLOEXEC | SOCK_NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    if family >= AF_MAX.into() {
        return Err(Errno::EAFNOSUPPORT);
    }
    if kind >= SOCK_MAX {
        return Err(Errno::EINVAL);
    }
    if family != AF_VSOCK.into() {
        return Err(Errno::EAFNOSUPPORT);
    }
    if protocol != 0 && protocol != AF_VSOCK.into() {
        return Err(Errno::EPROTONOSUPPORT);
    }
    match kind {
        SOCK_STREAM => {}
        // No device carries them.
        SOCK_DGRAM => return Err(Errno::ENODEV),
        _ => return Err(Errno::ESOCKTNOSUPPORT),
    }
    // The flags are open's.
    let patience = Patience::from_flags(flags.into());
    let at_exec = AtExec::from_flags(flags.into());
    with_current(|process| process.files().check_room())?;
    let file = open_unnamed(Socket::new(patience), OpenMode::READ_WRITE)?;
    with_current(|process| process.files().add(file, at_exec))
}

pub(super) fn connect(descriptor: u64, address: u64, length: u64) -> Result<u64, Errno> {
    let file = open_file(descriptor)?;
    let socket = file.socket()?;
    let address = read_address(address, length)?;
    socket.connect(address).map(|()| 0)
}

pub(super) fn sendto(
    descriptor: u64,
    buffer: u64,
    count: u64,
    flags: u64,
    address: u64,
    length: u64,
) -> Result<u64, Errno> {
    let flags = flags as u32;
    let file = open_file(descriptor)?;
    let socket = file.socket()?;
    let from = UserSlice::new(buffer, count)?;
    if address != 0 {
        // Whom it names does not matter: it must be readable.
        let _ = read_address(address, length)?;
    }
    if flags & MSG_OOB != 0 || address != 0 && length as u32 != 0 {
        return Err(match socket.send(from.first(0), Patience::None) {
            Ok(_) if flags & MSG_OOB == 0 => Errno::EISCONN,
            Ok(_) | Err(_) => Errno::EOPNOTSUPP,
        });
    }
    let result = socket.send(from, patience(socket, flags));
    if result == Err(Errno::EPIPE) && flags & MSG_NOSIGNAL == 0 {
        Socket::signal_broken_pipe();
    }
    result
}

/// Nobody is told whom it is from: the socket is connected.
pub(super) fn recvfrom(
    descriptor: u64,
    buffer: u64,
    count: u64,
    flags: u64,
    address: u64,
    length: u64,
) -> Result<u64, Errno> {
    let flags = flags as u32;
    let file = open_file(descriptor)?;
    let socket = file.socket()?;
    let to = UserSlice::new(buffer, count)?;
    if flags & (MSG_OOB | MSG_PEEK | MSG_WAITALL) != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let received = socket.receive(to, patience(socket, flags))?;
    if address != 0 {
        process::copy_out(UserSlice::new(length, 4)?, &[0; 4])?;
    }
    Ok(received)
}

pub(super) fn shutdown(descriptor: u64, how: u64) -> Result<u64, Errno> {
    let file = open_file(descriptor)?;
    let socket = file.socket()?;
    let flags = match how as u32 {
        SHUT_RD => SHUTDOWN_RECEIVE,
        SHUT_WR => SHUTDOWN_SEND,
        SHUT_RDWR => SHUTDOWN_BOTH,
        _ => return Err(Errno::EINVAL),
    };
    socket.shutdown(flags).map(|()| 0)
}

pub(super) fn getsockopt(
    descriptor: u64,
    level: u64,
    option: u64,
    value: u64,
    length: u64,
) -> Result<u64, Errno> {
    let file = open_file(descriptor)?;
    let socket = file.socket()?;
    let length = UserSlice::new(length, 4)?;
    let mut room = [0; 4];
    process::copy_in(length, &mut room)?;
    let room = i32::from_le_bytes(room);
    let Ok(room) = usize::try_from(room) else {
        return Err(Errno::EINVAL);
    };
    let answer = match (level as u32, option as u32) {
        (SOL_SOCKET, SO_ERROR) => socket.take_error().map_or(0, Errno::number),
        (SOL_SOCKET, SO_TYPE) => SOCK_STREAM.cast_signed(),
        _ => return Err(Errno::ENOPROTOOPT),
    };
    let answer = answer.to_le_bytes();
    let answer = &answer[..room.min(answer.len())];
    process::copy_out(UserSlice::new(value, answer.len() as u64)?, answer)?;
    process::copy_out(length, &(answer.len() as u32).to_le_bytes())?;
    Ok(0)
}

fn patience(socket: &Socket, flags: u32) -> Patience {
    match flags & MSG_DONTWAIT {
        0 => socket.patience(),
        _ => Patience::None,
    }
}

/// The outer error is one of the bytes, the inner one of what they say: EINVAL, whatever it is.
fn read_address(address: u64, length: u64) -> Result<Result<Address, Errno>, Errno> {
    let length = u64::from(length as u32);
    if length > MAX_ADDRESS_BYTES {
        return Err(Errno::EINVAL);
    }
    let mut bytes = [0; MAX_ADDRESS_BYTES as usize];
    let bytes = &mut bytes[..length as usize];
    process::copy_in(UserSlice::new(address, length)?, bytes)?;
    let Some(bytes) = bytes.first_chunk::<SOCKADDR_VM_BYTES>() else {
        return Ok(Err(Errno::EINVAL));
    };
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    if u16::from_le_bytes([bytes[0], bytes[1]]) != AF_VSOCK {
        return Ok(Err(Errno::EINVAL));
    }
    Ok(Ok(Address {
        cid: word(SOCKADDR_VM_CID),
        port: word(SOCKADDR_VM_PORT),
    }))
}
