//! A device without hardware that does all that a driver can, as [`abi::testdev`] describes it, and counts what it is asked for.

use alloc::rc::Rc;
use core::cell::Cell;
use core::fmt::{self, Write};

use abi::PAGE_SIZE;
use abi::testdev::{
    FILL, NAME, ON_FAULT, PAGES, PROC_NAME, PUBLISH, REGISTER, SCATTERED, UNREGISTER, WITHDRAW, WRITTEN,
};

use crate::errno::Errno;
use crate::fs::{self, FileOperations, OpenFile, Text, pieces, seek};
use crate::mm::{
    FaultError, FrameKind, FrameRef, KernelPages, MapOperations, NewArea, OutOfMemory, UserSlice,
    copy_from_frame, copy_to_frame, try_rc,
};
use crate::process;

/// Makes the device and the file that controls it.
pub(crate) fn init() {
    let control = || {
        let pages = KernelPages::in_a_row(FrameKind::ModulePages, PAGES as usize)?;
        let driver = try_rc(Driver {
            pages,
            counts: Counts::default(),
        })?;
        Ok::<_, OutOfMemory>(Control {
            driver,
            major: Cell::new(0),
        })
    };
    let control = control().and_then(try_rc).expect("memory is plenty at boot");
    control.register().expect("nobody else has the name");
    fs::proc_create(NAME.as_bytes(), control).expect("nobody else has the name");
}

#[derive(Debug)]
struct Driver {
    pages: KernelPages,
    counts: Counts,
}

/// How often it was asked.
#[derive(Debug, Default)]
struct Counts {
    opened: Count,
    released: Count,
    mapped: Count,
    areas_opened: Count,
    areas_closed: Count,
    faults: Count,
}

#[derive(Debug, Default)]
struct Count(Cell<u32>);

impl Count {
    fn up(&self) {
        self.0.set(self.0.get() + 1);
    }
}

/// The device as a file.
#[derive(Debug)]
struct Device(Rc<Driver>);

impl FileOperations for Device {
    fn open(&self, _: &OpenFile) -> Result<(), Errno> {
        self.0.counts.opened.up();
        Ok(())
    }

    fn release(&self, _: &OpenFile) {
        self.0.counts.released.up();
    }

    fn read(&self, _: &OpenFile, position: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        pieces::read(position, to, |position, into| {
            Ok(self.0.with_page_at(position, |frame, offset| {
                copy_from_frame(frame, offset, into);
                into.len()
            }))
        })
    }

    fn write(&self, file: &OpenFile, position: &mut u64, from: UserSlice) -> Result<u64, Errno> {
        let written = pieces::write(position, from, |position, bytes| {
            Ok(self.0.with_page_at(position, |frame, offset| {
                copy_to_frame(frame, offset, bytes);
                bytes.len()
            }))
        })?;
        file.set_private(file.private() + written);
        Ok(written)
    }

    fn seek(&self, file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
        seek::in_length(file, offset, whence, PAGES * PAGE_SIZE)
    }

    fn ioctl(&self, file: &OpenFile, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            FILL => self.0.fill(argument),
            WRITTEN => Ok(file.private()),
            _ => Err(Errno::ENOTTY),
        }
    }

    fn mmap(&self, _: &OpenFile, area: &mut NewArea) -> Result<(), Errno> {
        self.0.map(area)?;
        area.set_operations(self.0.clone());
        self.0.counts.mapped.up();
        Ok(())
    }
}

impl Driver {
    /// Nothing behind the last page.
    fn with_page_at(&self, position: u64, f: impl FnOnce(&FrameRef, u64) -> usize) -> usize {
        let frame = self.pages.frames().get((position / PAGE_SIZE) as usize);
        frame.map_or(0, |frame| f(frame, position % PAGE_SIZE))
    }

    fn fill(&self, argument: u64) -> Result<u64, Errno> {
        let mut words = [0; 16];
        process::copy_in(UserSlice::new(argument, 16)?, &mut words)?;
        let (page, byte) = (
            u64::from_le_bytes(*words.first_chunk().expect("16 bytes")),
            words[8],
        );
        let frame = usize::try_from(page).ok();
        let frame = frame.and_then(|page| self.pages.frames().get(page));
        let frame = frame.ok_or(Errno::EINVAL)?;
        let bytes = [byte; 256];
        (0..PAGE_SIZE)
            .step_by(bytes.len())
            .for_each(|offset| copy_to_frame(frame, offset, &bytes));
        Ok(0)
    }

    fn map(&self, area: &mut NewArea) -> Result<(), Errno> {
        let frames = self.pages.frames();
        let protection = area.protection();
        match area.first_page() {
            ON_FAULT.. => Ok(()),
            SCATTERED.. => (0..area.pages()).try_for_each(|page| {
                let frame = PAGES
                    .checked_sub(1 + area.first_page() - SCATTERED + page)
                    .ok_or(Errno::EINVAL)?;
                area.remap(page, frames[frame as usize].number(), 1, protection)
            }),
            first if area.end_page() <= PAGES => {
                let count = area.pages() as u32;
                area.remap(0, frames[first as usize].number(), count, protection)
            }
            _ => Err(Errno::EINVAL),
        }
    }
}

impl MapOperations for Driver {
    fn fault(&self, page: u64) -> Result<FrameRef, FaultError> {
        self.counts.faults.up();
        let frame = page
            .checked_sub(ON_FAULT)
            .and_then(|page| self.pages.frames().get(page as usize));
        Ok(frame.ok_or(FaultError::NoPage)?.again())
    }

    fn open(&self) {
        self.counts.areas_opened.up();
    }

    fn close(&self) {
        self.counts.areas_closed.up();
    }
}

/// `/proc/testdev`.
#[derive(Debug)]
struct Control {
    driver: Rc<Driver>,
    /// The device's number, while it has one.
    major: Cell<u32>,
}

impl Control {
    fn register(&self) -> Result<(), Errno> {
        let device = try_rc(Device(self.driver.clone()))?;
        self.major.set(fs::register_chrdev(0, NAME.as_bytes(), device)?);
        Ok(())
    }

    fn perform(&self, command: &[u8]) -> Result<(), Errno> {
        match core::str::from_utf8(command) {
            Ok(REGISTER) => self.register(),
            Ok(UNREGISTER) => fs::unregister_chrdev(self.major.get(), NAME.as_bytes()),
            Ok(PUBLISH) => fs::proc_create(PROC_NAME.as_bytes(), try_rc(Device(self.driver.clone()))?),
            Ok(WITHDRAW) => fs::remove_proc_entry(PROC_NAME.as_bytes()),
            _ => Err(Errno::EINVAL),
        }
    }

    fn counts(&self) -> Result<Text, fmt::Error> {
        let Counts {
            opened,
            released,
            mapped,
            areas_opened,
            areas_closed,
            faults,
        } = &self.driver.counts;
        let mut text = Text::default();
        writeln!(text, "opened {}, released {}", opened.0.get(), released.0.get())?;
        writeln!(
            text,
            "areas: mapped {}, opened {}, closed {}",
            mapped.0.get(),
            areas_opened.0.get(),
            areas_closed.0.get()
        )?;
        writeln!(text, "faults {}", faults.0.get())?;
        Ok(text)
    }
}

impl FileOperations for Control {
    fn read(&self, _: &OpenFile, position: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        let text = self.counts().map_err(|fmt::Error| Errno::ENOMEM)?;
        pieces::read_contents(position, to, text.as_bytes())
    }

    fn write(&self, _: &OpenFile, position: &mut u64, from: UserSlice) -> Result<u64, Errno> {
        pieces::write(position, from, |_, command| {
            self.perform(command).map(|()| command.len())
        })
    }
}
