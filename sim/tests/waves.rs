//! The waves that a board writes, read back: the handshake rules hold in every cycle, and time is the board's.

use nda_device::testing::{RandomMatrix, random_vector};
use nda_device::{Driver, DriverOptions, FabricGemv};
use nda_gemv::{Activations, Gemv};
use nda_sim::{Port, SimBoard, Stalls, WaveFormat};
use nda_spec::random::Random;
use nda_spec::{ActivationCode, Config, WeightCode};
use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use vcd::{Command, IdCode, Parser, Value};

/// A ready/valid stream by its path in the design.
struct Stream {
    name: &'static str,
    valid: &'static [&'static str],
    ready: &'static [&'static str],
    data: &'static [&'static str],
}

const STREAMS: [Stream; 4] = [
    Stream { name: "receive port", valid: &["board", "rx_valid"], ready: &["board", "rx_ready"], data: &["board", "rx_data"] },
    Stream { name: "transmit port", valid: &["board", "tx_valid"], ready: &["board", "tx_ready"], data: &["board", "tx_data"] },
    Stream {
        name: "decoder to frame buffer",
        valid: &["board", "engine", "decoder", "data_valid"],
        ready: &["board", "engine", "decoder", "out_ready"],
        data: &["board", "engine", "decoder", "out_data"],
    },
    Stream {
        name: "command to encoder",
        valid: &["board", "engine", "command", "out_valid"],
        ready: &["board", "engine", "command", "out_ready"],
        data: &["board", "engine", "command", "out_data"],
    },
];

fn record(path: &Path) {
    let mut board = SimBoard::with_waves("nano16", Port::Parallel).unwrap().with_stalls(Stalls::new(5, 90));
    board.trace_to(File::create(path).unwrap(), WaveFormat::Vcd).unwrap();
    let mut fabric = FabricGemv::new(Driver::open(board, DriverOptions { seed: 2, ..DriverOptions::default() }).unwrap());
    let mut random = Random::new(2);
    let matrix = RandomMatrix::new(12, 40, WeightCode::Quaternary, &mut random);
    let id = fabric.prepare(&[matrix.view()]).unwrap();
    for code in ActivationCode::ALL {
        let x = random_vector(40, code, &mut random);
        let mut y = vec![0; 12];
        fabric.run(id, Activations { code, values: &x }, &mut y).unwrap();
        assert_eq!(y, nda_spec::golden::gemv(12, 40, &matrix.values, &x));
    }
}

fn number(values: impl IntoIterator<Item = Value>) -> u64 {
    values.into_iter().fold(0, |all, v| all << 1 | u64::from(v == Value::V1))
}

#[test]
fn valid_never_drops_before_ready_and_data_stands_while_it_waits() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("handshake.vcd");
    record(&path);
    let mut parser = Parser::new(BufReader::new(File::open(&path).unwrap()));
    let header = parser.parse_header().unwrap();
    let code = |place: &[&str]| -> IdCode {
        let full = [&["TOP"], place].concat();
        header.find_var(&full).unwrap_or_else(|| panic!("no {full:?} in the waves")).code
    };
    let clock = code(&["board", "clock"]);
    let streams = STREAMS.map(|s| (s.name, code(s.valid), code(s.ready), code(s.data)));
    let mut now: HashMap<IdCode, u64> = HashMap::new();
    let mut waiting: [Option<u64>; STREAMS.len()] = [None; STREAMS.len()];
    let (mut moved, mut waited, mut cycles) = ([0_u64; STREAMS.len()], [0_u64; STREAMS.len()], 0_u64);
    // What stands before the time step of a rising edge is what that edge acts on.
    let mut look = |now: &HashMap<IdCode, u64>| {
        let get = |id: &IdCode| now.get(id).copied().unwrap_or(0);
        cycles += 1;
        for (i, (name, valid, ready, data)) in streams.iter().enumerate() {
            let (is_valid, is_ready, value) = (get(valid) == 1, get(ready) == 1, get(data));
            if let Some(held) = waiting[i] {
                assert!(is_valid, "{name}: valid dropped before ready in cycle {cycles}");
                assert_eq!(value, held, "{name}: data changed while waiting in cycle {cycles}");
            }
            waiting[i] = (is_valid && !is_ready).then_some(value);
            moved[i] += u64::from(is_valid && is_ready);
            waited[i] += u64::from(is_valid && !is_ready);
        }
    };
    let mut step: Vec<(IdCode, u64)> = Vec::new();
    for command in parser {
        match command.unwrap() {
            Command::Timestamp(_) => {
                let rises = step.contains(&(clock, 1)) && now.get(&clock).copied().unwrap_or(0) == 0;
                if rises {
                    look(&now);
                }
                now.extend(step.drain(..));
            }
            Command::ChangeScalar(id, value) => step.push((id, u64::from(value == Value::V1))),
            Command::ChangeVector(id, values) => step.push((id, number(&values))),
            _ => {}
        }
    }
    println!("{cycles} cycles, moved {moved:?}, waited {waited:?}");
    assert!(cycles > 2_000 && moved.iter().all(|&m| m > 200), "the waves show traffic on every stream");
    assert!(waited[1] > 100 && waited[3] > 0, "and streams that had to wait");
}

/// Rising edges of a clock of the configuration are one period apart, to the picosecond that rounding takes.
fn check_period(config: &str, rises: &[u64]) {
    let period = 1e12 / f64::from(Config::named(config).unwrap().clk_hz);
    assert!(rises.len() > 100, "{config}: {} rising edges", rises.len());
    for (n, pair) in rises.windows(2).enumerate() {
        assert!(((pair[1] - pair[0]) as f64 - period).abs() <= 1.0, "{config}, edge {n}: {} ps, not {period}", pair[1] - pair[0]);
    }
    let all = (rises[rises.len() - 1] - rises[0]) as f64;
    assert!((all - period * (rises.len() - 1) as f64).abs() <= 1.0, "{config}: errors add up");
}

fn vcd_rises(path: &Path) -> Vec<u64> {
    let mut parser = Parser::new(BufReader::new(File::open(path).unwrap()));
    let header = parser.parse_header().unwrap();
    assert_eq!(header.timescale, Some((1, vcd::TimescaleUnit::PS)));
    let clock = header.find_var(&["TOP", "board", "clock"]).unwrap().code;
    let (mut now, mut rises) = (0, Vec::new());
    for command in parser {
        match command.unwrap() {
            Command::Timestamp(time) => now = time,
            Command::ChangeScalar(id, Value::V1) if id == clock => rises.push(now),
            _ => {}
        }
    }
    rises
}

fn fst_rises(path: &Path) -> Vec<u64> {
    let mut reader = fst_reader::FstReader::open(BufReader::new(File::open(path).unwrap())).unwrap();
    assert_eq!(reader.get_header().timescale_exponent, -12);
    let (mut clock, mut scopes) = (None, Vec::new());
    reader
        .read_hierarchy(|entry| match entry {
            fst_reader::FstHierarchyEntry::Scope { name, .. } => scopes.push(name),
            fst_reader::FstHierarchyEntry::UpScope => drop(scopes.pop()),
            fst_reader::FstHierarchyEntry::Var { name, handle, .. } if name == "clock" && scopes == ["TOP", "board"] => {
                clock = Some(handle)
            }
            _ => {}
        })
        .unwrap();
    let mut rises = Vec::new();
    let filter = fst_reader::FstFilter::filter_signals(vec![clock.expect("the board's clock")]);
    reader
        .read_signals(&filter, |time, _, value| {
            if matches!(value, fst_reader::FstSignalValue::String(b"1")) {
                rises.push(time);
            }
            Ok::<(), ()>(())
        })
        .unwrap();
    rises
}

/// What the waves of a product of two row groups by two beats are, upload and all.
fn record_product(config: &str, port: Port, path: &Path) {
    let g = Config::named(config).unwrap().geometry;
    let mut random = Random::new(3);
    let matrix = RandomMatrix::new(2 * g.array_rows, 2 * g.array_cols, WeightCode::Quaternary, &mut random);
    let mut board = SimBoard::with_waves(config, port).unwrap();
    board.trace_to(File::create(path).unwrap(), WaveFormat::of(path)).unwrap();
    let mut fabric = FabricGemv::new(Driver::open(board, DriverOptions { seed: 2, ..DriverOptions::default() }).unwrap());
    let id = fabric.prepare(&[matrix.view()]).unwrap();
    let x = random_vector(matrix.cols, ActivationCode::A8, &mut random);
    let mut y = vec![0; matrix.rows];
    fabric.run(id, Activations { code: ActivationCode::A8, values: &x }, &mut y).unwrap();
    fabric.into_driver().into_transport().trace_end().unwrap();
}

#[test]
fn waves_have_the_clock_period_of_the_configuration_in_both_formats() {
    for config in ["nano16", "gw64"] {
        let path = |name: &str| Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("period-{config}.{name}"));
        record_product(config, Port::Parallel, &path("vcd"));
        record_product(config, Port::Parallel, &path("fst"));
        let rises = vcd_rises(&path("vcd"));
        check_period(config, &rises);
        assert_eq!(rises, fst_rises(&path("fst")), "{config}: the same edges");
        let bytes = |name: &str| std::fs::metadata(path(name)).unwrap().len();
        assert!(bytes("fst") * 5 < bytes("vcd"), "{config}: {} bytes of FST, {} of VCD", bytes("fst"), bytes("vcd"));
    }
}

#[test]
fn waves_of_a_job_through_the_uart_take_less_than_twenty_megabytes() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("uart.fst");
    record_product("wide256", Port::Uart, &path);
    let bytes = std::fs::metadata(&path).unwrap().len();
    println!("{bytes} bytes");
    assert!(bytes < 20_000_000, "{bytes} bytes");
    check_period("wide256", &fst_rises(&path));
}

#[test]
fn a_board_that_only_runs_refuses_waves() {
    let mut board = SimBoard::new("nano16", Port::Parallel).unwrap();
    let refused = board.trace_to(std::io::Cursor::new(Vec::new()), WaveFormat::Vcd).unwrap_err();
    assert!(matches!(refused, nda_sim::SimError::NoWaves), "{refused}");
    board.trace_end().unwrap();
}
