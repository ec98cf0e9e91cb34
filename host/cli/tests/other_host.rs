//! Another host, which knows PROTOCOL.md and nothing of these crates, gets the CPU's tokens from a board.
#![cfg(unix)]

use nda_device::{Driver, DriverOptions, FabricGemv, Loopback, ModelDevice, ModelPort};
use nda_engine::{Choice, EngineError, Request, TokenModel, TokenSession, Weights};
use nda_kernels::CpuGemv;
use nda_ndf::{AlignedBytes, Document};
use nda_spec::Config;
use nda_spec::token::cycles::{Fabric, most};
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const MOST: usize = 70;
const PROMPT: &[u8] = b"She was not ";

/// What a device's memories hold once it has a model's weights and program: pages of the tile store, and all of the program memory's.
struct Pages {
    bytes: Vec<u8>,
    count: usize,
    cycles: u64,
}

fn pages(weights: &Weights<'_>) -> Pages {
    let config = Config::named("token1024").unwrap();
    let g = config.geometry;
    let device = Loopback::new(ModelDevice::new(&config, ModelPort::Parallel));
    let mut fabric = FabricGemv::new(Driver::open(device, DriverOptions::default()).unwrap());
    let model = TokenModel::prepare(weights, &mut fabric).unwrap();
    let cycles = 2 * most(model.program(), &Fabric::TOKEN_1024);
    fabric.upload().unwrap();
    let count = fabric.next_word().div_ceil(g.page_words);
    let page_bytes = g.page_words * g.tile_word_bytes();
    let device = fabric.into_driver().into_transport();
    let all = device.device().tiles();
    Pages { bytes: [&all[..count * page_bytes], &all[g.pages() * page_bytes..]].concat(), count, cycles }
}

fn expected(weights: &Weights<'_>, choice: Choice) -> String {
    let mut gemv = CpuGemv::new();
    let model = TokenModel::prepare(weights, &mut gemv).unwrap();
    let mut session = TokenSession::new(&model, &mut gemv).unwrap();
    let request = Request { prompt: PROMPT.iter().map(|&b| u32::from(b)).collect(), most_tokens: MOST, stops: vec![], choice };
    let reply = session.generate(&request, |_, _| Ok::<_, EngineError>(ControlFlow::Continue(()))).unwrap();
    // State 2: as many as were wanted.
    let words: Vec<String> = std::iter::once(2).chain(reply.tokens).map(|n| n.to_string()).collect();
    words.join(" ")
}

/// `nda board`, ended when the test is.
struct Board(Child);

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn board(kind: &str) -> (Board, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_nda"))
        .args(["board", kind, "--pty", "--config", "token1024"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut path = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut path).unwrap();
    (Board(child), path.trim().to_owned())
}

fn talks(kind: &str) {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny.ndf")).unwrap();
    let bytes = AlignedBytes::from(bytes.as_slice());
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap();
    let Pages { bytes, count, cycles } = pages(&weights);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pages");
    std::fs::write(&file, bytes).unwrap();
    let (_board, port) = board(kind);
    for choice in [Choice::GREEDY, Choice::at(0.8, 7).unwrap()] {
        let numbers = [0, count as u64, cycles, choice.inverse_temperature.into(), choice.seed, MOST as u64];
        let numbers = numbers.into_iter().chain(PROMPT.iter().map(|&b| b.into())).map(|n| n.to_string());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/other_host.py");
        let log = folder.path().join("frames");
        let output = match Command::new("python3").arg(script).arg(&port).arg(&file).args(numbers).env("WIRE_LOG", &log).output() {
            Ok(output) => output,
            Err(error) => return nda_tests::skip("another host", format_args!("it is a script of python3: {error}")),
        };
        assert!(output.status.success(), "{kind}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected(&weights, choice), "{kind}: {choice:?}");
        if choice == Choice::GREEDY {
            // What the manual's picture of the wire is made of: both devices say the same.
            let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pictures/exchange.json");
            nda_tests::assert_snapshot(&picture, &std::fs::read_to_string(log).unwrap());
        }
    }
}

#[test]
fn another_host_gets_the_cpus_tokens_from_the_software_model() {
    talks("loopback");
}

#[cfg(feature = "configurations")]
#[test]
fn another_host_gets_the_cpus_tokens_from_the_emitted_verilog() {
    talks("sim");
}
