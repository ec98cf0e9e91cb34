//! Patches: cases by name, and random ones against a reference that counts places by hand.

use nda_text::patch::{Action, Applied, Edit, FilePatch, Known, PatchError, Range, apply, parse};
use nda_text::unified;

fn replace(old: &str, new: &str) -> Edit {
    Edit::Replace { old: old.into(), new: new.into() }
}

fn edits(patch: &str) -> Vec<Edit> {
    match parse(patch).unwrap().remove(0).action {
        Action::Update { edits, .. } => edits,
        other => panic!("{other:?}"),
    }
}

fn new_text(text: &str, edits: &[Edit]) -> Result<String, PatchError> {
    new_text_of(text, edits, Known::No)
}

fn new_text_of(text: &str, edits: &[Edit], known: Known) -> Result<String, PatchError> {
    apply(text, edits, known).map(|applied| match applied {
        Applied::New { text, .. } => text,
        Applied::Already { .. } => "ALREADY".into(),
    })
}

fn envelope(body: &str) -> String {
    format!("*** Begin Patch\n*** Update File: f\n{body}*** End Patch\n")
}

#[test]
fn two_equal_contexts_are_refused_with_both_places() {
    let text = "a\nsame\nb\nsame\nc\n";
    assert_eq!(new_text(text, &[replace("same", "new")]), Err(PatchError::Several { edit: 1, lines: vec![2, 4] }));
    let hunk = edits(&envelope("@@\n-same\n+new\n"));
    assert_eq!(new_text(text, &hunk), Err(PatchError::Several { edit: 1, lines: vec![2, 4] }));
    let overlapping = new_text("aaa\n", &[replace("aa", "b")]);
    assert_eq!(overlapping, Err(PatchError::Several { edit: 1, lines: vec![1, 1] }), "overlapping places are places");
}

#[test]
fn a_wrong_context_is_refused_with_the_first_line_that_differs() {
    let text = "fn a() {\n    one();\n    two();\n}\n";
    let error = new_text(text, &edits(&envelope("@@\n fn a() {\n-    uno();\n+    1();\n     two();\n"))).unwrap_err();
    let PatchError::None { near, .. } = &error else { panic!("{error}") };
    assert_eq!((near[0].line, near[0].equal, near[0].differs_at), (1, (2, 3), 2));
    assert_eq!((near[0].wanted.as_str(), near[0].found.as_deref()), ("    uno();", Some("    one();")));
    assert!(error.to_string().contains("line 2 is \"    one();\", the patch has \"    uno();\""), "{error}");
}

#[test]
fn a_hunk_of_additions_needs_its_anchor_and_goes_there() {
    let text = "class A:\n    def f():\n        pass\n\nclass B:\n    def f():\n        pass\n";
    let added = new_text(text, &edits(&envelope("@@ class B:\n+    x = 1\n"))).unwrap();
    assert_eq!(added, "class A:\n    def f():\n        pass\n\nclass B:\n    x = 1\n    def f():\n        pass\n");
    assert_eq!(new_text(text, &edits(&envelope("@@\n+    x = 1\n"))), Err(PatchError::NoAnchor { edit: 1 }));
    assert_eq!(new_text(text, &[replace("", "x")]), Err(PatchError::NoAnchor { edit: 1 }));
    let lost = new_text(text, &edits(&envelope("@@ class C:\n+    x = 1\n"))).unwrap_err();
    assert!(matches!(lost, PatchError::Anchor { lines, .. } if lines.is_empty()));
    let twice = new_text(text, &edits(&envelope("@@     def f():\n+        y()\n"))).unwrap_err();
    assert!(matches!(twice, PatchError::Anchor { lines, .. } if lines == [2, 6]));
    let chained = new_text(text, &edits(&envelope("@@ class B:\n@@     def f():\n+        y()\n"))).unwrap();
    assert!(chained.ends_with("class B:\n    def f():\n        y()\n        pass\n"), "{chained}");
    assert_eq!(new_text("", &[replace("", "first\n")]).unwrap(), "first\n", "an empty file has one place alone");
    let at_end = new_text("a\n", &edits(&envelope("@@\n+b\n*** End of File\n"))).unwrap();
    assert_eq!(at_end, "a\nb\n");
}

#[test]
fn an_anchor_chooses_within_its_own_lines_and_never_beyond() {
    let text = "fn f() {\n    x();\n}\nfn g() {\n    x();\n}\n";
    let patch = |anchor: &str| edits(&envelope(&format!("@@ {anchor}\n-    x();\n+    y();\n")));
    assert_eq!(new_text(text, &patch("fn f() {")).unwrap(), "fn f() {\n    y();\n}\nfn g() {\n    x();\n}\n");
    assert_eq!(new_text(text, &patch("fn g() {")).unwrap(), "fn f() {\n    x();\n}\nfn g() {\n    y();\n}\n");
    // f has no such line any more; g's is not what was meant.
    let changed = text.replacen("    x();", "    z();", 1);
    assert!(matches!(new_text(&changed, &patch("fn f() {")), Err(PatchError::None { .. })));
}

#[test]
fn line_ends_and_the_last_line_stay_as_they_are() {
    assert_eq!(new_text("a\r\nb\r\nc\r\n", &[replace("a\nb\n", "x\ny\nz\n")]).unwrap(), "x\r\ny\r\nz\r\nc\r\n");
    let hunk = edits(&envelope("@@\n a\n-b\n+x\n+y\n"));
    assert_eq!(new_text("a\r\nb\r\nc\r\n", &hunk).unwrap(), "a\r\nx\r\ny\r\nc\r\n");
    assert_eq!(new_text("a\nb", &hunk).unwrap(), "a\nx\ny", "no last line end before, none after");
    assert_eq!(new_text("a\nb\n", &[replace("a\r\nb\r\n", "c\r\n")]).unwrap(), "c\n");
    // Mixed ends: every byte as it is.
    let mixed = "a\r\nb\nc\r\n";
    assert!(new_text(mixed, &hunk).is_err());
    assert_eq!(new_text(mixed, &[replace("a\r\nb\n", "x\r\n")]).unwrap(), "x\r\nc\r\n");
    assert_eq!(new_text("a", &edits(&envelope("@@\n+b\n*** End of File\n"))).unwrap(), "a\nb");
}

#[test]
fn a_diff_that_speaks_of_the_last_line_end_changes_it() {
    for (old, new) in [("a\nb", "a\nb\n"), ("a\nb\n", "a\nb"), ("a\nb", "a\nc"), ("a\nb", "x\nb"), ("a", ""), ("", "a"), ("", "a\n")] {
        let patch = unified("f", Some(old), Some(new));
        assert_eq!(new_text_of(old, &edits(&patch), Known::Yes).unwrap(), new, "{patch}");
    }
}

#[test]
fn a_replayed_patch_says_so_and_writes_nothing() {
    let (text, edit) = ("one\ntwo\nthree\n", [replace("two\n", "two\ntwo and a half\n")]);
    let once = new_text(text, &edit).unwrap();
    assert_eq!(once, "one\ntwo\ntwo and a half\nthree\n");
    assert_eq!(apply(&once, &edit, Known::No), Ok(Applied::Already { ranges: vec![Range { first: 2, last: 3 }] }));
    let hunk = edits(&envelope("@@\n one\n+between\n two\n"));
    let once = new_text(text, &hunk).unwrap();
    assert_eq!(new_text(&once, &hunk).unwrap(), "ALREADY");
    let removal = edits(&envelope("@@\n one\n-two\n three\n"));
    assert_eq!(new_text(&new_text(text, &removal).unwrap(), &removal).unwrap(), "ALREADY");
    let both = [replace("one", "1"), replace("three", "3")];
    assert_eq!(new_text("1\ntwo\nthree\n", &both), Err(PatchError::Partly { applied: vec![1] }));
}

#[test]
fn all_edits_mean_the_text_before_the_first_and_overlaps_are_refused() {
    let text = "a\nb\nc\n";
    assert_eq!(new_text(text, &[replace("c", "z"), replace("a", "x")]).unwrap(), "x\nb\nz\n");
    assert_eq!(new_text(text, &[replace("a\nb", "x"), replace("b\nc", "y")]), Err(PatchError::Overlap { edits: (1, 2) }));
    assert_eq!(new_text(text, &[replace("a", "a")]), Err(PatchError::NoChange));
    let missing = new_text(text, &[replace("a", "x"), replace("q", "y")]);
    assert!(matches!(missing, Err(PatchError::None { edit: 2, .. })), "all or none");
}

#[test]
fn numbered_lines_must_hold_what_is_expected() {
    let text = "a\nb\nc\n";
    let lines = |first, last, expect: &str, new: &str| Edit::Lines { first, last, expect: expect.into(), new: new.into() };
    assert_eq!(new_text(text, &[lines(2, 2, "b", "x\ny")]).unwrap(), "a\nx\ny\nc\n");
    assert_eq!(new_text(text, &[lines(2, 3, "b\nc", "")]).unwrap(), "a\n");
    let PatchError::Expected { elsewhere, near, .. } = new_text(text, &[lines(1, 1, "b", "x")]).unwrap_err() else { panic!() };
    assert_eq!((elsewhere, near.found.as_deref()), (Some(2), Some("a")));
    for (first, last) in [(0, 0), (3, 2), (4, 4), (1, 9)] {
        assert!(new_text(text, &[lines(first, last, "b", "x")]).is_err(), "{first}..{last}");
    }
}

#[test]
fn a_looser_match_is_offered_and_never_taken() {
    let error = new_text("if x:  \n    y()\n", &[replace("if x:\n    y()\n", "pass\n")]).unwrap_err();
    let PatchError::None { offer: Some(offer), .. } = error else { panic!() };
    assert_eq!((offer.loosened, offer.line, offer.text.as_str()), ("trailing blanks", 1, "if x:  \n    y()\n"));
    let error = new_text("\tif x:\n\t\ty()\n", &[replace("if x:\n    y()", "pass")]).unwrap_err();
    assert!(matches!(error, PatchError::None { offer: Some(offer), .. } if offer.loosened == "indentation"));
}

#[test]
fn new_ranges_are_those_of_the_new_text() {
    let applied = apply("a\nb\nc\nd\n", &[replace("b\n", ""), replace("d\n", "x\ny\n")], Known::No).unwrap();
    let Applied::New { ranges, text, .. } = applied else { panic!() };
    assert_eq!((text.as_str(), ranges[1]), ("a\nc\nx\ny\n", Range { first: 3, last: 4 }));
    assert_eq!((ranges[0].first, ranges[0].last), (2, 1), "only removed");
}

#[test]
fn files_are_added_deleted_moved_and_made_executable() {
    let patch =
        "*** Begin Patch\n*** Add File: new/a\n+x\n+\n*** Delete File: b\n*** Update File: c\n*** Move to: d\n@@\n-1\n+2\n*** End Patch";
    let files = parse(patch).unwrap();
    assert_eq!(files[0], FilePatch { path: "new/a".into(), action: Action::Add { text: "x\n\n".into() }, executable: None });
    assert_eq!(files[1].action, Action::Delete { expect: None });
    assert!(matches!(&files[2].action, Action::Update { to: Some(to), .. } if to == "d"));
    let git = "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\ndiff --git a/n b/n\nnew file mode 100755\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+#!/bin/sh\n\\ No newline at end of file\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-bye\n";
    let files = parse(git).unwrap();
    assert!(matches!(&files[0], FilePatch { path, action: Action::Update { to: Some(to), .. }, .. } if path == "x" && to == "y"));
    assert_eq!(files[1], FilePatch { path: "n".into(), action: Action::Add { text: "#!/bin/sh".into() }, executable: Some(true) });
    assert_eq!(files[2].action, Action::Delete { expect: Some("bye\n".into()) });
    let quoted = "--- \"a/\\303\\251\\t\"\n+++ \"b/\\303\\251\\t\"\n@@ -1 +1 @@\n-a\n+b\n";
    assert_eq!(parse(quoted).unwrap()[0].path, "é\t");
}

#[test]
fn patches_that_are_cut_off_or_miscounted_are_refused_with_their_line() {
    for (patch, line) in [
        ("*** Begin Patch\n*** Update File: f\n@@\n-a\n+b\n", 6),
        ("*** Begin Patch\n*** Update File: f\n*** End Patch\n", 2),
        ("*** Begin Patch\n*** Update File: f\n@@\n a\n*** End Patch\n", 4),
        ("*** Begin Patch\nhello\n*** End Patch\n", 2),
        ("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n", 5),
        ("--- a/f\n+++ b/f\n@@ -1 +1 @@\n a\n b\n", 5),
        ("--- a/f\n@@ -1 +1 @@\n", 2),
        ("@@ -1 +1 @@\n-a\n+b\n", 1),
        ("hello", 1),
        ("", 1),
        ("diff --git a/f b/f\nGIT binary patch\nliteral 3\n", 2),
        ("diff --git a/f b/g\nold mode 100644\nnew mode 100755\n", 1),
        ("diff --git a/f b/f\nold mode 100644\nnew mode 120000\n", 3),
        ("diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n", 2),
        ("diff --git a/l b/l\ndeleted file mode 120000\n--- a/l\n+++ /dev/null\n@@ -1 +0,0 @@\n-/etc/passwd\n", 2),
        ("diff --git a/l b/l\nindex 12..34 120000\n--- a/l\n+++ b/l\n@@ -1 +1 @@\n-a\n+/etc/passwd\n", 2),
        ("diff --git a/s b/s\nindex 12..34 160000\n--- a/s\n+++ b/s\n@@ -1 +1 @@\n-Subproject commit 12\n+Subproject commit 34\n", 2),
    ] {
        match parse(patch) {
            Err(PatchError::Form { line: found, .. }) if found == line => {}
            other => panic!("{patch:?}: {other:?}"),
        }
    }
}

#[test]
fn a_mode_alone_and_an_empty_file_are_changes_of_git() {
    let git = "diff --git a/run me b/run me\nold mode 100644\nnew mode 100755\ndiff --git \"a/\\303\\251\" \"b/\\303\\251\"\nnew file mode 100644\nindex 0000000..e69de29\ndiff --git a/gone b/gone\ndeleted file mode 100644\nindex e69de29..0000000\n";
    let files = parse(git).unwrap();
    let none = || Action::Update { edits: Vec::new(), to: None };
    assert_eq!(files[0], FilePatch { path: "run me".into(), action: none(), executable: Some(true) });
    assert_eq!(files[1], FilePatch { path: "é".into(), action: Action::Add { text: String::new() }, executable: Some(false) });
    assert_eq!(files[2].action, Action::Delete { expect: Some(String::new()) });
}

#[test]
fn a_refusal_without_an_equal_line_shows_the_lines_that_are_most_like() {
    let text = "\u{feff}use a;\nconst LIMIT: usize = 100;\nfn f() {}\n";
    for (old, line) in [("const LIMIT: u32 = 100;", 2), ("use a;\nconst MOST: u32 = 1;", 1), ("fn f(x: u8) {}", 3)] {
        let PatchError::None { near, .. } = new_text(text, &[replace(old, "x")]).unwrap_err() else { panic!() };
        assert_eq!(near.first().map(|near| near.line), Some(line), "{old:?}: {near:?}");
    }
    let PatchError::None { near, .. } = new_text(text, &edits(&envelope("@@\n-use a;\n+use b;\n"))).unwrap_err() else { panic!() };
    assert!(near[0].to_string().contains(r#"is "\u{feff}use a;", the patch has "use a;""#), "{}", near[0]);
    let PatchError::None { near, .. } = new_text(text, &[replace("something else", "x")]).unwrap_err() else { panic!() };
    assert_eq!(near, [], "nothing is like it");
}
