//! The workspace: reads freely, decides, and writes with a grant alone.

use crate::beneath::Root;
use crate::checkpoint::{Checkpoint, Keep, Maker, Reason};
use crate::decision::{Decide, Decision, GRANT_LIFE, Grant, Nobody, Review};
use crate::entry::Found;
use crate::error::GuardError;
use crate::gate::Gate;
use crate::journal::Journal;
use crate::objects::Blobs;
use crate::path::{RelPath, escape};
use crate::proposal::{FileState, Hash, Proposal};
use crate::state::Lock;
use crate::steps::{self, Intent};
use crate::store::Store;
use crate::{checks, commit};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

/// Numbers the workspaces that this process opened: a grant is good in its own alone.
static OPENED: AtomicU64 = AtomicU64::new(1);

/// How a workspace is opened: who decides, what must hold after a write. Nobody decides by default, so everything is red.
pub struct Settings {
    pub(crate) decider: Box<dyn Decide>,
    pub(crate) gates: Vec<Box<dyn Gate>>,
    state: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { decider: Box::new(Nobody), gates: Vec::new(), state: None }
    }
}

impl Settings {
    /// Who decides.
    #[must_use]
    pub fn decider(mut self, decider: impl Decide + 'static) -> Settings {
        self.decider = Box::new(decider);
        self
    }

    /// One gate more, after those there are.
    #[must_use]
    pub fn gate(mut self, gate: impl Gate + 'static) -> Settings {
        self.gates.push(Box::new(gate));
        self
    }

    /// Several gates more.
    #[must_use]
    pub fn gates(mut self, gates: Vec<Box<dyn Gate>>) -> Settings {
        self.gates.extend(gates);
        self
    }

    /// The folder for the stores of folders without git; by default `nda` in the user's state folder.
    #[must_use]
    pub fn state(mut self, folder: impl Into<PathBuf>) -> Settings {
        self.state = Some(folder.into());
        self
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The proposal's name.
    pub proposal: Hash,
    /// The checkpoint made before; restoring it takes the change back.
    pub checkpoint: String,
    /// The files, with their hash now; `None` was deleted.
    pub files: Vec<(RelPath, Option<Hash>)>,
    /// The gates that looked, all of which hold.
    pub gates: Vec<String>,
}

/// A folder that is written with a grant alone.
pub struct Workspace {
    pub(crate) root: Root,
    pub(crate) store: Store,
    /// The guard's own files.
    pub(crate) folder: PathBuf,
    pub(crate) journal: Journal,
    pub(crate) settings: Settings,
    pub(crate) id: u64,
    /// Checkpoints that it made by itself.
    automatic: AtomicUsize,
    /// What an interrupted change left that neither state explains.
    left: Vec<String>,
}

impl Workspace {
    /// Opens a folder. A change that was interrupted is first finished or taken back.
    ///
    /// # Errors
    /// A folder or repository that cannot be read, or a damaged file of the guard's own.
    pub fn open(root: &Path, settings: Settings) -> Result<Workspace, GuardError> {
        let root = Root::open(root)?;
        let state = match &settings.state {
            Some(folder) => folder.clone(),
            None => state_folder(root.path())?,
        };
        let store = Store::open(root.path(), &state)?;
        let mut folder = store.private()?;
        if !store.prefix().is_empty() {
            folder = folder.join(&blake3::hash(store.prefix().as_bytes()).to_hex()[..16]);
            std::fs::create_dir_all(&folder).map_err(GuardError::io("make the folder", &folder))?;
        }
        let id = OPENED.fetch_add(1, Ordering::Relaxed);
        let journal = Journal::in_folder(&folder);
        let mut workspace = Workspace { root, store, folder, journal, settings, id, automatic: AtomicUsize::new(0), left: Vec::new() };
        let (lock, left) = workspace.locked()?;
        workspace.maker().expire()?;
        drop(lock);
        workspace.left = left;
        Ok(workspace)
    }

    /// The folder's path, without links.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Files that an interrupted change left as neither before nor after it, because somebody else wrote them meanwhile.
    pub fn left(&self) -> &[String] {
        &self.left
    }

    /// Takes the lock, and ends what another process left in the midst.
    pub(crate) fn locked(&self) -> Result<(Lock, Vec<String>), GuardError> {
        let lock = Lock::take(&self.folder)?;
        let Some(intent) = Intent::left(&self.folder)? else { return Ok((lock, Vec::new())) };
        let mut blobs = Blobs::begin(&self.store)?;
        let left = steps::recover(&self.root, self.store.format(), &intent, &mut |entry| blobs.read(&entry.object))?;
        self.journal.add("recovered", json!({ "change": intent.name, "left": left }))?;
        Intent::end(&self.folder)?;
        Ok((lock, left))
    }

    /// A file as it is now; `None` if nothing stands there.
    ///
    /// # Errors
    /// A link, a folder, a special file, a path through a link, or the system's answer.
    pub fn read(&self, path: &RelPath) -> Result<Option<FileState>, GuardError> {
        let not = |found| GuardError::NotAFile { path: path.clone(), found };
        match self.root.read(path)? {
            None => Ok(None),
            Some(Found::Folder) => Err(not("a folder")),
            Some(Found::Special) => Err(not("a device, FIFO or socket")),
            Some(Found::Entry(body)) => match body.mode() {
                Some(mode) => Ok(Some(FileState { bytes: body.bytes, mode })),
                None => Err(GuardError::Link(path.clone())),
            },
        }
    }

    /// A file of the workspace's own settings, as text; `None` if it is not there.
    pub(crate) fn own_file(root: &Path, path: &RelPath) -> Result<Option<String>, GuardError> {
        match Root::open(root)?.read(path)? {
            None => Ok(None),
            Some(Found::Entry(body)) if body.mode().is_some() => {
                let damaged = |_| GuardError::Damaged { path: root.join(path.as_path()), why: "it is not UTF-8".into() };
                String::from_utf8(body.bytes).map(Some).map_err(damaged)
            }
            Some(_) => Err(GuardError::NotAFile { path: path.clone(), found: "something else" }),
        }
    }

    /// Checks a proposal and asks for the decision. A grant comes back for green alone.
    ///
    /// # Errors
    /// [`GuardError::Red`] with the reason, or a check that failed.
    pub fn decide(&self, proposal: Proposal) -> Result<Grant, GuardError> {
        let hash = proposal.hash();
        let decided = self.judged(&proposal, hash);
        let verdict = match &decided {
            Ok(approver) => json!({ "green": format!("{approver:?}") }),
            Err(error) => json!({ "red": error.to_string() }),
        };
        let origin = proposal.origin();
        let paths: Vec<String> = proposal.changes().iter().map(|change| change.path.to_string()).collect();
        let mut fields =
            json!({ "proposal": hash.to_string(), "who": origin.who, "tool": origin.tool, "call": origin.call, "paths": paths });
        if let (Some(fields), Some(verdict)) = (fields.as_object_mut(), verdict.as_object()) {
            fields.extend(verdict.clone());
        }
        self.journal.add("decided", fields)?;
        Ok(Grant { workspace: self.id, proposal, hash, approver: decided?, expires: Instant::now() + GRANT_LIFE })
    }

    fn judged(&self, proposal: &Proposal, hash: Hash) -> Result<crate::Approver, GuardError> {
        let files = checks::check(self, proposal)?;
        let remarks = checks::remarks(&files);
        match self.settings.decider.decide(&Review { proposal, hash, files, remarks }) {
            Decision::Green(approver) => Ok(approver),
            Decision::Red(reason) => Err(GuardError::Red(reason)),
        }
    }

    /// Checks a proposal as [`Workspace::decide`] does and asks nobody: the remarks that whoever decides would see.
    ///
    /// # Errors
    /// What is red whatever anybody says, or a file that has changed.
    pub fn check(&self, proposal: &Proposal) -> Result<Vec<String>, GuardError> {
        Ok(checks::remarks(&checks::check(self, proposal)?))
    }

    /// Writes what a grant allows: checkpoint, files, gates; keeps all of it or nothing.
    ///
    /// # Errors
    /// A grant of another workspace or an expired one, a file that has changed, a gate that fails, or the system's answer. The
    /// files are then as they were, or the error names those that are not.
    pub fn commit(&self, grant: Grant) -> Result<Change, GuardError> {
        self.commit_while(grant, &|| true)
    }

    /// The same as long as the change is wanted: when it is not any more, before it is written or while gates look at it, everything is as
    /// it was.
    ///
    /// # Errors
    /// Those of [`Workspace::commit`], and [`GuardError::Red`] for a change that is not wanted any more.
    pub fn commit_while(&self, grant: Grant, is_wanted: &dyn Fn() -> bool) -> Result<Change, GuardError> {
        commit::commit(self, grant, is_wanted)
    }

    /// [`Workspace::decide`] and [`Workspace::commit`].
    ///
    /// # Errors
    /// Those of both.
    pub fn submit(&self, proposal: Proposal) -> Result<Change, GuardError> {
        self.commit(self.decide(proposal)?)
    }

    pub(crate) fn maker(&self) -> Maker<'_> {
        Maker { root: &self.root, store: &self.store, folder: &self.folder, automatic: &self.automatic }
    }

    /// Makes a checkpoint of everything that git knows or would take.
    ///
    /// # Errors
    /// A file that cannot be read, or what git says; never an older tree.
    pub fn checkpoint(&self, label: &str) -> Result<Checkpoint, GuardError> {
        if label.chars().any(char::is_control) {
            return Err(GuardError::Red("a checkpoint's label is one line without control characters".into()));
        }
        let (_lock, _) = self.locked()?;
        Ok(self.maker().make(label, Reason::Asked, &[])?.0)
    }

    /// The checkpoints, the oldest first.
    ///
    /// # Errors
    /// What git says.
    pub fn checkpoints(&self) -> Result<Vec<Checkpoint>, GuardError> {
        self.maker().list()
    }

    /// Forgets old checkpoints; those forgotten come back.
    ///
    /// # Errors
    /// What git says.
    pub fn prune(&self, keep: Keep) -> Result<Vec<Checkpoint>, GuardError> {
        let (_lock, _) = self.locked()?;
        self.maker().prune(keep)
    }
}

/// Where stores of folders without git lie.
pub(crate) fn state_folder(root: &Path) -> Result<PathBuf, GuardError> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = variable("XDG_STATE_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/state")));
    let folder = folder.map(|folder| folder.join("nda")).ok_or_else(|| GuardError::Io {
        action: "find the state folder for",
        path: root.to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::NotFound, "neither XDG_STATE_HOME nor HOME is set"),
    })?;
    if folder.starts_with(root) {
        let path = escape(std::os::unix::ffi::OsStrExt::as_bytes(folder.as_os_str()));
        return Err(GuardError::BadPath { path, why: "the state folder must not lie in the workspace; set XDG_STATE_HOME" });
    }
    Ok(folder)
}
