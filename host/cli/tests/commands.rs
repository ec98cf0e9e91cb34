//! The command as a person runs it: outputs, files, exit codes.

use nda_engine::SplitMix64;
use nda_spec::{WeightCode, golden, tile};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The committed model.
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");

fn nda(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nda")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Standard output of a command that must succeed.
fn good(arguments: &[&str]) -> String {
    let output = nda(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&good(arguments)).unwrap()
}

/// Standard error of a command that must fail with this code and in three lines.
fn bad(code: i32, arguments: &[&str]) -> String {
    let output = nda(arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    let lines: Vec<&str> = said.lines().filter(|l| !l.starts_with("note:")).collect();
    assert_eq!(lines.len(), 3, "{arguments:?}: {said}");
    assert!(lines[0].starts_with("error: ") && lines[1].starts_with("  at: ") && lines[2].starts_with("  help: "), "{said}");
    assert!(lines.iter().all(|l| l.split_once(": ").is_some_and(|(_, rest)| !rest.is_empty())), "{said}");
    said
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_string()
}

const D: usize = 32;
const FF: usize = 120;
const CONTEXT: usize = 20;

/// A trained model's file, with random numbers for training.
fn write_safetensors(file: &str) {
    let mut random = SplitMix64(7);
    let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    let floats = |tensors: &mut Vec<_>, random: &mut SplitMix64, name: String, shape: Vec<usize>, base: f64| {
        let count = shape.iter().product();
        let data = (0..count).flat_map(|_| ((base + random.unit() - 0.5) as f32).to_le_bytes()).collect();
        tensors.push((name, Dtype::F32, shape, data));
    };
    let codes = |tensors: &mut Vec<(String, Dtype, Vec<usize>, Vec<u8>)>, random: &mut SplitMix64, name: &str, rows: usize, cols: usize| {
        let values = WeightCode::Quaternary.values();
        let data = (0..rows * cols).map(|_| values[random.below(4)] as u8).collect();
        tensors.push((format!("{name}.code"), Dtype::I8, vec![rows, cols], data));
        let scales = (0..rows).flat_map(|_| ((0.2 + random.unit()) as f32 / (cols as f32).sqrt()).to_le_bytes()).collect();
        tensors.push((format!("{name}.scale"), Dtype::F32, vec![rows], scales));
    };
    floats(&mut tensors, &mut random, "model.embed_tokens.weight".into(), vec![256, D], 0.0);
    for layer in 0..2 {
        let at = |name: &str| format!("model.layers.{layer}.{name}");
        for norm in ["input_layernorm.weight", "post_attention_layernorm.weight"] {
            floats(&mut tensors, &mut random, at(norm), vec![D], 1.0);
        }
        for part in ["q", "k", "v", "o"] {
            codes(&mut tensors, &mut random, &at(&format!("self_attn.{part}_proj")), D, D);
        }
        codes(&mut tensors, &mut random, &at("mlp.gate_proj"), FF, D);
        codes(&mut tensors, &mut random, &at("mlp.up_proj"), FF, D);
        codes(&mut tensors, &mut random, &at("mlp.down_proj"), D, FF);
    }
    floats(&mut tensors, &mut random, "model.norm.weight".into(), vec![D], 1.0);
    codes(&mut tensors, &mut random, "lm_head", 256, D);
    let metadata: HashMap<String, String> = [
        ("architecture", "llama"),
        ("vocab", "bytes"),
        ("d_model", "32"),
        ("n_layers", "2"),
        ("n_heads", "4"),
        ("n_kv_heads", "4"),
        ("ff", "120"),
        ("rope_theta", "10000.0"),
        ("rms_eps", "1e-05"),
        ("context", "20"),
        ("activation", "A8"),
        ("weights", "quaternary"),
    ]
    .map(|(k, v)| (k.to_string(), v.to_string()))
    .into();
    let views = tensors.iter().map(|(name, dtype, shape, data)| (name.clone(), TensorView::new(*dtype, shape.clone(), data).unwrap()));
    fs::write(file, safetensors::serialize(views, Some(metadata)).unwrap()).unwrap();
}

/// A folder with a converted model.
fn model() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let (source, model) = (path(&folder, "model.safetensors"), path(&folder, "model.ndf"));
    write_safetensors(&source);
    good(&["convert", &source, &model]);
    (folder, model)
}

#[test]
fn a_converted_model_speaks_the_same_on_every_back_end() {
    let (_folder, model) = model();
    let say = |backend: &str| json(&["run", &model, "--prompt", "ab", "--max-tokens", "30", "--backend", backend, "--json"]);
    let cpu = say("cpu:portable");
    assert_eq!(cpu["tokens"].as_array().unwrap().len(), 30);
    assert!(cpu["slides"].as_u64().unwrap() > 0, "30 tokens do not fit a context of {CONTEXT}");
    assert_eq!(cpu["decode"]["cycles_per_token"], Value::Null);
    for backend in ["cpu", "loopback", "loopback:small64", "loopback-uart", "loopback:nano16"] {
        let other = say(backend);
        assert_eq!(other["tokens"], cpu["tokens"], "{backend}");
        if backend.starts_with("loopback") {
            assert!(other["decode"]["cycles_per_token"].as_f64().unwrap() > 0.0);
        }
    }
    let sample = |seed: &str| {
        good(&["run", &model, "--prompt", "ab", "--max-tokens", "12", "--temperature", "1.2", "--top-k", "40", "--seed", seed])
    };
    assert_eq!(sample("3"), sample("3"));
    assert_ne!(sample("3"), sample("4"));
}

#[test]
fn a_demonstration_ends_with_its_table_and_every_token_equal() {
    let (_folder, model) = model();
    let said = good(&["demo", &model, "--max-tokens", "9", "--backends", "cpu,loopback,loopback-uart"]);
    let rows: Vec<&str> = said.lines().filter(|l| l.ends_with("9 of 9 tokens equal to cpu")).collect();
    assert_eq!(rows.len(), 3, "{said}");
    assert!(said.starts_with("She was not ") && said.contains("cycles per token"), "{said}");
}

#[test]
fn a_plan_predicts_the_cycles_beats_and_jobs_of_a_token() {
    let (_folder, model) = model();
    let plan = json(&["plan", &model, "--port", "parallel", "--json"]);
    assert_eq!(plan["layers"].as_array().unwrap().len(), 9);
    let token = &plan["token"];
    assert_eq!(token["layers_on_cpu"], 0);
    let run = json(&["run", &model, "--prompt", "a", "--max-tokens", "10", "--backend", "loopback", "--json"]);
    for (planned, counted) in [("run_cycles", "run_cycles_per_token"), ("jobs", "jobs_per_token")] {
        assert_eq!(token[planned].as_f64(), run["decode"][counted].as_f64(), "{planned}");
    }
    let small = json(&["plan", &model, "--config", "nano16", "--json"]);
    let refused = small["layers"].as_array().unwrap().iter().filter(|l| l["resident"] == false).count();
    assert_eq!(small["token"]["layers_on_cpu"].as_u64().unwrap(), refused as u64);
    assert!(refused > 0 && good(&["plan", &model, "--config", "nano16"]).contains("tile words"));
}

#[test]
fn bits_per_byte_are_equal_on_two_back_ends() {
    let (folder, model) = model();
    let file = path(&folder, "text.txt");
    fs::write(&file, "All happy families are alike; each unhappy family is unhappy in its own way.").unwrap();
    let measure = |backend: &str| json(&["eval", &model, "--text", &file, "--max-bytes", "50", "--backend", backend, "--json"]);
    let cpu = measure("cpu");
    assert_eq!(cpu["predicted_bytes"], 49);
    assert!(cpu["bits_per_byte"].as_f64().unwrap() > 1.0);
    assert_eq!(cpu["bits_per_byte"], measure("loopback")["bits_per_byte"]);
    bad(2, &["eval", &model, "--text", &file, "--max-bytes", "1"]);
}

#[test]
fn changed_missing_and_trailing_bytes_are_located() {
    let (folder, model) = model();
    assert!(good(&["check", &model]).starts_with("good: "));
    let bytes = fs::read(&model).unwrap();
    let broken = path(&folder, "broken.ndf");
    for (what, changed) in [
        ("frame", {
            let mut b = bytes.clone();
            let at = b.len() / 2;
            b[at] ^= 4;
            b
        }),
        ("byte", bytes[..bytes.len() - 64].to_vec()),
        ("byte", [&bytes[..], &[0; 64]].concat()),
        ("header", {
            let mut b = bytes.clone();
            b[9] ^= 1;
            b
        }),
    ] {
        fs::write(&broken, changed).unwrap();
        let said = bad(3, &["check", &broken]);
        assert!(said.lines().nth(1).unwrap().contains(what), "{said}");
        bad(3, &["run", &broken, "--prompt", "a"]);
    }
    let info = json(&["info", &model, "--json"]);
    assert_eq!(info["metadata"]["d_model"], "32");
    assert!(good(&["info", &model]).contains("blk.1.down"));
}

#[test]
fn the_kernels_of_this_machine_are_named_with_their_reason() {
    let info = json(&["info", "--cpu", "--json"]);
    let variants = info["variants"].as_array().unwrap();
    let chosen: Vec<&Value> = variants.iter().filter(|v| v["chosen"] == true).collect();
    assert_eq!(chosen.len(), 1, "{info}");
    assert!(chosen[0]["needs"].as_object().unwrap().values().all(|found| *found == true), "{info}");
    let said = good(&["info", "--cpu"]);
    assert!(said.contains("runs: the best") && variants.iter().all(|v| said.contains(v["name"].as_str().unwrap())), "{said}");
    bad(2, &["info"]);
    bad(2, &["info", "--cpu", "file"]);
}

#[test]
fn a_benchmark_records_what_it_measured_and_on_what() {
    let folder = tempfile::tempdir().unwrap();
    let (record, peers) = (path(&folder, "record"), path(&folder, "peers.json"));
    fs::write(&peers, r#"{"peers": [{"name": "somebody's <kernel>", "level": "L3", "threads": 1, "gmac_per_s": 12.5}]}"#).unwrap();
    let all = ["bench", "--quick", "--threads", "1", "--seconds", "0.001", "--only", "portable", "--peers", &peers, "--record", &record];
    let said = good(&all);
    assert!(said.contains("portable quaternary A8") && said.contains("somebody's <kernel>") && said.contains("read roofs"), "{said}");
    let kernels: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("record/kernels.json")).unwrap()).unwrap();
    assert_eq!((&kernels["evidence"], &kernels["seed"]), (&Value::from("measured"), &Value::from(1)));
    assert!(kernels["machine"]["cpu"].is_string() && kernels["machine"]["commit"].is_string(), "{kernels}");
    assert!(kernels["kernels"].as_array().unwrap().iter().all(|k| k["gmac_per_s"].as_f64().unwrap() > 0.0), "{kernels}");
    for plot in ["rates.svg", "shares.svg"] {
        let svg = fs::read_to_string(folder.path().join("record").join(plot)).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("portable") && !svg.contains("<kernel>"), "{svg}");
    }
    bad(2, &["bench", "--seconds", "0"]);
    bad(2, &["bench", "--only", "no such kernel"]);
    bad(3, &["bench", "--peers", &path(&folder, "none.json")]);
    fs::write(&peers, r#"{"peers": [{"name": "x"}]}"#).unwrap();
    assert!(bad(3, &["bench", "--peers", &peers]).contains("peer 0 has no 'level'"));
}

#[test]
fn article_matrices_survive_both_ways_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (article, document, back) = (path(&folder, "m.nda"), path(&folder, "m.ndf"), path(&folder, "back.nda"));
    for (code, rows, cols) in [(WeightCode::Ternary, 3, 7), (WeightCode::Quaternary, 9, 65), (WeightCode::Quaternary, 32, 64)] {
        fs::write(&article, article_bytes(code, rows, cols)).unwrap();
        good(&["convert", &article, &document, "--tensor", "w"]);
        good(&["check", &document]);
        good(&["convert", &document, &back]);
        assert_eq!(fs::read(&back).unwrap(), fs::read(&article).unwrap(), "{code:?} {rows} x {cols}");
    }
    assert!(json(&["info", &article, "--json"])["rows"] == 32);
    let mut broken = fs::read(&article).unwrap();
    broken.push(0);
    fs::write(&article, broken).unwrap();
    bad(3, &["check", &article]);
}

fn weights_of(code: WeightCode, rows: usize, cols: usize) -> Vec<i8> {
    (0..rows * cols).map(|i| code.values()[(i * 7 + i / 3) % code.values().len()]).collect()
}

fn article_bytes(code: WeightCode, rows: usize, cols: usize) -> Vec<u8> {
    let words = tile::pack(rows, cols, code, &weights_of(code, rows, cols)).unwrap();
    let matrix = nda_spec::TileMatrix::new(rows, cols, code, &words).unwrap();
    nda_ndf::LegacyMatrix::from_tiles(matrix, 0.5).unwrap().to_bytes()
}

/// A NumPy file by hand: one header, then the values.
fn npy(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

#[test]
fn gemv_writes_exact_integers_from_article_files_and_from_tensors() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, cols, code) = (37, 67, WeightCode::Quaternary);
    let (article, document, input, output) =
        (path(&folder, "m.bin"), path(&folder, "m.ndf"), path(&folder, "x.npy"), path(&folder, "y.npy"));
    fs::write(&article, article_bytes(code, rows, cols)).unwrap();
    good(&["convert", &article, &document, "--tensor", "w"]);
    let x: Vec<i8> = (0..cols).map(|i| (i * 53 % 256) as u8 as i8).collect();
    fs::write(&input, npy("|i1", "(67,)", &x.iter().map(|v| *v as u8).collect::<Vec<_>>())).unwrap();
    let expected: Vec<u8> = golden::gemv(rows, cols, &weights_of(code, rows, cols), &x).iter().flat_map(|v| v.to_le_bytes()).collect();
    for weights in [article.clone(), document.clone(), format!("{document}:w")] {
        for backend in ["cpu", "cpu:portable", "loopback", "loopback:nano16"] {
            good(&["gemv", "--weights", &weights, "--input", &input, "--output", &output, "--backend", backend]);
            assert_eq!(fs::read(&output).unwrap(), npy("<i4", "(37,)", &expected), "{weights} on {backend}");
        }
    }
    let gemv = |weights: &str| {
        ["gemv".to_string(), "--weights".into(), weights.into(), "--input".into(), input.clone(), "--output".into(), output.clone()]
    };
    let call = |weights: &str| gemv(weights).iter().map(String::as_str).map(String::from).collect::<Vec<_>>();
    let fails = |code: i32, weights: &str| {
        let arguments = call(weights);
        bad(code, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    fails(2, &format!("{document}:nothing"));
    fails(2, &format!("{article}:w"));
    fails(3, "nowhere.ndf");
    for (dtype, shape, data, said) in [
        ("<f4", "(67,)", vec![0; 268], "dtype is '<f4'"),
        ("|i1", "(67, 1)", vec![0; 67], "one dimension"),
        ("|i1", "(66,)", vec![0; 66], "66 values"),
        ("|i1", "(67,)", vec![0; 66], "ends after"),
    ] {
        fs::write(&input, npy(dtype, shape, &data)).unwrap();
        let message = fails(3, &article);
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn every_back_end_that_is_here_verifies() {
    let devices = json(&["devices", "--json"]);
    let kernels: Vec<String> = devices["cpu"].as_array().unwrap().iter().map(|c| c["backend"].as_str().unwrap().to_string()).collect();
    assert!(kernels.contains(&"cpu:portable".to_string()));
    let boards = ["cpu", "loopback", "loopback-uart:small64", "loopback:nano16"].map(String::from);
    for backend in kernels.into_iter().chain(boards) {
        let found = json(&["verify", "--backend", &backend, "--seed", "5", "--shapes", "3", "--json"]);
        assert_eq!(found["mismatches"].as_array().unwrap().len(), 0, "{backend}");
        assert!(found["products"].as_u64().unwrap() > 100 && found["refused"].as_array().unwrap().is_empty(), "{found}");
    }
}

#[test]
fn every_failure_has_its_exit_code_and_three_lines() {
    let (folder, model) = model();
    let prompt = ["--prompt", "a"];
    let run = |more: &[&str]| [&["run", &model][..], &prompt, more].concat().into_iter().map(String::from).collect::<Vec<_>>();
    for more in [
        &["--backend", "npu"][..],
        &["--backend", "sim:huge"],
        &["--temperature", "-1"],
        &["--top-p", "2"],
        &["--nonsense"],
        &["--max-tokens", "x"],
    ] {
        let arguments = run(more);
        bad(2, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }
    bad(2, &["run", &model, "--prompt", ""]);
    bad(2, &["run", &model, "--prompt", "longer than the context of twenty"]);
    bad(2, &["fly"]);
    bad(2, &[]);
    bad(3, &["run", &path(&folder, "nowhere.ndf"), "--prompt", "a"]);
    bad(3, &["run", &path(&folder, "model.safetensors"), "--prompt", "a"]);
    bad(3, &["info", env!("CARGO_BIN_EXE_nda")]);
    bad(3, &["convert", env!("CARGO_BIN_EXE_nda"), &path(&folder, "out.ndf")]);
    bad(4, &["run", &model, "--prompt", "a", "--backend", "serial:/nowhere/tty"]);
    assert!(good(&["--help"]).contains("Exit codes"));
    assert!(good(&["--version"]).starts_with("nda "));
}

#[test]
fn what_is_not_a_complete_model_is_not_converted() {
    let folder = tempfile::tempdir().unwrap();
    let (source, document) = (path(&folder, "m.safetensors"), path(&folder, "m.ndf"));
    write_safetensors(&source);
    let bytes = fs::read(&source).unwrap();
    let replace = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut changed = bytes.clone();
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
        fs::write(&source, changed).unwrap();
    };
    for (from, to) in
        [("layers.1.mlp.up_proj.code", "layers.1.mlp.xx_proj.code"), ("\"d_model\":\"32\"", "\"d_model\":\"64\""), ("\"ff\"", "\"gg\"")]
    {
        replace(from, to);
        bad(3, &["convert", &source, &document]);
        assert!(!Path::new(&document).exists(), "nothing is written after {from} -> {to}");
    }
    fs::write(&source, &bytes[..bytes.len() - 1]).unwrap();
    bad(3, &["convert", &source, &document]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (_folder, model) = model();
    let mut child = Command::new(env!("CARGO_BIN_EXE_nda"))
        .args(["run", &model, "--prompt", "a", "--max-tokens", "3000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

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
    assert!(good(&["plan", &model, "--board", "orangecrab"]).contains("is not routed"));
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

#[cfg(feature = "emit")]
#[test]
fn emitted_verilog_is_the_same_every_time_and_holds_the_top_module() {
    let folder = tempfile::tempdir().unwrap();
    let emit = |name: &str| {
        let out = path(&folder, name);
        good(&["emit", "--config", "nano16", "--out", &out]);
        ["parallel", "uart"].map(|port| fs::read_to_string(format!("{out}/board_nano16_{port}.v")).unwrap())
    };
    let first = emit("a");
    assert_eq!(first, emit("b"));
    assert!(first.iter().all(|verilog| verilog.contains("module board")));
    bad(2, &["emit", "--config", "huge", "--out", &path(&folder, "c")]);
}

/// The trained model against its own training: `models/reference.json` was computed without this engine.
#[test]
fn the_trained_model_gives_the_references_logits_and_text() {
    let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let (source, reference) = (models.join("tiny.safetensors"), models.join("reference.json"));
    let folder = tempfile::tempdir().unwrap();
    let model = path(&folder, "tiny.ndf");
    good(&["convert", source.to_str().unwrap(), &model]);
    // The document is generated; it may be in the repository only as long as it is what the converter writes.
    assert!(
        fs::read(&model).unwrap() == fs::read(models.join("tiny.ndf")).unwrap(),
        "convert models/tiny.safetensors to models/tiny.ndf again"
    );
    let reference: Value = serde_json::from_slice(&fs::read(reference).unwrap()).unwrap();
    for prompt in reference["prompts"].as_array().unwrap() {
        let said = prompt["prompt_text"].as_str().unwrap();
        let greedy = prompt["greedy"].as_array().unwrap();
        let found = json(&["run", &model, "--prompt", said, "--kv", "f32", "--max-tokens", &greedy.len().to_string(), "--json"]);
        assert_eq!(found["tokens"].as_array().unwrap(), greedy, "{said}");
        let expected: Vec<f64> = prompt["logits"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let logits = logits(&model, said.as_bytes());
        let worst = logits.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        // Sums in another order may move one activation by one code; the reference allows itself as much against PyTorch.
        assert!(worst < 0.25, "{said}: logits differ by {worst}");
    }
}

fn logits(model: &str, text: &[u8]) -> Vec<f32> {
    let mapped = nda_ndf::MappedDocument::open(model).unwrap();
    let weights = nda_engine::Weights::new(&mapped.document()).unwrap();
    let mut gemv = nda_kernels::CpuGemv::new();
    let model = nda_engine::Model::prepare(&weights, &mut gemv).unwrap();
    let mut session = nda_engine::Session::new(&model, &mut gemv);
    let (last, before) = text.split_last().unwrap();
    before.iter().for_each(|&b| session.feed(b.into()).unwrap());
    session.predict((*last).into()).unwrap().to_vec()
}
