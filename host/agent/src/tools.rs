//! The tools, once: names, schemas, what they do.

mod boxed;
mod call;
mod checkpoints;
mod facts;
pub(crate) mod graph;
mod patch;
mod read;
mod search;
mod wave;
mod write;

pub use boxed::proposed;
use call::Call;
pub use wave::read as read_waves;

use crate::context::Context;
use crate::error::ToolError;
use crate::stop::Stop;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;

/// What a tool may do to the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Reads,
    /// It proposes changes; doing it twice is as doing it once.
    ProposesOnce,
    /// It proposes changes.
    Proposes,
}

/// One tool.
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// In a few words.
    pub title: &'static str,
    /// What it does, for the model.
    pub description: &'static str,
    /// What it may do.
    pub effect: Effect,
    /// The JSON schemas of its arguments' and its answer's properties, and which arguments must be there.
    schema: fn() -> (Value, &'static [&'static str], Value),
    run: fn(&Call<'_>, Value) -> Result<Value, ToolError>,
}

impl Tool {
    /// The schema of its arguments.
    pub fn input(&self) -> Value {
        let (properties, required, _) = (self.schema)();
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    }

    /// The schema of its answer.
    pub fn output(&self) -> Value {
        json!({ "type": "object", "properties": (self.schema)().2 })
    }
}

/// All tools.
const ALL: &[&[Tool]] =
    &[read::TOOLS, search::TOOLS, patch::TOOLS, write::TOOLS, boxed::TOOLS, checkpoints::TOOLS, facts::TOOLS, graph::TOOLS, wave::TOOLS];

/// The tools on a context.
#[derive(Clone)]
pub struct Tools {
    context: Arc<Context>,
}

impl Tools {
    /// The tools of a workspace.
    pub fn new(context: Context) -> Tools {
        Tools { context: Arc::new(context) }
    }

    /// What they work on.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &'static Tool> {
        ALL.iter().flat_map(|some| some.iter())
    }

    /// Calls one, until the context's [`Stop`] is set; its answer is an object.
    ///
    /// # Errors
    /// Why it did nothing: the text is for the model.
    pub fn call(&self, name: &str, arguments: Value) -> Result<Value, ToolError> {
        self.call_until(name, arguments, self.context.stop.clone())
    }

    /// The same with a wish of its own that it ends: then its command is killed and nothing of it is written.
    ///
    /// # Errors
    /// Those of [`Tools::call`].
    pub fn call_until(&self, name: &str, arguments: Value, stop: Stop) -> Result<Value, ToolError> {
        let tool = self.all().find(|tool| tool.name == name).ok_or_else(|| ToolError::Unknown(name.into()))?;
        (tool.run)(&Call::new(&self.context, stop), arguments)
    }
}

/// A tool's arguments.
fn arguments<A: DeserializeOwned>(tool: &'static str, value: Value) -> Result<A, ToolError> {
    let value = if value.is_null() { json!({}) } else { value };
    serde_json::from_value(value).map_err(|e| ToolError::Arguments { tool, why: e.to_string() })
}
