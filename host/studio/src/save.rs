//! The road to the disk: everything that the studio writes is a proposal to the guard, and a person at the keyboard has said green by
//! pressing the key.

use nda_guard::{
    Approver, Change, Checkpoint, Decide, Decision, FileChange, FileState, GuardError, Mode, Origin, Proposal, RelPath, Restored, Review,
    Settings, Workspace,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Says green: the studio alone makes proposals to its own workspace, each for a key that a person pressed.
struct Pressed;

impl Decide for Pressed {
    fn decide(&self, _: &Review<'_>) -> Decision {
        Decision::Green(Approver::Person("a person in the studio".into()))
    }
}

/// A written or refused change in a line, and whether it was written.
fn told(event: &Value) -> (String, bool) {
    let list = |key: &str| {
        let names = event[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        names.collect::<Vec<_>>().join(", ")
    };
    match event["error"].as_str() {
        Some(error) => (format!("put back: {}", error.lines().next().unwrap_or("")), false),
        None => {
            let gates = list("gates");
            let gates = if gates.is_empty() { "no gate had to look".into() } else { format!("gates that held: {gates}") };
            let checkpoint = event["checkpoint"].as_str().unwrap_or_default();
            (format!("written; {gates}; checkpoint {checkpoint}"), true)
        }
    }
}

/// The guarded folder, opened with the first write.
#[derive(Clone)]
pub struct Guarded {
    root: PathBuf,
    state: Option<PathBuf>,
    workspace: Arc<Mutex<Option<Arc<Workspace>>>>,
}

impl Guarded {
    /// A folder; `state` is where the state of folders without git lies, by default the user's.
    pub fn new(root: &Path, state: Option<PathBuf>) -> Guarded {
        Guarded { root: root.into(), state, workspace: Arc::default() }
    }

    fn open(&self) -> Result<Arc<Workspace>, GuardError> {
        let mut held = self.workspace.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(workspace) = &*held {
            return Ok(workspace.clone());
        }
        let settings = Settings::default().decider(Pressed);
        let settings = match &self.state {
            Some(state) => settings.state(state),
            None => settings,
        };
        let workspace = Arc::new(Workspace::open(&self.root, settings)?);
        *held = Some(workspace.clone());
        Ok(workspace)
    }

    /// Writes files, all or none of them.
    ///
    /// # Errors
    /// A file that is not as it was read, one without the permission to be written, one that is always red, or the system's answer:
    /// nothing is written then.
    pub fn write(&self, tool: &str, what: &str, changes: Vec<FileChange>) -> Result<Change, GuardError> {
        self.may_write(&changes)?;
        let origin = Origin { who: "a person".into(), tool: tool.into(), call: what.into() };
        self.open()?.submit(Proposal::new(origin, changes))
    }

    /// A file is exchanged for another one, which its own permissions would not prevent: whoever took them away meant it.
    fn may_write(&self, changes: &[FileChange]) -> Result<(), GuardError> {
        for change in changes {
            let place = self.root.join(change.path.as_path());
            let Ok(metadata) = place.metadata() else { continue };
            if metadata.permissions().readonly() || rustix::fs::access(&place, rustix::fs::Access::WRITE_OK).is_err() {
                let help = format!("it is read-only; 'chmod u+w {}' allows it", change.path);
                let source = std::io::Error::new(std::io::ErrorKind::PermissionDenied, help);
                return Err(GuardError::Io { action: "write", path: change.path.as_path().into(), source });
            }
        }
        Ok(())
    }

    /// Writes one file.
    ///
    /// # Errors
    /// Those of [`Guarded::write`].
    pub fn save(&self, path: &RelPath, base: nda_guard::Base, bytes: Vec<u8>, mode: Mode) -> Result<Change, GuardError> {
        let after = Some(FileState { bytes, mode });
        self.write("save", &path.to_string(), vec![FileChange { path: path.clone(), base, after }])
    }

    /// A file as it is now; none if nothing stands there.
    ///
    /// # Errors
    /// A link, a folder, a special file, or the system's answer.
    pub fn read(&self, path: &RelPath) -> Result<Option<FileState>, GuardError> {
        self.open()?.read(path)
    }

    /// Writes the changes that a person said green to, in the name of whoever proposed them.
    ///
    /// # Errors
    /// Those of [`Guarded::write`].
    pub fn take(&self, who: &str, what: &str, changes: Vec<FileChange>) -> Result<(), GuardError> {
        self.may_write(&changes)?;
        let origin = Origin { who: who.into(), tool: "patch_file".into(), call: what.into() };
        self.open()?.submit(Proposal::new(origin, changes)).map(drop)
    }

    /// The checkpoints, the newest first.
    ///
    /// # Errors
    /// What git says.
    pub fn checkpoints(&self) -> Result<Vec<Checkpoint>, GuardError> {
        let mut all = self.open()?.checkpoints()?;
        all.reverse();
        Ok(all)
    }

    /// What became of the newest proposals, the newest last: a line each, with the gates that held or what one of them said.
    ///
    /// # Errors
    /// A journal that was altered.
    pub fn history(&self, most: usize) -> Result<Vec<(String, bool)>, GuardError> {
        let events = self.open()?.journal().events()?;
        let written: Vec<&Value> = events.iter().filter(|event| event["event"] == "written").collect();
        Ok(written[written.len().saturating_sub(most)..].iter().map(|event| told(event)).collect())
    }

    /// Makes one.
    ///
    /// # Errors
    /// A file that cannot be read, or what git says.
    pub fn checkpoint(&self, label: &str) -> Result<Checkpoint, GuardError> {
        self.open()?.checkpoint(label)
    }

    /// Brings one back; what comes back with it takes that back.
    ///
    /// # Errors
    /// What would be lost, or what git says.
    pub fn restore(&self, id: &str) -> Result<Restored, GuardError> {
        self.open()?.restore(id)
    }
}
