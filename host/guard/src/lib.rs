//! The workspace's only writer. Nothing is written without a decision:
//!
//! ```text
//! Proposal -> checks -> Decision -> Grant -> Workspace::commit: checkpoint, write, gates, keep or put back
//! ```
//!
//! A [`Proposal`] names each file's hash as it was read and its bytes as they shall be; anybody may make one. [`Workspace::decide`]
//! checks it and asks the workspace's [`Decide`]r; for green it gives a [`Grant`], which is bound to this proposal, good once, and
//! expires. [`Workspace::commit`] makes a checkpoint, writes every file in one atomic step each, lets the [`Gate`]s look, and
//! puts everything back if one fails. Killed at any step, the next [`Workspace::open`] finishes or takes back.
//!
//! Always red, whatever a rule says: git's own files, hooks, the policy, and every path through a link or out of the root.
//! Checkpoints lie in the repository's object store under `refs/nda/checkpoints`, or in a store of their own for folders without
//! git; no filter, hook or index of the repository is touched.
//!
//! # Example
//!
//! ```
//! use nda_guard::{RelPath, matches};
//!
//! // The patterns of a policy's rules; a path leads nowhere out of its root.
//! assert!(matches("docs/**", &RelPath::new("docs/server.md")?));
//! assert!(RelPath::new("../secret").is_err());
//! # Ok::<(), nda_guard::GuardError>(())
//! ```

#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]

mod beneath;
mod cache;
mod capture;
mod checkpoint;
mod checks;
mod commands;
mod commit;
mod decision;
mod drafts;
mod entry;
mod error;
mod gate;
mod glob;
mod journal;
mod obeyed;
mod object;
mod objects;
mod patch;
mod path;
mod policy;
mod proposal;
mod restore;
mod restoring;
mod secrets;
mod security;
mod state;
mod steps;
mod store;
mod workspace;

pub use capture::{LARGE_BUDGET_BYTES, LARGE_BYTES, Nested, Skipped};
pub use checkpoint::{Checkpoint, Keep, Particulars, Reason};
pub use checks::{MAX_FILE_BYTES, MAX_FILES};
pub use commands::{CommandGate, GATES_FILE, Gates, SecurityLists};
pub use decision::{Approver, Decide, Decision, Either, GRANT_LIFE, Grant, Nobody, Review, Reviewed};
pub use drafts::{Draft, Drafts};
pub use error::GuardError;
pub use gate::{Gate, Ran, Runner, Seen, Verdict, Written};
pub use glob::matches;
pub use journal::Journal;
pub use patch::{Answer, Patched, Planned};
pub use path::RelPath;
pub use policy::{POLICY_FILE, Policy, Rule};
pub use proposal::{Base, FileChange, FileState, Hash, Mode, Origin, Proposal};
pub use restoring::{Content, Contents, How, Preview, PreviewFile, Restored};
pub use security::{Finding, Security, findings};
pub use workspace::{Change, Settings, Workspace};
