//! What the studio's memory grows by while somebody types for an hour. A process of its own: nothing else may use its memory.

use nda_spec::random::Random;
use nda_studio::grid::Grid;
use nda_studio::key::Press;
use nda_studio::{Setup, Studio};
use std::path::Path;
use std::sync::Arc;

/// Keystrokes of the hour in docs/studio.md.
const KEYS: usize = 627_250;
/// Lines of the file, a megabyte, as in probe.py.
const LINES: usize = 20_000;
/// What the memory may grow by.
const MOST_BYTES: usize = 2_000_000;

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
}

fn press(studio: &mut Studio, keys: &str) {
    keys.split_whitespace().for_each(|name| studio.press(Press::named(name).unwrap_or_else(|| panic!("{name}"))));
}

/// The keys of probe.py: at a place for 500 of them, then elsewhere.
struct Script(Random);

impl Script {
    fn press(&mut self, studio: &mut Studio, keys: std::ops::Range<usize>, grid: &mut Grid) {
        for key in keys {
            if key % 500 == 0 {
                press(studio, "ctrl+g");
                (1 + self.0.below(LINES - 1)).to_string().chars().for_each(|digit| press(studio, &digit.to_string()));
                press(studio, "enter");
            }
            press(studio, self.0.one_of(&["a", "b", "space", "enter", "backspace", "left", "up"]));
            if key % 50 == 0 {
                studio.draw(grid);
            }
        }
    }
}

#[test]
fn ten_thousand_keystrokes_and_an_hour_of_edits_grow_the_memory_by_two_megabytes_at_most() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("project");
    std::fs::create_dir(&root).unwrap();
    let text: String = (0..LINES).map(|n| format!("    let value_{n:05} = compute(left[{n:05}], right);\n")).collect();
    std::fs::write(root.join("a.rs"), text).unwrap();
    let setup = Setup { root, state: Some(place.path().join("state")), nda: "nda".into(), wake: Arc::new(|| {}) };
    let mut studio = Studio::new(setup).unwrap();
    studio.open(Path::new("a.rs"));
    let (mut script, mut grid) = (Script(Random::new(7)), Grid::new(150, 40));
    studio.draw(&mut grid);
    let before = resident_bytes();
    for (from, to) in [(0, 10_000), (10_000, KEYS)] {
        script.press(&mut studio, from..to, &mut grid);
        let grown = resident_bytes().saturating_sub(before);
        eprintln!("after {to} keystrokes: {grown} bytes more");
        assert!(grown <= MOST_BYTES, "after {to} keystrokes: {grown} bytes more");
    }
}
