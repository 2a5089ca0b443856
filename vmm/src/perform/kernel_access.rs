//! Steps in which the kernel reaches memory for a process.

use abi::operation;

use super::{Performed, Performer};
use crate::address::VirtAddr;
use crate::channel::{Channel, Operation as AgentOperation, Reply};
use crate::drive::Drive;
use crate::finding::{Finding, excerpt};
use crate::rule::Rule;
use crate::scenario::{KernelCopy, OperationStep, Place, ProcessAddress};

/// Whose memory is reached, and where in it.
struct Reached {
    owner: Channel,
    address: VirtAddr,
    /// The same for a reader.
    place: String,
}

impl<D: Drive> Performer<D> {
    pub(super) fn copy_to_user(
        &mut self,
        process: Channel,
        step: &OperationStep,
        copy: &KernelCopy<Place>,
    ) -> Result<Performed, D::Error> {
        let reached = match self.own(process, &copy.what.at) {
            Ok(reached) => reached,
            Err(nowhere) => return Ok(nowhere),
        };
        let bytes = copy.what.content.to_bytes();
        let arguments = [reached.address.0, bytes.len() as u64];
        let operation = AgentOperation::new(operation::COPY_TO_USER, &arguments).with_payload(bytes.to_vec());
        self.store(process, step, operation, (copy, &reached))
    }

    pub(super) fn copy_from_user(
        &mut self,
        process: Channel,
        step: &OperationStep,
        copy: &KernelCopy<Place>,
    ) -> Result<Performed, D::Error> {
        let reached = match self.own(process, &copy.what.at) {
            Ok(reached) => reached,
            Err(nowhere) => return Ok(nowhere),
        };
        let arguments = [reached.address.0, copy.what.content.len_bytes()];
        let operation = AgentOperation::new(operation::COPY_FROM_USER, &arguments);
        self.load(process, step, operation, (copy, &reached))
    }

    pub(super) fn mem_write(
        &mut self,
        process: Channel,
        step: &OperationStep,
        copy: &KernelCopy<ProcessAddress>,
    ) -> Result<Performed, D::Error> {
        let (reached, pid) = match self.reached(&copy.what.at) {
            Ok(reached) => reached,
            Err(nowhere) => return Ok(nowhere),
        };
        let bytes = copy.what.content.to_bytes();
        let arguments = [pid.into(), reached.address.0, bytes.len() as u64];
        let operation = AgentOperation::new(operation::MEM_WRITE, &arguments).with_payload(bytes.to_vec());
        self.store(process, step, operation, (copy, &reached))
    }

    pub(super) fn mem_read(
        &mut self,
        process: Channel,
        step: &OperationStep,
        copy: &KernelCopy<ProcessAddress>,
    ) -> Result<Performed, D::Error> {
        let (reached, pid) = match self.reached(&copy.what.at) {
            Ok(reached) => reached,
            Err(nowhere) => return Ok(nowhere),
        };
        let arguments = [pid.into(), reached.address.0, copy.what.content.len_bytes()];
        let operation = AgentOperation::new(operation::MEM_READ, &arguments);
        self.load(process, step, operation, (copy, &reached))
    }

    /// A place in the memory of the process that asks.
    fn own(&self, process: Channel, at: &Place) -> Result<Reached, Performed> {
        Ok(Reached {
            owner: process,
            address: self.place(process, at)?,
            place: format!("{}:{at}", self.name(process)),
        })
    }

    /// A place in the memory of a process that is alive, and the process's id.
    fn reached(&self, at: &ProcessAddress) -> Result<(Reached, u32), Performed> {
        let agent = self.driver.agents().named(at.process.as_str());
        let Some((owner, pid)) = agent.and_then(|agent| Some((agent.channel, agent.pid?))) else {
            let finding = Finding::missing(at.process.as_str(), "a process id", "none");
            return Err(Performed::otherwise(finding));
        };
        let reached = Reached {
            owner,
            address: self.address(owner, &at.place)?,
            place: at.to_string(),
        };
        Ok((reached, pid))
    }

    /// What has come to memory, as far as the kernel says that it has, is there from now on.
    fn store<A>(
        &mut self,
        process: Channel,
        step: &OperationStep,
        operation: AgentOperation,
        (copy, reached): (&KernelCopy<A>, &Reached),
    ) -> Result<Performed, D::Error> {
        let (performed, reply) = self.call(process, step.expected, operation)?;
        let Some(reply) = reply else { return Ok(performed) };
        // A kernel that says otherwise has stored what it should have, or the judge finds that it has not.
        let moved = copy.what.content.to_bytes();
        let moved = &moved[..copy.moved_bytes() as usize];
        self.model.write(reached.owner, reached.address, moved);
        Ok(wrong_count(&reply, copy, &reached.place).map_or(performed, Performed::otherwise))
    }

    fn load<A>(
        &mut self,
        process: Channel,
        step: &OperationStep,
        operation: AgentOperation,
        (copy, reached): (&KernelCopy<A>, &Reached),
    ) -> Result<Performed, D::Error> {
        let (performed, reply) = self.call(process, step.expected, operation)?;
        let Some(reply) = reply else { return Ok(performed) };
        if let Some(wrong) = wrong_count(&reply, copy, &reached.place) {
            return Ok(Performed::otherwise(wrong));
        }
        let wanted = copy.what.content.to_bytes();
        let wanted = &wanted[..copy.moved_bytes() as usize];
        // Data arrive in whole words.
        let found = reply.data.get(..wanted.len()).unwrap_or(&reply.data);
        if found == wanted {
            return Ok(performed);
        }
        let (expected, found) = (excerpt(wanted, found), excerpt(found, wanted));
        Ok(Performed::otherwise(Finding::new(
            Rule::Result,
            reached.place.as_str(),
            expected,
            found,
        )))
    }
}

/// What the kernel says of how many bytes it has moved, when that is not how many it should have.
fn wrong_count<A>(reply: &Reply, copy: &KernelCopy<A>, place: &str) -> Option<Finding> {
    let (expected, found) = (copy.moved_bytes(), reply.result.cast_unsigned());
    (found != expected).then(|| {
        let bytes = |count: u64| format!("{count} bytes moved");
        Finding::new(Rule::Result, place, bytes(expected), bytes(found))
    })
}
