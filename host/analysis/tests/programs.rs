//! Broken and whole programs, as a person types them.

use nda_analysis::{Analysis, Plan, RenameError, Shapes};
use nda_lang::{Program, Tier};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;

const LLAMA: &str = include_str!("../../engine/programs/llama.nda");

fn messages(source: &str) -> Vec<String> {
    Analysis::new(source).faults().iter().map(|fault| fault.message.clone()).collect()
}

/// The byte at which the `nth` occurrence of a text begins.
fn at(source: &str, text: &str, nth: usize) -> usize {
    source.match_indices(text).nth(nth).unwrap_or_else(|| panic!("{text} {nth}")).0
}

#[test]
fn a_broken_let_is_one_fault_and_its_name_is_known() {
    for broken in ["let x = ;", "let x 1;", "let x = 1 +;", "lett x = 1;", "let x = f(;", "let x = (1;", "let x = zeros(1]);"] {
        let source =
            format!("fn main() -> int {{\n    {broken}\n    let y = x + 1;\n    x = y * x;\n    print(\"{{x}}\", y);\n    return x;\n}}\n");
        let found = messages(&source);
        assert_eq!(found.len(), 1, "{source}{found:#?}");
    }
}

#[test]
fn what_a_broken_let_at_the_top_or_a_broken_function_declares_is_known() {
    let source = "let d = ;\nfn f(a: int { return a; }\nfn g() -> int { return f(d) + d; }\n";
    assert_eq!(messages(source).len(), 2, "{:#?}", messages(source));
    let open = "fn f() -> int {\n    let x = 1;\n    if x > 0 {\n    return x;\n}\n\nfn g() -> int { return f(); }\n";
    assert_eq!(messages(open), ["this block does not end"]);
}

#[test]
fn a_loop_with_a_broken_head_keeps_its_block() {
    for head in ["loop 3 ass i", "loop as i", "while (1 < 2", "if 1 <", "loop 3 i"] {
        let source = format!(
            "fn main() -> int {{\n    let n = 0;\n    {head} {{\n        n = n + i;\n        if n > 3 {{ break; }}\n    }}\n    let m = n + \"wrong\";\n    return n;\n}}\n"
        );
        let source =
            if head.contains('i') && !head.starts_with("while") && !head.starts_with("if") { source } else { source.replace("+ i", "+ 1") };
        let found = messages(&source);
        assert_eq!(found.len(), 2, "{source}{found:#?}");
        assert!(found[1].contains("'+' cannot stand between int and str"), "what follows is checked: {found:#?}");
    }
}

#[test]
fn a_sign_taken_out_of_a_whole_program_makes_faults_in_its_line_and_few_elsewhere() {
    assert!(messages(LLAMA).is_empty());
    let program = at(LLAMA, "fn forward", 0);
    let mut seen = 0;
    for (index, sign) in LLAMA.char_indices().filter(|(index, sign)| *index >= program && sign.is_ascii_punctuation() && *sign != '_') {
        let mut source = LLAMA.to_owned();
        source.remove(index);
        let analysis = Analysis::new(source.clone());
        let line = |byte: usize| source[..byte.min(source.len())].matches('\n').count();
        let is_spread = |fault: &&nda_analysis::Diagnostic| {
            line(fault.span.start as usize) != line(index)
                && !fault.message.starts_with("there is no")
                && !fault.message.starts_with("a tensor")
        };
        let spread: Vec<_> = analysis.faults().iter().filter(is_spread).collect();
        assert!(spread.len() <= 1, "without '{sign}' in line {}: {:#?}", line(index) + 1, analysis.faults());
        seen += usize::from(!analysis.faults().is_empty());
    }
    assert!(seen > 150, "most signs matter: {seen}");
}

#[test]
fn inspection_and_compiler_agree_on_whole_programs() {
    let faulty = "fn f(a: int) -> int { return a + 1.0; }\nfn g() { f(); nope(1); let x = y; }\n";
    let compiled: Vec<String> =
        Program::compile("f", faulty, Tier::Closure).unwrap_err().all.iter().map(|fault| fault.message.clone()).collect();
    assert_eq!(messages(faulty), compiled);
}

#[test]
fn hover_says_types_parameters_and_what_a_builtin_gives() {
    let analysis = Analysis::new(LLAMA);
    let hover = |text: &str, nth: usize| analysis.hover(at(LLAMA, text, nth), &Plan::default(), &Shapes::default()).unwrap();
    assert_eq!(hover("same(\"rows of 'embed'\"", 0).code, "fn same(what: str, found: int, wanted: int)");
    assert_eq!(hover("eps);", 0).code, "let eps: float  // a constant");
    assert_eq!(hover("normed);", 0).code, "let normed: vec");
    let gemv = hover("gemv(\"blk.{i}.o\"", 0);
    assert!(gemv.code.starts_with("gemv(\"tensor\", ...") && gemv.code.ends_with("-> vec"), "{}", gemv.code);
    assert!(gemv.notes[0].contains("`W x`"), "{gemv:?}");
    assert_eq!(hover("i}.attn_norm\"), eps", 0).code, "i: int  // counts a loop, from 0");
}

#[test]
fn a_product_says_what_it_costs_and_a_vector_its_shape() {
    let analysis = Analysis::new(LLAMA);
    let layer = |name: String, limit: &str| json!({ "layer": name, "rows": 12, "cols": 4, "run_cycles": 1000, "bytes_out": 60, "bytes_in": 40, "link_cycles": 2000, "limit": limit, "reason": if limit == "cpu" { json!("no room") } else { json!(null) } });
    let layers = [layer("blk.0.q+k+v".into(), "link"), layer("blk.1.q+k+v".into(), "link"), layer("head".into(), "cpu")];
    let plan = Plan::of_json(&json!({ "config": "token1024", "layers": layers }));
    let hints = analysis.hints(&plan);
    let texts: Vec<&str> = hints.iter().map(|hint| hint.text.as_str()).collect();
    assert_eq!(texts, ["limit link, 4,000 cycles, 200 bytes, 2,000 run cycles, 2 x 12 x 4", "12 x 4, on the CPU"]);
    assert!(hints[1].details[0].contains("no room"));
    let line = LLAMA[..at(LLAMA, "let qkv", 0)].matches('\n').count() + 1;
    let shapes = Shapes::of_json(LLAMA, &json!({ "nodes": [{ "line": line, "rows": 1, "values": 96 }] }));
    let hover = analysis.hover(at(LLAMA, "qkv, v_end", 0), &plan, &shapes).unwrap();
    assert_eq!(hover.notes[0], "shape: 1 row of 96 values per token");
    let tensor = analysis.hover(at(LLAMA, "blk.{i}.v\", normed", 0) + 1, &plan, &shapes).unwrap();
    assert_eq!((tensor.code.as_str(), tensor.notes[0].as_str()), ("\"blk.{i}.v\"", "of a fused product of 12 x 4"));
}

#[test]
fn definitions_and_references_are_those_of_the_scope() {
    let source = "fn f(x: int) -> int {\n    if x > 0 {\n        let x = 2.0;\n        print(\"{x}\", x);\n    }\n    return x;\n}\n";
    let analysis = Analysis::new(source);
    let inner = analysis.definition(at(source, "x}", 0)).unwrap();
    assert_eq!((inner.of.name(), inner.span.start as usize), ("float", at(source, "x = 2.0", 0)));
    assert_eq!(analysis.references(at(source, "x = 2.0", 0)).len(), 3);
    assert_eq!(
        analysis.references(at(source, "x;", 0)).iter().map(|span| span.start as usize).collect::<Vec<_>>(),
        [5, at(source, "x > 0", 0), at(source, "x;", 0)]
    );
    assert!(analysis.definition(at(source, "print", 0)).is_none());
}

#[test]
fn a_rename_changes_every_use_and_is_refused_where_it_would_change_the_meaning() {
    let source = "let n = 1;\nfn f(x: int) -> int {\n    let y = x + n;\n    return y + x;\n}\n";
    let analysis = Analysis::new(source);
    assert_eq!(analysis.rename(at(source, "n;", 0), "m").unwrap().len(), 2);
    assert_eq!(analysis.rename(at(source, "y + x;", 0), "x"), Err(RenameError::Captured("x".into())));
    assert_eq!(analysis.rename(at(source, "x + n", 0), "n"), Err(RenameError::Captured("n".into())));
    assert_eq!(analysis.rename(at(source, "y + x;", 0), "gemv"), Err(RenameError::Taken("gemv".into())));
    assert_eq!(analysis.rename(at(source, "y + x;", 0), "2y"), Err(RenameError::NotAName("2y".into())));
    assert_eq!(analysis.rename(at(source, "return", 0), "z"), Err(RenameError::NoName));
}

#[test]
fn a_broken_program_is_not_formatted_because_its_rest_would_be_lost() {
    assert_eq!(Analysis::new("fn f(){let x=1;print(x);}").formatted().unwrap(), "fn f() {\n    let x = 1;\n    print(x);\n}\n");
    assert_eq!(Analysis::new("fn f() { let x = ; }").formatted(), None);
    assert!(Analysis::new("fn f() { let x = y; }").formatted().is_some(), "its form is whole");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, rng_seed: RngSeed::Fixed(11), failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is cut out of a program: every question has an answer, and every place lies in the source.
    #[test]
    fn no_cut_makes_a_question_panic(from in 0_usize..LLAMA.len(), cut in 0_usize..200, ask in 0_usize..LLAMA.len()) {
        let to = (from + cut).min(LLAMA.len());
        prop_assume!(LLAMA.is_char_boundary(from) && LLAMA.is_char_boundary(to));
        let source = format!("{}{}", &LLAMA[..from], &LLAMA[to..]);
        let analysis = Analysis::new(source.clone());
        let _ = (analysis.hover(ask, &Plan::default(), &Shapes::default()), analysis.rename(ask, "fresh"), analysis.formatted(), analysis.products());
        for definition in analysis.definitions() {
            prop_assert_eq!(analysis.text(definition.span), definition.name.as_str());
        }
        for span in analysis.references(ask) {
            prop_assert!(source.get(span.start as usize..span.end as usize).is_some());
        }
    }
}
