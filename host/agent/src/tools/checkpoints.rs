//! `checkpoint` and `restore`.

use super::{Effect, Tool, arguments};
use crate::ask::{Answer, Question, QuestionFile};
use crate::context::Context;
use crate::error::ToolError;
use nda_guard::GuardError;
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
        description: "Proposes to bring back all files of a checkpoint. A checkpoint of the present is made first, so that a restore can be \
                      taken back too. A person is asked.",
        effect: Effect::ProposesOnce,
        schema: || {
            let output = json!({ "files": { "type": "array", "items": { "type": "string" } }, "undo": { "type": "string" } });
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

fn checkpoint(context: &Context, value: Value) -> Result<Value, ToolError> {
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

fn restore(context: &Context, value: Value) -> Result<Value, ToolError> {
    let Id { id } = arguments("restore", value)?;
    let all = context.workspace.checkpoints()?;
    let target = all.iter().find(|one| one.id == id).ok_or_else(|| GuardError::NoCheckpoint(id.clone()))?;
    let origin = context.origin("restore", &id);
    let label = crate::diff::in_a_line(&target.particulars.label);
    let question = Question {
        root: context.workspace.root().display().to_string(),
        subject: format!("restore {id}"),
        who: origin.who,
        tool: origin.tool,
        call: origin.call,
        files: vec![QuestionFile { path: "all files".into(), diff: format!("as they were in checkpoint {id} ({label})\n"), texts: None }],
        remarks: Vec::new(),
    };
    match context.ask(&question) {
        Answer::Green(_) => {}
        Answer::Red(why) => return Err(GuardError::Red(why).into()),
        Answer::Absent => return Err(GuardError::Red("there is nobody to ask".into()).into()),
    }
    let restored = context.workspace.restore(&id)?;
    let files: Vec<String> = restored.files.iter().map(ToString::to_string).collect();
    Ok(json!({ "files": files, "undo": restored.undo.id }))
}
