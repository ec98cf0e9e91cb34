//! `nda fmt`.

use crate::fuzz::{Tape, program};
use nda_lang::binary::root;
use nda_lang::{format, parse};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn formatted(source: &str) -> String {
    let (ast, errors) = parse(source);
    assert!(errors.is_empty(), "{errors:?}\n{source}");
    format(&ast)
}

/// Comments and line breaks between the words of a source.
fn disturbed(source: &str, choices: &[u8]) -> String {
    let mut out = String::new();
    let mut choices = choices.iter().cycle();
    let mut quoted = false;
    for c in source.chars() {
        quoted ^= c == '"';
        if c == ' ' && !quoted {
            out.push_str(match choices.next().copied().unwrap_or(0) % 9 {
                0 => "\n",
                1 => " // a comment\n",
                2 => "\n\n\n",
                3 => "\t",
                _ => " ",
            });
        } else {
            out.push(c);
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, rng_seed: RngSeed::Fixed(3), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn formatting_twice_is_formatting_once_and_keeps_the_program(
        tape in prop::collection::vec(any::<u8>(), 0..300),
        choices in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let source = disturbed(&program(Tape::new(tape)), &choices);
        let once = formatted(&source);
        prop_assert_eq!(&formatted(&once), &once, "{}", source);
        prop_assert_eq!(root(&parse(&source).0), root(&parse(&once).0), "{}", source);
        prop_assert_eq!(source.matches("// a comment").count(), once.matches("// a comment").count(), "{}", source);
    }
}

#[test]
fn a_source_is_written_in_one_way() {
    let source = "let  a=1 ;// one\n\n\n\n// f\nfn f(n:int)->int{ // opens\n\n if n<0{return -n;}else if n==0{\nreturn (1+2)*(3);\n} else{return n-(1-2);}\n\n}\n";
    let expected = "let a = 1; // one\n\n// f\nfn f(n: int) -> int {\n    // opens\n\n    if n < 0 {\n        return -n;\n    } else if n == 0 {\n        return (1 + 2) * 3;\n    } else {\n        return n - (1 - 2);\n    }\n}\n";
    assert_eq!(formatted(source), expected);
}

#[test]
fn parentheses_stand_only_where_the_tree_needs_them() {
    for (source, expected) in [
        ("((1))", "1"),
        ("(1 + 2) + 3", "1 + 2 + 3"),
        ("1 + (2 + 3)", "1 + (2 + 3)"),
        ("-(-1)", "--1"),
        ("!(a && b) || c", "!(a && b) || c"),
        ("(a < b) == (b < c)", "(a < b) == (b < c)"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("-(x[1])", "-x[1]"),
        ("(-x) % 3", "-x % 3"),
        ("\"a\\n\\{{x}\\\"\"", "\"a\\n\\{{x}\\\"\""),
        ("1e3 + 0.10", "1000.0 + 0.1"),
    ] {
        let whole = formatted(&format!("let y = {source};"));
        assert_eq!(whole, format!("let y = {expected};\n"));
    }
}

#[test]
fn the_examples_of_language_md_are_right_and_written_as_the_formatter_does() {
    let text = include_str!("../../LANGUAGE.md");
    let examples: Vec<&str> = text.split("```nda\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        nda_lang::Program::compile("LANGUAGE.md", example, nda_lang::Tier::Native).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(formatted(example), example);
    }
}

#[test]
fn language_md_names_every_builtin_and_keyword() {
    let text = include_str!("../../LANGUAGE.md");
    for name in nda_lang::builtin_names() {
        let is_named = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name);
        assert!(is_named, "LANGUAGE.md does not speak of {name}");
    }
}
