//! What a file's text is behind a restart, whoever had the file and whatever came in between.

use crate::common::{Place, press, screen, text, type_in, wait_for};
use nda_studio::buffer::Disk;
use std::path::Path;

/// A text that is mapped.
fn mapped() -> String {
    (0..400_000).map(|row| format!("row {row:08} of a large text\n")).collect()
}

#[test]
fn a_second_studio_leaves_a_large_text_of_the_first_as_it_is() {
    let place = Place::new(&[("big.txt", mapped().as_bytes())]);
    let mut first = place.studio();
    first.open(Path::new("big.txt"));
    type_in(&mut first, "saved ");
    press(&mut first, "ctrl+s");
    wait_for(&mut first, "written");
    type_in(&mut first, "typed ");
    let mut second = place.studio();
    second.open(Path::new("big.txt"));
    assert!(screen(&mut second).contains("another studio has this file open"), "{}", screen(&mut second));
    assert!(text(&second).starts_with("saved row 00000000"));
    type_in(&mut second, "x");
    press(&mut second, "ctrl+s");
    assert!(screen(&mut second).contains("not written: another studio"), "{}", screen(&mut second));
    second.buffer_mut().unwrap().reload().unwrap();
    drop((second, first));
    let mut again = place.reopened("big.txt");
    assert!(text(&again) == format!("saved typed {}", mapped()), "{}", text(&again).get(..60).unwrap_or_default());
    press(&mut again, "ctrl+z ctrl+z");
    assert!(text(&again) == mapped());
}

#[test]
fn a_private_copy_of_another_text_is_not_garbled_by_a_journal() {
    let place = Place::new(&[("big.txt", mapped().as_bytes())]);
    let mut studio = place.studio();
    studio.open(Path::new("big.txt"));
    type_in(&mut studio, "typed ");
    drop(studio);
    let drafts = place.state();
    let copies = walk(&drafts).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "base"));
    copies.for_each(|copy| std::fs::write(copy, mapped().replace("row", "another")).unwrap());
    assert!(text(&place.reopened("big.txt")) == mapped());
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).map(|all| all.flatten().map(|entry| entry.path()).collect()).unwrap_or_else(|_| Vec::new());
    entries.into_iter().flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn a_kill_between_the_write_and_the_journals_word_of_it_is_no_conflict() {
    let place = Place::new(&[("a.txt", b"one\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    type_in(&mut studio, "new ");
    drop(studio);
    std::fs::write(place.root().join("a.txt"), "new one\n").unwrap();
    for _ in 0..2 {
        let studio = place.reopened("a.txt");
        let buffer = studio.buffer().unwrap();
        assert_eq!((buffer.disk, buffer.is_dirty(), text(&studio).as_str()), (Disk::Same, false, "new one\n"));
    }
    let mut studio = place.reopened("a.txt");
    press(&mut studio, "ctrl+z");
    assert_eq!(text(&studio), "one\n", "undo goes on");
}

#[test]
fn a_file_that_is_gone_leaves_its_text() {
    let place = Place::new(&[("a.txt", b"one\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    type_in(&mut studio, "new ");
    press(&mut studio, "ctrl+s");
    std::fs::remove_file(place.root().join("a.txt")).unwrap();
    studio.look_at_disk();
    assert_eq!((studio.buffer().unwrap().disk, text(&studio).as_str()), (Disk::Conflict, "new one\n"));
    press(&mut studio, "ctrl+s");
    assert!(!place.root().join("a.txt").exists());
    drop(studio);
    let mut studio = place.reopened("a.txt");
    assert_eq!((studio.buffer().unwrap().disk, text(&studio).as_str()), (Disk::Conflict, "new one\n"));
    press(&mut studio, "alt+w");
    assert_eq!(place.read("a.txt"), b"new one\n");
}

#[test]
fn a_conflict_ends_when_the_disk_has_the_known_bytes_or_the_text_again() {
    let place = Place::new(&[("a.txt", b"one\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    type_in(&mut studio, "new ");
    for (disk, is_dirty) in [("one\n", true), ("new one\n", false)] {
        std::fs::write(place.root().join("a.txt"), "other\n").unwrap();
        studio.look_at_disk();
        assert_eq!(studio.buffer().unwrap().disk, Disk::Conflict);
        std::fs::write(place.root().join("a.txt"), disk).unwrap();
        studio.look_at_disk();
        let buffer = studio.buffer().unwrap();
        assert_eq!((buffer.disk, buffer.is_dirty()), (Disk::Same, is_dirty), "{disk:?}");
    }
}

#[test]
fn what_is_pasted_is_one_step_and_ends_its_lines_as_the_text_does() {
    let place = Place::new(&[("a.txt", b"one\r\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    studio.paste("{\n    a\n        b\n");
    assert_eq!(text(&studio), "{\r\n    a\r\n        b\r\none\r\n");
    press(&mut studio, "ctrl+z");
    assert_eq!(text(&studio), "one\r\n");
}

#[test]
fn a_documents_program_is_bound_to_the_document() {
    let tiny = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny.ndf")).unwrap();
    let place = Place::new(&[("tiny.ndf", &tiny)]);
    let begin = || {
        let mut studio = place.studio();
        studio.open(Path::new("tiny.ndf"));
        wait_for(&mut studio, "every byte");
        press(&mut studio, "p");
        studio
    };
    let mut studio = begin();
    type_in(&mut studio, "// MINE");
    let mine = text(&studio);
    // The same tab again.
    press(&mut studio, "f9 p");
    assert_eq!((text(&studio), studio.buffer().unwrap().locked.is_none()), (mine.clone(), true));
    drop(studio);
    let mut studio = begin();
    assert_eq!((text(&studio), studio.buffer().unwrap().disk), (mine, Disk::Same), "unsaved text comes back");
    studio.buffer_mut().unwrap().is_within("fn other() {}\n".into());
    assert_eq!(studio.buffer().unwrap().disk, Disk::Conflict);
    press(&mut studio, "ctrl+s");
    assert!(screen(&mut studio).contains("not written"), "{}", screen(&mut studio));
    press(&mut studio, "alt+d");
    assert_eq!(text(&studio), "fn other() {}\n");
}
