//! The element operations of the articles on the emitted Verilog of a whole board, through the shipping driver.

use nda_device::testing::SeedOperands;
use nda_device::{Driver, DriverOptions, Loopback, ModelDevice, ModelPort, Transport};
use nda_sim::{Port, SimBoard, Stalls};
use nda_spec::Config;
use nda_spec::random::Random;
use nda_spec::seed::{Call, Operation};
use nda_spec::wire::{Op, Request, Status, cobs_decode, encode_frame, seed_elements};
use std::time::Duration;

const CONFIG: &str = "seed64";

fn options(seed: u64) -> DriverOptions {
    DriverOptions { seed, ..DriverOptions::default() }
}

fn board() -> SimBoard {
    SimBoard::new(CONFIG, Port::Parallel).unwrap()
}

/// Every operation on operands of these lengths equals its golden model; the number of operations done.
fn check(driver: &mut Driver<SimBoard>, lengths: impl IntoIterator<Item = usize>, random: &mut Random) -> usize {
    let mut done = 0;
    for len in lengths {
        for operands in SeedOperands::of_length(len, random) {
            for call in operands.calls() {
                if driver.takes_seed(&call) {
                    assert_eq!(driver.seed(&call).unwrap(), call.golden(), "{call:?}");
                    done += 1;
                }
            }
        }
    }
    done
}

#[test]
fn every_operation_equals_golden_at_both_extremes_and_every_tail() {
    let mut driver = Driver::open(board(), options(1)).unwrap();
    assert!(driver.ident().seed);
    let mtu = Config::named(CONFIG).unwrap().mtu();
    let full = Operation::ALL.map(|operation| seed_elements(operation, mtu));
    let lengths = (1..=26).chain([63, 64, 65]).chain(full.iter().flat_map(|most| [most - 1, *most, most + 1]));
    let done = check(&mut driver, lengths, &mut Random::new(3));
    assert!(done > 3_000, "{done} operations");
    assert_eq!(driver.stats().retransmits, 0, "the driver's time for an operation is enough");
}

#[test]
fn stalls_on_either_side_change_no_result() {
    for (seed, per_256) in [(1, 30), (2, 128), (3, 220)] {
        let board = board().with_stalls(Stalls::new(seed, per_256));
        let mut driver = Driver::open(board, options(seed)).unwrap();
        check(&mut driver, (1..=10).chain([31, 32, 33, 500]), &mut Random::new(seed));
        assert_eq!(driver.stats().retransmits, 0, "waiting is not a fault");
    }
}

#[test]
fn an_operation_is_over_within_its_cycles() {
    let mtu = Config::named(CONFIG).unwrap().mtu();
    let mut driver = Driver::open(board(), options(1)).unwrap();
    for operation in Operation::ALL {
        let most = seed_elements(operation, mtu);
        for operands in SeedOperands::of_length(most, &mut Random::new(9)) {
            for call in operands.calls().into_iter().filter(|call| call.operation() == operation) {
                let before = driver.transport().cycles().unwrap();
                driver.seed(&call).unwrap();
                let cycles = driver.transport().cycles().unwrap() - before;
                // The request's bytes come in, a cycle each; then the operation, 5 cycles per byte at most.
                let bound = (1 + 5) * mtu as u64 + 200;
                assert!(cycles < bound, "{operation:?} of {most}: {cycles} cycles of {bound}");
            }
        }
    }
}

fn exchange(link: &mut impl Transport, bytes: &[u8]) -> Vec<u8> {
    link.send(bytes, link.now() + Duration::from_secs(1)).unwrap();
    let (mut got, mut buffer) = (Vec::new(), [0; 4096]);
    while got.len() < 3 || !got.ends_with(&[0]) {
        let n = link.receive(&mut buffer, link.now() + Duration::from_millis(2)).unwrap();
        assert!(n > 0, "no answer to {bytes:02x?}");
        got.extend_from_slice(&buffer[..n]);
    }
    got
}

/// A request as a host that means no good sends it: any operation, count, exponents and length, now and then a right one.
fn random_request(random: &mut Random, seq: u16) -> Vec<u8> {
    let operation = random.below(10) as u8;
    let count = random.below(40) as u32;
    let detail = [0, 1, 5, 7, 13, 14, 127, 128, 255][random.below(9)];
    let addr = count | detail << 16 | (random.next_u64() as u32 & 0xff) << 24;
    let of_two = Operation::from_number(operation).is_some_and(Operation::is_of_two);
    let right = match operation {
        8 => 4 * count as usize,
        _ => (count as usize).div_ceil(8) * if of_two { 4 } else { 2 },
    };
    let bytes = if random.chance(8_000) { right } else { random.below(100) };
    // Lanes that do not exist hold anything.
    let payload: Vec<u8> = (0..bytes).map(|_| random.next_u64() as u8).collect();
    encode_frame(&Request { op: Op::Seed as u8, arg: operation, seq, addr }.to_bytes(), &payload)
}

#[test]
fn random_requests_get_the_software_models_answers_beside_others() {
    let config = Config::named(CONFIG).unwrap();
    let mut board = board();
    let mut model = Loopback::with_line(ModelDevice::new(&config, ModelPort::Parallel), u64::from(config.clk_hz), Duration::ZERO);
    let (mut random, mut statuses) = (Random::new(17), [0_u32; 256]);
    for seq in 0..3_000 {
        let frame = match random.below(8) {
            0 => encode_frame(
                &Request { op: [Op::Sync as u8, 0x61, Op::Tokens as u8][random.below(3)], arg: 2, seq, addr: 9 }.to_bytes(),
                &[],
            ),
            _ => random_request(&mut random, seq),
        };
        let [from_board, from_model] =
            [exchange(&mut board, &frame), exchange(&mut model, &frame)].map(|answer| cobs_decode(&answer[1..answer.len() - 1]).unwrap());
        assert_eq!(from_board, from_model, "request {seq}: {:02x?}", cobs_decode(&frame[1..frame.len() - 1]));
        statuses[usize::from(from_model[1])] += 1;
    }
    for status in [Status::Ok, Status::BadOp, Status::BadLen, Status::Range] {
        assert!(statuses[status as usize] > 50, "{status:?} came {} times only", statuses[status as usize]);
    }
}

#[test]
fn a_board_without_them_does_not_know_the_operation() {
    let mut board = SimBoard::new("nano16", Port::Parallel).unwrap();
    let answer = exchange(&mut board, &random_request(&mut Random::new(1), 3));
    assert_eq!(cobs_decode(&answer[1..answer.len() - 1]).unwrap()[..2], [Op::Seed as u8 | 0x80, Status::BadOp as u8]);
    let mut driver = Driver::open(board, options(1)).unwrap();
    assert!(!driver.ident().seed && driver.seed(&Call::Silu(&[1])).is_err());
}
