//! The socket between the caller and the helper: messages of JSON with their length before them, and one descriptor.

use crate::error::Refusal;
use crate::order::Instruction;
use rustix::io::retry_on_intr;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, Error, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// Bytes of a message at most: an instruction with a long command.
const MESSAGE_BYTES: usize = 4 << 20;

/// From the caller.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// What to run. The box is prepared then.
    Prepare(Box<Instruction>),
    /// The scratch is filled: start the command.
    Start,
    /// End everything.
    Kill,
    /// The scratch was read.
    Leave,
}

/// From the helper.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Say {
    /// The scratch's folder comes with this.
    Prepared,
    /// The command runs, confined.
    Started,
    /// A part lacks; nothing ran.
    Refused(Refusal),
    /// The command has ended and so has everything that it started.
    Ended(Ended),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    /// Its status as wait(2) gives it; none if it was never seen to end.
    pub exit: Option<i32>,
    pub signal: Option<i32>,
    /// Processes that were still there when the command had ended.
    pub killed: usize,
    /// Processes that did not end.
    pub left: usize,
}

/// One side of the socket.
pub(crate) struct Channel(UnixStream);

impl Channel {
    pub fn new(stream: UnixStream) -> Channel {
        Channel(stream)
    }

    /// The helper's side, which is its standard input.
    pub fn of_stdin() -> io::Result<Channel> {
        Ok(Channel(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?)))
    }

    pub fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let bytes = serde_json::to_vec(message)?;
        self.0.write_all(&u32::try_from(bytes.len()).map_err(Error::other)?.to_le_bytes())?;
        self.0.write_all(&bytes)
    }

    /// The next message; none if the other side has gone.
    pub fn receive<M: DeserializeOwned>(&mut self) -> io::Result<Option<M>> {
        let mut length = [0; 4];
        match self.0.read_exact(&mut length) {
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > MESSAGE_BYTES {
            return Err(Error::new(ErrorKind::InvalidData, format!("a message of {length} bytes; {MESSAGE_BYTES} at most")));
        }
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes)?;
        Ok(Some(serde_json::from_slice(&bytes)?))
    }

    /// Sends a descriptor with one byte.
    pub fn send_descriptor(&mut self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        let descriptors = [descriptor];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(Error::other("no room for a descriptor"));
        }
        retry_on_intr(|| rustix::net::sendmsg(&self.0, &[IoSlice::new(&[0])], &mut ancillary, SendFlags::empty()))?;
        Ok(())
    }

    /// The descriptor that the other side sent.
    pub fn receive_descriptor(&mut self) -> io::Result<OwnedFd> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let mut slices = [IoSliceMut::new(&mut byte)];
        retry_on_intr(|| rustix::net::recvmsg(&self.0, &mut slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC))?;
        let rights = ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        rights.ok_or_else(|| Error::new(ErrorKind::InvalidData, "no descriptor came"))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
