//! A file tells one idea, a function fits one screen, a parameter is not a switch. Those that are not so yet stand in
//! tests/offenders.txt, and that list may only shrink.

use crate::sources::{Source, root, sources};
use std::collections::BTreeMap;
use syn::visit::{self, Visit};

/// Lines of a file.
const FILE_LINES: usize = 400;
/// Lines of a function: a screen.
const FUNCTION_LINES: usize = 60;
/// Lines of an RTL update, which is one description of many registers.
const UPDATE_LINES: usize = 150;
/// Who takes a boolean that is a datum and no switch: the value of a file's key, the level of a wire.
const DATA: [&str; 2] = ["host/convert/tests/claims/sample.rs GgufBytes::flag", "sim/src/board.rs UartLine::sample"];
/// The list of those that are longer.
const LIST: &str = "tests/offenders.txt";
const HEAD: &str = "\
# Files of more than 400 lines, functions of more than 60 (an RTL update: 150), and boolean parameters, with how many.
# A test holds the sources to this list. It may only shrink: 'BLESS=1 cargo test --release -p nda-tests' takes out what is mended.
";

/// A breach of a rule: which, where, how much.
type Offenders = BTreeMap<String, usize>;

struct Functions<'s> {
    source: &'s Source,
    offenders: Offenders,
    within: Vec<String>,
}

impl Functions<'_> {
    fn function(&mut self, signature: &syn::Signature, body: Option<&syn::Block>) {
        let lines = body.map_or(1, |body| lines(signature, body));
        let name = [self.within.as_slice(), &[signature.ident.to_string()]].concat().join("::");
        let is_update = self.source.path.starts_with("hdl/cores/") && signature.ident == "update";
        if lines > if is_update { UPDATE_LINES } else { FUNCTION_LINES } {
            self.add("function", &name, lines);
        }
        let is_bool = |of: &syn::Type| matches!(of, syn::Type::Path(path) if path.path.is_ident("bool"));
        let switches = signature.inputs.iter().filter(|input| matches!(input, syn::FnArg::Typed(typed) if is_bool(&typed.ty))).count();
        // A function of a bool alone is a conversion.
        let others = signature.inputs.len() - switches;
        if switches > 0 && !(others == 0 && switches == 1) {
            self.add("boolean", &name, switches);
        }
    }

    fn add(&mut self, rule: &str, name: &str, amount: usize) {
        *self.offenders.entry(format!("{rule} {} {name}", self.source.path)).or_default() += amount;
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.function(&node.sig, Some(&node.block));
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.function(&node.sig, Some(&node.block));
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        self.function(&node.sig, node.default.as_ref());
        visit::visit_trait_item_fn(self, node);
    }

    fn visit_item_impl(&mut self, node: &'ast syn::ItemImpl) {
        let name = match &*node.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        };
        self.within.push(name.unwrap_or_else(|| "impl".into()));
        visit::visit_item_impl(self, node);
        self.within.pop();
    }

    fn visit_item_trait(&mut self, node: &'ast syn::ItemTrait) {
        self.within.push(node.ident.to_string());
        visit::visit_item_trait(self, node);
        self.within.pop();
    }
}

/// Lines of code; what is said of it before does not count.
fn lines(signature: &syn::Signature, body: &syn::Block) -> usize {
    body.brace_token.span.close().end().line - signature.fn_token.span.start().line + 1
}

fn offenders(sources: &[Source]) -> Offenders {
    let mut all = Offenders::new();
    for source in sources {
        let file_lines = source.text.lines().count();
        if file_lines > FILE_LINES {
            all.insert(format!("file {}", source.path), file_lines);
        }
        let mut functions = Functions { source, offenders: Offenders::new(), within: Vec::new() };
        functions.visit_file(&source.tree);
        all.append(&mut functions.offenders);
    }
    all
}

fn listed() -> Offenders {
    let text = std::fs::read_to_string(root().join(LIST)).expect("the list of offenders");
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    rows.map(|row| row.rsplit_once(' ').map(|(name, amount)| (name.to_owned(), amount.parse().expect("a number"))).expect("a row"))
        .collect()
}

/// Takes out the booleans that are data, and gives those of [`DATA`] that have none.
fn take_data(found: &mut Offenders, data: &[&str]) -> Vec<String> {
    let stale = data.iter().filter(|name| found.remove(&format!("boolean {name}")) != Some(1));
    stale.map(|name| format!("{name} needs no exception")).collect()
}

/// What is wrong with the sources by the list: new and grown offenders, then what the list has too many.
fn verdict(found: &Offenders, listed: &Offenders) -> (Vec<String>, Vec<String>) {
    let is_new = |(name, amount): &(&String, &usize)| listed.get(*name).is_none_or(|most| *amount > most);
    let grown = found.iter().filter(is_new).map(|(name, amount)| format!("{name} {amount}")).collect();
    let is_mended = |(name, amount): &(&String, &usize)| found.get(*name).is_none_or(|now| now < *amount);
    let mended = listed.iter().filter(is_mended).map(|(name, amount)| format!("{name} {amount}")).collect();
    (grown, mended)
}

#[test]
fn no_new_file_or_function_is_too_long_and_no_new_parameter_is_boolean() {
    let (mut found, listed) = (offenders(&sources()), listed());
    let stale = take_data(&mut found, &DATA);
    assert!(stale.is_empty(), "the list above says whose booleans are data:\n{}", stale.join("\n"));
    let (grown, mended) = verdict(&found, &listed);
    assert!(grown.is_empty(), "split these, or give these parameters an enum:\n{}", grown.join("\n"));
    if std::env::var_os("BLESS").is_some() {
        let rows = found.iter().map(|(name, amount)| format!("{name} {amount}\n")).collect::<String>();
        std::fs::write(root().join(LIST), format!("{HEAD}{rows}")).expect("the list is written");
        return;
    }
    assert!(mended.is_empty(), "well done; take these out of {LIST} with BLESS=1:\n{}", mended.join("\n"));
}

#[test]
fn the_rules_see_what_they_are_for() {
    let long = format!("impl A {{ fn long() {{\n{}}} }}\nfn switch(a: u8, on: bool) {{}}\nfn of(flag: bool) {{}}", "();\n".repeat(60));
    let source = Source { path: "host/x.rs".into(), tree: syn::parse_file(&long).unwrap(), text: "\n".repeat(401) };
    let found = offenders(&[source]);
    let expected = [("boolean host/x.rs switch", 1), ("file host/x.rs", 401), ("function host/x.rs A::long", 62)];
    assert_eq!(found, expected.map(|(name, amount)| (name.to_owned(), amount)).into());
    let mut without = found.clone();
    assert_eq!(take_data(&mut without, &["host/x.rs switch", "host/x.rs of"]), ["host/x.rs of needs no exception"]);
    assert_eq!(without.len(), 2);
    let mut list = found.clone();
    assert_eq!(verdict(&found, &list), (vec![], vec![]));
    list.insert("file host/x.rs".into(), 400);
    assert_eq!(verdict(&found, &list).0, ["file host/x.rs 401"]);
    list.insert("file host/x.rs".into(), 402);
    list.insert("file host/gone.rs".into(), 500);
    assert_eq!(verdict(&found, &list).1, ["file host/gone.rs 500", "file host/x.rs 402"]);
}
