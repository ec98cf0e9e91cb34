//! Pictures and tables that scripts make of the project's records.

use crate::root;
use std::process::Command;

/// What 'make pictures' would say about a copy of the pictures' folder and its tables.
#[test]
fn pictures_and_tables_are_those_that_the_records_give() {
    let output = match Command::new("python3").arg(root().join("docs/pictures/make.py")).arg("--check").output() {
        Ok(output) => output,
        Err(error) => return nda_tests::skip("the manual's pictures", format_args!("a script of python3 makes them: {error}")),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Light and dark are one picture: every colour is a class, and every class has both.
#[test]
fn pictures_have_one_look_in_light_and_dark() {
    let folder = root().join("docs/pictures");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().extension().is_some_and(|end| end == "svg")) {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let body = text.split("</style>").nth(1).unwrap();
        assert!(text.contains("@media(prefers-color-scheme:dark)"), "{:?}", entry.file_name());
        assert!(
            !body.contains("fill=") && !body.contains("stroke=\"") && !body.contains('#'),
            "{:?} has a colour of its own",
            entry.file_name()
        );
        seen += 1;
    }
    assert!(seen >= 8, "{seen} pictures");
}
