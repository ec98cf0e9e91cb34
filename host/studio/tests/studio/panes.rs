//! Documents, waves, boards, the sandbox, costs, the way through the stack: on the project's own files, asked of the command.

use crate::common::{Place, WAVE, has_nda, press, screen, text, told, type_in, wait_for, wait_until};
use nda_studio::grid::Grid;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn tiny() -> Vec<u8> {
    std::fs::read(root().join("models/tiny.ndf")).unwrap()
}

#[test]
fn a_document_shows_frames_hashes_and_the_codes_of_its_tensors() {
    let place = Place::new(&[("tiny.ndf", &tiny())]);
    let mut studio = place.studio();
    studio.open(Path::new("tiny.ndf"));
    let shown = wait_for(&mut studio, "every byte is as its frames say");
    assert!(shown.contains("program") && shown.contains("blk.0.q"), "{shown}");
    let row = studio.panes.rows(100).iter().position(|row| row.pieces.iter().any(|(text, _)| text.contains("blk.0.q"))).unwrap();
    for _ in 0..row {
        press(&mut studio, "down");
    }
    press(&mut studio, "enter");
    wait_for(&mut studio, "weights of");
    let codes = studio.panes.document.codes.clone().unwrap();
    let chosen = studio.panes.list().chosen;
    assert!(studio.panes.rows(100)[chosen].pieces.iter().any(|(text, _)| text.contains("blk.0.q ")), "the tensor stays chosen");
    let mapped = nda_ndf::MappedDocument::open(root().join("models/tiny.ndf")).unwrap();
    let document = mapped.document();
    let matrix = document.matrix("blk.0.q").unwrap();
    let mut counted = std::collections::BTreeMap::new();
    (0..matrix.stacks())
        .for_each(|stack| matrix.stack(stack).to_values().into_iter().for_each(|code| *counted.entry((stack, code)).or_insert(0) += 1));
    assert_eq!(codes.counts, counted);
    assert!(screen(&mut studio).contains('\u{2588}'));
}

#[test]
fn a_damaged_document_says_where() {
    let mut bytes = tiny();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let place = Place::new(&[("bad.ndf", &bytes)]);
    let mut studio = place.studio();
    studio.open(Path::new("bad.ndf"));
    wait_until(&mut studio, "an error", |studio| studio.panes.document.error.is_some());
    assert!(studio.panes.document.error.as_ref().unwrap().contains("frame"), "{:?}", studio.panes.document.error);
}

#[test]
fn a_documents_program_is_edited_in_place_and_put_back_checked() {
    if !has_nda("a_documents_program_is_edited_in_place") {
        return;
    }
    let place = Place::new(&[("tiny.ndf", &tiny())]);
    let mut studio = place.studio();
    studio.open(Path::new("tiny.ndf"));
    wait_for(&mut studio, "every byte");
    press(&mut studio, "p");
    assert!(text(&studio).contains("fn forward"));
    type_in(&mut studio, "brok en ");
    press(&mut studio, "ctrl+s");
    wait_until(&mut studio, "an answer", |studio| !studio.message.starts_with("converting"));
    let wanted = ["tiny.ndf is as it was: expected", "at tiny.program.nda:1:", "; mend it, then ctrl+s again"];
    assert!(wanted.iter().all(|words| studio.message.contains(words)), "{}", studio.message);
    assert!(place.read("tiny.ndf") == tiny(), "a program that does not compile changes nothing");
    press(&mut studio, "ctrl+z ctrl+home");
    type_in(&mut studio, "// mine");
    press(&mut studio, "enter ctrl+s");
    wait_for(&mut studio, "converted, checked, written");
    let mapped = nda_ndf::MappedDocument::open(place.root().join("tiny.ndf")).unwrap();
    assert!(mapped.document().program().unwrap().starts_with("// mine\n"));
}

#[test]
fn the_file_and_the_selection_run_in_the_sandbox_by_one_key() {
    if !has_nda("the_file_and_the_selection_run") {
        return;
    }
    let program = b"fn main() -> int {\n    print(\"hello\");\n    return 6 * 7;\n}\n";
    let place = Place::new(&[("p.nda", program), ("s.sh", b"echo out; echo x > new.txt; touch /etc/x; ls /root | wc -l\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("p.nda"));
    press(&mut studio, "f5");
    let shown = wait_for(&mut studio, "(level ");
    assert!(shown.contains("hello") && shown.contains("42"), "{shown}");
    press(&mut studio, "ctrl+g 2 enter home shift+end f5");
    let shown = wait_for(&mut studio, "(level ");
    assert!(shown.contains("the selection") && shown.contains("hello") && !shown.contains("  42"), "{shown}");
    studio.open(Path::new("s.sh"));
    press(&mut studio, "f5");
    let shown = wait_for(&mut studio, "(level ");
    assert!(shown.contains("out") && shown.contains("1 changed files"), "{shown}");
    assert!(!place.root().join("new.txt").exists(), "the project is as it was");
}

#[test]
fn products_have_their_costs_beside_them() {
    if !has_nda("products_have_their_costs") {
        return;
    }
    let place = Place::new(&[("tiny.ndf", &tiny()), ("tiny.nda", include_bytes!("../../../engine/programs/llama.nda"))]);
    let mut studio = place.studio();
    studio.open(Path::new("tiny.nda"));
    press(&mut studio, "ctrl+end up up");
    let shown = wait_for(&mut studio, "bytes, ");
    let plan = serde_json::from_str::<serde_json::Value>(&told(&place.root(), &["plan", "tiny.ndf", "--json"])).unwrap();
    let head = plan["layers"].as_array().unwrap().iter().find(|layer| layer["layer"] == "head").unwrap();
    let limit = head["limit"].as_str().unwrap();
    assert_ne!(head["run_cycles"], head["link_cycles"]);
    let line = shown.lines().find(|line| line.contains("gemv(\"head\"")).unwrap();
    assert!(line.contains(&format!("limit {limit}, 946,000 cycles, 946 bytes, 63 run cycles, 256 x 128")), "{line}\n{plan}");
    // A line that fills the window says what limits its product over its end.
    press(&mut studio, "ctrl+g 6 2 enter");
    let mut grid = Grid::new(120, 40);
    studio.draw(&mut grid);
    let down = (0..40).map(|y| grid.text(y)).find(|line| line.contains("gemv(\"blk.{i}.down\"")).unwrap();
    assert!(down.ends_with(&format!("limit {limit}")), "{down}");
}

#[test]
fn a_wave_is_drawn_with_its_phases() {
    let place = Place::new(&[("w.vcd", WAVE.as_bytes()), ("bad.fst", b"no wave")]);
    let mut studio = place.studio();
    studio.open(Path::new("w.vcd"));
    let shown = wait_for(&mut studio, "top.clk");
    assert!(shown.contains("\u{25b8}run") && shown.contains("\u{2502}a5"), "{shown}");
    let wave = studio.panes.waves.wave.as_ref().unwrap();
    let data = wave.variables.iter().position(|one| one.name == "top.data").unwrap();
    assert_eq!((wave.value(data, 19), wave.value(data, 20)), (Some("0"), Some("a5")));
    studio.open(Path::new("bad.fst"));
    wait_for(&mut studio, "cannot be read");
}

#[test]
fn a_wave_of_the_simulator_is_drawn_like_any_other() {
    use fst_writer::{FstFileType, FstHeaderWriter, FstInfo, FstScopeType, FstSignalType, FstVarDirection, FstVarType};
    let info = FstInfo { start_time: 0, timescale_exponent: -12, version: "".into(), date: "".into(), file_type: FstFileType::Verilog };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut header = FstHeaderWriter::new(&mut bytes, &info).unwrap();
    header.scope("board", "", FstScopeType::Module).unwrap();
    let mut var =
        |name: &str, bits| header.var(name, FstSignalType::bit_vec(bits), FstVarType::Wire, FstVarDirection::Implicit, None).unwrap();
    let (busy, word) = (var("run_busy", 1), var("word", 8));
    header.up_scope().unwrap();
    let mut body = header.finish().unwrap();
    for (time, flag, value) in [(0, b"0", b"00000000"), (10, b"1", b"10100101"), (30, b"0", b"11111111")] {
        body.time_change(time).unwrap();
        body.signal_change(busy, flag).unwrap();
        body.signal_change(word, value).unwrap();
    }
    body.finish().unwrap();
    let place = Place::new(&[("w.fst", &bytes.into_inner())]);
    let mut studio = place.studio();
    studio.open(Path::new("w.fst"));
    let shown = wait_for(&mut studio, "board.run_busy");
    assert!(shown.contains("\u{25b8}run") && shown.contains("\u{2502}a5"), "{shown}");
    let wave = studio.panes.waves.wave.as_ref().unwrap();
    let word = wave.variables.iter().position(|one| one.name == "board.word").unwrap();
    assert_eq!((wave.value(word, 9), wave.value(word, 29), wave.value(word, 30)), (Some("0"), Some("a5"), Some("ff")));
}

/// An FST of a module with the array's sums.
fn fst_of_sums() -> Vec<u8> {
    use fst_writer::{FstFileType, FstHeaderWriter, FstInfo, FstScopeType, FstSignalType, FstVarDirection, FstVarType};
    let info = FstInfo { start_time: 0, timescale_exponent: -9, version: "".into(), date: "".into(), file_type: FstFileType::Verilog };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut header = FstHeaderWriter::new(&mut bytes, &info).unwrap();
    header.scope("top_array", "", FstScopeType::Module).unwrap();
    let sums = header.var("result", FstSignalType::bit_vec(8), FstVarType::Wire, FstVarDirection::Implicit, None).unwrap();
    header.up_scope().unwrap();
    let mut body = header.finish().unwrap();
    for (time, value) in [(0, b"00000000"), (10, b"10100101"), (30, b"11111111")] {
        body.time_change(time).unwrap();
        body.signal_change(sums, value).unwrap();
    }
    body.finish().unwrap();
    bytes.into_inner()
}

#[test]
fn waves_of_both_formats_and_of_many_megabytes_are_on_the_way_and_what_is_left_out_is_said() {
    let place = Place::of_a_product("w.vcd");
    let mut wave = place.read("w.vcd");
    wave.extend("#50\n1!\n#60\n0!\n".repeat(700_000).as_bytes());
    assert!(wave.len() > 9 << 20);
    std::fs::write(place.root().join("large.vcd"), wave).unwrap();
    std::fs::write(place.root().join("w.fst"), fst_of_sums()).unwrap();
    std::fs::write(place.root().join("bad.fst"), b"no wave").unwrap();
    std::fs::write(place.root().join("large.v"), "// a comment\n".repeat(700_000)).unwrap();
    let mut studio = place.follow("w.vcd");
    let shown = screen(&mut studio);
    for told in ["large.vcd: top_array.result", "w.fst: top_array.result", "not readable: large.v", "not readable: bad.fst"] {
        assert!(shown.contains(told), "{told}:\n{shown}");
    }
}

#[test]
fn a_configuration_runs_in_its_simulator_and_its_words_come_as_they_are_made() {
    let script = b"#!/bin/sh
case $1 in
devices) echo '{\"configurations\":[{\"name\":\"token1024\",\"simulated\":[\"sim:token1024\"]}]}' ;;
*) printf 'on %s: The ' \"$4\"; until [ -e \"$(dirname \"$0\")/go\" ]; do sleep 0.02; done; echo end; echo 7 counted >&2 ;;
esac
";
    let place = Place::new(&[("tiny.ndf", &tiny()), ("nda.sh", script)]);
    let script = place.root().join("nda.sh");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut studio = place.studio_with(script.into_os_string());
    studio.open(Path::new("tiny.ndf"));
    wait_for(&mut studio, "every byte");
    press(&mut studio, "f11");
    wait_until(&mut studio, "the configuration", |studio| {
        // A script that was just written may be busy for as long as another test starts a process.
        if studio.panes.boards.error.is_some() && !studio.panes.boards.is_asking {
            press(studio, "f11");
        }
        studio.panes.boards.error.is_none() && screen(studio).contains("token1024")
    });
    press(&mut studio, "l");
    wait_for(&mut studio, "on sim:token1024: The");
    assert!(!screen(&mut studio).contains("counted"));
    std::fs::write(place.root().join("go"), "").unwrap();
    wait_for(&mut studio, "7 counted");
    wait_for(&mut studio, "The end");
}

#[test]
fn the_rows_above_a_wave_stay_and_the_end_of_a_run_is_followed() {
    let vars: String = (0..90).map(|n| format!("$var wire 1 n{n} v{n:03} $end\n")).collect();
    let wave = WAVE.replace("$upscope $end\n", &format!("{vars}$upscope $end\n"));
    let place = Place::new(&[("w.vcd", wave.as_bytes()), ("s.sh", b"seq 1 200; echo the last\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("w.vcd"));
    wait_for(&mut studio, "top.clk");
    press(&mut studio, "end");
    let shown = screen(&mut studio);
    assert!(shown.contains("v089") && !shown.contains("v001"), "{shown}");
    assert!(shown.contains("w.vcd: 93 variables") && shown.contains("\u{25b8}run"), "{shown}");
    if has_nda("the_end_of_a_run_is_followed") {
        studio.open(Path::new("s.sh"));
        press(&mut studio, "f5");
        let shown = wait_for(&mut studio, "(level ");
        assert!(shown.contains("the last"), "{shown}");
    }
}

#[test]
fn boards_are_what_the_command_says_and_a_flash_needs_the_boards_name() {
    let place = Place::new(&[("devices.sh", b"#!/bin/sh\necho '{\"serial_ports\":[{\"backend\":\"serial:/dev/ttyUSB0\",\"what\":\"FT231X\",\"board\":{\"name\":\"ulx3s-85f\"}}]}'\n")]);
    let script = place.root().join("devices.sh");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut studio = place.studio_with(script.into_os_string());
    press(&mut studio, "f11");
    wait_for(&mut studio, "ulx3s-85f");
    press(&mut studio, "enter y enter");
    assert!(studio.message.starts_with("red: nothing is written"), "{}", studio.message);
}

#[test]
fn a_product_is_followed_to_tensor_core_verilog_and_wave_and_back() {
    if !has_nda("a_product_is_followed_to_tensor") {
        return;
    }
    let place = Place::of_a_product("w.vcd");
    let mut studio = place.follow("w.vcd");
    let shown = wait_for(&mut studio, "token1024: 32 words from word 0");
    for layer in ["program", "tensor", "tiles", "core", "verilog", "wave"] {
        assert!(shown.lines().any(|line| line.contains(&format!("{layer:<8}"))), "{layer}:\n{shown}");
    }
    press(&mut studio, "end enter");
    let shown = wait_for(&mut studio, "top_array.result = a5 at 20, cycle 1");
    assert!(shown.lines().any(|line| line.contains("\u{25c6}") && !line.contains("top_array")), "the moment is marked:\n{shown}");
    let wave = studio.panes.waves.mark.unwrap().variable;
    assert_eq!(studio.panes.list().chosen, wave + 4, "the variable is chosen");
    press(&mut studio, "N");
    assert!(screen(&mut studio).contains("top_array.result = 0 at 0, cycle 0"), "{}", screen(&mut studio));
    press(&mut studio, "f6");
    wait_until(&mut studio, "the way", |studio| screen(studio).contains("From product"));
    press(&mut studio, "end up enter");
    assert_eq!(studio.buffer().unwrap().path.to_string(), "top.v");
    press(&mut studio, "alt+o home enter");
    assert_eq!(studio.buffer().unwrap().path.to_string(), "p.nda", "and back");
}
