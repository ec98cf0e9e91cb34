//! Waves and boards as the command makes and simulates them.

use crate::common::{Place, has_simulator, press, screen, told, wait_for, wait_until};
use nda_studio::panes::waves::{self, Wave};
use std::path::Path;

/// The wave of a job that the command simulates.
fn simulated(place: &Place, name: &str, arguments: &[&str]) -> Wave {
    told(&place.root(), &[&["wave", "--out", name, "--config"][..], arguments].concat());
    waves::read(&place.root().join(name)).unwrap()
}

/// The phases of a wave, each once, in the order in which they first begin.
fn phases(wave: &Wave) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    for (_, name) in &wave.phases {
        if !all.contains(&name.as_str()) {
            all.push(name);
        }
    }
    all
}

#[test]
fn waves_of_the_command_have_the_phases_of_the_job() {
    if !has_simulator("waves_of_the_command_have_the_phases") {
        return;
    }
    let place = Place::new(&[]);
    for (name, arguments, wanted) in [
        ("gemv.vcd", &["nano16"][..], &["receive", "send", "run"][..]),
        ("gemv.fst", &["nano16"], &["receive", "send", "run"]),
        ("pins.fst", &["nano16", "--uart"], &["receive", "send", "run"]),
        ("token.vcd", &["token1024"], &["receive", "steps", "send", "run"]),
        ("token.fst", &["token1024"], &["receive", "steps", "send", "run"]),
    ] {
        let wave = simulated(&place, name, arguments);
        assert_eq!(phases(&wave), wanted, "{name}: {:?}", wave.phases);
        let runs: Vec<usize> = (0..wave.phases.len()).filter(|at| wave.phases[*at].1 == "run").collect();
        assert_eq!(runs.len(), 1, "{name} is of one job");
        assert_eq!((wave.phases[runs[0] - 1].1.as_str(), wave.phases[runs[0] + 1].1.as_str()), ("receive", "send"), "{name}");
        assert!(wave.variables[0].name.ends_with("rx_valid"), "what shows phases stands first: {}", wave.variables[0].name);
    }
}

#[test]
fn a_wave_is_gone_through_by_its_phases_and_searched() {
    if !has_simulator("a_wave_is_gone_through") {
        return;
    }
    let place = Place::new(&[]);
    told(&place.root(), &["wave", "--config", "nano16", "--out", "job.vcd"]);
    let mut studio = place.studio();
    studio.open(Path::new("job.vcd"));
    let shown = wait_for(&mut studio, "variables");
    assert!(shown.contains("run\u{25b8}") || shown.contains("\u{25b8}run"), "{shown}");
    let phases = studio.panes.waves.wave.as_ref().unwrap().phases.clone();
    let run = phases.iter().position(|(_, name)| name == "run").unwrap();
    for _ in 0..run {
        press(&mut studio, "p");
    }
    press(&mut studio, "+ + + + +");
    let shown = screen(&mut studio);
    let line = shown.lines().find(|line| line.contains("\u{25b8}run")).unwrap_or_else(|| panic!("{shown}"));
    assert!(!line.contains("steps"), "{line}");
    press(&mut studio, "P p");
    assert!(screen(&mut studio).contains("\u{25b8}run"));
    let all = studio.panes.rows(90).len();
    press(&mut studio, "/ S E Q u");
    let shown = screen(&mut studio);
    assert!(studio.panes.rows(90).len() < all / 2 && shown.contains("variables have 'SEQu'"), "{shown}");
    press(&mut studio, "backspace backspace backspace backspace s e q u e n c e r space r u n n i n g enter enter");
    let shown = screen(&mut studio);
    assert!(shown.contains("variables have 'sequencer running'") && shown.contains("sequencer.running"), "{shown}");
    let hidden = studio.panes.waves.wave.as_ref().unwrap().variables.iter().filter(|one| one.name.ends_with("sequencer$running"));
    assert!(hidden.count() > 0);
    press(&mut studio, "/ x");
    assert!(screen(&mut studio).contains("variables have 'x'"), "what stood there is replaced");
    press(&mut studio, "escape");
    assert_eq!(studio.panes.rows(90).len(), all);
}

#[test]
fn counters_go_on_while_a_model_speaks_in_its_simulator() {
    if !has_simulator("counters_go_on_while_a_model_speaks") {
        return;
    }
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny.ndf");
    let place = Place::new(&[("tiny.ndf", &std::fs::read(tiny).unwrap())]);
    let mut studio = place.studio();
    studio.open(Path::new("tiny.ndf"));
    wait_for(&mut studio, "every byte");
    press(&mut studio, "f11");
    let shown = wait_for(&mut studio, "token1024 ");
    assert!(shown.contains("ulx3s-85f") && shown.contains("routed"), "{shown}");
    let row =
        studio.panes.rows(90).iter().position(|row| row.pieces[0].0.starts_with("config") && row.pieces[1].0.starts_with("token1024"));
    press(&mut studio, &"down ".repeat(row.unwrap()));
    press(&mut studio, "l");
    let mut seen: Vec<String> = Vec::new();
    wait_until(&mut studio, "three readings", |studio| {
        let now = studio.panes.boards.counters.clone();
        if let Some(now) = now.filter(|now| seen.last() != Some(now)) {
            assert!(screen(studio).contains(now.split(',').next().unwrap()), "{}", screen(studio));
            seen.push(now);
        }
        seen.len() >= 3
    });
    press(&mut studio, "k");
    wait_for(&mut studio, "signal: 9");
    let cycles = |line: &String| line.split(", ").nth(1).unwrap().trim_end_matches(" cycles").parse::<u64>().unwrap();
    assert!(seen.len() >= 3 && seen.windows(2).all(|two| cycles(&two[0]) <= cycles(&two[1])), "{seen:?}");
    assert!(cycles(seen.last().unwrap()) > cycles(&seen[0]), "{seen:?}");
}

#[test]
fn a_product_is_followed_down_to_a_wave_of_the_command_and_back() {
    if !has_simulator("a_product_is_followed_down_to_a_wave") {
        return;
    }
    let place = Place::of_the_command();
    let mut studio = place.studio();
    studio.load_graph();
    studio.open(Path::new("tiny.nda"));
    press(&mut studio, "ctrl+f b l k . { i } . o \" , space m i x e d enter left");
    let shown = wait_until(&mut studio, "the way", |studio| {
        press(studio, "f6");
        let shown = screen(studio);
        shown.contains("job.fst: ") && shown.contains("tiles ")
    });
    for layer in ["program", "tensor", "tiles", "core", "verilog", "wave"] {
        assert!(shown.lines().any(|line| line.contains(&format!("{layer:<8}"))), "{layer}:\n{shown}");
    }
    press(&mut studio, "end enter");
    let shown = wait_for(&mut studio, ".result = ");
    assert!(shown.contains(", cycle "), "{shown}");
    press(&mut studio, "f6");
    wait_until(&mut studio, "the way", |studio| screen(studio).contains("From product"));
    press(&mut studio, "end up enter");
    assert_eq!(studio.buffer().unwrap().path.to_string(), "board_token1024_parallel.v");
    press(&mut studio, "alt+o home enter");
    assert_eq!(studio.buffer().unwrap().path.to_string(), "tiny.nda", "and back");
}
