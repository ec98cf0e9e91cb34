//! What a core says of itself is what its page in the manual shows (docs/cores.py).

use nda_spec::Config;
use nda_spec::cycles::drain_cycles;
use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn header(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().take_while(|line| line.starts_with("//!")).map(|line| line.trim_start_matches("//!").to_owned() + "\n").collect()
}

#[test]
fn the_header_of_every_core_says_its_function_and_its_latency() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    // Those that have a page in the manual.
    let cores = sources.iter().map(|path| (path, header(path))).filter(|(_, said)| said.contains("Cost") || said.contains("Handshake"));
    let (mut count, mut missing) = (0, Vec::new());
    for (path, said) in cores {
        count += 1;
        let said = said.to_lowercase();
        missing
            .extend(["function", "latency"].iter().filter(|word| !said.contains(**word)).map(|word| format!("{}: {word}", path.display())));
    }
    assert!(count > 50, "{count} cores");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_latencies_that_the_arrays_headers_give_are_those_of_the_cycle_model() {
    let latency = |name: &str| drain_cycles(&Config::named(name).unwrap().geometry);
    let said = header(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/array/gemv_array.rs"));
    assert!(said.contains("9 for 16 columns and one plane") && said.contains("15 for 128 columns"), "{said}");
    assert_eq!([latency("nano16"), latency("token1024")], [9, 15]);
}
