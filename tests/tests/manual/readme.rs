//! The README's first screens.

use crate::{read, root};
use std::collections::BTreeSet;

/// Columns of a line: what a narrow window shows.
const COLUMNS: usize = 100;
/// Lines, those that the pictures take among them: two screens.
const LINES: f64 = 105.0;
/// Lines as high as the text is wide: a hundred columns of 8 pixels, lines of 20.
const LINES_OF_A_SQUARE: f64 = 40.0;

/// Lines that a picture as wide as the text takes.
fn picture_lines(path: &str) -> f64 {
    let text = read(path);
    let pixels = |name: &str| -> f64 {
        let (_, rest) = text.split_once(&format!(" {name}=\"")).unwrap_or_else(|| panic!("{path}: no {name}"));
        rest.split('"').next().unwrap().parse().unwrap()
    };
    LINES_OF_A_SQUARE * pixels("height") / pixels("width")
}

/// Values of the figures in docs/evidence.toml.
fn figures() -> BTreeSet<String> {
    let text = read("docs/evidence.toml");
    let values = text.lines().filter_map(|line| line.strip_prefix("value = \"")?.strip_suffix('"'));
    values.map(str::to_owned).collect()
}

#[test]
fn the_readme_has_two_screens_of_a_hundred_columns() {
    let text = read("README.md");
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > COLUMNS).collect();
    assert!(wide.is_empty(), "more than {COLUMNS} columns:\n{}", wide.join("\n"));
    let pictures: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("![")?.split("](").nth(1)?.strip_suffix(')')).collect();
    assert_eq!((pictures.len(), text.matches("![").count()), (3, 3), "a recording, a block diagram and a chart");
    let lines = text.lines().count() as f64 + pictures.iter().map(|path| picture_lines(path)).sum::<f64>();
    assert!(lines <= LINES, "{lines} lines, pictures among them");
}

/// Numbers with a comma or a point are claims, and stand in the evidence; small ones are words of the text.
#[test]
fn every_figure_of_the_readme_stands_in_the_evidence_with_tag_and_command() {
    let known = figures();
    assert!(known.len() > 10, "{known:?}");
    let text = read("README.md");
    let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains([',', '.']);
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || ",.".contains(c))).map(|word| word.trim_matches([',', '.']));
    // Names: of a kind of model, and of a licence.
    let strangers: Vec<&str> = words.filter(is_number).filter(|word| !["1.58", "2.0"].contains(word) && !known.contains(*word)).collect();
    assert!(strangers.is_empty(), "not in docs/evidence.toml: {strangers:?}");
}

/// The value of a figure in docs/evidence.toml.
fn figure(name: &str) -> String {
    let text = read("docs/evidence.toml");
    let (_, rest) = text.split_once(&format!("name = \"{name}\"\nvalue = \"")).unwrap_or_else(|| panic!("no figure {name}"));
    rest.split('"').next().unwrap().to_owned()
}

#[test]
fn the_documents_that_tell_a_tokens_figures_tell_those_of_the_evidence() {
    let told: [(&str, &[&str]); 5] = [
        ("README.md", &["token-cycles", "weights", "board-cycles", "board-clock", "token-speed"]),
        ("docs/first-run.md", &["token-cycles", "board-cycles", "board-clock", "token-speed"]),
        ("docs/faq.md", &["board-cycles", "board-clock", "token-clock", "token-speed"]),
        ("docs/pictures/token.svg", &["token-cycles"]),
        ("hdl/spec/NUMBERS.md", &["token-cycles", "board-cycles", "bits-per-byte", "price-of-integers"]),
    ];
    for (path, names) in told {
        let text = read(path);
        let missing: Vec<String> = names.iter().map(|name| figure(name)).filter(|value| !text.contains(value.as_str())).collect();
        assert!(missing.is_empty(), "{path} has other figures than {missing:?}");
    }
}

/// A figure of something that no board has done must not read as if one had.
#[test]
fn the_readme_says_that_nothing_ran_on_a_board() {
    let text = read("README.md");
    assert!(text.contains("Nothing has run on a real board yet"), "the README no longer says it");
    let tags = ["(simulated", "(measured", "(derived", "(projected", "(nextpnr"];
    for line in
        text.split("\n\n").filter(|paragraph| figures().iter().any(|figure| figure.len() > 3 && paragraph.contains(figure.as_str())))
    {
        assert!(tags.iter().any(|tag| line.contains(tag)), "a figure without its tag:\n{line}");
    }
}

#[test]
fn every_command_of_the_evidence_exists() {
    let (commands, makefile) = (read("host/cli/src/commands/mod.rs"), read("Makefile"));
    for command in read("docs/evidence.toml").lines().filter_map(|line| line.strip_prefix("command = \"")) {
        let words: Vec<&str> = command.trim_end_matches('"').split(' ').collect();
        let is_there = match words[..] {
            ["nda", name, ..] => commands.contains(&format!("mod {name};")),
            ["make", goal, ..] => makefile.contains(&format!("\n{goal}:")),
            ["cargo", "test", .., "-p", package] => root().join(package.replace("nda-", "host/")).exists(),
            ["cargo", "test", .., "-p", _, "--test", test] => {
                ["sim", "host/cli"].iter().any(|f| root().join(f).join(format!("tests/{test}.rs")).exists())
            }
            _ => false,
        };
        assert!(is_there, "docs/evidence.toml: '{command}' is no command of the project");
    }
}
