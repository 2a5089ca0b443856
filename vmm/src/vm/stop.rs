//! A guest that stands still, and everything that can be seen of it then.

use std::fs::File;
use std::ops::Range;

use abi::PAGE_SIZE;
use vm_memory::GuestMemoryMmap;

use super::{
    Boot, DirtyCursor, Imposture, KernelImage, MEMORY_SLOT, Misprint, StopReason, Symbols, Vm, VmError,
    memory_len_bytes, refused,
};
use crate::address::{FrameNumber, PhysAddr, VirtAddr};
use crate::block::{BlockDevice, Disk};
use crate::channel::{Channel, Devices};
use crate::inspect::audit::{KernelFinding, KernelHalf};
use crate::inspect::owners::{Owners, Space};
use crate::inspect::walk::{self, Root};
use crate::inspect::{Effort, Findings, FrameSet, PhysicalMemory};
use crate::view::SystemRegisters;
use crate::vsock::{Hosts, SocketDevice};

/// A guest that stands still. All inspection goes through here.
pub struct Stop<'vm> {
    pub(super) vm: &'vm mut Vm,
    pub(super) reason: StopReason,
}

impl Stop<'_> {
    /// Why the guest stands still.
    #[must_use]
    pub fn reason(&self) -> &StopReason {
        &self.reason
    }

    /// Guest physical memory.
    #[must_use]
    pub fn memory(&self) -> &GuestMemoryMmap {
        &self.vm.memory
    }

    /// What the guest has said over its devices.
    pub fn devices(&mut self) -> &mut Devices {
        &mut self.vm.devices
    }

    /// The top page table that is in use.
    ///
    /// # Errors
    /// KVM refuses to tell.
    pub fn root(&self) -> Result<Root, VmError> {
        self.vm.vcpu.root()
    }

    /// The registers that say how memory is seen.
    ///
    /// # Errors
    /// KVM refuses to tell.
    pub(crate) fn system_registers(&self) -> Result<SystemRegisters, VmError> {
        self.vm.vcpu.system_registers()
    }

    /// The top page table with which the kernel runs. It is the one in use, unless the kernel keeps most of itself out of the tables that
    /// programs run with: Linux does, and has its own in the frame before. Where the kernel's GS base leads tells them apart.
    ///
    /// # Errors
    /// KVM refuses to tell.
    pub fn kernel_root(&self) -> Result<Root, VmError> {
        Ok(self.kernel_root_of(self.root()?))
    }

    /// The same for a process that has this top page table.
    fn kernel_root_of(&self, root: Root) -> Root {
        let own = self.vm.vcpu.kernel_gs_base();
        let memory = PhysicalMemory::new(&self.vm.memory);
        let leads = |root| walk::translate(memory, root, own).is_ok();
        let before = Root::from_cr3(root.table().start().0 & !PAGE_SIZE);
        if !leads(root) && leads(before) {
            before
        } else {
            root
        }
    }

    /// From now on it is noted whether the process with this top page table gets the processor, or that of no process.
    pub(crate) fn watch(&mut self, root: Option<Root>) {
        let roots = root.map(|root| vec![root, self.kernel_root_of(root)]);
        self.vm.vcpu.watch(roots.unwrap_or_default());
    }

    /// Whether it has had the processor since this was last asked. With a virtual clock nobody looks.
    pub(crate) fn take_has_run(&mut self) -> bool {
        self.vm.vcpu.take_has_run()
    }

    /// Frames that no user may reach, because the kernel is in them: those that it was loaded into, or, of a kernel that gives some of
    /// them away, those that it can execute.
    ///
    /// # Errors
    /// KVM refuses to tell.
    pub fn kernel_only_frames(&mut self, effort: &Effort) -> Result<Vec<Range<FrameNumber>>, VmError> {
        Ok(match self.vm.kernel_image {
            KernelImage::Stays => vec![self.kernel_frames()],
            KernelImage::Freed => {
                let root = self.kernel_root()?;
                let memory = PhysicalMemory::new(&self.vm.memory);
                let half = self.vm.kernel_halves.of(memory, root, effort);
                half.executable().ranges()
            }
        })
    }

    /// Who maps each frame in these address spaces, now.
    #[must_use]
    pub fn owners(&mut self, spaces: &[Space], effort: &Effort) -> Owners {
        let memory = PhysicalMemory::new(&self.vm.memory);
        self.vm.kernel_halves.refresh(memory);
        let halves = &self.vm.kernel_halves;
        let known = |root| halves.known(memory, root).and_then(KernelHalf::tables);
        Owners::of_spaces_some_known(memory, spaces, effort, known)
    }

    /// What is wrong in the kernel half of an address space; `owners` are those of all address spaces.
    #[must_use]
    pub fn audit_kernel_half(
        &mut self,
        root: Root,
        owners: &Owners,
        effort: &Effort,
    ) -> Findings<KernelFinding> {
        let memory = PhysicalMemory::new(&self.vm.memory);
        let half = self.vm.kernel_halves.of(memory, root, effort);
        half.audit(memory, root, owners, effort)
    }

    /// Addresses in the kernel half of an address space that are worth asking KVM about.
    #[must_use]
    pub fn kernel_landmarks(&mut self, root: Root, effort: &Effort) -> Vec<VirtAddr> {
        let memory = PhysicalMemory::new(&self.vm.memory);
        let half = self.vm.kernel_halves.of(memory, root, effort);
        half.landmarks().to_vec()
    }

    /// What was wrong with accesses to the doorbell so far: channel, and why the access is not an agent's.
    pub fn impostures(&self) -> impl Iterator<Item = (Channel, Imposture)> {
        self.vm.vcpu.callers().wrong()
    }

    /// What was wrong with output so far: the program that it was awaited of, and why it is not the program's.
    pub fn misprints(&self) -> impl Iterator<Item = (&str, Misprint)> {
        self.vm.vcpu.printers().wrong()
    }

    /// Where KVM's own walk of the current address space leads for `address`. The address is right on every platform,
    /// the permissions that KVM reports are not, so they are not passed on.
    ///
    /// # Errors
    /// KVM refuses to answer, which is not the same as "not mapped".
    pub fn kvm_translate(&self, address: VirtAddr) -> Result<Option<PhysAddr>, VmError> {
        self.vm.vcpu.translate(address)
    }

    /// The disk that the guest swaps to, if it has one.
    #[must_use]
    pub fn disk(&self) -> Option<&Disk> {
        self.vm.devices.block.as_ref().map(BlockDevice::disk)
    }

    /// The servers behind the guest's sockets, if it has any.
    #[must_use]
    pub fn hosts(&self) -> Option<&Hosts> {
        self.vm.devices.vsock.as_ref().map(SocketDevice::hosts)
    }

    /// Frames written since the reader with this cursor looked last. Hardware may report more than were written, never
    /// fewer; a device may have written again to any that it has ever written to.
    ///
    /// # Errors
    /// KVM refuses to tell.
    pub fn written_since(&mut self, cursor: &mut DirtyCursor) -> Result<FrameSet, VmError> {
        let len_bytes = usize::try_from(memory_len_bytes(&self.vm.memory)).expect("a 64-bit host");
        let mut log = self
            .vm
            .vm_fd
            .get_dirty_log(MEMORY_SLOT, len_bytes)
            .map_err(refused("tell which frames are dirty"))?;
        let devices = &self.vm.devices;
        let written = [
            devices.block.as_ref().map(BlockDevice::written),
            devices.vsock.as_ref().map(SocketDevice::written),
        ];
        for written in written.into_iter().flatten() {
            log.iter_mut()
                .zip(written.words())
                .for_each(|(word, written)| *word |= written);
        }
        self.vm.dirty_log.add(&log);
        Ok(self.vm.dirty_log.since(cursor))
    }

    /// Exits of the guest to the VMM so far.
    #[must_use]
    pub fn exits(&self) -> u64 {
        self.vm.exits()
    }

    /// What booting took; None when the kernel has not reported the end of it.
    #[must_use]
    pub fn boot(&self) -> Option<Boot> {
        self.vm.vcpu.boot()
    }

    /// Whether the guest has not taken the last tick of the virtual clock, which it was sent before it came here.
    #[must_use]
    pub fn tick_is_pending(&self) -> bool {
        self.vm.tick_is_pending()
    }

    /// Frames that the kernel's image was loaded into.
    #[must_use]
    pub fn kernel_frames(&self) -> Range<FrameNumber> {
        self.vm.loaded.kernel.clone()
    }

    /// The archive of programs: the file that it was loaded from, and the frames that it was loaded into.
    #[must_use]
    pub fn initrd(&self) -> (&File, Range<FrameNumber>) {
        (&self.vm.loaded.initrd_file, self.vm.loaded.initrd.clone())
    }

    /// Frames that were written before the guest ran.
    #[must_use]
    pub fn loaded_frames(&self) -> [Range<FrameNumber>; 3] {
        self.vm.loaded.frames()
    }

    /// The kernel's symbols.
    #[must_use]
    pub fn symbols(&self) -> &Symbols {
        &self.vm.symbols
    }
}
