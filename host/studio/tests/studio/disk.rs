//! Between the view and the disk: nothing is lost, nothing of others is written over.

use crate::common::{Place, press, screen, text, type_in, wait_for, wait_until};
use nda_studio::Studio;
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
    assert_eq!(studio.buffer().unwrap().place_of_cursor(), (1, 8), "the cursor is where the edit was");
    press(&mut studio, "ctrl+z");
    assert_eq!(text(&studio), "one\n", "undo goes back behind the save and the restart");
    press(&mut studio, "ctrl+y ctrl+y ctrl+s");
    assert_eq!(place.read("a.txt"), b"new one more\n");
}

/// Types steps, each of which changes the text; the states of the text and the number of the one that was saved.
fn typed_steps(studio: &mut Studio) -> (Vec<String>, usize) {
    let (mut states, mut saved) = (vec![text(studio)], 0);
    for step in 0..3000 {
        match step % 3 {
            0 => type_in(studio, "word"),
            1 => press(studio, "enter"),
            _ => press(studio, "left backspace"),
        }
        states.push(text(studio));
        // A branch that is left, and a save among the steps that memory forgets.
        if step % 500 == 7 {
            press(studio, "enter tab ctrl+z ctrl+z");
        }
        if step == 700 {
            press(studio, "ctrl+s");
            saved = states.len() - 1;
        }
    }
    (states, saved)
}

#[test]
fn undo_goes_back_to_the_beginning_and_on_again_behind_what_memory_keeps_and_behind_a_restart() {
    let place = Place::new(&[("a.txt", b"one\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    let (states, saved) = typed_steps(&mut studio);
    let is_at = |studio: &Studio, state: usize| {
        assert!(
            text(studio) == states[state],
            "state {state}: {}, {} and {} bytes",
            studio.message,
            text(studio).len(),
            states[state].len()
        );
        assert_eq!(studio.buffer().unwrap().is_dirty(), state != saved, "state {state}");
    };
    for round in 0..2 {
        for state in (0..states.len() - 1).rev() {
            press(&mut studio, "ctrl+z");
            is_at(&studio, state);
        }
        press(&mut studio, "ctrl+z");
        is_at(&studio, 0);
        if round == 1 {
            drop(studio);
            studio = place.reopened("a.txt");
        }
        for state in 1..states.len() {
            press(&mut studio, "ctrl+y");
            is_at(&studio, state);
        }
        drop(studio);
        studio = place.reopened("a.txt");
        is_at(&studio, states.len() - 1);
    }
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
    wait_for(&mut studio, "written; checkpoint");
    let half = line.len() * (lines / 2 - 1);
    let expected = [&whole.as_bytes()[..half], b"middle ", &whole.as_bytes()[half..], b"end"].concat();
    assert!(place.read("big.txt") == expected, "{}", studio.message);
}

/// A text that is saved beside the view.
fn large() -> String {
    "0123456789 abcdefghijklmnopqrstuvwxyz 0123456789\n".repeat(60_000)
}

#[test]
fn a_large_text_is_saved_beside_the_view_as_it_was_when_the_key_was_pressed() {
    let place = Place::new(&[("big.txt", large().as_bytes())]);
    let mut studio = place.studio();
    studio.open(Path::new("big.txt"));
    type_in(&mut studio, "first ");
    press(&mut studio, "ctrl+s");
    assert!(screen(&mut studio).contains("saving big.txt ..."), "{}", studio.message);
    assert!(studio.buffer().unwrap().is_dirty(), "it is saved when it is written");
    type_in(&mut studio, "second ");
    press(&mut studio, "ctrl+z");
    assert!(studio.message.contains("being saved"), "{}", studio.message);
    let shown = wait_for(&mut studio, "written; checkpoint");
    assert!(shown.contains("since is not saved") && studio.buffer().unwrap().is_dirty(), "{shown}");
    assert!(place.read("big.txt") == format!("first {}", large()).as_bytes());
    assert!(text(&studio).starts_with("first second 0123"));
    // A look at the disk finds nothing of others.
    studio.look_at_disk();
    wait_until(&mut studio, "rest", |studio| !studio.message.is_empty());
    drop(studio);
    let mut studio = place.reopened("big.txt");
    assert!(text(&studio).starts_with("first second 0123") && studio.buffer().unwrap().is_dirty(), "{}", studio.message);
    assert_eq!(studio.buffer().unwrap().disk, nda_studio::buffer::Disk::Same, "the write was our own");
    press(&mut studio, "ctrl+z");
    assert!(text(&studio).starts_with("first 0123") && !studio.buffer().unwrap().is_dirty(), "this is what was written");
    press(&mut studio, "ctrl+y ctrl+s");
    wait_for(&mut studio, "written; checkpoint");
    assert!(!studio.buffer().unwrap().is_dirty() && place.read("big.txt").starts_with(b"first second 0123"));
}

#[test]
fn to_close_and_to_quit_wait_for_the_write() {
    let place = Place::new(&[("big.txt", large().as_bytes())]);
    let mut studio = place.studio();
    studio.open(Path::new("big.txt"));
    type_in(&mut studio, "one ");
    press(&mut studio, "ctrl+s ctrl+w");
    assert_eq!(studio.buffers().len(), 1);
    wait_until(&mut studio, "the file closes", |studio| studio.buffers().is_empty());
    assert!(place.read("big.txt").starts_with(b"one 0123"));
    studio.open(Path::new("big.txt"));
    type_in(&mut studio, "two ");
    press(&mut studio, "ctrl+s ctrl+q");
    assert!(!studio.is_over() && studio.message.contains("ends when the file is written"), "{}", studio.message);
    wait_until(&mut studio, "the end", |studio| studio.is_over());
    assert!(place.read("big.txt").starts_with(b"two one 0123"));
    // A write that is refused keeps the studio open, with its text.
    drop(studio);
    let mut studio = place.reopened("big.txt");
    type_in(&mut studio, "three ");
    std::fs::write(place.root().join("big.txt"), "theirs").unwrap();
    press(&mut studio, "ctrl+s ctrl+q");
    wait_for(&mut studio, "not written: 'big.txt' has changed");
    assert!(!studio.is_over() && place.read("big.txt") == b"theirs");
}

#[test]
fn a_read_only_file_is_refused_with_the_next_step() {
    let place = Place::new(&[("a.txt", b"one\n")]);
    let file = place.root().join("a.txt");
    let set = |mode| std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    set(0o444);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    type_in(&mut studio, "x");
    press(&mut studio, "ctrl+s");
    assert_eq!(studio.message, "not written: cannot write 'a.txt': it is read-only; 'chmod u+w a.txt' allows it");
    assert!(place.read("a.txt") == b"one\n" && studio.buffer().unwrap().is_dirty());
    set(0o644);
    press(&mut studio, "ctrl+s");
    assert_eq!(place.read("a.txt"), b"xone\n");
}

#[test]
fn no_link_out_of_the_project_is_opened() {
    let place = Place::new(&[("folder/a.txt", b"one\n")]);
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.txt"), "other\n").unwrap();
    let link = |target: &Path, name: &str| std::os::unix::fs::symlink(target, place.root().join(name)).unwrap();
    link(&outside.path().join("secret.txt"), "out.txt");
    link(outside.path(), "out");
    link(Path::new("folder/a.txt"), "in.txt");
    link(Path::new("nowhere"), "none.txt");
    let mut studio = place.studio();
    for path in ["out.txt", "out/secret.txt", "out/new.txt", "../state.txt"] {
        studio.open(Path::new(path));
        assert!(studio.buffer().is_none() && studio.message.contains("leads out of the project"), "{path}: {}", studio.message);
    }
    studio.open(Path::new("none.txt"));
    assert!(studio.buffer().is_none() && studio.message.contains("leads nowhere"), "{}", studio.message);
    studio.open(Path::new("in.txt"));
    assert_eq!(studio.buffer().unwrap().path.to_string(), "folder/a.txt");
    studio.open(Path::new("folder/new.txt"));
    assert_eq!(studio.buffer().unwrap().path.to_string(), "folder/new.txt");
}
