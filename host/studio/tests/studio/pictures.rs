//! Pictures of the panes: those in docs/studio are what the window draws. `BLESS=1` makes them anew; look at them then.

use crate::common::{Place, has_nda, has_simulator, press, screen, told, type_in, wait_for, wait_until};
use nda_agent::{Answer, Question, question_file};
use nda_studio::Studio;
use nda_studio::face::glyphs::{Canvas, Glyphs};
use nda_studio::grid::{Grid, Ink};
use nda_studio::panes::PaneKind;
use nda_studio::panes::agents::{Proposed, Waiting, files};
use std::path::{Path, PathBuf};

const SIZE: (usize, usize) = (1200, 640);
/// Share of pixels that may differ: the font's edges are floats.
const TOLERANCE: f64 = 0.002;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn drawn(studio: &mut Studio) -> Vec<u32> {
    let mut glyphs = Glyphs::new(16.0);
    let (columns, rows) = glyphs.fit(SIZE.0, SIZE.1);
    let mut grid = Grid::new(columns, rows);
    studio.draw(&mut grid);
    let mut pixels = vec![0; SIZE.0 * SIZE.1];
    glyphs.draw(&mut Canvas { pixels: &mut pixels, width: SIZE.0, height: SIZE.1 }, &grid, None);
    pixels
}

fn bytes(pixels: &[u32]) -> Vec<u8> {
    pixels.iter().flat_map(|pixel| pixel.to_be_bytes().into_iter().skip(1)).collect()
}

fn write(path: &Path, pixels: &[u32]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(std::fs::File::create(path).unwrap(), SIZE.0 as u32, SIZE.1 as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    encoder.write_header().unwrap().write_image_data(&bytes(pixels)).unwrap();
}

fn read(path: &Path) -> Vec<u8> {
    let file = std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}; BLESS=1 makes it", path.display()));
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width as usize, info.height as usize, info.color_type), (SIZE.0, SIZE.1, png::ColorType::Rgb));
    pixels
}

/// Compares what is drawn with the picture of that name.
fn compare(name: &str, studio: &mut Studio) {
    let path = root().join("docs/studio").join(format!("{name}.png"));
    let pixels = drawn(studio);
    if std::env::var_os("BLESS").is_some() {
        write(&path, &pixels);
    }
    let (wanted, found) = (read(&path), bytes(&pixels));
    let differ = wanted.chunks(3).zip(found.chunks(3)).filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > 32)).count();
    let share = differ as f64 / (SIZE.0 * SIZE.1) as f64;
    if share > TOLERANCE {
        let other = std::env::temp_dir().join(format!("{name}.png"));
        write(&other, &pixels);
        panic!("{:.2} % of the pixels differ from {}; what is drawn is in {}", 100.0 * share, path.display(), other.display());
    }
}

const PROGRAM: &str = include_str!("../../../engine/programs/llama.nda");

#[test]
fn a_broken_program_shows_its_faults() {
    let place = Place::new(&[("models/tiny.nda", PROGRAM.as_bytes()), ("README.md", b""), ("src/lib.rs", b"")]);
    let mut studio = place.studio();
    studio.open(Path::new("models/tiny.nda"));
    press(&mut studio, "ctrl+b escape ctrl+f");
    type_in(&mut studio, "let normed");
    press(&mut studio, "enter left");
    type_in(&mut studio, "x");
    press(&mut studio, "f8 escape");
    compare("program", &mut studio);
}

#[test]
fn the_keys_are_listed() {
    let place = Place::new(&[("a.rs", b"fn main() {\n    println!(\"hello\"); // a comment\n}\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.rs"));
    press(&mut studio, "f1");
    compare("keys", &mut studio);
}

struct Nobody;

impl Waiting for Nobody {
    fn answer(self: Box<Self>, _: &Answer) {}
}

#[test]
fn a_proposal_stands_side_by_side() {
    let place = Place::new(&[("core.rs", b"fn a() {}\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("core.rs"));
    let old = "pub fn lanes(rows: usize) -> usize {\n    rows * 8\n}\n\nfn a() {}\nfn b() {}\nfn c() {}\nfn d() {}\n\nfn depth() -> usize {\n    64\n}\n";
    let new = old.replace("rows * 8", "// One lane per row and column.\n    rows * COLUMNS").replace("64", "DEPTH");
    let [old, new] = [old, &new].map(nda_guard::FileState::plain);
    let file = question_file(&nda_guard::RelPath::new("core.rs").unwrap(), Some(&old), Some(&new));
    let question = Question {
        root: "/project".into(),
        subject: "s".into(),
        who: "an agent".into(),
        tool: "patch_file".into(),
        call: "call 3: name the widths".into(),
        files: vec![file],
        remarks: vec![],
    };
    let (who, call, all) = (question.who.clone(), question.call.clone(), files(&question));
    studio.panes.agents.waiting.push(Proposed { who, call, remarks: Vec::new(), files: all, waiting: Box::new(Nobody) });
    studio.panes.agents.say("> give the widths names", Ink::Keyword);
    studio.panes.show(PaneKind::Agent);
    press(&mut studio, "alt+o down down g end up up up up up up r");
    compare("agent", &mut studio);
}

#[test]
fn a_document_and_the_codes_of_a_tensor() {
    let tiny = std::fs::read(root().join("models/tiny.ndf")).unwrap();
    let place = Place::new(&[("tiny.ndf", &tiny)]);
    let mut studio = place.studio();
    studio.open(Path::new("tiny.ndf"));
    wait_for(&mut studio, "every byte is as its frames say");
    let row = studio.panes.rows(100).iter().position(|row| row.pieces.iter().any(|(text, _)| text.contains("blk.0.q"))).unwrap();
    (0..row).for_each(|_| press(&mut studio, "down"));
    press(&mut studio, "enter");
    wait_for(&mut studio, "weights of");
    compare("document", &mut studio);
}

#[test]
fn a_wave_with_its_phases() {
    if !has_simulator("a_wave_with_its_phases") {
        return;
    }
    let place = Place::new(&[]);
    told(&place.root(), &["wave", "--config", "nano16", "--out", "job.vcd"]);
    let mut studio = place.studio();
    studio.open(Path::new("job.vcd"));
    wait_for(&mut studio, "variables");
    // The path is that of a temporary folder.
    let wave = studio.panes.waves.wave.as_mut().unwrap();
    wave.path = "job.vcd".into();
    let run = wave.phases.iter().position(|(_, name)| name == "run").unwrap();
    press(&mut studio, &"p ".repeat(run));
    press(&mut studio, "+ + + + +");
    compare("waves", &mut studio);
}

#[test]
fn a_search_with_its_replacement() {
    let place = Place::new(&[("a.rs", b"const LIMIT: usize = 8;\nlet x = LIMIT + 1;\n"), ("b/c.md", b"The LIMIT is eight.\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.rs"));
    press(&mut studio, "alt+r L I M I T enter M O S T enter");
    wait_for(&mut studio, "3 places");
    press(&mut studio, "down down down space");
    compare("search", &mut studio);
}

#[test]
fn what_stands_at_the_cursor() {
    let place = Place::new(&[("tiny.nda", PROGRAM.as_bytes())]);
    let mut studio = place.studio();
    studio.open(Path::new("tiny.nda"));
    press(&mut studio, "ctrl+f");
    type_in(&mut studio, "normed");
    press(&mut studio, "enter left f4");
    compare("hover", &mut studio);
}

#[test]
fn a_run_in_the_sandbox() {
    if !crate::common::has_nda("a_run_in_the_sandbox") {
        return;
    }
    let place = Place::new(&[("p.nda", b"fn main() -> int {\n    print(\"hello\");\n    return 6 * 7;\n}\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("p.nda"));
    press(&mut studio, "f5");
    wait_for(&mut studio, "(level ");
    // Its time differs from run to run, its level from kernel to kernel.
    studio.panes.run.end = Some("exit code 0, 12 ms (level 2)".into());
    compare("run", &mut studio);
}

#[test]
fn what_products_cost() {
    if !has_nda("what_products_cost") {
        return;
    }
    let tiny = std::fs::read(root().join("models/tiny.ndf")).unwrap();
    let place = Place::new(&[("tiny.nda", PROGRAM.as_bytes()), ("tiny.ndf", &tiny)]);
    let mut studio = place.studio();
    studio.open(Path::new("tiny.nda"));
    press(&mut studio, "ctrl+end ctrl+g 5 2 enter");
    wait_for(&mut studio, "limit ");
    compare("costs", &mut studio);
}

#[test]
fn the_boards() {
    if !has_simulator("the_boards") {
        return;
    }
    let tiny = std::fs::read(root().join("models/tiny.ndf")).unwrap();
    let place = Place::new(&[("tiny.ndf", &tiny), ("a.rs", b"fn a() {}\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.rs"));
    studio.open(Path::new("tiny.ndf"));
    wait_for(&mut studio, "every byte");
    press(&mut studio, "f11");
    wait_for(&mut studio, "ulx3s-85f");
    // What this machine and this build have is not what the next ones have.
    for group in ["cpu", "gpu", "serial_ports"] {
        studio.panes.boards.devices[group] = serde_json::Value::Null;
    }
    // Whether a record is older than the cores changes with the cores.
    for board in studio.panes.boards.devices["boards"].as_array_mut().unwrap() {
        if board["status"] == "stale" {
            board["status"] = "routed".into();
        }
    }
    if let Some(configs) = studio.panes.boards.devices["configurations"].as_array_mut() {
        configs.retain(|config| config["name"] != "small64" && config["name"] != "nano16");
    }
    let row =
        studio.panes.rows(90).iter().position(|row| row.pieces[0].0.starts_with("config") && row.pieces[1].0.starts_with("token1024"));
    press(&mut studio, &format!("{} l", "down ".repeat(row.unwrap())));
    wait_for(&mut studio, "exit status: 0");
    // The times of a run differ, its words and what it counts do not.
    let keeps = |row: &nda_studio::list::Row| row.pieces[0].0.starts_with("The ") || row.pieces[0].0.starts_with("nda run ");
    let lines: Vec<String> = studio.panes.boards.rows(2000).into_iter().filter(keeps).map(|row| row.pieces[0].0.clone()).collect();
    studio.panes.boards.log = Default::default();
    lines.iter().for_each(|line| studio.panes.boards.log.add(&format!("{line}\n"), Ink::Text));
    compare("boards", &mut studio);
}

#[test]
fn the_way_from_a_product_to_the_wave() {
    if !has_simulator("the_way_from_a_product_to_the_wave") {
        return;
    }
    let place = Place::of_the_command();
    let mut studio = place.studio();
    studio.load_graph();
    studio.open(Path::new("tiny.nda"));
    press(&mut studio, "ctrl+f");
    type_in(&mut studio, "blk.{i}.o\", mixed");
    press(&mut studio, "enter left");
    wait_until(&mut studio, "the way", |studio| {
        press(studio, "f6");
        let shown = screen(studio);
        shown.contains("job.fst: ") && shown.contains("tiles ")
    });
    compare("stack", &mut studio);
}
