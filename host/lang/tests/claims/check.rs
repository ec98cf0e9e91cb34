//! Faults in a source: all of them, each at its place, with a hint.

use nda_lang::{Program, Tier};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn faults(source: &str) -> Vec<String> {
    match Program::compile("f.nda", source, Tier::Closure) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.all.iter().map(|e| e.message.clone()).collect(),
    }
}

#[test]
fn a_fault_is_shown_with_file_line_column_caret_and_hint() {
    let source = "fn main() -> int {\n    let total = 1;\n    return totl + 1;\n}\n";
    let errors = Program::compile("sum.nda", source, Tier::Closure).unwrap_err();
    let expected = "error: there is no variable 'totl' here\n --> sum.nda:3:12\n  |\n3 |     return totl + 1;\n  |            ^^^^\n  = help: did you mean 'total'?\n";
    assert_eq!(errors.to_string(), expected);
}

#[test]
fn all_faults_of_a_file_are_reported_not_the_first_alone() {
    let source = "let a = ;\nfn f(x: int, y: number) -> int {\n    let b = x + ;\n    let c = x + 1.0;\n    d = 2;\n    return c\n}\nfn g() {\n    retrun 1;\n    f(1);\n    break;\n    let s = \"open;\n    print(nope);\n}\nfn f() { }\n";
    let found = faults(source);
    for expected in [
        "expected a value, found ';'",
        "there is no type 'number'",
        "'+' cannot stand between int and float",
        "there is no variable 'd' here",
        "expected ';', found '}'",
        "'break' outside of a loop",
        "this text does not end on its line",
        "there is no variable 'nope' here",
        "there are two functions 'f'",
        "'f' takes 0 arguments, not 1",
    ] {
        assert!(found.iter().any(|f| f == expected), "{expected}: {found:#?}");
    }
}

#[test]
fn every_rule_has_its_message() {
    for (source, expected) in [
        ("fn main() { let x = 1; let x = 2; }", "'x' is already there in this block"),
        ("fn main() -> int { }", "'main' can end without a value"),
        ("fn main() -> int { while true { return 1; } }", "'main' can end without a value"),
        ("fn main() { return 1; }", "this function returns nothing"),
        ("fn main() -> int { return; }", "this function returns a value"),
        ("fn main() -> int { return 1.0; }", "what this function returns is int, but this is float"),
        ("fn main() { if 1 { } }", "a condition is bool, but this is int"),
        ("fn main() { loop 1 as i { i = 2; } }", "'i' counts a loop and cannot be assigned"),
        ("let c = 1;\nfn main() { c = 2; }", "'c' is a constant"),
        ("let c = f();\nfn f() -> int { return 1; }", "a constant's value cannot call a function of the program"),
        ("fn print() { }", "'print' is a builtin"),
        ("fn main() { abs(1); }", "the int that this returns is not used"),
        ("fn main() { let x = print(1); }", "this call returns nothing"),
        ("fn main() { 1 + 1; }", "a value alone does nothing"),
        ("fn main() { 1 = 1; }", "only a variable or an element of one can be assigned"),
        ("fn main() { let x = 1 < 2 < 3; }", "comparisons do not chain"),
        ("fn main() { let x = min(1, 2.0); }", "an argument of 'min' is int, but this is float"),
        ("fn main() { let x = zeros(1) + zeros(1); }", "'+' cannot stand between vec and vec"),
        ("fn main() { let n = \"w\"; let x = tensor(n); }", "a tensor's name is written where it is used, in double quotes"),
        ("fn main() { let f = 1.0; let x = tensor(\"w{f}\"); }", "a tensor's name has ints in its holes, but 'f' is float"),
        (
            "fn main() { let i = 0; let x = gemv(\"a.{i}\", \"b\", zeros(1)); }",
            "names that are used together have the same holes, three at most",
        ),
        ("fn main() { let x = quantize(zeros(1), \"A3\"); }", "there is no precision 'A3'"),
        ("fn main() { let x = 9223372036854775808; }", "9223372036854775808 is too large for an int"),
        ("fn main() { let x = 1e999; }", "1e999 is too large for a float"),
        ("fn main() { return; print(1); }", "this never runs"),
        ("fn main() { let x = 'a'; }", "'\\'' means nothing here"),
        ("fn main() { print(\"{1}\"); }", "braces in a text hold the name of one variable"),
        ("print(1);", "expected 'fn' or 'let', found 'print'"),
        ("fn main() { let if = 1; }", "expected the variable's name, found 'if'"),
        ("fn main() { let x = 1;", "this block does not end"),
    ] {
        assert!(faults(source).iter().any(|f| f == expected), "{source}\n{expected}: {:#?}", faults(source));
    }
}

#[test]
fn nesting_without_end_is_a_fault_and_no_crash() {
    for source in [
        format!("let x = {}1{};", "(".repeat(100_000), ")".repeat(100_000)),
        format!("let x = {}1;", "-".repeat(100_000)),
        format!("let x = {}1{};", "f(".repeat(100_000), ")".repeat(100_000)),
        format!("fn f() {{ {}{} }}", "if true {".repeat(100_000), "}".repeat(100_000)),
        format!("fn f() {{ {}{} }}", "if true { } else { ".repeat(100_000), "}".repeat(100_000)),
    ] {
        assert!(faults(&source).iter().any(|f| f.contains("nested deeper than 100 levels")), "{}", &source[..60]);
    }
    for source in [
        format!("let x = 1{};", " + 1".repeat(100_000)),
        format!("let x = true{};", " && true".repeat(100_000)),
        format!("let x = y{};", "[0]".repeat(100_000)),
        format!("fn f() {{ if true {{ }} {} }}", "else if true { }".repeat(100_000)),
        // Each part for itself is short enough; the tree of all is not.
        format!("fn f() {{ if true {{ }} {} else if true {{ let x = 1{}; }} }}", "else if true { } ".repeat(3000), " + 1".repeat(3000)),
    ] {
        assert!(
            faults(&source).iter().any(|f| f.contains("more than 4096 operators stand in a row, or arms in a chain")),
            "{}",
            &source[..60]
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_source_makes_the_compiler_panic(words in prop::collection::vec(0_usize..48, 0..60), noise in "\\PC{0,8}") {
        const WORDS: [&str; 48] = [
            "fn", "let", "if", "else", "while", "loop", "as", "break", "return", "true", "false", "(", ")", "{", "}", "[", "]", ",", ";", ":", "->",
            "=", "==", "<", "+", "-", "*", "/", "%", "!", "&&", "||", "f", "main", "x", "int", "float", "vec", "1", "2.5", "\"a{x}\"", "\"", "print",
            "zeros", "gemv", "tensor", "quantize", "\n// c\n",
        ];
        let source: String = words.iter().map(|w| WORDS[*w]).collect::<Vec<_>>().join(" ") + &noise;
        let _ = faults(&source);
        let _ = faults(&format!("fn main() {{ {source} }}"));
    }
}
