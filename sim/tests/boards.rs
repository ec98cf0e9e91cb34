//! Whole boards: the emitted Verilog behind the shipping driver, against golden models and the software model.

use nda_device::testing::{FaultScenario, RandomMatrix, fault_scenario, golden_stack, random_vector};
use nda_device::{
    ByteDevice, Driver, DriverOptions, FabricGemv, Faults, Loopback, ModelDevice, ModelPort, PtyBridge, SerialTransport, Transport,
};
use nda_gemv::{Activations, Gemv};
use nda_sim::{Port, SimBoard, Stalls};
use nda_spec::config::ArrayKind;
use nda_spec::random::Random;
use nda_spec::wire::{JOB_BYTES, Op, PROTOCOL_VERSION, Request, encode_frame};
use nda_spec::{ActivationCode, Config, WeightCode, cycles, job, wire};
use std::time::Duration;

const CONFIGS: [&str; 13] = [
    "nano16",
    "small64",
    "wide256",
    "table1024",
    "table256",
    "gw256",
    "gw64",
    "hx64",
    "up32",
    "deep256",
    "token1024",
    "token512",
    "seed64",
];

/// The ports through which a configuration's board is simulated; the slow UARTs of images have tests/uart.rs.
fn ports(config: &str) -> impl Iterator<Item = Port> + use<> {
    let is_fast = Config::named(config).unwrap().uart_divisor() <= 20;
    [Port::Parallel, Port::Uart].into_iter().filter(move |&port| port == Port::Parallel || is_fast)
}

#[test]
fn every_configuration_is_simulated_and_has_a_parallel_port() {
    let names: Vec<String> = Config::all().unwrap().into_iter().map(|c| c.name).collect();
    assert_eq!(names, CONFIGS);
    assert!(CONFIGS.iter().all(|config| ports(config).any(|port| port == Port::Parallel)));
}

fn options(seed: u64) -> DriverOptions {
    DriverOptions { seed, ..DriverOptions::default() }
}

fn fabric<'m>(config: &str, port: Port) -> FabricGemv<'m, SimBoard> {
    FabricGemv::new(Driver::open(SimBoard::new(config, port).unwrap(), options(1)).unwrap())
}

#[test]
fn every_board_identifies_itself_as_it_was_emitted() {
    for config in CONFIGS {
        for port in ports(config) {
            let expected = Config::named(config).unwrap();
            let fabric = fabric(config, port);
            let ident = fabric.driver().ident();
            assert_eq!((ident.config.as_str(), ident.geometry), (config, expected.geometry));
            assert_eq!((usize::from(ident.mtu), ident.clk_hz), (expected.mtu(), expected.clk_hz));
            assert_eq!(ident.baud, if port == Port::Uart { expected.baud } else { 0 });
            let build = nda_sim::builds::BUILDS.iter().find(|b| (b.0, b.1) == (config, port.name())).unwrap().2;
            assert_eq!(ident.build, build, "the hash of the emitted Verilog");
            assert!(build != 0);
        }
    }
}

/// Shapes at every boundary of a board: one row, one column, lanes - 1, lanes, lanes + 1.
fn shapes(config: &str) -> Vec<(usize, usize)> {
    let g = Config::named(config).unwrap().geometry;
    let (r, c) = (g.array_rows, g.array_cols);
    vec![(1, 1), (r, c), (r + 1, c - 1), (3 * r - 1, c + 1), (2, 2 * c + 7), (37, 1), (0, 5), (5, 0)]
}

fn check_product(fabric: &mut FabricGemv<'_, SimBoard>, id: nda_gemv::MatrixId, parts: &[RandomMatrix], code: ActivationCode, x: &[i8]) {
    let mut y = vec![i32::MAX; parts.iter().map(|p| p.rows).sum()];
    fabric.run(id, Activations { code, values: x }, &mut y).unwrap();
    assert_eq!(y, golden_stack(parts, x), "{} rows x {} cols, {}", y.len(), x.len(), code.name());
}

#[test]
fn gemv_equals_golden_on_every_board_for_every_code_tail_and_extreme() {
    for config in CONFIGS {
        for port in ports(config) {
            let mut random = Random::new(21);
            let take = if port == Port::Uart { 3 } else { usize::MAX };
            let matrices: Vec<[RandomMatrix; 1]> = shapes(config)
                .into_iter()
                .take(take)
                .flat_map(|(rows, cols)| WeightCode::ALL.map(|code| [RandomMatrix::new(rows, cols, code, &mut random)]))
                .chain(WeightCode::ALL.map(|code| [RandomMatrix::from_values(9, 130, code, vec![code.values()[0]; 9 * 130])]))
                .chain(WeightCode::ALL.map(|code| [RandomMatrix::from_values(5, 67, code, vec![code.highest(); 5 * 67])]))
                .collect();
            let mut fabric = fabric(config, port);
            for parts in &matrices {
                let id = fabric.prepare(&[parts[0].view()]).unwrap();
                for code in ActivationCode::ALL {
                    let x = random_vector(parts[0].cols, code, &mut random);
                    check_product(&mut fabric, id, parts, code, &x);
                    for extreme in [code.range().0, code.range().1] {
                        check_product(&mut fabric, id, parts, code, &vec![extreme; parts[0].cols]);
                    }
                }
            }
        }
    }
}

#[test]
fn a_deadline_that_falls_between_two_cycles_is_reached() {
    for config in CONFIGS {
        let mut board = SimBoard::new(config, Port::Parallel).unwrap();
        for ns in [1, 7, 20, 41, 42, 1_003] {
            let deadline = board.now() + Duration::from_nanos(ns);
            assert_eq!(board.receive(&mut [0; 8], deadline).unwrap(), 0);
            assert!(board.now() >= deadline, "{config}: {ns} ns");
        }
    }
}

#[test]
fn stalls_on_the_parallel_port_change_no_number() {
    for (seed, per_256) in [(1, 30), (2, 128), (3, 220)] {
        let board = SimBoard::new("nano16", Port::Parallel).unwrap().with_stalls(Stalls::new(seed, per_256));
        let mut fabric = FabricGemv::new(Driver::open(board, options(seed)).unwrap());
        let mut random = Random::new(seed);
        let parts = [
            RandomMatrix::new(30, 70, WeightCode::Quaternary, &mut random),
            RandomMatrix::new(11, 70, WeightCode::Quaternary, &mut random),
        ];
        let id = fabric.prepare(&[parts[0].view(), parts[1].view()]).unwrap();
        for code in ActivationCode::ALL {
            let x = random_vector(70, code, &mut random);
            check_product(&mut fabric, id, &parts, code, &x);
        }
        assert_eq!(fabric.driver().stats().retransmits, 0, "waiting is not a fault");
    }
}

#[test]
fn simulated_cycles_equal_the_model_exactly_and_the_array_is_busy() {
    for config in CONFIGS {
        let g = Config::named(config).unwrap().geometry;
        let mut random = Random::new(33);
        let wide = (g.lanes().max(128), g.array_cols.max(128));
        for (rows, cols) in shapes(config).into_iter().filter(|s| s.0 * s.1 > 0).chain([(100, 200), wide]) {
            let matrix = RandomMatrix::new(rows, cols, WeightCode::Ternary, &mut random);
            // A board of its own for each, so that all of it fits and is one job.
            let mut fabric = self::fabric(config, Port::Parallel);
            let id = fabric.prepare(&[matrix.view()]).unwrap();
            for code in ActivationCode::ALL {
                let before = fabric.driver_mut().stat().unwrap();
                let x = random_vector(cols, code, &mut random);
                let cost = fabric.run(id, Activations { code, values: &x }, &mut vec![0; rows]).unwrap();
                let expected = cycles::job_cost(&g, rows, cols, code);
                let after = fabric.driver_mut().stat().unwrap();
                let place = format!("{config}, {rows} x {cols}, {}", code.name());
                assert_eq!((cost.jobs, cost.run_cycles, cost.beats), (1, expected.run_cycles(), expected.beats), "{place}");
                let counted = [after.jobs - before.jobs, after.run_cycles - before.run_cycles, after.beats - before.beats];
                assert_eq!(counted.map(u64::from), [1, expected.run_cycles(), expected.beats], "{place}: the device's own counters");
                if (rows, cols) == wide && code == ActivationCode::A8 {
                    let least = match g.array {
                        ArrayKind::Planes => 0.95,
                        ArrayKind::Tables => 0.9 * expected.beats as f64 / (expected.beats + expected.load_cycles) as f64,
                    };
                    assert!(expected.utilisation() >= least, "{place}: {:.3} busy", expected.utilisation());
                }
            }
        }
    }
}

/// A random request: often valid, often not quite.
fn random_request(random: &mut Random, config: &Config, seq: u16, job_id: &mut u16) -> Vec<u8> {
    let g = &config.geometry;
    let ops = [Op::Sync, Op::Ident, Op::Write, Op::Write, Op::Seal, Op::Seal, Op::Run, Op::Run, Op::Run, Op::Run, Op::Read, Op::Read];
    let op = ops[random.below(ops.len())];
    let mut request = Request { op: op as u8, arg: 0, seq, addr: 0 };
    // Two pages at either end of the memory, so that what is written, sealed and run meets.
    let page = [0, 1, g.pages() - 1, g.pages()][random.below(4)];
    let mut payload = Vec::new();
    match op {
        Op::Sync => {
            request.arg = if random.chance(8_000) { PROTOCOL_VERSION } else { random.next_u64() as u8 };
            request.addr = random.next_u64() as u32;
        }
        Op::Write => {
            request.addr = (page * g.page_words + random.below(4) * (g.page_words / 4)) as u32;
            payload = (0..g.tile_word_bytes() * (1 + random.below(8))).map(|_| random.next_u64() as u8).collect();
        }
        Op::Seal => {
            request.addr = page as u32;
            payload = (random.next_u64() as u32).to_le_bytes().to_vec();
        }
        Op::Run => {
            *job_id = job_id.wrapping_add([0, 1, 1, 1, u16::MAX][random.below(5)]);
            let job = job::Job {
                id: *job_id,
                flags: wire::JobFlags::from_byte(random.below(4) as u8),
                plane_groups: random.below(job::most_plane_groups(g).min(7) + 2) as u8,
                base: (page * g.page_words + random.below(g.page_words)) as u32,
                row_groups: random.below(5) as u16,
                col_beats: random.below(4) as u16,
                init: random.next_u64() as i32 >> 8,
                digest: random.next_u64() as u32,
            };
            payload = job.to_bytes().to_vec();
            payload.extend((0..job.act_words() * g.act_word_bytes()).map(|_| random.next_u64() as u8));
            request.addr = random.below(6) as u32;
        }
        Op::Read => {
            request.addr = u32::from(*job_id) << 16 | random.below(4) as u32;
            payload = (random.below(5) as u32).to_le_bytes().to_vec();
        }
        // Whole tokens and element operations have tests of their own: here they are no operation.
        Op::Ident | Op::Stat | Op::Generate | Op::Tokens | Op::Step | Op::Seed => {}
    }
    match random.below(24) {
        0 => payload.truncate(random.below(payload.len() + 1)),
        1 => payload.push(random.next_u64() as u8),
        2 => request.op = random.next_u64() as u8,
        3 => request.addr ^= 1 << random.below(32),
        4 if payload.len() >= JOB_BYTES => payload[random.below(JOB_BYTES)] ^= 1 << random.below(8),
        _ => {}
    }
    payload.truncate(config.mtu());
    encode_frame(&request.to_bytes(), &payload)
}

fn exchange(link: &mut impl Transport, bytes: &[u8]) -> Vec<u8> {
    link.send(bytes, link.now() + Duration::from_secs(1)).unwrap();
    let mut got = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = link.receive(&mut buffer, link.now() + Duration::from_micros(200)).unwrap();
        if n == 0 {
            return got;
        }
        got.extend_from_slice(&buffer[..n]);
        // One good frame, one answer: no need to wait for silence behind it.
        if got.len() > 2 && got.ends_with(&[0]) {
            return got;
        }
    }
}

/// Sends the same random requests to the board and to the software model; counts the statuses, and the jobs that ran.
fn compare_on_random_requests(config: &Config, seed: u64, requests: u16, statuses: &mut [u32; 256]) -> u32 {
    let mut random = Random::new(seed);
    let mut board = SimBoard::new(&config.name, Port::Parallel).unwrap();
    let mut model = Loopback::with_line(ModelDevice::new(config, ModelPort::Parallel), u64::from(config.clk_hz), Duration::ZERO);
    let mut job_id = random.next_u64() as u16;
    // What an unwritten page holds is unspecified; give all of them the same content.
    let g = &config.geometry;
    let frame_words = (config.mtu() / g.tile_word_bytes()).min(g.page_words);
    for first in (0..g.tile_words).step_by(frame_words) {
        let request = Request { op: Op::Write as u8, arg: 0, seq: 0, addr: first as u32 };
        let words = frame_words.min(g.tile_words - first);
        let frame = encode_frame(&request.to_bytes(), &vec![0; words * g.tile_word_bytes()]);
        assert_eq!(exchange(&mut board, &frame), exchange(&mut model, &frame));
    }
    let mut jobs = 0;
    for index in 0..requests {
        let mut frame = random_request(&mut random, config, index, &mut job_id);
        let body = wire::cobs_decode(&frame[1..frame.len() - 1]).unwrap();
        let head = Request::from_bytes(body[..8].try_into().unwrap());
        let from_model = exchange(&mut model, &frame);
        let from_board = exchange(&mut board, &frame);
        compare(&from_board, &from_model, head, &format!("{}, seed {seed}, request {index}: {head:?}", config.name));
        let answer = wire::cobs_decode(&from_model[1..from_model.len() - 1]).unwrap();
        statuses[usize::from(answer[1])] += 1;
        jobs += u32::from(answer[1] == wire::Status::Ok as u8 && head.op == Op::Run as u8);
        // The right CRC of a page is what the model says it found; ask for it most of the time.
        if answer[1] == wire::Status::CrcMismatch as u8 && random.chance(7_000) {
            let crc: [u8; 4] = answer[4..8].try_into().unwrap();
            frame = encode_frame(&head.to_bytes(), &crc);
            let from_model = exchange(&mut model, &frame);
            compare(&exchange(&mut board, &frame), &from_model, head, &format!("{}, seed {seed}, request {index}, sealed", config.name));
        }
        // So is the digest of a job's pages.
        if answer[1] == wire::Status::OtherPages as u8 && random.chance(8_000) {
            let mut payload = body[8..body.len() - 4].to_vec();
            payload[JOB_BYTES - 4..JOB_BYTES].copy_from_slice(&answer[4..8]);
            let frame = encode_frame(&head.to_bytes(), &payload);
            let from_model = exchange(&mut model, &frame);
            compare(&exchange(&mut board, &frame), &from_model, head, &format!("{}, seed {seed}, request {index}, named", config.name));
            let answer = wire::cobs_decode(&from_model[1..from_model.len() - 1]).unwrap();
            statuses[usize::from(answer[1])] += 1;
            jobs += u32::from(answer[1] == wire::Status::Ok as u8);
        }
    }
    jobs
}

#[test]
fn board_answers_random_requests_as_the_software_model_does() {
    let config = Config::named("nano16").unwrap();
    let mut statuses = [0_u32; 256];
    (1..=4).for_each(|seed| _ = compare_on_random_requests(&config, seed, 1_500, &mut statuses));
    // Without a token machine nothing is a bad program, and nothing goes on beside a request.
    let others = |s: &wire::Status| matches!(s, wire::Status::BadProgram | wire::Status::Busy);
    for status in wire::Status::ALL.into_iter().filter(|status| !others(status)) {
        assert!(statuses[status as usize] >= 5, "{status:?} came {} times only: the test does not reach it", statuses[status as usize]);
    }
}

#[test]
fn every_table_board_answers_random_requests_as_the_software_model_does() {
    for config in Config::all().unwrap().into_iter().filter(|c| c.geometry.array == ArrayKind::Tables && c.token.is_none()) {
        let jobs = compare_on_random_requests(&config, 5, 1_200, &mut [0; 256]);
        assert!(jobs >= 5, "{}: {jobs} jobs ran: the test does not reach the array", config.name);
    }
}

/// Equal bytes; the model's build hash is its own.
fn compare(board: &[u8], model: &[u8], head: Request, place: &str) {
    let decode = |bytes: &[u8]| {
        assert!(bytes.len() > 2, "{place}: no answer");
        wire::cobs_decode(&bytes[1..bytes.len() - 1]).unwrap_or_else(|| panic!("{place}: {bytes:02x?} is not one frame"))
    };
    let (mut board, mut model) = (decode(board), decode(model));
    if head.op == Op::Ident as u8 && model.len() > 64 {
        board.truncate(8 + 56);
        model.truncate(8 + 56);
    }
    if head.op == Op::Stat as u8 {
        board.truncate(8);
        model.truncate(8);
    }
    assert_eq!(board, model, "{place}");
}

#[test]
fn a_hundred_thousand_frames_over_a_faulty_link_to_the_emitted_verilog_give_no_wrong_number() {
    let mut board = SimBoard::new("nano16", Port::Parallel).unwrap();
    let scenario = FaultScenario {
        seed: 9,
        faults: Faults { outage: 3, max_outage: Duration::from_millis(4), ..Faults::all(60, Duration::from_millis(1)) },
        frames: 100_000,
        products: 60,
        kills: 2_000,
        resets: 100,
        max_rows: 24,
        max_cols: 40,
        deadline: Duration::from_secs(20),
    };
    let report = fault_scenario(&mut board, &scenario, |board| *board = SimBoard::new("nano16", Port::Parallel).unwrap());
    println!(
        "{} sessions, {} kills, {} resets, {} right, {} errors\n{:?}\n{:?}",
        report.sessions,
        report.kills,
        report.resets,
        report.right,
        report.errors.len(),
        report.faults,
        report.stats
    );
    report.errors.iter().take(5).for_each(|e| println!("{e}"));
    assert!(report.stats.frames_sent >= 100_000 && report.right > 10_000, "{} frames, {} right", report.stats.frames_sent, report.right);
    assert!(report.faults.total() > 300 && report.stats.retransmits > 100, "the link was faulty");
}

#[test]
fn faults_on_the_uart_pins_give_no_wrong_number() {
    let mut board = SimBoard::new("nano16", Port::Uart).unwrap();
    let scenario = FaultScenario {
        seed: 10,
        faults: Faults::all(100, Duration::from_millis(1)),
        frames: 1_000,
        products: 20,
        kills: 2_000,
        resets: 100,
        max_rows: 12,
        max_cols: 40,
        deadline: Duration::from_secs(20),
    };
    let report = fault_scenario(&mut board, &scenario, |board| *board = SimBoard::new("nano16", Port::Uart).unwrap());
    assert!(report.right > 100, "{report:?}");
}

#[test]
fn the_shipping_driver_talks_to_the_board_over_a_pseudo_terminal() {
    let bridge = PtyBridge::start(SimBoard::new("nano16", Port::Uart).unwrap()).unwrap();
    let transport = SerialTransport::open(bridge.path(), 3_000_000).unwrap();
    let mut fabric = FabricGemv::new(Driver::open(transport, options(4)).unwrap());
    let mut random = Random::new(4);
    let matrix = RandomMatrix::new(20, 50, WeightCode::Quaternary, &mut random);
    let id = fabric.prepare(&[matrix.view()]).unwrap();
    for code in ActivationCode::ALL {
        let x = random_vector(50, code, &mut random);
        let mut y = vec![0; 20];
        fabric.run(id, Activations { code, values: &x }, &mut y).unwrap();
        assert_eq!(y, nda_spec::golden::gemv(20, 50, &matrix.values, &x));
    }
    drop(fabric);
    let board = bridge.stop().expect("the board lives");
    assert_eq!(board.framing_errors(), 0);
    assert!(ByteDevice::cycles(&board) > 0);
}
