//! Every part that the box stands on is taken away: what is left is refused by name, or is the other level; nothing runs unconfined.

mod common;

use common::{LEVELS, Place, ordinary, ran};
use nda_sandbox::{End, Level, Part, SandboxError, Wish};

/// A command that tells of itself, under a kernel without a part.
fn without(place: &Place, part: &str, wish: Wish) -> (Result<(End, Level), SandboxError>, String) {
    let project = place.project(part);
    let mut order = place.order(&project, Level::Full, &["sh", "-c", "echo it runs"]);
    order.wish = wish;
    let words = [place.program("attacker").into(), "without".into(), part.into(), place.program("nda-box").into()];
    order.helper = words.into();
    let (outcome, text) = ran(&order);
    (outcome.map(|outcome| (outcome.end, outcome.level)), text)
}

#[test]
fn a_missing_part_is_refused_by_name_and_nothing_runs() {
    let Some(place) = ordinary("a_missing_part_is_refused_by_name_and_nothing_runs") else { return };
    let of_both = [
        ("landlock", Part::Landlock),
        ("landlock-by-default", Part::Landlock),
        ("landlock-rules", Part::Landlock),
        ("landlock-restriction", Part::Landlock),
        ("seccomp", Part::Seccomp),
        ("limits", Part::Limits),
    ];
    let of_full =
        [("namespaces", Part::Namespaces), ("more-namespaces", Part::Namespaces), ("mounts", Part::Mounts), ("pivot", Part::Mounts)];
    let cases = LEVELS.into_iter().flat_map(|level| of_both.map(|(part, expected)| (Wish::Only(level), part, expected)));
    let cases = cases.chain(of_full.map(|(part, expected)| (Wish::Only(Level::Full), part, expected)));
    let cases = cases.chain(of_both.map(|(part, expected)| (Wish::Best, part, expected)));
    for (wish, part, expected) in cases.chain([(Wish::Only(Level::Landlock), "capabilities", Part::Capabilities)]) {
        let (outcome, text) = without(&place, part, wish);
        match outcome {
            Err(SandboxError::Refused(refusal)) => {
                assert_eq!(refusal.part, expected, "{wish:?} {part}: {refusal}");
                assert!(refusal.help.len() > 20, "{refusal:?}");
            }
            other => panic!("{wish:?} {part}: {other:?} {text}"),
        }
        assert_eq!(text, "", "{wish:?} {part}: nothing ran");
    }
}

#[test]
fn without_namespaces_the_best_level_is_landlock() {
    let Some(place) = ordinary("without_namespaces_the_best_level_is_landlock") else { return };
    for part in ["namespaces", "more-namespaces", "mounts", "pivot"] {
        let (outcome, text) = without(&place, part, Wish::Best);
        assert_eq!(outcome.unwrap(), (End::Code(0), Level::Landlock), "{part}");
        assert_eq!(text, "it runs\n");
    }
}
