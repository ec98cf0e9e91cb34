//! A restore as somebody asks for it: shown first, file by file; then what was shown is done, and nothing else.

use crate::capture::Captured;
use crate::checkpoint::{Checkpoint, Reason};
use crate::commit;
use crate::decision::Decision;
use crate::entry::{Body, Found};
use crate::error::GuardError;
use crate::objects::Blobs;
use crate::path::{RelPath, escape};
use crate::proposal::{FileState, Origin};
use crate::restore::Plan;
use crate::steps::{Intent, Step, Way, is_entry};
use crate::store::{Tree, TreeEntry};
use crate::workspace::Workspace;
use serde_json::json;

/// Bytes of contents that a preview reads; the files beyond are named all the same.
const PREVIEW_BYTES: usize = 8 << 20;

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The checkpoint that takes it back.
    pub undo: Checkpoint,
    /// The files that were written or removed.
    pub files: Vec<RelPath>,
}

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Nothing stands there now.
    Added,
    /// Other bytes, another mode, a link instead of a file.
    Changed,
    /// Nothing stands there then.
    Deleted,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file.
    File(FileState),
    /// A symbolic link, and where it leads, escaped.
    Link(String),
}

/// What stands at a path now, and then; `None` is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Now.
    pub before: Option<Content>,
    /// When it is restored.
    pub after: Option<Content>,
}

/// One file that a restore would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewFile {
    /// Which.
    pub path: RelPath,
    /// What would happen to it.
    pub how: How,
    /// What stands there; none if the files before it are too large to be shown with it.
    pub contents: Option<Contents>,
}

/// What a restore would change, as the files were when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The checkpoint that would be brought back.
    pub checkpoint: Checkpoint,
    /// The files, by path.
    pub files: Vec<PreviewFile>,
    steps: Vec<Step>,
}

impl Workspace {
    /// Brings a checkpoint's files back; only those that differ are touched. A checkpoint made before takes it back.
    ///
    /// # Errors
    /// [`GuardError::Blocked`] if something would be lost, an unknown checkpoint, what git says, or the system's answer.
    pub fn restore(&self, id: &str) -> Result<Restored, GuardError> {
        self.restore_as(id, None)
    }

    /// What [`Workspace::restore`] would change now. Nothing is written.
    ///
    /// # Errors
    /// As for the restore itself.
    pub fn preview(&self, id: &str) -> Result<Preview, GuardError> {
        let (_lock, _) = self.locked()?;
        let (checkpoint, tree, extra) = self.target(id)?;
        let now = self.maker().look(&extra)?;
        let steps = self.steps(&checkpoint, &tree, &now)?;
        let files = self.shown(&steps)?;
        Ok(Preview { checkpoint, files, steps })
    }

    /// Shows what a restore would change to whoever decides, and for green does that and nothing else. `None` if nothing differs: then nobody
    /// is asked.
    ///
    /// # Errors
    /// [`GuardError::Red`] with the reason, [`GuardError::Changed`] for a file that has changed since it was shown, and those of
    /// [`Workspace::restore`].
    pub fn restore_decided(
        &self,
        id: &str,
        origin: &Origin,
        decide: impl FnOnce(&Preview) -> Decision,
    ) -> Result<Option<Restored>, GuardError> {
        let preview = self.preview(id)?;
        if preview.files.is_empty() {
            return Ok(None);
        }
        let decision = decide(&preview);
        let paths: Vec<String> = preview.files.iter().map(|file| file.path.to_string()).collect();
        let mut fields =
            json!({ "restore": preview.checkpoint.id, "who": origin.who, "tool": origin.tool, "call": origin.call, "paths": paths });
        match &decision {
            Decision::Green(approver) => fields["green"] = format!("{approver:?}").into(),
            Decision::Red(reason) => fields["red"] = reason.as_str().into(),
        }
        self.journal.add("decided", fields)?;
        match decision {
            Decision::Green(_) => self.restore_as(&preview.checkpoint.id, Some(&preview)).map(Some),
            Decision::Red(reason) => Err(GuardError::Red(reason)),
        }
    }

    fn restore_as(&self, id: &str, seen: Option<&Preview>) -> Result<Restored, GuardError> {
        let (_lock, _) = self.locked()?;
        let (target, tree, extra) = self.target(id)?;
        let (undo, now) = self.maker().make(&format!("before the restore of {}", target.id), Reason::BeforeRestore, &extra)?;
        let intent = Intent { name: undo.id.clone(), way: Way::Forward, steps: self.steps(&target, &tree, &now)? };
        if let Some(path) = seen.map(|seen| other_than(&intent.steps, &seen.steps)).transpose()?.flatten() {
            return Err(GuardError::Changed(path));
        }
        let files = intent.steps.iter().map(|step| step.path()).collect::<Result<Vec<_>, _>>()?;
        if !files.is_empty() {
            let mut blobs = Blobs::begin(&self.store)?;
            commit::all_or_nothing(self, &intent, &mut |entry: &TreeEntry| blobs.read(&entry.object), |_| Ok(()))?;
        }
        let names: Vec<String> = files.iter().map(RelPath::to_string).collect();
        self.journal.add("restored", json!({ "checkpoint": target.id, "undo": undo.id, "paths": names }))?;
        Ok(Restored { undo, files })
    }

    /// A checkpoint, its files, and their paths, which are looked at whatever the ignore rules say.
    fn target(&self, id: &str) -> Result<(Checkpoint, Tree, Vec<RelPath>), GuardError> {
        let target = self.maker().find(id)?;
        let tree = self.store.tree(&target.commit)?;
        let extra = tree.keys().cloned().collect();
        Ok((target, tree, extra))
    }

    fn steps(&self, target: &Checkpoint, tree: &Tree, now: &Captured) -> Result<Vec<Step>, GuardError> {
        let particulars = &target.particulars;
        Plan { root: &self.root, store: &self.store, folder: &self.folder, now, target: tree, particulars }.steps()
    }

    fn shown(&self, steps: &[Step]) -> Result<Vec<PreviewFile>, GuardError> {
        let mut blobs = Blobs::begin(&self.store)?;
        let mut bytes_left = PREVIEW_BYTES;
        let mut files = Vec::new();
        for step in steps {
            let path = step.path()?;
            let how = match (&step.before, &step.after) {
                (None, _) => How::Added,
                (_, None) => How::Deleted,
                _ => How::Changed,
            };
            let contents = if bytes_left == 0 { None } else { Some(self.contents(&path, step, &mut blobs)?) };
            let bytes = contents.iter().flat_map(|both| [&both.before, &both.after]).flatten().map(Content::bytes).sum();
            bytes_left = bytes_left.saturating_sub(bytes);
            files.push(PreviewFile { path, how, contents });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn contents(&self, path: &RelPath, step: &Step, blobs: &mut Blobs) -> Result<Contents, GuardError> {
        // What stands there now is in no store yet.
        let found = if step.before.is_some() { self.root.read(path)? } else { None };
        if !is_entry(self.store.format(), found.as_ref(), step.before.as_ref()) {
            return Err(GuardError::Changed(path.clone()));
        }
        let before = match found {
            Some(Found::Entry(body)) => Some(Content::of(body)),
            _ => None,
        };
        let after = step.after.as_ref().map(|entry| Ok(Content::of(Body { kind: entry.kind, bytes: blobs.read(&entry.object)? })));
        Ok(Contents { before, after: after.transpose()? })
    }
}

impl Content {
    fn of(body: Body) -> Content {
        match body.mode() {
            Some(mode) => Content::File(FileState { bytes: body.bytes, mode }),
            None => Content::Link(escape(&body.bytes)),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Content::File(state) => state.bytes.len(),
            Content::Link(target) => target.len(),
        }
    }
}

/// The first path whose step is another one than was shown; times of files do not count.
fn other_than(steps: &[Step], shown: &[Step]) -> Result<Option<RelPath>, GuardError> {
    let differs = steps.iter().zip(shown).find(|(step, shown)| !step.does_the_same(shown)).map(|(step, _)| step);
    let more = steps.get(shown.len()).or_else(|| shown.get(steps.len()));
    differs.or(more).map(Step::path).transpose()
}
