//! Who serves the faults: a thread that fetches each page that somebody waits for.

use abi::PAGE_SIZE;
use abi::linux::syscall::{O_CLOEXEC, O_NONBLOCK};
use abi::linux::userfaultfd::{UFFD_API, UFFD_USER_MODE_ONLY, UFFDIO_REGISTER_MODE_MISSING};
use abi::warehouse::PAGE_BYTES;
use guest_user::syscall::Errno;
use guest_user::{Span, Userfaultfd, println};

use crate::failure::Failure;
use crate::give_up;
use crate::server::Server;

/// Faults of the mapped text.
pub(crate) struct Handler {
    faults: Userfaultfd,
    warehouse: Span,
}

impl Handler {
    /// From now on whoever touches a page that is not there waits for it. Faults of the kernel's are left out, so that every user
    /// may do this.
    pub(crate) fn register(warehouse: Span) -> Result<Self, Failure> {
        let failed = |call| move |errno: Errno| Failure::System(call, errno);
        let flags = O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY;
        let faults = Userfaultfd::new(flags).map_err(failed("userfaultfd"))?;
        faults.shake_hands(UFFD_API, 0).map_err(failed("UFFDIO_API"))?;
        let registered = faults.register(warehouse, UFFDIO_REGISTER_MODE_MISSING);
        registered.map_err(failed("UFFDIO_REGISTER"))?;
        Ok(Self { faults, warehouse })
    }

    /// Serves one fault after the other. A fault that cannot be served ends the program: who waits would wait for ever.
    pub(crate) fn serve(self, mut server: Server) {
        loop {
            if let Err(failure) = self.serve_one(&mut server) {
                give_up(&failure);
            }
        }
    }

    fn serve_one(&self, server: &mut Server) -> Result<(), Failure> {
        let message = self.faults.next_message();
        let number = (message.address() - self.warehouse.address()) / PAGE_SIZE;
        println!("page {number} is missing");
        let mut page = [0; PAGE_BYTES];
        server.page(number as u32, &mut page)?;
        let place = self.warehouse.part(number * PAGE_SIZE, PAGE_SIZE);
        let (copied, _) = self.faults.copy(place, page.as_ptr() as u64, 0);
        copied.map_err(|errno| Failure::System("UFFDIO_COPY", errno))
    }
}
