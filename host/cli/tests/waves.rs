//! `nda wave --read`, and the same through `nda mcp`; which words of a board hold a tensor.

#![cfg(all(feature = "workspace", target_os = "linux"))]

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const NDA: &str = env!("CARGO_BIN_EXE_nda");
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");

fn nda(arguments: &[&str]) -> Output {
    Command::new(NDA).args(arguments).output().unwrap()
}

fn answer(arguments: &[&str]) -> Value {
    let output = nda(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a tool of `nda mcp` answers in a folder.
fn tool(root: &Path, name: &str, arguments: Value) -> Value {
    let mut server = Command::new(NDA).args(["mcp", "--root"]).arg(root).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let client = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } });
    let lines = [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": name, "arguments": arguments } }),
    ];
    let mut input = server.stdin.take().unwrap();
    lines.iter().for_each(|line| writeln!(input, "{line}").unwrap());
    let said = BufReader::new(server.stdout.take().unwrap()).lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let answer = said.into_iter().find(|line| line["id"] == 2).unwrap();
    drop(input);
    assert!(server.wait().unwrap().success());
    answer["result"].clone()
}

#[test]
fn the_tiles_of_a_tensor_are_those_of_the_plan() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(TINY, folder.path().join("tiny.ndf")).unwrap();
    let plan = answer(&["plan", TINY, "--board", "ulx3s-85f", "--json"]);
    let layers = plan["layers"].as_array().unwrap();
    let mut next = 0;
    for layer in layers.iter().filter(|layer| layer["first_word"].is_u64()) {
        assert_eq!(layer["first_word"], next, "{layer}");
        next += layer["words"].as_u64().unwrap();
    }
    assert!(next > 0, "{plan}");
    let layer = layers.iter().find(|layer| layer["first_word"].as_u64().is_some_and(|first| first > 0)).unwrap();
    let tensor = layer["layer"].as_str().unwrap().split('+').next_back().unwrap().trim();
    let tiles = tool(folder.path(), "graph_query", json!({ "question": "tiles", "name": tensor, "board": "ulx3s-85f" }));
    let wanted = json!({
        "document": "tiny.ndf", "board": "ulx3s-85f", "product": layer["layer"], "first_word": layer["first_word"], "words": layer["words"],
    });
    assert_eq!(tiles["structuredContent"]["answers"], json!([wanted]), "{tiles}");
    let shown = tool(folder.path(), "graph_query", json!({ "question": "shows", "name": tensor, "board": "ulx3s-85f" }));
    assert!(shown["structuredContent"]["answers"][0]["tiles"][0].as_str().unwrap().starts_with("ulx3s-85f: "), "{shown}");
    for (arguments, said) in [
        (json!({ "question": "tiles", "name": tensor }), "wants a 'board'"),
        (json!({ "question": "tiles", "name": tensor, "board": "none" }), "use one of these names"),
        (json!({ "question": "tiles", "name": tensor, "board": "--help" }), "not a board"),
    ] {
        let refused = tool(folder.path(), "graph_query", arguments);
        assert!(refused["isError"] == true && refused.to_string().contains(said), "{refused}");
    }
}

#[test]
fn a_vcd_is_read_by_command_and_tool_and_a_damaged_fst_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let [vcd, fst] = ["a.vcd", "a.fst"].map(|name| folder.path().join(name));
    fs::write(
        &vcd,
        "$timescale 1 ps $end $scope module top $end $var wire 4 ! x $end $upscope $end $enddefinitions $end #0 b0 ! #5 b101 !\n",
    )
    .unwrap();
    let changes = json!([{ "time": 5, "name": "top.x", "value": "101" }]);
    let read = answer(&["wave", "--read", vcd.to_str().unwrap(), "--signal", "top.x", "--from", "1", "--json"]);
    assert_eq!((&read["changes"], &read["unit"]), (&changes, &json!("1 ps")), "{read}");
    let asked = tool(folder.path(), "wave_query", json!({ "file": "a.vcd", "signal": "x", "from": 1 }));
    // The command says which schema its answer has, the tool has one of its own.
    let mut read = read;
    assert_eq!(read.as_object_mut().and_then(|read| read.remove("schema")), Some(json!("nda.wave/1")));
    assert_eq!(asked["structuredContent"], read, "{asked}");
    fs::write(&fst, b"\0\0\0\0\0\0\0\x01\x49junk").unwrap();
    fs::copy(&fst, folder.path().join("disguised.vcd")).unwrap();
    let asked = tool(folder.path(), "wave_query", json!({ "file": "disguised.vcd", "signal": "x" }));
    assert!(asked.to_string().contains("nda wave"), "it is read by the command, in a process of its own: {asked}");
    let output = nda(&["wave", "--read", fst.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    let asked = tool(folder.path(), "wave_query", json!({ "file": "a.fst", "signal": "x" }));
    assert!(asked["isError"] == true && asked.to_string().contains("damaged"), "{asked}");
}

/// The verilated board's own waves of one job, as FST and as VCD.
#[cfg(feature = "verilator")]
fn job(folder: &Path) -> [std::path::PathBuf; 2] {
    ["job.fst", "job.vcd"].map(|name| {
        let path = folder.join(name);
        let output = nda(&["wave", "--config", "nano16", "--out", path.to_str().unwrap()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        path
    })
}

#[cfg(feature = "verilator")]
#[test]
fn an_fst_of_the_verilated_board_shows_what_its_vcd_shows() {
    let folder = tempfile::tempdir().unwrap();
    let [fst, vcd] = job(folder.path());
    let [packed, plain] = [&fst, &vcd].map(|path| fs::metadata(path).unwrap().len());
    assert!(5 * packed < plain, "{packed} bytes of FST, {plain} of VCD");
    for signal in ["TOP.rx_valid", "TOP.tx_data", "TOP.board.engine.tiles.write_enable"] {
        let [from_fst, from_vcd] =
            [&fst, &vcd].map(|path| answer(&["wave", "--read", path.to_str().unwrap(), "--signal", signal, "--json"]));
        assert!(from_fst["changes"].as_array().unwrap().len() > 2 || signal.ends_with("enable"), "{signal}: {from_fst}");
        assert_eq!(from_fst, from_vcd, "{signal}");
        let asked = tool(folder.path(), "wave_query", json!({ "file": "job.fst", "signal": signal }));
        assert_eq!(asked["structuredContent"], from_fst, "{signal}");
    }
    let shown = tool(folder.path(), "graph_query", json!({ "question": "defines", "name": "rx_valid" }));
    assert!(shown.to_string().contains("job.fst"), "{shown}");
}

#[cfg(feature = "verilator")]
#[test]
fn a_damaged_fst_is_an_error_or_some_values_and_never_more() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(&job(folder.path())[0]).unwrap();
    let path = folder.path().join("damaged.fst");
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        nda(&["wave", "--read", path.to_str().unwrap(), "--json"])
    };
    for length in [0, 8, 9, 200, 329, whole.len() / 2, whole.len() - 1] {
        assert_eq!(read(&whole[..length]).status.code(), Some(3), "the first {length} bytes");
    }
    let (mut random, mut errors) = (nda_spec::random::Random::new(1), 0);
    for round in 0..24 {
        let mut bytes = whole.clone();
        for _ in 0..1 + round {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        let output = read(&bytes);
        match output.status.code() {
            Some(0) => drop(serde_json::from_slice::<Value>(&output.stdout).unwrap()),
            Some(3) => errors += 1,
            other => panic!("round {round}: {other:?} {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
    assert!(errors > 4, "{errors} of 24 were seen to be damaged");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let asked = tool(folder.path(), "wave_query", json!({ "file": "damaged.fst", "signal": "clock" }));
    assert!(asked["isError"] == true && asked.to_string().contains("damaged"), "{asked}");
}
