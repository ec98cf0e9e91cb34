//! `checkpoint` and `restore`.

use super::{Call, Effect, Tool, arguments};
use crate::ask::{Answer, How, Question, QuestionFile};
use crate::context::Context;
use crate::diff::in_a_line;
use crate::error::ToolError;
use crate::exact::question_file;
use nda_guard::{Approver, Checkpoint, Content, Contents, Decision, GuardError, Origin, Preview, PreviewFile};
use serde::Deserialize;
use serde_json::{Value, json};

/// Checkpoints that are listed.
const LISTED: usize = 50;

pub const TOOLS: &[Tool] = &[
    Tool {
        name: "checkpoint",
        title: "Make or list checkpoints",
        description: "With a label: keeps all files as they are now, untracked ones too. Without: lists the newest checkpoints.",
        effect: Effect::Reads,
        schema: || {
            let one = json!({ "type": "object", "properties": { "id": { "type": "string" }, "label": { "type": "string" }, "seconds": { "type": "integer" } } });
            (json!({ "label": { "type": "string" } }), &[], json!({ "checkpoints": { "type": "array", "items": one } }))
        },
        run: checkpoint,
    },
    Tool {
        name: "restore",
        title: "Restore a checkpoint",
        description: "Proposes to bring back all files of a checkpoint. A person is shown every file that would change, and asked. A checkpoint \
                      of the present is made first, so that a restore can be taken back too.",
        effect: Effect::ProposesOnce,
        schema: || {
            let files = json!({ "type": "array", "items": { "type": "string" } });
            let output = json!({ "files": files, "undo": { "type": "string" }, "unchanged": { "type": "boolean" } });
            (json!({ "id": { "type": "string" } }), &["id"], output)
        },
        run: restore,
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    label: Option<String>,
}

fn checkpoint(context: &Call<'_>, value: Value) -> Result<Value, ToolError> {
    let made = match arguments::<Label>("checkpoint", value)?.label {
        Some(label) => vec![context.workspace.checkpoint(&label)?],
        None => context.workspace.checkpoints()?.into_iter().rev().take(LISTED).collect(),
    };
    let told = made.iter().map(|one| json!({ "id": one.id, "label": one.particulars.label, "seconds": one.seconds }));
    Ok(json!({ "checkpoints": told.collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Id {
    id: String,
}

fn restore(context: &Call<'_>, value: Value) -> Result<Value, ToolError> {
    let Id { id } = arguments("restore", value)?;
    let all = context.workspace.checkpoints()?;
    all.iter().find(|one| one.id == id).ok_or_else(|| GuardError::NoCheckpoint(id.clone()))?;
    let origin = context.origin("restore", &id);
    let decide = |preview: &Preview| match context.ask(&question(context, preview, &origin)) {
        Answer::Green(_) if context.stop.is_set() => Decision::Red("it was cancelled".into()),
        Answer::Green(who) => Decision::Green(Approver::Person(who)),
        Answer::Red(why) => Decision::Red(why),
        Answer::Absent => Decision::Red("there is nobody to ask".into()),
    };
    let Some(restored) = context.workspace.restore_decided(&id, &origin, decide)? else {
        return Ok(json!({ "files": [], "unchanged": true }));
    };
    let files: Vec<String> = restored.files.iter().map(ToString::to_string).collect();
    Ok(json!({ "files": files, "undo": restored.undo.id, "unchanged": false }))
}

/// What a person gets to see of a restore: every file that it would change, as any other proposal.
fn question(context: &Context, preview: &Preview, origin: &Origin) -> Question {
    let Checkpoint { id, particulars, .. } = &preview.checkpoint;
    Question {
        root: context.workspace.root().display().to_string(),
        subject: format!("restore {id}"),
        who: origin.who.clone(),
        tool: origin.tool.clone(),
        call: origin.call.clone(),
        files: preview.files.iter().map(shown).collect(),
        remarks: vec![format!("the files would be as they were in checkpoint {id} ({})", particulars.label)],
    }
}

fn shown(file: &PreviewFile) -> QuestionFile {
    let path = file.path.to_string();
    let how = match file.how {
        nda_guard::How::Added => How::Added,
        nda_guard::How::Changed => How::Changed,
        nda_guard::How::Deleted => How::Deleted,
    };
    let told = |content: &Option<Content>| match content {
        None => "nothing".to_owned(),
        Some(Content::Link(target)) => format!("a link to {}", in_a_line(target)),
        Some(Content::File(state)) => format!("a file of {} bytes", state.bytes.len()),
    };
    let state = |content: &Option<Content>| match content {
        None => Some(None),
        Some(Content::File(state)) => Some(Some(state.clone())),
        Some(Content::Link(_)) => None,
    };
    let line =
        |text: String| QuestionFile { diff: format!("{}: {text}\n", in_a_line(&path)), path: path.clone(), how, texts: None, exact: None };
    match &file.contents {
        None => line(format!("{}; its content is not shown, the files before it are too large", how.word())),
        Some(Contents { before, after }) => match (state(before), state(after)) {
            (Some(old), Some(new)) => QuestionFile { how, ..question_file(&file.path, old.as_ref(), new.as_ref()) },
            _ => line(format!("{} -> {}", told(before), told(after))),
        },
    }
}
