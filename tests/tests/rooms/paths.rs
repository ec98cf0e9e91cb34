//! Files that comments and documents name are there.

use crate::sources::{files, root};
use std::collections::BTreeSet;
use std::path::Path;

/// Endings of names that are taken for files of ours.
const ENDINGS: [&str; 13] = [".rs", ".md", ".toml", ".nda", ".ndf", ".txt", ".json", ".py", ".sh", ".v", ".h", ".cpp", ".vlt"];

/// Names of files that are others', made when something runs, or the sides of a diff: with the folder that they begin with.
const FOREIGN: [&str; 8] = ["target/", ".tools/", "integrations/", ".nda/", "a/", "b/", "cores/", "rtl/"];

/// The part of a line that people read: all of a document, the comment of a source.
fn prose<'l>(path: &str, line: &'l str) -> &'l str {
    let mark = match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("md") => return line,
        Some("rs") => "//",
        _ => "#",
    };
    line.split_once(mark).map_or("", |(_, comment)| comment)
}

/// Words that are paths: with a slash and an ending, or the name of a document.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let is_in_path = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let words = text.split(move |c| !is_in_path(c)).map(|word| word.trim_end_matches(['.', '-']));
    words.filter(|word| {
        let ends = ENDINGS.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending));
        let is_document = word.ends_with(".md") && word.starts_with(|c: char| c.is_ascii_uppercase());
        ends && !word.starts_with('/') && !word.contains("//") && (word.contains('/') || is_document)
    })
}

/// Whether a path that a file names is there: from the root, from one of the file's folders, or as the end of a path of ours.
fn is_there(name: &str, file: &str, all: &BTreeSet<String>) -> bool {
    let plain = name.trim_start_matches("../").trim_start_matches("./");
    let from = |folder: &Path| all.contains(folder.join(plain).to_string_lossy().as_ref());
    Path::new(file).ancestors().skip(1).any(from) || all.iter().any(|path| path.ends_with(&format!("/{plain}")))
}

#[test]
fn the_paths_that_comments_and_documents_name_exist() {
    let all: BTreeSet<String> = files().into_iter().collect();
    let is_read = |path: &&String| [".rs", ".md", ".toml", ".py", ".sh", "Makefile", ".ci/run"].iter().any(|end| path.ends_with(end));
    let mut missing = Vec::new();
    let mut seen = 0;
    for file in all.iter().filter(is_read) {
        let text = std::fs::read_to_string(root().join(file)).expect("a text");
        for (number, line) in text.lines().enumerate() {
            let ours = named(prose(file, line)).filter(|name| !FOREIGN.iter().any(|folder| name.starts_with(folder)));
            for name in ours {
                seen += 1;
                if !is_there(name, file, &all) {
                    missing.push(format!("{file}:{}: {name}", number + 1));
                }
            }
        }
    }
    assert!(seen > 100, "texts name files: {seen}");
    assert!(missing.is_empty(), "these are not there:\n{}", missing.join("\n"));
}

#[test]
fn a_path_is_known_from_prose_and_looked_for_where_it_may_be() {
    let address = ["https:", "example.com/a.md"].join("//");
    let text = format!("see (host/lang/LANGUAGE.md), FORMAT.md, config.json and {address}; docs/gone.md.");
    assert_eq!(named(&text).collect::<Vec<_>>(), ["host/lang/LANGUAGE.md", "FORMAT.md", "docs/gone.md"]);
    let all: BTreeSet<String> = ["host/lang/LANGUAGE.md", "host/ndf/FORMAT.md", "host/chat/tests/talk.rs"].map(String::from).into();
    assert!(is_there("LANGUAGE.md", "README.md", &all) && is_there("tests/talk.rs", "host/chat/src/lib.rs", &all));
    assert!(!is_there("docs/gone.md", "README.md", &all) && !is_there("FOR.md", "README.md", &all));
}
