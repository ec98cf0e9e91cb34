//! Fifty editing tasks in a small repository, worked on by the loop with a scripted model: a fixed list of calls for each.

#![allow(clippy::disallowed_methods, reason = "tests make the files that they are about")]

mod common;
#[path = "tasks/list.rs"]
mod list;

use common::{Person, project, tools};
use list::{TASKS, Task, fill, is_solved};
use nda_agent::talk::{Call, Conversation, DONE, Event, Finish, Model, talk};
use serde_json::{Value, json};
use std::fs;

/// Reads, patches, and says that it is done.
struct Scripted<'t> {
    task: &'t Task,
    step: usize,
}

impl Model for Scripted<'_> {
    fn next(&mut self, messages: &[Value], _: &[Value]) -> Result<Vec<Call>, String> {
        let (_, path, old, new) = self.task;
        self.step += 1;
        let (name, arguments) = match self.step {
            1 => ("read_file", json!({ "path": path })),
            2 => {
                let read: Value = serde_json::from_str(messages.last().unwrap()["content"].as_str().unwrap()).unwrap();
                ("patch_file", json!({ "path": path, "base": read["hash"], "edits": [{ "old": old, "new": new }] }))
            }
            _ => (DONE, json!({ "summary": "it is done" })),
        };
        Ok(vec![Call { id: self.step.to_string(), name: name.into(), arguments: arguments.to_string() }])
    }
}

#[test]
fn fifty_tasks_are_solved_by_a_scripted_model_with_well_formed_calls_alone() {
    let (mut calls, mut well_formed, mut solved) = (0, 0, 0);
    let (_folder, root) = project();
    for task in &TASKS {
        fill(&root);
        let tools = tools(&root, Person::approving());
        let talked = talk(&tools, &mut Scripted { task, step: 0 }, &mut Conversation::default(), task.0, 10, &mut |_| {}).unwrap();
        (calls, well_formed) = (calls + talked.calls, well_formed + talked.well_formed);
        assert!(is_solved(&root, task) && matches!(talked.finish, Finish::Done(_)), "{task:?}: {talked:?}");
        solved += 1;
    }
    println!("{solved} of {} tasks solved, {well_formed} of {calls} calls well-formed", TASKS.len());
    assert_eq!((solved, well_formed), (TASKS.len(), calls));
}

/// Answers from a list.
struct Listed(Vec<Vec<(&'static str, &'static str)>>);

impl Model for Listed {
    fn next(&mut self, _: &[Value], tools: &[Value]) -> Result<Vec<Call>, String> {
        assert!(tools.iter().any(|tool| tool["function"]["name"] == DONE));
        let calls = if self.0.is_empty() { Vec::new() } else { self.0.remove(0) };
        Ok(calls.into_iter().map(|(name, arguments)| Call { id: "1".into(), name: name.into(), arguments: arguments.into() }).collect())
    }
}

#[test]
fn a_model_that_talks_nonsense_changes_nothing_and_ends() {
    let (_folder, root) = project();
    let tools = tools(&root, Person::refusing());
    let nonsense = vec![
        vec![("no_such_tool", "{}"), ("read_file", "{"), ("read_file", "{\"pat\":1}"), ("patch_file", "[]"), (DONE, "{}")],
        vec![],
        vec![("write_file", "{\"path\":\"a.txt\",\"text\":\"x\"}")],
    ];
    let mut told = Vec::new();
    let talked = talk(&tools, &mut Listed(nonsense), &mut Conversation::default(), "x", 5, &mut |event| {
        if let Event::Answered { text, well } = event {
            told.push((text.to_owned(), well));
        }
    })
    .unwrap();
    assert_eq!((talked.finish, talked.calls, talked.well_formed), (Finish::OutOfSteps, 6, 1));
    assert!(told.iter().all(|(_, well)| !well) && told[5].0.contains("says no"), "{told:?}");
    assert_eq!(fs::read_to_string(root.join("a.txt")).unwrap(), "first\n");
}
