//! A box for commands that nobody trusts: they see the project read-only, write into a scratch clone of it, have no network, and
//! nothing of them is left when they have ended. What they changed comes back as [`Change`]s, which are proposals and no more.
//!
//! Two levels, and nothing below them:
//!
//! - [`Level::Full`]: namespaces for users, mounts, processes, the network and IPC, a scratch of a fixed size in memory, Landlock
//!   (ABI 4 or later) and seccomp. When the first process of the box ends, the kernel ends all others.
//! - [`Level::Landlock`]: Landlock (ABI 6 or later: signals and abstract sockets stay inside) and seccomp alone, for kernels and
//!   containers that give an ordinary user no namespaces. Whoever started the box is a subreaper and kills until nothing is left.
//!   Modes, owners, times and attributes of files cannot be changed there, because Landlock does not tell whose they are.
//!
//! A part that lacks is refused by name with how to get it ([`Refusal`]); there is no way to run without. The box is made by a helper
//! process, which is this crate's [`enter`] in whatever program the caller names: so nothing here needs `unsafe`.
//!
//! # Example
//!
//! ```
//! use nda_sandbox::Limits;
//!
//! // What a command may take at most, unless a caller says otherwise.
//! let limits = Limits::default();
//! println!("{limits:?}");
//! ```

#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]

mod boxes;
mod changes;
mod channel;
mod confine;
mod enter;
mod error;
mod limits;
mod mounts;
mod order;
mod processes;
mod run;
mod scratch;
mod supervise;
mod syscalls;
mod view;
mod watch;

pub use changes::{Change, Content};
pub use enter::{ENTER, enter};
pub use error::{Part, Refusal, SandboxError};
pub use limits::{Exceeded, Limits};
pub use order::{Level, Order, Wish};
pub use run::{End, Outcome, Stream, run};
