//! `patch_file`: patches of texts become proposals. All files or none; the answer carries what a reader needs to go on without
//! reading again.

use crate::error::GuardError;
use crate::path::RelPath;
use crate::proposal::{FileChange, FileState, Hash, Mode, Origin, Proposal};
use crate::workspace::{Change, Workspace};
use nda_text::patch::{Action, Applied, FilePatch, Known, Range, apply};
use std::collections::BTreeMap;

/// One file of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The file, under its new path.
    pub path: RelPath,
    /// Its hash now: the base of the next patch. `None` was deleted.
    pub hash: Option<Hash>,
    /// Where each edit is now, in lines from 1.
    pub ranges: Vec<Range>,
}

/// What a patch means for the files as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// A proposal, and the answer once it is written.
    New(Proposal, Vec<Answer>),
    /// Everything is in the files already: the patch was applied before, and there is nothing to write.
    Already(Vec<Answer>),
}

/// What became of a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patched {
    /// It was written.
    New(Change, Vec<Answer>),
    /// It was in the files already.
    Already(Vec<Answer>),
}

/// One file's share of a plan.
enum Share {
    New(Vec<FileChange>, Answer),
    Already(Answer),
}

impl Workspace {
    /// Turns a patch into a proposal. `bases` has the hashes of files as the patch's author read them: with one, line numbers
    /// hold and a replay is impossible; without, every place must be found by its text alone.
    ///
    /// # Errors
    /// [`GuardError::Patch`] with the nearest places, a base that is another, a file that is not text, or the system's answer.
    pub fn plan_patch(&self, origin: Origin, files: &[FilePatch], bases: &BTreeMap<RelPath, Hash>) -> Result<Planned, GuardError> {
        let (mut changes, mut answers, mut already) = (Vec::new(), Vec::new(), Vec::new());
        for file in files {
            match self.share(file, bases)? {
                Share::New(more, answer) => {
                    changes.extend(more);
                    answers.push(answer);
                }
                Share::Already(answer) => already.push(answer),
            }
        }
        match (answers.is_empty(), already.is_empty()) {
            (true, _) => Ok(Planned::Already(already)),
            (false, true) => Ok(Planned::New(Proposal::new(origin, changes), answers)),
            (false, false) => Err(GuardError::Red(format!("'{}' has the patch already, other files do not", already[0].path))),
        }
    }

    /// Reads a patch as text, a unified diff or an envelope.
    ///
    /// # Errors
    /// [`GuardError::PatchForm`] with the line that is wrong.
    pub fn read_patch(text: &str) -> Result<Vec<FilePatch>, GuardError> {
        nda_text::patch::parse(text).map_err(|error| GuardError::PatchForm(Box::new(error)))
    }

    /// Plans a patch and submits it.
    ///
    /// # Errors
    /// Those of [`Workspace::plan_patch`] and [`Workspace::submit`].
    pub fn patch(&self, origin: Origin, files: &[FilePatch], bases: &BTreeMap<RelPath, Hash>) -> Result<Patched, GuardError> {
        match self.plan_patch(origin, files, bases)? {
            Planned::New(proposal, answers) => Ok(Patched::New(self.submit(proposal)?, answers)),
            Planned::Already(answers) => Ok(Patched::Already(answers)),
        }
    }

    fn share(&self, file: &FilePatch, bases: &BTreeMap<RelPath, Hash>) -> Result<Share, GuardError> {
        let path = RelPath::new(&file.path)?;
        let before = self.read(&path)?;
        let hash = before.as_ref().map(FileState::hash);
        let known = match bases.get(&path) {
            None => Known::No,
            Some(base) if Some(*base) == hash => Known::Yes,
            Some(_) => return Err(GuardError::Changed(path)),
        };
        let answer = |hash, ranges| Answer { path: path.clone(), hash, ranges };
        match (&file.action, before) {
            (Action::Add { text }, None) => {
                let after = FileState { bytes: text.clone().into_bytes(), mode: mode(file, Mode::Plain) };
                let answer = answer(Some(after.hash()), vec![Range { first: 1, last: text.lines().count() }]);
                Ok(Share::New(vec![FileChange { path, base: None, after: Some(after) }], answer))
            }
            (Action::Add { text }, Some(before)) if before.bytes == text.as_bytes() => Ok(Share::Already(answer(hash, Vec::new()))),
            (Action::Add { .. }, Some(_)) => Err(GuardError::Red(format!("'{path}' is there already; update it instead"))),
            (Action::Delete { .. }, None) => Ok(Share::Already(answer(None, Vec::new()))),
            (Action::Delete { expect }, Some(before)) => {
                if expect.as_ref().is_some_and(|expect| expect.as_bytes() != before.bytes) {
                    return Err(GuardError::Changed(path));
                }
                let answer = answer(None, Vec::new());
                Ok(Share::New(vec![FileChange { path, base: hash, after: None }], answer))
            }
            (Action::Update { .. }, None) => Err(GuardError::Red(format!("'{path}' is not there to be updated"))),
            (Action::Update { edits, to }, Some(before)) => {
                let mode = mode(file, before.mode);
                let (text, ranges) = match self.edited(&path, &before, edits, known)? {
                    Applied::New { text, ranges, .. } => (text.into_bytes(), ranges),
                    Applied::Already { ranges } if to.is_none() || edits.is_empty() => (before.bytes.clone(), ranges),
                    Applied::Already { .. } => return Err(GuardError::Red(format!("'{path}' has the patch already and has not moved"))),
                };
                let after = FileState { bytes: text, mode };
                if to.is_none() && after == before {
                    return Ok(Share::Already(answer(hash, ranges)));
                }
                self.moved(path, hash, after, ranges, to.as_deref())
            }
        }
    }

    fn edited(&self, path: &RelPath, before: &FileState, edits: &[nda_text::patch::Edit], known: Known) -> Result<Applied, GuardError> {
        if edits.is_empty() {
            // A move or a mode asks nothing of the text, which may be any bytes.
            return Ok(Applied::Already { ranges: Vec::new() });
        }
        let text = std::str::from_utf8(&before.bytes).map_err(|_| GuardError::NotText(path.clone()))?;
        apply(text, edits, known).map_err(|error| GuardError::Patch { path: path.clone(), error: Box::new(error) })
    }

    fn moved(
        &self,
        path: RelPath,
        base: Option<Hash>,
        after: FileState,
        ranges: Vec<Range>,
        to: Option<&str>,
    ) -> Result<Share, GuardError> {
        let hash = Some(after.hash());
        let Some(to) = to else {
            let answer = Answer { path: path.clone(), hash, ranges };
            return Ok(Share::New(vec![FileChange { path, base, after: Some(after) }], answer));
        };
        let to = RelPath::new(to)?;
        if self.read(&to)?.is_some() {
            return Err(GuardError::Red(format!("'{to}' is there already, so '{path}' cannot move there")));
        }
        let changes = vec![FileChange { path, base, after: None }, FileChange { path: to.clone(), base: None, after: Some(after) }];
        Ok(Share::New(changes, Answer { path: to, hash, ranges }))
    }
}

fn mode(file: &FilePatch, otherwise: Mode) -> Mode {
    match file.executable {
        Some(true) => Mode::Executable,
        Some(false) => Mode::Plain,
        None => otherwise,
    }
}
