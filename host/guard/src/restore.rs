//! A restore: planned whole before its first write, refused by name where it would lose something, and undone by its own checkpoint.

use crate::beneath::Root;
use crate::capture::Captured;
use crate::checkpoint::Particulars;
use crate::error::GuardError;
use crate::objects::Blobs;
use crate::path::RelPath;
use crate::state;
use crate::steps::Step;
use crate::store::{Store, Tree, TreeEntry};
use std::collections::BTreeSet;
use std::path::Path;

/// What a restore goes from and to.
pub(crate) struct Plan<'p> {
    pub root: &'p Root,
    pub store: &'p Store,
    pub folder: &'p Path,
    pub now: &'p Captured,
    pub target: &'p Tree,
    pub particulars: &'p Particulars,
}

impl Plan<'_> {
    /// The steps; only files that differ are among them.
    pub fn steps(&self) -> Result<Vec<Step>, GuardError> {
        let kept = self.kept()?;
        let gone = self.now.tree.keys().filter(|path| !self.target.contains_key(*path) && !kept.contains(*path));
        let gone: BTreeSet<&RelPath> = gone.collect();
        let mut steps = Vec::new();
        for path in &gone {
            steps.push(Step::new(self.root, path, self.now.tree.get(*path).cloned(), None)?);
        }
        for (path, entry) in self.target.iter().filter(|(path, entry)| self.now.tree.get(*path) != Some(*entry)) {
            self.judge(path, &gone)?;
            let before = self.now.tree.get(path).cloned();
            steps.push(Step::new(self.root, path, before, Some(entry.clone())).or_else(|error| match error {
                // A parent is a link that a step before removes: nothing of this path is there.
                GuardError::Link(_) => Step::new(self.root, path, None, Some(entry.clone())),
                error => Err(error),
            })?);
        }
        Ok(steps)
    }

    /// Refuses to write where something would be lost that no checkpoint has.
    fn judge(&self, path: &RelPath, gone: &BTreeSet<&RelPath>) -> Result<(), GuardError> {
        let blocked = |why: String| Err(GuardError::Blocked(format!("'{path}' {why}")));
        if self.now.is_skipped(path) {
            return blocked("is too large for a checkpoint now; move it away first".into());
        }
        if self.now.is_nested(path) {
            return blocked("lies in a nested repository or submodule, which is never entered".into());
        }
        let mut above: Vec<RelPath> = path.ancestors().collect();
        above.reverse();
        for folder in &above {
            if gone.contains(folder) {
                return Ok(());
            }
            match self.root.stamp(folder)? {
                None => return Ok(()),
                Some(stamp) if stamp.is_folder() => {}
                Some(_) => return blocked(format!("needs a folder where '{folder}' stands, which is ignored and in no checkpoint")),
            }
        }
        match self.root.stamp(path)? {
            Some(stamp) if stamp.is_folder() => self.judge_folder(path, path, gone),
            Some(_) if !self.now.tree.contains_key(path) => blocked("stands there and is in no checkpoint; move it away first".into()),
            _ => Ok(()),
        }
    }

    /// A folder gives way to a file only if all that is in it goes anyway, or is empty folders.
    fn judge_folder(&self, path: &RelPath, folder: &RelPath, gone: &BTreeSet<&RelPath>) -> Result<(), GuardError> {
        for name in self.root.names(Some(folder))? {
            let child = folder.join(&name);
            let is_folder = self.root.stamp(&child)?.is_some_and(|stamp| stamp.is_folder());
            if is_folder {
                self.judge_folder(path, &child, gone)?;
            } else if !gone.contains(&child) {
                let text = format!(
                    "'{path}' was a file, and '{child}' in the folder there now is ignored and in no checkpoint; move it away first"
                );
                return Err(GuardError::Blocked(text));
            }
        }
        Ok(())
    }

    /// Files that are not in the target and stay all the same: those too large for it, and those that its own ignore rules name.
    fn kept(&self) -> Result<BTreeSet<RelPath>, GuardError> {
        let mut kept: BTreeSet<RelPath> =
            self.particulars.skipped.iter().map(|skipped| RelPath::from_escaped(&skipped.path)).collect::<Result<_, _>>()?;
        let is_rule = |path: &RelPath| path.name() == b".gitignore";
        let rules: Vec<(&RelPath, &TreeEntry)> = self.target.iter().filter(|(path, _)| is_rule(path)).collect();
        let rules_now: Vec<(&RelPath, &TreeEntry)> = self.now.tree.iter().filter(|(path, _)| is_rule(path)).collect();
        let gone: Vec<&RelPath> = self.now.tree.keys().filter(|path| !self.target.contains_key(*path) && !is_rule(path)).collect();
        if rules != rules_now && !gone.is_empty() {
            kept.extend(self.ignored_then(&rules, &gone)?);
        }
        Ok(kept)
    }

    /// Which of the paths the target's ignore rules name, by git's own reading of them.
    fn ignored_then(&self, rules: &[(&RelPath, &TreeEntry)], paths: &[&RelPath]) -> Result<Vec<RelPath>, GuardError> {
        let trial = state::Trial::new(self.folder)?;
        let mut blobs = Blobs::begin(self.store)?;
        for (path, entry) in rules {
            trial.write(path, &blobs.read(&entry.object)?)?;
        }
        let input = paths.iter().flat_map(|path| [path.as_bytes(), b"\0"].concat()).collect::<Vec<u8>>();
        let output = self.store.ignored_in(trial.path(), &input)?;
        output.split(|&byte| byte == 0).filter(|path| !path.is_empty()).map(RelPath::new).collect()
    }
}
