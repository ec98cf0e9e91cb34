//! Texts, cursors, tabs, tree, searches, programs: by keys alone, as a person has them.

use crate::common::{Place, press, screen, text, type_in, wait_for};
use nda_studio::Focus;
use nda_studio::grid::Grid;
use nda_studio::panes::PaneKind;
use std::path::Path;

#[test]
fn several_cursors_type_at_once_and_one_undo_takes_it_back() {
    let place = Place::new(&[("a.txt", b"one x\ntwo x\nthree x\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    press(&mut studio, "end shift+left ctrl+d ctrl+d");
    assert_eq!(studio.buffer().unwrap().cursors().len(), 3);
    type_in(&mut studio, "yz");
    assert_eq!(text(&studio), "one yz\ntwo yz\nthree yz\n");
    assert!(screen(&mut studio).contains("3 cursors"));
    press(&mut studio, "ctrl+z");
    assert_eq!(text(&studio), "one x\ntwo x\nthree x\n", "letters typed together are one step");
    press(&mut studio, "ctrl+y escape alt+down backspace");
    assert_eq!(studio.buffer().unwrap().cursors().len(), 1, "below the last full line the cursor is at the end");
}

#[test]
fn line_ends_stay_as_they_are_and_new_ones_are_like_them() {
    let place = Place::new(&[("dos.txt", b"a\r\nb\r\n"), ("unix.txt", b"a\nb\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("dos.txt"));
    assert!(screen(&mut studio).contains("CRLF"));
    press(&mut studio, "end enter c ctrl+s");
    assert_eq!(place.read("dos.txt"), b"a\r\nc\r\nb\r\n");
    press(&mut studio, "backspace backspace ctrl+s");
    assert_eq!(place.read("dos.txt"), b"a\r\nb\r\n", "a line end of two characters goes as one");
    studio.open(Path::new("unix.txt"));
    press(&mut studio, "end enter c ctrl+s");
    assert_eq!(place.read("unix.txt"), b"a\nc\nb\n");
}

#[test]
fn what_is_no_text_is_refused_with_its_place() {
    let place = Place::new(&[("bad.txt", b"ab\xff\xfe")]);
    let mut studio = place.studio();
    studio.open(Path::new("bad.txt"));
    assert!(studio.buffer().is_none());
    assert!(studio.message.contains("byte 2 is not UTF-8"), "{}", studio.message);
    studio.open(Path::new("../outside.txt"));
    assert!(studio.buffer().is_none() && !studio.message.is_empty());
}

#[test]
fn tabs_tree_and_prompts_lead_to_files() {
    let place = Place::new(&[("src/deep/a.rs", b"fn a() {}\n"), ("b.txt", b"b\n")]);
    let mut studio = place.studio();
    press(&mut studio, "ctrl+b");
    assert_eq!(studio.focus, Focus::Tree);
    press(&mut studio, "enter down enter down enter");
    assert_eq!(studio.buffer().unwrap().path.to_string(), "src/deep/a.rs");
    press(&mut studio, "ctrl+o b . tab enter");
    assert_eq!(studio.buffer().unwrap().path.to_string(), "b.txt");
    let shown = screen(&mut studio);
    assert!(shown.lines().next().unwrap().contains("a.rs") && shown.lines().next().unwrap().contains("b.txt"), "{shown}");
    press(&mut studio, "ctrl+pagedown");
    assert_eq!(studio.active(), 0);
    press(&mut studio, "ctrl+w");
    assert_eq!(studio.buffers().len(), 1);
    press(&mut studio, "f1");
    assert!(screen(&mut studio).contains("run the file or the selection"));
}

#[test]
fn a_text_is_replaced_over_the_project_in_open_files_and_others_but_where_it_is_left_out() {
    let place = Place::new(&[("a.txt", b"LIMIT here\nLIMIT there\n"), ("sub/b.txt", b"x LIMIT\n"), ("c.txt", b"LIMIT\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    press(&mut studio, "alt+r L I M I T enter M O S T enter");
    wait_for(&mut studio, "4 places");
    // The first place is chosen; the second one is left out.
    press(&mut studio, "down space r");
    assert!(studio.message.starts_with("3 places in 3 files"), "{}", studio.message);
    assert_eq!(text(&studio), "MOST here\nLIMIT there\n");
    assert_eq!(place.read("a.txt"), b"LIMIT here\nLIMIT there\n", "an open file is changed in its text, to be saved");
    assert_eq!((place.read("sub/b.txt"), place.read("c.txt")), (b"x MOST\n".to_vec(), b"MOST\n".to_vec()));
    press(&mut studio, "alt+o ctrl+z");
    assert_eq!(text(&studio), "LIMIT here\nLIMIT there\n");
}

#[test]
fn find_goes_round_and_lines_are_gone_to() {
    let place = Place::new(&[("a.txt", "ä one\nb one\n".as_bytes())]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    press(&mut studio, "ctrl+f o n e enter");
    assert_eq!(studio.buffer().unwrap().place_of_cursor(), (1, 6));
    press(&mut studio, "f3 f3");
    assert_eq!(studio.buffer().unwrap().place_of_cursor(), (1, 6), "behind the last one comes the first");
    press(&mut studio, "ctrl+g 2 enter");
    assert_eq!(studio.buffer().unwrap().place_of_cursor(), (2, 1));
}

#[test]
fn what_a_prompt_proposes_is_replaced_by_what_is_typed_and_kept_by_enter() {
    let place = Place::new(&[("a.txt", b"one two one two\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    press(&mut studio, "shift+right shift+right shift+right ctrl+f");
    assert_eq!(studio.prompt().unwrap().answer, "one");
    press(&mut studio, "t w");
    assert_eq!(studio.prompt().unwrap().answer, "tw", "the proposal is gone, what was typed stays");
    press(&mut studio, "escape ctrl+f backspace");
    assert_eq!(studio.prompt().unwrap().answer, "");
    press(&mut studio, "escape ctrl+f end s enter");
    assert!(studio.message.contains("'ones' is not in this file"), "another key keeps it: {}", studio.message);
    press(&mut studio, "ctrl+f enter");
    assert_eq!(studio.buffer().unwrap().place_of_cursor(), (1, 12), "enter takes it");
}

#[test]
fn all_keys_are_listed_whole_at_110_columns() {
    let place = Place::new(&[]);
    let mut studio = place.studio();
    press(&mut studio, "f1");
    let mut grid = Grid::new(110, 120);
    studio.draw(&mut grid);
    let shown: String = (0..120).map(|y| grid.text(y) + "\n").collect();
    for (key, _, what) in nda_studio::key::KEYS {
        assert!(shown.lines().any(|line| line.contains(key) && line.ends_with(what)), "{key}: {what}\n{shown}");
    }
    for pane in [PaneKind::Agent, PaneKind::Waves, PaneKind::Boards, PaneKind::Search, PaneKind::Document] {
        assert!(shown.contains(&format!("{} (", pane.name())));
        for (key, what) in pane.keys() {
            assert!(shown.lines().any(|line| line.contains(key) && line.ends_with(what)), "{key}: {what}\n{shown}");
        }
    }
}

#[test]
fn a_long_message_is_shown_whole() {
    let place = Place::new(&[]);
    let mut studio = place.studio();
    studio.message = "word ".repeat(40) + "the-last";
    let mut grid = Grid::new(80, 20);
    studio.draw(&mut grid);
    assert!(grid.text(19).ends_with("the-last") && grid.text(17).starts_with(" word"), "{}", grid.text(19));
}

#[test]
fn a_program_is_broken_seen_why_and_mended() {
    let place = Place::new(&[("p.nda", b"let scale_by = 2.0;\n\nfn main() -> int {\n    let n = 3;\n    return n * n;\n}\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("p.nda"));
    assert!(!screen(&mut studio).contains("fault"));
    press(&mut studio, "ctrl+g 4 enter end backspace backspace");
    let shown = screen(&mut studio);
    assert!(shown.contains("1 fault"), "one broken let is one fault: {shown}");
    press(&mut studio, "f8");
    let shown = screen(&mut studio);
    assert!(shown.contains("expected a value, found 'return'"), "{shown}");
    press(&mut studio, "enter 4 ;");
    assert!(!screen(&mut studio).contains("1 fault"));
    press(&mut studio, "ctrl+g 5 enter end left left f4");
    assert!(screen(&mut studio).contains("let n: int"), "{}", screen(&mut studio));
    press(&mut studio, "f2 c o u n t enter");
    assert!(text(&studio).contains("let count = ") && text(&studio).contains("return count * count;"), "{}", text(&studio));
    press(&mut studio, "f12");
    assert_eq!(studio.buffer().unwrap().place_of_cursor().0, 4);
    press(&mut studio, "ctrl+a ctrl+x");
    type_in(&mut studio, "fn f(){let x=1;print(x);");
    press(&mut studio, "} alt+l");
    assert_eq!(text(&studio), "fn f() {\n    let x = 1;\n    print(x);\n}\n");
}

#[test]
fn a_line_of_megabytes_is_shown_where_it_is_edited() {
    let line = "0123456789".repeat(120_000);
    let place = Place::new(&[("long.txt", line.as_bytes())]);
    let mut studio = place.studio();
    studio.open(Path::new("long.txt"));
    press(&mut studio, "end");
    type_in(&mut studio, "HERE");
    let shown = screen(&mut studio);
    assert!(shown.contains("0123456789HERE"), "{shown}");
    press(&mut studio, "ctrl+g 1 enter");
    assert!(screen(&mut studio).contains("1  0123456789"), "and its begin again");
}

#[test]
fn places_in_large_files_are_found_and_what_is_too_large_is_said() {
    let large = "nothing here\n".repeat(700_000) + "the needle\n";
    let place = Place::new(&[("large.txt", large.as_bytes()), ("a.txt", b"x\n")]);
    std::fs::File::create(place.root().join("huge.txt")).unwrap().set_len((1 << 30) + 1).unwrap();
    let mut studio = place.studio();
    press(&mut studio, "alt+f n e e d l e enter");
    let shown = wait_for(&mut studio, "large.txt:700001");
    assert!(shown.contains("'needle': 1 place"), "{shown}");
    assert!(!shown.contains("1 places") && shown.contains("too large to be looked through: huge.txt"), "{shown}");
    press(&mut studio, "enter");
    assert_eq!(studio.buffer().unwrap().place_of_cursor(), (700_001, 5), "enter goes to the first place");
}
