//! Red or green: who decides, on what, and the grant that a green decision becomes.

use crate::path::RelPath;
use crate::proposal::{FileState, Hash, Proposal};
use std::time::{Duration, Instant};

/// How long a grant is good for.
pub const GRANT_LIFE: Duration = Duration::from_secs(60);

/// Who said green.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approver {
    /// A person, by name or by the way the answer came.
    Person(String),
    /// A rule of the policy, by name.
    Rule(String),
}

/// The answer to a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be written.
    Green(Approver),
    /// It may not, and why. What is not answered, too late or unknown is red.
    Red(String),
}

/// One file of a proposal, with what is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    /// Which file.
    pub path: RelPath,
    /// What is there now; it is what the proposal was made from.
    pub before: Option<FileState>,
    /// What shall be there.
    pub after: Option<FileState>,
}

/// What whoever decides gets to see.
#[derive(Debug)]
pub struct Review<'p> {
    /// The proposal, which has passed the checks.
    pub proposal: &'p Proposal,
    /// Its name.
    pub hash: Hash,
    /// Its files, before and after.
    pub files: Vec<Reviewed>,
    /// Remarks of the security checks: a person should see them.
    pub remarks: Vec<String>,
}

/// Who decides: a window, a terminal, an MCP client, a socket, a policy. The workspace owns its decider, so nobody else can say green.
pub trait Decide: Send + Sync {
    /// Green or red. Whoever cannot ask says red.
    fn decide(&self, review: &Review<'_>) -> Decision;
}

/// Says red to everything: the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Decide for Nobody {
    fn decide(&self, _: &Review<'_>) -> Decision {
        Decision::Red("there is nobody to ask".into())
    }
}

/// Asks the first; if it says red because no rule fits, the second.
pub struct Either<A, B>(pub A, pub B);

impl<A: Decide, B: Decide> Decide for Either<A, B> {
    fn decide(&self, review: &Review<'_>) -> Decision {
        match self.0.decide(review) {
            Decision::Red(_) => self.1.decide(review),
            green => green,
        }
    }
}

impl<D: Decide + ?Sized> Decide for Box<D> {
    fn decide(&self, review: &Review<'_>) -> Decision {
        (**self).decide(review)
    }
}

/// The right to write one proposal, once, until it expires. Only [`crate::Workspace::decide`] makes one; it cannot be copied.
///
/// ```compile_fail
/// // A grant cannot be forged: its fields are private.
/// let grant = nda_guard::Grant { workspace: 1 };
/// ```
/// ```compile_fail
/// // A grant cannot be used twice: a commit takes it.
/// fn twice(workspace: &nda_guard::Workspace, grant: nda_guard::Grant) {
///     workspace.commit(grant).unwrap();
///     workspace.commit(grant).unwrap();
/// }
/// ```
#[derive(Debug)]
pub struct Grant {
    pub(crate) workspace: u64,
    pub(crate) proposal: Proposal,
    pub(crate) hash: Hash,
    pub(crate) approver: Approver,
    pub(crate) expires: Instant,
}

impl Grant {
    /// The proposal that may be written.
    pub fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// Who said green.
    pub fn approver(&self) -> &Approver {
        &self.approver
    }

    /// The grant, at its end: for tests of what an expired one may do.
    #[must_use]
    pub fn expired(mut self) -> Grant {
        self.expires = Instant::now();
        self
    }
}
