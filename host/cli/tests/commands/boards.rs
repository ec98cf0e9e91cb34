//! Boards: planned, behind a serial port, simulated.

#[cfg(feature = "verilator")]
use super::path;
use super::source::model;
use super::{TINY, bad, good, json};
use serde_json::Value;
#[cfg(feature = "verilator")]
use std::fs;

#[test]
fn plan_of_a_board_says_where_weights_go_and_where_a_tokens_time_goes() {
    let (_folder, model) = model();
    let plan = json(&["plan", &model, "--board", "ulx3s-85f", "--json"]);
    let (board, token) = (&plan["board"], &plan["token"]);
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{plan}"));
    assert_eq!(token["layers_on_cpu"], 0, "{plan}");
    assert!((number(&board["array_s"]) - number(&token["run_cycles"]) / (1e6 * number(&board["clock_mhz"]))).abs() < 1e-12);
    assert!((number(&board["link_s"]) - (number(&token["bytes_out"]) + number(&token["bytes_in"])) / 100e3).abs() < 1e-12);
    let total = number(&board["array_s"]) + number(&board["link_s"]) + number(&board["turnaround_s"]);
    assert!((number(&board["tokens_per_second"]) * total - 1.0).abs() < 1e-9);
    let said = good(&["plan", &model, "--board", "ulx3s-85f"]);
    assert!(said.contains("weights in block RAM") && said.contains("tokens/s projected"), "{said}");
    // A board that is too small says which layers stay on the CPU and why; one that is not routed says so.
    let small = good(&["plan", &model, "--board", "hx8k"]);
    assert!(small.contains("layers run on the CPU") && small.contains("not counted"), "{small}");
    assert!(good(&["plan", &model, "--board", "gatemate-evb"]).contains("is not routed"));
    assert!(bad(2, &["plan", &model, "--board", "nowhere"]).contains("ulx3s-85f"));
    let all = json(&["plan", TINY, "--board", "all", "--json"]);
    let row = |name: &str| all["boards"].as_array().unwrap().iter().find(|b| b["board"] == name).unwrap().clone();
    let (large, small) = (row("ulx3s-85f"), row("hx8k"));
    // One board holds all of the layers' products.
    let (weights, held) = (number(&large["weights"]), number(&large["resident_weights"]));
    assert_eq!((large["boards_for_all"].as_u64(), weights, held), (Some(1), 1_015_808.0, 1_015_808.0), "{large}");
    assert!(small["boards_for_all"].as_u64() > Some(30) && small["resident_weights"].as_u64() < small["weights"].as_u64(), "{small}");
    assert!(good(&["plan", TINY, "--board", "all"]).contains("boards for all"));
    bad(2, &["plan", &model, "--board", "ulx3s-85f", "--config", "nano16"]);
}

#[cfg(unix)]
#[test]
fn a_board_on_a_serial_port_speaks_as_the_cpu_does_and_its_loss_is_said() {
    let (_folder, model) = model();
    let config = nda_spec::Config::named("wide256").unwrap();
    let board = nda_device::PtyBridge::start(nda_device::ModelDevice::new(&config, nda_device::ModelPort::Uart)).unwrap();
    let backend = format!("serial:{}@115200", board.path());
    let run = |backend: &str| json(&["run", &model, "--prompt", "ab", "--max-tokens", "8", "--backend", backend, "--json"]);
    assert_eq!(run(&backend)["tokens"], run("cpu")["tokens"]);
    // Without a baud rate it is found; the device is asked what it is.
    let port = format!("serial:{}", board.path());
    assert_eq!(run(&port)["tokens"], run("cpu")["tokens"]);
    let probed = json(&["devices", "--probe", board.path(), "--json"]);
    assert_eq!(probed["serial_ports"][0]["board"]["configuration"], "wide256", "{probed}");
    assert!(good(&["devices", "--probe", board.path()]).contains("configuration wide256"));
    drop(board);
    bad(4, &["run", &model, "--prompt", "ab", "--backend", &backend]);
    // Whoever names a port expects a board there.
    for more in [&[][..], &["--json"]] {
        let said = bad(4, &[&["devices", "--probe", "/dev/nda-no-such-port"][..], more].concat());
        assert!(said.contains("no such port") && said.contains("'nda devices' lists"), "{said}");
    }
    bad(2, &["devices", "--probe", "/dev/nda-no-such-port@fast"]);
}

#[cfg(feature = "verilator")]
#[test]
fn the_simulated_board_speaks_as_the_cpu_does_in_the_cycles_of_the_plan() {
    let (_folder, model) = model();
    let said = good(&["demo", &model, "--prompt", "ab", "--max-tokens", "4", "--backends", "cpu,sim,sim-uart:small64,sim:nano16"]);
    assert_eq!(said.lines().filter(|l| l.ends_with("4 of 4 tokens equal to cpu")).count(), 4, "{said}");
    for config in ["wide256", "small64", "nano16"] {
        let backend = format!("sim:{config}");
        let run = json(&["run", &model, "--prompt", "ab", "--max-tokens", "6", "--backend", &backend, "--json"]);
        let plan = json(&["plan", &model, "--config", config, "--json"]);
        assert_eq!(run["decode"]["run_cycles_per_token"].as_f64(), plan["token"]["run_cycles"].as_f64(), "{config}");
        assert_eq!(json(&["verify", "--backend", &backend, "--shapes", "1", "--json"])["mismatches"].as_array().unwrap().len(), 0);
    }
}

#[cfg(feature = "verilator")]
#[test]
fn simulated_boards_that_share_a_model_speak_as_the_cpu_does() {
    // 1.1 M weights on boards of 0.5 M: products are split over three, and none is left to the CPU.
    let said = good(&["demo", TINY, "--prompt", "The ", "--max-tokens", "2", "--backends", "cpu,sim:small64*3,sim:small64+sim:nano16"]);
    assert_eq!(said.lines().filter(|l| l.ends_with("2 of 2 tokens equal to cpu")).count(), 3, "{said}");
    let run = json(&["run", TINY, "--prompt", "The ", "--max-tokens", "2", "--backend", "sim:small64*3", "--json"]);
    assert_eq!(run["on_cpu"].as_array().map(Vec::len), Some(0), "{run}");
    assert!(run["backend"].as_str().unwrap().starts_with("3 boards"), "{run}");
}

#[cfg(feature = "verilator")]
#[test]
fn waves_hold_the_boards_signals() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "job.vcd");
    let said = good(&["wave", "--config", "nano16", "--out", &file]);
    assert!(said.contains("cycles"), "{said}");
    let waves = fs::read_to_string(&file).unwrap();
    assert!(waves.contains("$enddefinitions") && waves.contains("tx_valid"), "no VCD of the board");
    bad(3, &["wave", "--config", "nano16", "--out", "/nowhere/job.vcd"]);
    // The format follows the file's name or the option.
    let (fst, other) = (path(&folder, "job.fst"), path(&folder, "job"));
    good(&["wave", "--config", "nano16", "--out", &fst]);
    good(&["wave", "--config", "nano16", "--out", &other, "--format", "fst"]);
    let head = |file: &str| fs::read(file).unwrap()[..9].to_vec();
    assert_eq!(head(&fst), head(&other), "both are FST: a header block and its length");
    assert_eq!(head(&fst)[0], 0);
}
