//! Links of every chapter and of the documents beside them.

use crate::{read, root};
use std::path::{Component, Path, PathBuf};

/// The chapters of docs/SUMMARY.md, from the root.
fn chapters() -> Vec<String> {
    let summary = read("docs/SUMMARY.md");
    let found: Vec<String> = links(&summary).map(|link| joined("docs", &link)).collect();
    assert!(found.len() > 30, "{found:?}");
    found
}

/// A path in a folder, without `..`.
fn joined(folder: &str, path: &str) -> String {
    let mut whole = PathBuf::new();
    for part in Path::new(folder).join(path).components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            part => whole.push(part),
        }
    }
    whole.to_string_lossy().into_owned()
}

/// Targets of links in the prose of a document; blocks and spans of code are none.
fn links(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut is_code = false;
    let prose = text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    prose.flat_map(|line| {
        let plain: String = line.split('`').step_by(2).collect();
        plain.split("](").skip(1).filter_map(|rest| rest.split(')').next().map(str::to_owned)).collect::<Vec<_>>()
    })
}

/// How a heading is called in a link.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}

#[test]
fn every_link_of_the_manual_and_of_the_readme_leads_somewhere() {
    let (mut broken, mut seen) = (Vec::new(), 0);
    let beside = ["README.md", "docs/SUMMARY.md"].map(String::from);
    for path in chapters().into_iter().chain(beside).filter(|path| path != "docs/cores/index.md") {
        let folder = Path::new(&path).parent().unwrap_or(Path::new("")).to_string_lossy().into_owned();
        for link in links(&read(&path)) {
            let (place, heading) = link.split_once('#').unwrap_or((&link, ""));
            // The pages of the cores are made when the book is.
            if link.contains("://") || place.ends_with("cores/index.md") {
                continue;
            }
            seen += 1;
            let target = if place.is_empty() { path.clone() } else { joined(&folder, place) };
            if !root().join(&target).exists() {
                broken.push(format!("{path}: {link} is not there"));
            } else if !heading.is_empty()
                && target.ends_with(".md")
                && !read(&target).lines().any(|l| l.starts_with('#') && anchor(l.trim_start_matches('#')) == heading)
            {
                broken.push(format!("{path}: {link}: no such heading"));
            }
        }
    }
    assert!(seen > 100, "{seen} links");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// A document in docs that no chapter is would be a loose one.
#[test]
fn every_document_in_docs_is_a_chapter() {
    let chapters = chapters();
    let all =
        std::fs::read_dir(root().join("docs")).unwrap().flatten().map(|entry| format!("docs/{}", entry.file_name().to_string_lossy()));
    let loose: Vec<String> = all.filter(|path| path.ends_with(".md") && path != "docs/SUMMARY.md" && !chapters.contains(path)).collect();
    assert!(loose.is_empty(), "give these a line in docs/SUMMARY.md: {loose:?}");
}

/// The program of the chapter is the one that is compiled and run, and so are the lines that make it another device's.
#[test]
fn the_chapter_for_rust_shows_the_programs_that_are_tested() {
    let page = read("docs/rust.md");
    let program = |name: &str| read(&format!("host/backends/examples/{name}.rs"));
    let body = program("cpu");
    let body = body.split_once("\n\n").unwrap().1;
    assert!(page.contains(&format!("```rust\n{body}```")), "docs/rust.md shows another program than host/backends/examples/cpu.rs");
    for name in ["cpu", "simulated", "serial"] {
        assert!(page.contains(&format!("--example {name}")), "{name} is not on the page");
        let lines = program(name).lines().filter(|line| !line.starts_with("//") && !line.starts_with("use ") && !line.is_empty()).count();
        assert!(lines <= 13, "{name}: {lines} lines");
    }
    assert!(program("simulated").contains("BackendName::parse(\"sim\")?") && program("serial").contains("\"serial:{port}\""));
}

/// Whether a source begins with an example that is compiled: of its fences every second one ends a block, and blocks of text are none.
fn has_an_example(source: &str) -> bool {
    let fences = source.lines().filter_map(|line| line.strip_prefix("//! ```"));
    fences.step_by(2).any(|kind| kind != "text")
}

/// What docs/rust.md says of the crates' documentation.
#[test]
fn every_crate_but_those_that_the_chapter_names_begins_with_an_example() {
    let manifest = read("Cargo.toml");
    let (_, members) = manifest.split_once("members = [").expect("a workspace");
    let members: Vec<&str> = members.split(']').next().unwrap().split(',').map(|member| member.trim().trim_matches('"')).collect();
    let is_named = |member: &str| member.starts_with("tests");
    let is_mute = |member: &str| {
        let path = format!("{member}/src/lib.rs");
        root().join(&path).exists() && !has_an_example(&read(&path))
    };
    let mute: Vec<&&str> = members.iter().filter(|member| !is_named(member) && is_mute(member)).collect();
    assert!(members.len() > 30 && mute.is_empty(), "crates without an example: {mute:?}");
}

/// The lines of the chapter's netlist are those of the crate's own example, which is compiled and evaluated.
#[test]
fn the_chapter_of_a_core_shows_a_netlist_that_is_tested() {
    let (page, tested) = (read("docs/your-core.md"), read("hdl/netlist/src/lib.rs"));
    let block = page.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block of Rust");
    let lines: Vec<&str> = block.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let strangers: Vec<&&str> = lines.iter().filter(|line| !tested.contains(&format!("//! {line}\n"))).collect();
    assert!(lines.len() > 3 && strangers.is_empty(), "not in the crate's example: {strangers:?}");
}

#[test]
fn links_are_read_from_prose_alone() {
    let text = "a [b](c.md#d) `[no](x.md)`\n```\n[no](y.md)\n```\n![e](f.svg)";
    assert_eq!(links(text).collect::<Vec<_>>(), ["c.md#d", "f.svg"]);
    assert_eq!(joined("docs", "../host/x.md"), "host/x.md");
    assert_eq!(anchor(" The KV cache, `--kv`"), "the-kv-cache---kv");
}
