//! Fifty editing tasks in a small repository, worked on by the loop with a scripted model: a fixed list of calls for each.

#![allow(clippy::disallowed_methods, reason = "tests make the files that they are about")]

mod common;
#[path = "tasks/list.rs"]
mod list;

use common::{Person, project, tools};
use list::{TASKS, Task, fill, is_solved};
use nda_agent::openai::OpenAi;
use nda_agent::talk::{Call, Conversation, DONE, Event, Finish, Model, Reply, talk};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

/// Reads, patches, and says that it is done.
struct Scripted<'t> {
    task: &'t Task,
    step: usize,
}

impl Model for Scripted<'_> {
    fn next(&mut self, messages: &[Value], _: &[Value]) -> Result<Reply, String> {
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
        Ok(vec![Call { id: self.step.to_string(), name: name.into(), arguments: arguments.to_string() }].into())
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
    fn next(&mut self, _: &[Value], tools: &[Value]) -> Result<Reply, String> {
        assert!(tools.iter().any(|tool| tool["function"]["name"] == DONE));
        let calls = if self.0.is_empty() { Vec::new() } else { self.0.remove(0) };
        let call = |(name, arguments): (&str, &str)| Call { id: "1".into(), name: name.into(), arguments: arguments.into() };
        Ok(calls.into_iter().map(call).collect::<Vec<_>>().into())
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

#[test]
fn a_model_that_reads_the_same_again_is_told_so_until_something_changes() {
    let (_folder, root) = project();
    let tools = tools(&root, Person::approving());
    let read = ("read_file", "{\"path\":\"a.txt\"}");
    let patch = ("patch_file", "{\"path\":\"a.txt\",\"edits\":[{\"old\":\"first\",\"new\":\"1st\"}]}");
    let calls = [read, read, patch, read, read, (DONE, "{\"summary\":\"x\"}")].map(|call| vec![call]);
    let mut told = Vec::new();
    let mut conversation = Conversation::default();
    let talked = talk(&tools, &mut Listed(calls.into()), &mut conversation, "x", 9, &mut |event| {
        if let Event::Answered { text, .. } = event {
            told.push(text.to_owned());
        }
    })
    .unwrap();
    let is_same: Vec<bool> = told.iter().map(|text| text.contains("this very answer")).collect();
    assert_eq!(is_same, [false, true, false, false, true], "{told:?}");
    assert!(told[3].contains("1st"));
    assert_eq!((talked.calls, talked.well_formed), (6, 6), "a repeated call is well-formed");
}

/// Says how many messages it has seen, in words alone.
struct Talkative;

impl Model for Talkative {
    fn next(&mut self, messages: &[Value], _: &[Value]) -> Result<Reply, String> {
        Ok(Reply { text: format!("{} messages", messages.len()), calls: Vec::new() })
    }
}

#[test]
fn an_answer_in_words_ends_the_turn_and_the_next_question_goes_on_from_it() {
    let (_folder, root) = project();
    let (tools, mut conversation) = (tools(&root, Person::refusing()), Conversation::default());
    for words in ["2 messages", "4 messages"] {
        let talked = talk(&tools, &mut Talkative, &mut conversation, "what is it?", 30, &mut |_| {}).unwrap();
        assert_eq!((talked.finish, talked.calls), (Finish::Done(words.into()), 0));
    }
}

/// Steps of a task at most, and tokens of a step.
const STEPS: usize = 5;
const STEP_TOKENS: u32 = 400;

/// The share that a real model behind 'nda serve' solves, by the loop of 'nda agent': `make test-agent-model`.
#[test]
#[ignore = "four minutes of processor with a model of 135 million weights: 'make test-agent-model'"]
fn fifty_tasks_by_a_model_behind_our_endpoint_have_well_formed_calls_alone() {
    let [nda, model] = ["NDA_COMMAND", "NDA_MODEL"].map(|name| std::env::var(name).expect("'make test-agent-model' sets it"));
    let most: usize = std::env::var("TASKS").map_or(TASKS.len(), |count| count.parse().unwrap());
    let server = common::Server::start(&nda, &model);
    let mut model = OpenAi::new(&server.address, None, None, STEP_TOKENS).unwrap();
    let (mut calls, mut well_formed, mut solved, mut named) = (0, 0, 0, BTreeMap::new());
    for task in &TASKS[..most] {
        let (_folder, root) = project();
        fill(&root);
        let tools = tools(&root, Person::approving());
        let words = format!("{} The file is {}.", task.0, task.1);
        let mut last = String::new();
        let mut watch = |event: Event<'_>| match event {
            Event::Called { name, arguments } => {
                *named.entry(name.to_owned()).or_insert(0) += 1;
                last = format!("{name} {arguments}");
            }
            Event::Answered { text, well: false } => println!("         {last} -> {}", text.chars().take(200).collect::<String>()),
            Event::Answered { .. } | Event::Said { .. } => {}
        };
        let talked = talk(&tools, &mut model, &mut Conversation::default(), &words, STEPS, &mut watch).unwrap();
        let is_solved = is_solved(&root, task);
        let (solved_or_not, seconds) = (if is_solved { "solved" } else { "      " }, server.processor_time().as_secs());
        println!("{solved_or_not} {}/{} {words} ({seconds} s of processor so far)", talked.well_formed, talked.calls);
        (calls, well_formed, solved) = (calls + talked.calls, well_formed + talked.well_formed, solved + usize::from(is_solved));
    }
    let seconds = server.processor_time().as_secs();
    println!("{solved} of {most} tasks solved, {well_formed} of {calls} calls well-formed: {named:?}; {seconds} s of processor");
    assert!(calls >= most && calls == well_formed, "every call is well-formed");
}
