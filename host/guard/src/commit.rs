//! The one place where files are written: all of a change, or nothing.

use crate::checkpoint::Reason;
use crate::checks;
use crate::decision::{Grant, Reviewed};
use crate::error::GuardError;
use crate::gate::{Seen, Verdict, Written};
use crate::object::Kind;
use crate::objects::Blobs;
use crate::path::RelPath;
use crate::proposal::{FileState, Mode};
use crate::steps::{self, Contents, Intent, Step, Way};
use crate::store::TreeEntry;
use crate::workspace::{Change, Workspace};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Instant;

/// Writes a grant's proposal.
pub(crate) fn commit(workspace: &Workspace, grant: Grant, is_wanted: &dyn Fn() -> bool) -> Result<Change, GuardError> {
    if grant.workspace != workspace.id {
        return Err(GuardError::Grant("it was given for another workspace"));
    }
    if Instant::now() >= grant.expires {
        return Err(GuardError::Grant("it has expired; propose the change again"));
    }
    let written = write(workspace, &grant, is_wanted);
    let outcome = match &written {
        Ok(change) => json!({ "kept": true, "checkpoint": change.checkpoint, "gates": change.gates }),
        Err(error) => json!({ "kept": false, "error": error.to_string() }),
    };
    let mut fields = json!({ "proposal": grant.hash.to_string(), "approver": format!("{:?}", grant.approver) });
    if let (Some(fields), Some(outcome)) = (fields.as_object_mut(), outcome.as_object()) {
        fields.extend(outcome.clone());
    }
    workspace.journal.add("written", fields)?;
    written
}

fn write(workspace: &Workspace, grant: &Grant, is_wanted: &dyn Fn() -> bool) -> Result<Change, GuardError> {
    let (_lock, _) = workspace.locked()?;
    wanted(is_wanted)?;
    // The decision may have taken a minute: everything is looked at again, now under the lock.
    let files = checks::check(workspace, &grant.proposal)?;
    let paths: Vec<RelPath> = files.iter().map(|file| file.path.clone()).collect();
    let label = format!("before {}", grant.proposal.origin().tool);
    let (checkpoint, captured) = workspace.maker().make(&label, Reason::BeforeCommit, &paths)?;
    let format = workspace.store.format();
    let entry = |state: &FileState| TreeEntry { kind: kind(state.mode), object: format.blob(&state.bytes) };
    let mut steps = Vec::new();
    let mut fresh: BTreeMap<String, &[u8]> = BTreeMap::new();
    for file in &files {
        let (before, after) = (file.before.as_ref().map(entry), file.after.as_ref().map(entry));
        if captured.tree.get(&file.path) != before.as_ref() {
            return Err(GuardError::Changed(file.path.clone()));
        }
        if let (Some(state), Some(after)) = (&file.after, &after) {
            fresh.insert(after.object.0.clone(), &state.bytes);
        }
        if before != after {
            steps.push(Step::new(&workspace.root, &file.path, before, after)?);
        }
    }
    let intent = Intent { name: checkpoint.id.clone(), way: Way::Back, steps };
    let mut blobs = None;
    let mut contents = |entry: &TreeEntry| match fresh.get(&entry.object.0) {
        Some(bytes) => Ok(bytes.to_vec()),
        None => match &mut blobs {
            Some(blobs) => Blobs::read(blobs, &entry.object),
            none => none.insert(Blobs::begin(&workspace.store)?).read(&entry.object),
        },
    };
    let mut gates = Vec::new();
    all_or_nothing(workspace, &intent, &mut contents, |workspace| {
        gates = pass_gates(workspace, &files, is_wanted)?;
        Ok(())
    })?;
    let files = files.into_iter().map(|file| (file.path, file.after.as_ref().map(FileState::hash))).collect();
    Ok(Change { proposal: grant.hash, checkpoint: checkpoint.id, files, gates })
}

/// Takes the steps and asks `holds`; after any error, everything is as it was.
pub(crate) fn all_or_nothing(
    workspace: &Workspace,
    intent: &Intent,
    contents: &mut Contents<'_>,
    holds: impl FnOnce(&Workspace) -> Result<(), GuardError>,
) -> Result<(), GuardError> {
    let format = workspace.store.format();
    intent.begin(&workspace.folder)?;
    let mut done = Vec::new();
    let taken = steps::advance(&workspace.root, format, intent, contents, &mut done).and_then(|()| holds(workspace));
    if let Err(error) = taken {
        let left = steps::retreat(&workspace.root, format, intent, contents, &done);
        Intent::end(&workspace.folder)?;
        return Err(if left.is_empty() { error } else { GuardError::Unfinished { cause: error.to_string(), left: left.join(", ") } });
    }
    Intent::end(&workspace.folder)
}

fn wanted(is_wanted: &dyn Fn() -> bool) -> Result<(), GuardError> {
    if is_wanted() { Ok(()) } else { Err(GuardError::Red("it was cancelled".into())) }
}

/// The names of the gates that looked; the first that fails is the error.
fn pass_gates(workspace: &Workspace, files: &[Reviewed], is_wanted: &dyn Fn() -> bool) -> Result<Vec<String>, GuardError> {
    let written: Vec<Written<'_>> =
        files.iter().map(|file| Written { path: &file.path, before: file.before.as_ref(), after: file.after.as_ref() }).collect();
    let seen = Seen { root: workspace.root.path(), files: &written };
    let mut passed = Vec::new();
    for gate in &workspace.settings.gates {
        match gate.judge(&seen) {
            Verdict::NotConcerned => {}
            Verdict::Holds => passed.push(gate.name().to_owned()),
            Verdict::Fails(report) => return Err(GuardError::Gate { gate: gate.name().to_owned(), report }),
        }
        wanted(is_wanted)?;
    }
    Ok(passed)
}

fn kind(mode: Mode) -> Kind {
    match mode {
        Mode::Plain => Kind::Plain,
        Mode::Executable => Kind::Executable,
    }
}
