//! What is looked at before anybody is asked: paths, bases, sizes. What fails here is red whatever the rules say.

use crate::decision::Reviewed;
use crate::error::GuardError;
use crate::obeyed::{bare_repository, is_obeyed};
use crate::path::{RelPath, always_red};
use crate::proposal::Proposal;
use crate::security;
use crate::workspace::Workspace;
use std::collections::BTreeSet;

/// Most files in one proposal.
pub const MAX_FILES: usize = 10_000;
/// Most bytes of one file's content.
pub const MAX_FILE_BYTES: usize = 256 << 20;

/// Checks a proposal against the disk as it is now; its files, before and after.
pub(crate) fn check(workspace: &Workspace, proposal: &Proposal) -> Result<Vec<Reviewed>, GuardError> {
    let red = |text: String| Err(GuardError::Red(text));
    let changes = proposal.changes();
    if changes.is_empty() || changes.len() > MAX_FILES {
        return red(format!("a proposal has 1 to {MAX_FILES} files, not {}", changes.len()));
    }
    let paths: BTreeSet<&RelPath> = changes.iter().map(|change| &change.path).collect();
    if paths.len() != changes.len() {
        return red("two changes of one file; make them one".into());
    }
    if let Some(folder) = bare_repository(workspace, proposal)? {
        return red(format!("'{folder}' is, or would be, a bare repository: git obeys its configuration and hooks"));
    }
    let obeyed = workspace.store.obeyed()?;
    let mut files = Vec::new();
    for change in changes {
        let path = &change.path;
        // A root may itself lie in a folder that is red.
        let whole = RelPath::new([&workspace.store.above(), path.as_bytes()].concat())?;
        if let Some(reason) = always_red(&whole).or_else(|| is_obeyed(workspace, &obeyed, path)) {
            return red(format!("'{path}': {reason}"));
        }
        if let Some(state) = &change.after {
            if state.bytes.len() > MAX_FILE_BYTES {
                return red(format!("'{path}': {} bytes; a file may have {MAX_FILE_BYTES}", state.bytes.len()));
            }
            if let Some(above) = path.ancestors().find(|above| paths.contains(above)) {
                return red(format!("'{path}' and '{above}' cannot both be files"));
            }
        }
        in_one_repository(workspace, path)?;
        let before = workspace.read(path)?;
        if before.as_ref().map(|state| state.hash()) != change.base {
            return Err(GuardError::Changed(path.clone()));
        }
        if before.is_none() && change.after.is_none() {
            return red(format!("'{path}' is not there to be deleted"));
        }
        files.push(Reviewed { path: path.clone(), before, after: change.after.clone() });
    }
    Ok(files)
}

/// A nested repository has hooks and a configuration of its own: nothing in it is written.
fn in_one_repository(workspace: &Workspace, path: &RelPath) -> Result<(), GuardError> {
    for folder in path.ancestors() {
        if workspace.root.stamp(&folder.join(b".git"))?.is_some() {
            return Err(GuardError::Red(format!("'{path}' lies in the nested repository '{folder}'; open that as a workspace of its own")));
        }
    }
    Ok(())
}

/// Remarks of the security checks, for whoever decides.
pub(crate) fn remarks(files: &[Reviewed]) -> Vec<String> {
    files
        .iter()
        .filter_map(|file| file.after.as_ref().map(|after| (file, after)))
        .flat_map(|(file, after)| {
            security::findings(&file.path, file.before.as_ref(), after).into_iter().map(|finding| finding.to_string())
        })
        .collect()
}
