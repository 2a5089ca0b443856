//! Who serves the faults: a thread that fetches each page that somebody waits for.

use abi::PAGE_SIZE;
use abi::linux::poll::POLLIN;
use abi::linux::userfaultfd::{
    UFFD_API, UFFD_EVENT_PAGEFAULT, UFFDIO_REGISTER_MODE_MISSING, UffdMsg, UffdioCopy, UffdioRange,
};
use abi::warehouse::PAGE_BYTES;
use guest_user::syscall::Errno;
use guest_user::syscall::poll::{PollFd, poll};
use guest_user::syscall::userfaultfd::UserFault;
use guest_user::{Span, println};

use crate::failure::Failure;
use crate::give_up;
use crate::server::Server;

/// Waits without end.
const FOR_EVER: i32 = -1;

/// Faults of the mapped text.
pub(crate) struct Handler {
    faults: UserFault,
    warehouse: Span,
}

impl Handler {
    /// From now on whoever touches a page that is not there waits for it.
    pub(crate) fn register(warehouse: Span) -> Result<Self, Failure> {
        let failed = |call| move |errno: Errno| Failure::System(call, errno);
        let faults = UserFault::open().map_err(failed("userfaultfd"))?;
        faults.handshake(UFFD_API).map_err(failed("UFFDIO_API"))?;
        let range = UffdioRange {
            start: warehouse.address(),
            len: warehouse.len_bytes(),
        };
        let registered = faults.register(range, UFFDIO_REGISTER_MODE_MISSING);
        registered.map_err(failed("UFFDIO_REGISTER"))?;
        Ok(Self { faults, warehouse })
    }

    /// Serves one fault after the other. A fault that cannot be served ends the program: who waits would wait for ever.
    pub(crate) fn serve(self, mut server: Server) {
        loop {
            if let Err(failure) = self.serve_one(&mut server) {
                give_up(failure);
            }
        }
    }

    fn serve_one(&self, server: &mut Server) -> Result<(), Failure> {
        let mut fds = [PollFd::new(self.faults.fd(), POLLIN)];
        poll(&mut fds, FOR_EVER).map_err(|errno| Failure::System("poll", errno))?;
        let message = self
            .faults
            .read()
            .map_err(|errno| Failure::System("read of userfaultfd", errno))?;
        assert_eq!(
            message.event, UFFD_EVENT_PAGEFAULT,
            "no other event was asked for"
        );
        let number = (message.address - self.warehouse.address()) / PAGE_SIZE;
        println!("page {number} is missing");
        let mut page = [0; PAGE_BYTES];
        server.page(number as u32, &mut page)?;
        self.copy(number, &page)
    }

    fn copy(&self, number: u64, page: &[u8; PAGE_BYTES]) -> Result<(), Failure> {
        let mut copy = UffdioCopy {
            dst: self.warehouse.address() + number * PAGE_SIZE,
            src: page.as_ptr() as u64,
            len: PAGE_SIZE,
            mode: 0,
            copy: 0,
        };
        self.faults
            .copy(&mut copy)
            .map_err(|errno| Failure::System("UFFDIO_COPY", errno))
    }
}
