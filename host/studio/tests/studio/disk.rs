//! Between the view and the disk: nothing is lost, nothing of others is written over.

use crate::common::{Place, press, screen, text, type_in};
use std::path::Path;

#[test]
fn unsaved_text_and_its_undo_come_back_after_a_restart() {
    let place = Place::new(&[("a.txt", b"one\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    type_in(&mut studio, "new ");
    press(&mut studio, "ctrl+s end");
    type_in(&mut studio, " more");
    drop(studio);
    assert_eq!(place.read("a.txt"), b"new one\n");
    let mut studio = place.reopened("a.txt");
    assert_eq!(text(&studio), "new one more\n");
    assert!(studio.buffer().unwrap().is_dirty() && screen(&mut studio).contains("unsaved text came back"));
    press(&mut studio, "ctrl+z");
    assert!(!studio.buffer().unwrap().is_dirty(), "this is what was saved");
    press(&mut studio, "ctrl+z");
    assert_eq!(text(&studio), "one\n", "undo goes back behind the save and the restart");
    press(&mut studio, "ctrl+y ctrl+y ctrl+s");
    assert_eq!(place.read("a.txt"), b"new one more\n");
}

#[test]
fn a_file_that_changed_under_unsaved_text_is_a_conflict_and_is_never_written_over() {
    let place = Place::new(&[("a.txt", b"one\n")]);
    let write = |text: &str| std::fs::write(place.root().join("a.txt"), text).unwrap();
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    type_in(&mut studio, "mine ");
    write("theirs\n");
    press(&mut studio, "ctrl+s");
    assert!(screen(&mut studio).contains("not written"), "{}", screen(&mut studio));
    assert_eq!(place.read("a.txt"), b"theirs\n");
    press(&mut studio, "ctrl+s");
    assert_eq!(place.read("a.txt"), b"theirs\n", "asking twice decides nothing");
    // Killed in the conflict, it is still one afterwards.
    drop(studio);
    let mut studio = place.reopened("a.txt");
    assert_eq!(text(&studio), "mine one\n");
    press(&mut studio, "ctrl+s");
    assert_eq!(place.read("a.txt"), b"theirs\n");
    press(&mut studio, "alt+w");
    assert_eq!(place.read("a.txt"), b"mine one\n", "a person has decided");
    type_in(&mut studio, "x");
    write("again theirs\n");
    studio.look_at_disk();
    assert!(screen(&mut studio).contains("has changed on the disk"));
    press(&mut studio, "alt+d");
    assert_eq!((text(&studio).as_str(), studio.buffer().unwrap().is_dirty()), ("again theirs\n", false));
}

#[test]
fn a_file_that_changed_under_no_unsaved_text_is_simply_shown() {
    let place = Place::new(&[("a.txt", b"one\ntwo\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    std::fs::write(place.root().join("a.txt"), "one\nnew\n").unwrap();
    studio.look_at_disk();
    assert_eq!(text(&studio), "one\nnew\n");
    std::fs::remove_file(place.root().join("a.txt")).unwrap();
    type_in(&mut studio, "x");
    studio.look_at_disk();
    press(&mut studio, "ctrl+s");
    assert!(!place.root().join("a.txt").exists(), "a file that somebody deleted does not come back by itself");
    press(&mut studio, "alt+w");
    assert_eq!(place.read("a.txt"), b"xone\nnew\n");
}

#[test]
fn two_studios_do_not_type_into_one_file() {
    let place = Place::new(&[("a.txt", b"one\n")]);
    let (mut first, mut second) = (place.studio(), place.studio());
    first.open(Path::new("a.txt"));
    second.open(Path::new("a.txt"));
    type_in(&mut second, "x");
    assert_eq!(text(&second), "one\n");
    assert!(second.message.contains("another studio"), "{}", second.message);
    type_in(&mut first, "x");
    assert_eq!(text(&first), "xone\n");
}

#[test]
fn what_git_and_the_policy_own_is_not_written_and_modes_stay() {
    let place = Place::new(&[(".nda/policy.toml", b""), ("run.sh", b"#!/bin/sh\n")]);
    let script = place.root().join("run.sh");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut studio = place.studio();
    studio.open(Path::new(".nda/policy.toml"));
    type_in(&mut studio, "x");
    press(&mut studio, "ctrl+s");
    assert!(studio.message.contains("not written"), "{}", studio.message);
    assert_eq!(place.read(".nda/policy.toml"), b"");
    studio.open(Path::new("run.sh"));
    press(&mut studio, "ctrl+end e ctrl+s");
    assert_eq!(place.read("run.sh"), b"#!/bin/sh\ne");
    let mode = std::os::unix::fs::PermissionsExt::mode(&script.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn a_file_of_100_megabytes_is_mapped_edited_saved_and_its_edits_come_back() {
    let line = "0123456789 abcdefghijklmnopqrstuvwxyz \u{e4} 0123456789\n";
    let whole = line.repeat(100_000_000 / line.len() + 1);
    let place = Place::new(&[("big.txt", whole.as_bytes())]);
    let mut studio = place.studio();
    studio.open(Path::new("big.txt"));
    let buffer = studio.buffer().unwrap();
    assert!(buffer.mapped, "{}", studio.message);
    let lines = buffer.now().lines();
    press(&mut studio, "ctrl+end");
    type_in(&mut studio, "end");
    press(
        &mut studio,
        &format!("ctrl+g {} enter", (lines / 2).to_string().split("").filter(|d| !d.is_empty()).collect::<Vec<_>>().join(" ")),
    );
    type_in(&mut studio, "middle ");
    assert!(screen(&mut studio).contains("middle 0123"));
    // Whoever changes the file meanwhile changes nothing that is shown.
    std::fs::write(place.root().join("big.txt"), "short").unwrap();
    assert_eq!(studio.buffer().unwrap().now().bytes(), whole.len() + "end".len() + "middle ".len());
    assert!(screen(&mut studio).contains("middle 0123"));
    drop(studio);
    let mut studio = place.reopened("big.txt");
    press(&mut studio, "ctrl+s");
    assert_eq!(place.read("big.txt"), b"short", "it is a conflict");
    press(&mut studio, "alt+w");
    let half = line.len() * (lines / 2 - 1);
    let expected = [&whole.as_bytes()[..half], b"middle ", &whole.as_bytes()[half..], b"end"].concat();
    assert!(place.read("big.txt") == expected, "{}", studio.message);
}
