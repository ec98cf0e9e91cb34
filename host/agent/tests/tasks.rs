//! Fifty editing tasks in a small repository, worked on by the loop with a scripted model: a fixed list of calls for each.

#![allow(clippy::disallowed_methods, reason = "tests make the files that they are about")]

mod common;

use common::{Person, project, tools};
use nda_agent::talk::{Call, DONE, Event, Model, talk};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A task, the file that it is about, what is replaced and by what.
type Task = (&'static str, &'static str, &'static str, &'static str);

/// The small repository's files.
const FILES: [(&str, &str); 5] = [
    (
        "src/stats.rs",
        "//! Statistics.\n\n/// The mean of some numbers.\npub fn mean(values: &[f64]) -> f64 {\n    let sum: f64 = values.iter().sum();\n    sum / values.len() as f64\n}\n\n/// The largest.\npub fn largest(values: &[f64]) -> f64 {\n    values.iter().copied().fold(f64::MIN, f64::max)\n}\n\n/// The smallest.\npub fn smallest(values: &[f64]) -> f64 {\n    values.iter().copied().fold(f64::MAX, f64::min)\n}\n\nconst LIMIT: usize = 100;\n",
    ),
    (
        "rtl/counter.v",
        "// A counter.\nmodule counter(input clock, input enable, output reg [7:0] count);\n    initial count = 0;\n    always @(posedge clock) begin\n        if (enable) count <= count + 1;\n    end\nendmodule\n",
    ),
    (
        "model/tiny.nda",
        "// A model.\nlet width = 64;\nlet layers = 2;\n\nfn forward(x: vec) -> vec {\n    let y = gemv(\"a\", x);\n    return relu2(y);\n}\n",
    ),
    ("README.md", "# A small project\n\nIt counts.\n\n## Build\n\nRun `make`.\n\n## License\n\nMIT\n"),
    ("Makefile", "all: count\n\ncount: src/count.c\n\tcc -O2 -o count src/count.c\n\nclean:\n\trm -f count\n"),
];

const TASKS: [Task; 50] = [
    (
        "Return 0 for the mean of nothing.",
        "src/stats.rs",
        "    sum / values.len() as f64",
        "    if values.is_empty() { 0.0 } else { sum / values.len() as f64 }",
    ),
    ("Rename LIMIT to MOST.", "src/stats.rs", "const LIMIT: usize", "const MOST: usize"),
    ("Raise the limit to 200.", "src/stats.rs", "usize = 100", "usize = 200"),
    ("Make the limit public.", "src/stats.rs", "const LIMIT", "pub const LIMIT"),
    ("Document the limit.", "src/stats.rs", "const LIMIT", "/// How many values are taken.\nconst LIMIT"),
    ("Say in the header that it is about slices.", "src/stats.rs", "//! Statistics.", "//! Statistics of slices."),
    ("Mark mean as inline.", "src/stats.rs", "pub fn mean", "#[inline]\npub fn mean"),
    ("Rename largest to maximum.", "src/stats.rs", "pub fn largest", "pub fn maximum"),
    ("Rename smallest to minimum.", "src/stats.rs", "pub fn smallest", "pub fn minimum"),
    ("Start largest at minus infinity.", "src/stats.rs", "f64::MIN, f64::max", "f64::NEG_INFINITY, f64::max"),
    ("Start smallest at infinity.", "src/stats.rs", "f64::MAX, f64::min", "f64::INFINITY, f64::min"),
    ("Say what the mean of nothing is.", "src/stats.rs", "/// The mean of some numbers.", "/// The mean of some numbers; NaN of none."),
    (
        "Let mean panic on nothing.",
        "src/stats.rs",
        "    let sum: f64",
        "    assert!(!values.is_empty(), \"a mean of nothing\");\n    let sum: f64",
    ),
    ("Take the sum by a fold.", "src/stats.rs", "values.iter().sum()", "values.iter().fold(0.0, |a, b| a + b)"),
    (
        "Add a range function.",
        "src/stats.rs",
        "const LIMIT",
        "/// Largest less smallest.\npub fn range(values: &[f64]) -> f64 {\n    largest(values) - smallest(values)\n}\n\nconst LIMIT",
    ),
    ("Remove the limit.", "src/stats.rs", "\nconst LIMIT: usize = 100;\n", ""),
    ("Use u32 for the limit.", "src/stats.rs", "LIMIT: usize", "LIMIT: u32"),
    (
        "Name the sum total.",
        "src/stats.rs",
        "    let sum: f64 = values.iter().sum();\n    sum / ",
        "    let total: f64 = values.iter().sum();\n    total / ",
    ),
    ("Widen the counter to 16 bits.", "rtl/counter.v", "[7:0] count", "[15:0] count"),
    ("Count down.", "rtl/counter.v", "count + 1", "count - 1"),
    ("Start at 1.", "rtl/counter.v", "initial count = 0", "initial count = 1"),
    ("Count by 2.", "rtl/counter.v", "count + 1", "count + 2"),
    ("Make the literal sized.", "rtl/counter.v", "count + 1;", "count + 8'd1;"),
    ("Add a reset input.", "rtl/counter.v", "input enable,", "input reset, input enable,"),
    ("Rename the module to up_counter.", "rtl/counter.v", "module counter(", "module up_counter("),
    ("Count on falling edges.", "rtl/counter.v", "posedge clock", "negedge clock"),
    ("Always count.", "rtl/counter.v", "if (enable) count", "count"),
    ("Say that it wraps around.", "rtl/counter.v", "// A counter.", "// A counter that wraps around."),
    ("Name the module at its end.", "rtl/counter.v", "endmodule", "endmodule // counter"),
    ("Hold at the top.", "rtl/counter.v", "if (enable) count", "if (enable && count != 8'hff) count"),
    ("Add a default net type.", "rtl/counter.v", "// A counter.\n", "// A counter.\n`default_nettype none\n"),
    ("Double the width of the model.", "model/tiny.nda", "width = 64", "width = 128"),
    ("Use four layers.", "model/tiny.nda", "layers = 2", "layers = 4"),
    ("Use the matrix b.", "model/tiny.nda", "gemv(\"a\", x)", "gemv(\"b\", x)"),
    ("Return without an activation.", "model/tiny.nda", "return relu2(y)", "return y"),
    (
        "Rename y to hidden.",
        "model/tiny.nda",
        "    let y = gemv(\"a\", x);\n    return relu2(y);",
        "    let hidden = gemv(\"a\", x);\n    return relu2(hidden);",
    ),
    ("Say that it is tiny.", "model/tiny.nda", "// A model.", "// A tiny model."),
    ("Check the width.", "model/tiny.nda", "let layers = 2;\n", "let layers = 2;\nexpect(width == 64, \"another width\");\n"),
    ("Name the head size.", "model/tiny.nda", "let layers", "let head = 16;\nlet layers"),
    ("Multiply twice.", "model/tiny.nda", "    return relu2(y);", "    let z = gemv(\"b\", relu2(y));\n    return z;"),
    ("Call the project a counter.", "README.md", "# A small project", "# A counter"),
    ("Say how to clean.", "README.md", "Run `make`.", "Run `make`, and `make clean` to begin anew."),
    ("Name both licences.", "README.md", "\nMIT\n", "\nMIT or Apache-2.0\n"),
    ("Say that it counts up.", "README.md", "It counts.", "It counts up."),
    ("Add a section on tests.", "README.md", "## License", "## Tests\n\nRun `make test`.\n\n## License"),
    ("Optimise more.", "Makefile", "-O2", "-O3"),
    ("Warn about everything.", "Makefile", "cc -O2", "cc -Wall -Wextra -O2"),
    ("Add a phony line.", "Makefile", "all: count\n", ".PHONY: all clean\n\nall: count\n"),
    ("Name the compiler by a variable.", "Makefile", "\tcc -O2", "\t$(CC) -O2"),
    ("Clean object files too.", "Makefile", "rm -f count", "rm -f count *.o"),
];

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

fn fill(root: &Path) {
    for (path, text) in FILES {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
}

#[test]
fn fifty_tasks_are_solved_by_a_scripted_model_with_well_formed_calls_alone() {
    let (mut calls, mut well_formed, mut solved) = (0, 0, 0);
    let (_folder, root) = project();
    for task in &TASKS {
        fill(&root);
        let tools = tools(&root, Person::approving());
        let talked = talk(&tools, &mut Scripted { task, step: 0 }, task.0, 10, &mut |_| {}).unwrap();
        (calls, well_formed) = (calls + talked.calls, well_formed + talked.well_formed);
        let (_, path, old, new) = task;
        let before = FILES.iter().find(|(file, _)| file == path).unwrap().1;
        assert_eq!(before.matches(old).count(), 1, "{task:?}");
        let is_solved = fs::read_to_string(root.join(path)).unwrap() == before.replacen(old, new, 1);
        let others_stay =
            FILES.iter().filter(|(file, _)| file != path).all(|(file, text)| fs::read_to_string(root.join(file)).unwrap() == *text);
        assert!(is_solved && others_stay && talked.done.is_some(), "{task:?}: {talked:?}");
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
    let talked = talk(&tools, &mut Listed(nonsense), "x", 5, &mut |event| {
        if let Event::Answered { text, well } = event {
            told.push((text.to_owned(), well));
        }
    })
    .unwrap();
    assert_eq!((talked.done, talked.calls, talked.well_formed), (None, 6, 1));
    assert!(told.iter().all(|(_, well)| !well) && told[5].0.contains("says no"), "{told:?}");
    assert_eq!(fs::read_to_string(root.join("a.txt")).unwrap(), "first\n");
}
