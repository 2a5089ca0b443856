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
}

impl<D: Drive> Performer<D> {
    pub(super) fn copy_to_user(
        &mut self,
        process: Channel,
        step: &OperationStep,
        copy: &KernelCopy<Place>,
    ) -> Result<Performed, D::Error> {
        let address = match self.place(process, &copy.what.at) {
            Ok(address) => address,
            Err(nowhere) => return Ok(nowhere),
        };
        let bytes = copy.what.content.to_bytes();
        let operation = AgentOperation::new(operation::COPY_TO_USER, &[address.0, bytes.len() as u64])
            .with_payload(bytes.to_vec());
        let reached = Reached {
            owner: process,
            address,
        };
        let place = format!("{}:{}", self.name(process), copy.what.at);
        self.store(process, step, operation, (copy, reached, place))
    }

    pub(super) fn copy_from_user(
        &mut self,
        process: Channel,
        step: &OperationStep,
        copy: &KernelCopy<Place>,
    ) -> Result<Performed, D::Error> {
        let address = match self.place(process, &copy.what.at) {
            Ok(address) => address,
            Err(nowhere) => return Ok(nowhere),
        };
        let len_bytes = copy.what.content.len_bytes();
        let operation = AgentOperation::new(operation::COPY_FROM_USER, &[address.0, len_bytes]);
        let place = format!("{}:{}", self.name(process), copy.what.at);
        self.load(process, step, operation, (copy, place))
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
        let place = copy.what.at.to_string();
        self.store(process, step, operation, (copy, reached, place))
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
        let place = copy.what.at.to_string();
        self.load(process, step, operation, (copy, place))
    }

    /// A place in the memory of a process that is alive, and the process's id.
    fn reached(&self, at: &ProcessAddress) -> Result<(Reached, u32), Performed> {
        let agent = self.driver.agents().named(at.process.as_str());
        let Some((owner, pid)) = agent.and_then(|agent| Some((agent.channel, agent.pid?))) else {
            let finding = Finding::missing(at.process.as_str(), "a process id", "none");
            return Err(Performed::otherwise(finding));
        };
        let address = self.address(owner, &at.place)?;
        Ok((Reached { owner, address }, pid))
    }

    /// What has come to memory, as far as the kernel says that it has, is there from now on.
    fn store<A>(
        &mut self,
        process: Channel,
        step: &OperationStep,
        operation: AgentOperation,
        (copy, reached, place): (&KernelCopy<A>, Reached, String),
    ) -> Result<Performed, D::Error> {
        let (performed, reply) = self.call(process, step.expected, operation)?;
        let Some(reply) = reply else { return Ok(performed) };
        // A kernel that says otherwise has stored what it should have, or the judge finds that it has not.
        let moved = copy.what.content.to_bytes();
        let moved = &moved[..copy.moved_bytes() as usize];
        self.model.write(reached.owner, reached.address, moved);
        Ok(wrong_count(&reply, copy, &place).map_or(performed, Performed::otherwise))
    }

    fn load<A>(
        &mut self,
        process: Channel,
        step: &OperationStep,
        operation: AgentOperation,
        (copy, place): (&KernelCopy<A>, String),
    ) -> Result<Performed, D::Error> {
        let (performed, reply) = self.call(process, step.expected, operation)?;
        let Some(reply) = reply else { return Ok(performed) };
        if let Some(wrong) = wrong_count(&reply, copy, &place) {
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
            place,
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
