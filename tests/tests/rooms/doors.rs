//! Who may do what: only the command prints and exits, only the device waits, unsafe code has three rooms.

use crate::sources::{Source, is_trial, sources};
use std::collections::BTreeSet;
use syn::visit::{self, Visit};

/// Who prints: the commands, the tools of the images and of the proofs, and build scripts, which speak to cargo.
const PRINTS: [&str; 7] = [
    "host/cli/src/output.rs",
    "host/studio/src/main.rs",
    "firmware/src/main.rs",
    "firmware/table/src/main.rs",
    "tests/formal/src/main.rs",
    "sim/build/",
    "tests/src/lib.rs",
];
/// Who ends the process.
const EXITS: [&str; 1] = ["host/cli/src/signals.rs"];
/// Who waits, but for the deadlines of transports: a board that is served, the terminal's next line beside Ctrl-C or a deadline, a step for texts
/// whose next token is being drawn.
const WAITS: [&str; 4] =
    ["host/cli/src/commands/board.rs", "host/cli/src/lines.rs", "host/studio/src/face/terminal.rs", "host/chat/src/line.rs"];
/// Who has unsafe code: SIMD kernels, machine code, the simulator's shim.
const UNSAFE: [&str; 4] = ["host/kernels/", "host/lang/src/native.rs", "host/lang/src/native/unit.rs", "sim/src/model.rs"];

/// What a file does that not every file may.
#[derive(Default)]
struct Deeds {
    /// Lines of each deed: prints, exits, waits, unsafe.
    prints: Vec<usize>,
    exits: Vec<usize>,
    waits: Vec<usize>,
    unsafe_code: Vec<usize>,
}

impl Deeds {
    fn of(source: &Source) -> Deeds {
        let mut deeds = Deeds::default();
        deeds.visit_file(&source.tree);
        deeds
    }
}

/// Whether an item is compiled for tests alone.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    let is_cfg_test = |attribute: &syn::Attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string().contains("test"),
        meta => meta.path().is_ident("test"),
    };
    attributes.iter().any(is_cfg_test)
}

impl<'ast> Visit<'ast> for Deeds {
    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        if !is_test(&node.attrs) {
            visit::visit_item_mod(self, node);
        }
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        let name = node.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        let tokens = node.tokens.to_string();
        let is_stream = ["io :: stdout ()", "io :: stderr ()"].iter().any(|stream| tokens.contains(stream));
        if is_stream || ["print", "println", "eprint", "eprintln", "dbg"].contains(&name.as_str()) {
            self.prints.push(line(&node.path));
        }
        visit::visit_macro(self, node);
    }

    fn visit_path(&mut self, node: &'ast syn::Path) {
        let names: Vec<String> = node.segments.iter().map(|segment| segment.ident.to_string()).collect();
        match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [.., "io", "stdout" | "stderr"] => self.prints.push(line(node)),
            [.., "process", "exit" | "abort"] => self.exits.push(line(node)),
            [.., "thread" | "time", "sleep"] | [.., "thread", "park_timeout"] => self.waits.push(line(node)),
            _ => {}
        }
        visit::visit_path(self, node);
    }

    fn visit_expr_method_call(&mut self, node: &'ast syn::ExprMethodCall) {
        if ["recv_timeout", "wait_timeout", "wait_timeout_while"].contains(&node.method.to_string().as_str()) {
            self.waits.push(node.method.span().start().line);
        }
        visit::visit_expr_method_call(self, node);
    }

    fn visit_expr_unsafe(&mut self, node: &'ast syn::ExprUnsafe) {
        self.unsafe_code.push(node.unsafe_token.span.start().line);
        visit::visit_expr_unsafe(self, node);
    }

    fn visit_item_impl(&mut self, node: &'ast syn::ItemImpl) {
        if let Some(token) = &node.unsafety {
            self.unsafe_code.push(token.span.start().line);
        }
        visit::visit_item_impl(self, node);
    }
}

fn line(path: &syn::Path) -> usize {
    path.segments.first().map_or(0, |segment| segment.ident.span().start().line)
}

/// Places outside of these rooms, and rooms in which nobody does it any more.
fn strays<'s>(deeds: &'s [(String, Deeds)], rooms: &[&str], which: impl Fn(&'s Deeds) -> &'s [usize]) -> Vec<String> {
    let mut used = BTreeSet::new();
    let mut strays = Vec::new();
    for (path, lines) in deeds.iter().map(|(path, deeds)| (path, which(deeds))).filter(|(_, lines)| !lines.is_empty()) {
        match rooms.iter().find(|room| path.starts_with(**room)) {
            Some(room) => _ = used.insert(*room),
            None => strays.extend(lines.iter().map(|line| format!("{path}:{line}"))),
        }
    }
    strays.extend(rooms.iter().filter(|room| !used.contains(*room)).map(|room| format!("{room} needs no exception")));
    strays
}

#[test]
fn only_the_command_prints_only_the_device_waits_and_unsafe_code_stays_in_its_rooms() {
    let product = sources().into_iter().filter(|source| !is_trial(&source.path));
    let deeds: Vec<(String, Deeds)> = product.map(|source| (source.path.clone(), Deeds::of(&source))).collect();
    let verdicts = [
        ("prints", strays(&deeds, &PRINTS, |d| &d.prints)),
        ("ends the process", strays(&deeds, &EXITS, |d| &d.exits)),
        ("waits", strays(&deeds, &WAITS, |d| &d.waits)),
        ("has unsafe code", strays(&deeds, &UNSAFE, |d| &d.unsafe_code)),
    ];
    let faults: Vec<String> = verdicts.iter().flat_map(|(deed, places)| places.iter().map(move |at| format!("{deed}: {at}"))).collect();
    assert!(faults.is_empty(), "the lists above say who may:\n{}", faults.join("\n"));
}

#[test]
fn every_deed_is_seen_where_it_is_done_and_not_in_tests() {
    let text = "fn f() { println!(); std::process::exit(1); thread::sleep(d); r.recv_timeout(d); unsafe { g() } io::stderr(); write!(io::stdout(), \"a\"); }
                #[cfg(test)] mod tests { fn f() { println!(); } }";
    let source = Source { path: "host/x/src/lib.rs".into(), text: text.into(), tree: syn::parse_file(text).unwrap() };
    let deeds = Deeds::of(&source);
    assert_eq!((deeds.prints.len(), deeds.exits.len(), deeds.waits.len(), deeds.unsafe_code.len()), (3, 1, 2, 1));
    let deeds = [(source.path, deeds)];
    assert_eq!(strays(&deeds, &["host/y/"], |d| &d.exits), ["host/x/src/lib.rs:1", "host/y/ needs no exception"]);
}
