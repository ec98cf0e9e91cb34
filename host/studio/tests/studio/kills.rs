//! kill -9 at any moment of editing: what was shown as saved is on the disk, and what was typed comes back.

use crate::common::{Place, press, text, type_in};
use nda_studio::{Setup, Studio};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Where the child works; it is one if this is set.
const PLACE: &str = "NDA_KILLS_PLACE";
/// The same for a large text.
const LARGE: &str = "NDA_KILLS_LARGE";
/// Keys that the child presses at most.
const KEYS: usize = 4000;

/// The key of a step: the same for everybody who asks.
fn step(studio: &mut Studio, number: usize) -> bool {
    match number % 17 {
        16 if number.is_multiple_of(3) => {
            press(studio, "ctrl+s");
            return true;
        }
        3 => press(studio, "enter"),
        5 => press(studio, "left left"),
        9 => press(studio, "backspace"),
        11 if number.is_multiple_of(2) => press(studio, "ctrl+z"),
        12 if number.is_multiple_of(2) => press(studio, "ctrl+y"),
        13 => press(studio, "up end"),
        _ => type_in(studio, ["a", "\u{e4}", "{", " ", "\u{4e2d}"][number % 5]),
    }
    false
}

/// Not a test: the process that is killed. It says each step when it is done and would be seen.
#[test]
fn child() {
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
    let setup = Setup { root: place.join("project"), state: Some(place.join("state")), nda: "nda".into(), wake: Arc::new(|| {}) };
    let mut studio = Studio::new(setup).unwrap();
    studio.open(Path::new("a.txt"));
    let mut out = std::io::stdout().lock();
    for number in 0..KEYS {
        let is_save = step(&mut studio, number);
        let word = if is_save && studio.message.starts_with("written") { "saved" } else { "typed" };
        writeln!(out, "{word} {number} {}", sum(&text(&studio))).unwrap();
        out.flush().unwrap();
    }
}

fn sum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn killed(round: u64) {
    let place = Place::new(&[("a.txt", b"one\ntwo\n")]);
    let folder = place.root().parent().unwrap().to_owned();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::child", "--nocapture"])
        .env(PLACE, &folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A moment between the first keys and some saves, another one each time.
    let (millis, pid) = ((round * 7919) % 300, child.id());
    let mut killer = None;
    let mut said: Vec<(bool, usize, u64)> = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        if let ["saved" | "typed", number, sum] = words.as_slice() {
            said.push((words[0] == "saved", number.parse().unwrap(), sum.parse().unwrap()));
            killer.get_or_insert_with(|| {
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(millis));
                    Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
                })
            });
        }
    }
    killer.expect("the child says something").join().unwrap();
    child.wait().unwrap();
    let studio = place.reopened("a.txt");
    let found = sum(&text(&studio));
    let (_, last, shown) = said[said.len() - 1];
    // What was said is there; the step behind it may be as well, if it was killed before it was said.
    assert!(found == shown || found == sum_after(last + 1), "round {round}, killed after {last} steps:\n{}", text(&studio));
    if let Some((_, number, saved)) = said.iter().rfind(|(is_save, ..)| *is_save).copied() {
        let disk = sum(&String::from_utf8(place.read("a.txt")).unwrap());
        let later = said.iter().filter(|(_, at, _)| *at >= number).map(|(.., sum)| *sum).any(|sum| sum == disk);
        assert!(disk == saved || later, "round {round}: what was shown as saved in step {number} is not on the disk");
    }
}

/// The sum after a step more than was said, played from the begin.
fn sum_after(steps: usize) -> u64 {
    let place = Place::new(&[("a.txt", b"one\ntwo\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    for number in 0..=steps {
        // Saves change no text, and take long.
        if !(number % 17 == 16 && number % 3 == 0) {
            step(&mut studio, number);
        }
    }
    sum(&text(&studio))
}

#[test]
fn killed_at_30_moments_nothing_is_lost() {
    (0..30).for_each(killed);
}

/// Not a test: the process that is killed while it saves a large text and goes on typing.
#[test]
fn child_of_a_large_text() {
    let Some(place) = std::env::var_os(LARGE).map(PathBuf::from) else { return };
    let setup = Setup { root: place.join("project"), state: Some(place.join("state")), nda: "nda".into(), wake: Arc::new(|| {}) };
    let mut studio = Studio::new(setup).unwrap();
    studio.open(Path::new("a.txt"));
    for number in 1..KEYS {
        type_in(&mut studio, "x");
        if number % 20 == 0 {
            press(&mut studio, "ctrl+s");
        }
        println!("typed {number}");
        std::thread::sleep(Duration::from_millis(1));
        studio.tick();
    }
}

#[test]
fn killed_while_a_large_text_is_saved_nothing_is_lost() {
    let whole = "0123456789 abcdefghijklmnopqrstuvwxyz\n".repeat(80_000);
    for round in 0..8 {
        let place = Place::new(&[("a.txt", whole.as_bytes())]);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::child_of_a_large_text", "--nocapture"])
            .env(LARGE, place.root().parent().unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let most = 20 + round * 17;
        let mut said = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            said = line.strip_prefix("typed ").map_or(said, |number| number.parse().unwrap());
            if said == most {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let typed = |text: &str| {
            let typed = text.bytes().take_while(|byte| *byte == b'x').count();
            assert!(text[typed..] == whole, "round {round}");
            typed
        };
        let studio = place.reopened("a.txt");
        let found = typed(&text(&studio));
        assert!(found == said || found == said + 1, "round {round}: {found} of {said}");
        assert!(typed(std::str::from_utf8(&place.read("a.txt")).unwrap()).is_multiple_of(20), "the disk has what was saved, whole");
    }
}

#[test]
#[ignore = "minutes: part of 'make soak'"]
fn killed_at_200_moments_nothing_is_lost() {
    (1000..1200).for_each(killed);
}
