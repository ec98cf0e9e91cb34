//! CRC, COBS, frame buffer, frame encoder, UART.

use crate::Bench;
use nda_spec::random::Random;
use nda_spec::wire::{cobs_decode, cobs_encode, crc32, crc32_step, encode_frame};

/// Frames that reach every case of COBS: zeros, none, block borders, one byte.
fn frames(random: &mut Random, count: usize) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [1, 2, 12, 252, 253, 254, 255, 256, 508, 509, 600].iter().map(|&n| vec![7; n]).collect();
    all.extend([vec![0], vec![0; 20], [vec![1; 254], vec![0]].concat(), [vec![1; 253], vec![0, 0]].concat(), vec![255; 300]]);
    for _ in 0..count {
        let (length, zeros) = (1 + random.below(400), random.below(10_001) as u32);
        all.push((0..length).map(|_| if random.chance(zeros) { 0 } else { random.next_u64() as u8 }).collect());
    }
    all
}

#[test]
fn crc32_equals_golden_for_every_byte_and_pauses_at_will() {
    let mut bench = Bench::new("crc32");
    let mut random = Random::new(11);
    for first in 0..=255_u8 {
        bench.set("clear", 1);
        bench.set("enable", 1);
        bench.tick();
        bench.set("clear", 0);
        let mut crc = u32::MAX;
        for i in 0..40 {
            let byte = if i == 0 { first } else { random.next_u64() as u8 };
            let enabled = random.chance(6_000);
            bench.set("data", u64::from(byte));
            bench.set("enable", u64::from(enabled));
            bench.tick();
            crc = if enabled { crc32_step(crc, byte) } else { crc };
            assert_eq!(bench.get("crc"), u64::from(crc), "seed 11, first {first}, byte {i}");
        }
    }
}

#[test]
fn cobs_decoder_gives_the_frames_and_refuses_the_rest_under_stalls() {
    for (seed, offer, take) in [(1, 10_000, 10_000), (2, 7_000, 4_000), (3, 2_000, 9_000)] {
        let mut random = Random::new(seed);
        let mut wire = vec![0];
        for frame in frames(&mut random, 150) {
            let mut encoded = cobs_encode(&frame);
            if random.chance(2_000) {
                // A damaged byte may still be COBS, of another frame; the golden decoder says which.
                let at = random.below(encoded.len());
                encoded[at] ^= 1 << random.below(8);
            }
            if random.chance(1_000) {
                encoded.truncate(random.below(encoded.len()));
            }
            wire.extend(encoded);
            wire.extend(vec![0; 1 + random.below(3)]);
        }
        let expected: Vec<Option<Vec<u8>>> = wire.split(|&b| b == 0).filter(|block| !block.is_empty()).map(cobs_decode).collect();
        let mut bench = Bench::new("cobs_decoder");
        let (mut got, mut current, mut at) = (Vec::new(), Vec::new(), 0);
        let mut idle = 0;
        while idle < 10 {
            let (offered, taken) = (at < wire.len() && random.chance(offer), random.chance(take));
            idle = if at < wire.len() { 0 } else { idle + usize::from(taken) };
            bench.set("valid", u64::from(offered));
            bench.set("data", u64::from(if offered { wire[at] } else { random.next_u64() as u8 }));
            bench.set("bad", 0);
            bench.set("out_ready", u64::from(taken));
            bench.eval();
            if taken {
                assert!(!(bench.is("data_valid") && bench.is("frame_end")), "one event a cycle");
                if bench.is("data_valid") {
                    current.push(bench.get("out_data") as u8);
                }
                if bench.is("frame_end") {
                    let frame = std::mem::take(&mut current);
                    got.push(bench.is("frame_good").then_some(frame));
                }
            }
            at += usize::from(offered && bench.is("ready"));
            bench.tick();
        }
        assert_eq!(got, expected, "seed {seed}");
    }
}

#[test]
fn a_byte_with_a_framing_error_spoils_its_frame_and_no_other() {
    let mut bench = Bench::new("cobs_decoder");
    bench.set("out_ready", 1);
    let good = cobs_encode(&[1, 2, 3, 0, 4]);
    for bad_at in 0..good.len() {
        let mut ends = Vec::new();
        let stream = [&[0][..], &good, &[0], &good, &[0]].concat();
        for (i, byte) in stream.iter().copied().chain([0, 0]).enumerate() {
            bench.set("valid", u64::from(i < stream.len()));
            bench.set("data", u64::from(byte));
            bench.set("bad", u64::from(i == bad_at + 1));
            bench.tick();
            if bench.is("frame_end") {
                ends.push(bench.is("frame_good"));
            }
        }
        assert_eq!(ends, [false, true], "bad byte {bad_at}");
    }
}

#[test]
fn frame_encoder_writes_the_golden_wire_bytes_under_stalls_on_both_sides() {
    for (seed, offer, take) in [(1, 10_000, 10_000), (2, 6_000, 6_000), (3, 10_000, 1_500), (4, 1_500, 10_000)] {
        let mut random = Random::new(seed);
        let all: Vec<Vec<u8>> = frames(&mut random, 60).into_iter().filter(|f| f.len() >= 8).collect();
        let expected: Vec<u8> = all.iter().flat_map(|f| encode_frame(f[..8].try_into().unwrap(), &f[8..])).collect();
        let mut bench = Bench::new("frame_encoder");
        let mut got = Vec::new();
        let (mut frame, mut at, mut cycles) = (0, 0, 0_u64);
        let mut held: Option<u64> = None;
        while got.len() < expected.len() {
            let (offered, taken) = (frame < all.len() && random.chance(offer), random.chance(take));
            bench.set("valid", u64::from(offered));
            bench.set("data", if offered { u64::from(all[frame][at]) } else { random.next_u64() & 255 });
            bench.set("last", u64::from(offered && at + 1 == all[frame].len()));
            bench.set("out_ready", u64::from(taken));
            bench.eval();
            if let Some(data) = held {
                assert!(bench.is("out_valid") && bench.get("out_data") == data, "a waiting byte stays as it is");
            }
            held = (bench.is("out_valid") && !taken).then(|| bench.get("out_data"));
            if bench.is("out_valid") && taken {
                got.push(bench.get("out_data") as u8);
            }
            if offered && bench.is("ready") {
                at += 1;
                if at == all[frame].len() {
                    (frame, at) = (frame + 1, 0);
                }
            }
            bench.tick();
            cycles += 1;
            assert!(
                cycles < 40 * expected.len() as u64,
                "seed {seed}: the encoder stopped after {} of {} bytes",
                got.len(),
                expected.len()
            );
        }
        assert_eq!(got, expected, "seed {seed}");
        if (offer, take) == (10_000, 10_000) {
            let frames_cycles = expected.len() as u64 + 8 * all.len() as u64 + 600;
            assert!(cycles <= frames_cycles, "a byte a cycle: {cycles} cycles for {} bytes", expected.len());
        }
    }
}

/// One thing that a frame buffer did.
#[derive(Debug, PartialEq, Clone)]
enum Seen {
    Frame(Vec<u8>),
    Crc,
    Form,
    Overrun,
}

/// Frames with whether their COBS was well formed, and their fate: good, wrong CRC, too short, too long, malformed.
fn frames_and_fates(slot: usize, random: &mut Random) -> (Vec<(Vec<u8>, bool)>, Vec<Seen>) {
    let (mut input, mut expected) = (Vec::new(), Vec::new());
    for _ in 0..120 {
        let body: Vec<u8> = (0..8 + random.below(slot - 12)).map(|_| random.next_u64() as u8).collect();
        let mut frame = [&body[..], &crc32(&body).to_le_bytes()].concat();
        let mut form = true;
        match random.below(6) {
            0 => {
                let at = random.below(frame.len());
                frame[at] ^= 1 << random.below(8);
                expected.push(Seen::Crc);
            }
            1 => {
                frame = crc32(&frame[..4]).to_le_bytes().to_vec();
                frame.splice(0..0, body[..4].iter().copied());
                expected.push(Seen::Crc);
            }
            2 => {
                let body = vec![5; slot - 3];
                frame = [&body[..], &crc32(&body).to_le_bytes()].concat();
                expected.push(Seen::Overrun);
            }
            3 => {
                form = false;
                expected.push(Seen::Form);
            }
            _ => expected.push(Seen::Frame(frame.clone())),
        }
        input.push((frame, form));
    }
    (input, expected)
}

/// What the buffer does with the frames until it has done `count` things: bytes come with pauses, frames are read late.
fn through_buffer(input: &[(Vec<u8>, bool)], count: usize, random: &mut Random) -> Vec<Seen> {
    let mut bench = Bench::new("frame_buffer");
    let mut got = Vec::new();
    let (mut frame, mut at) = (0, 0);
    let mut reading: Option<Vec<u8>> = None;
    // A frame is judged in the cycle after its end.
    let mut judging = false;
    for _ in 0..200_000 {
        // Writing side, with pauses.
        let event = frame < input.len() && !judging && random.chance(8_000);
        let ends = event && at == input[frame].0.len();
        bench.set("data_valid", u64::from(event && !ends));
        bench.set("data", if event && !ends { u64::from(input[frame].0[at]) } else { 0 });
        bench.set("frame_end", u64::from(ends));
        bench.set("frame_good", u64::from(ends && input[frame].1));
        // Reading side: a byte a cycle once it has begun, then done.
        let mut done = false;
        match &mut reading {
            None if bench.is("frame_valid") && random.chance(500) => reading = Some(Vec::new()),
            None => {}
            Some(bytes) if bytes.len() == bench.get("frame_bytes") as usize => {
                got.push(Seen::Frame(std::mem::take(bytes)));
                reading = None;
                done = true;
            }
            Some(_) => {}
        }
        let fetching = reading.as_ref().map(Vec::len);
        bench.set("read_enable", u64::from(fetching.is_some()));
        bench.set("read_address", fetching.unwrap_or(0) as u64);
        bench.set("frame_done", u64::from(done));
        bench.eval();
        for (count, seen) in [("count_crc", Seen::Crc), ("count_frame", Seen::Form), ("count_overrun", Seen::Overrun)] {
            if bench.is(count) {
                got.push(seen);
            }
        }
        judging = ends && bench.is("ready");
        if event && bench.is("ready") {
            (frame, at) = if ends { (frame + 1, 0) } else { (frame, at + 1) };
        }
        bench.tick();
        if let Some(bytes) = &mut reading {
            bytes.push(bench.get("read_data") as u8);
        }
        if got.len() == count {
            break;
        }
    }
    got
}

#[test]
fn frame_buffer_hands_on_whole_checked_frames_and_counts_the_rest() {
    let slot = nda_cores::emit::units::FRAME_SLOTS.1;
    for seed in 1..=6 {
        let mut random = Random::new(seed);
        let (input, expected) = frames_and_fates(slot, &mut random);
        let got = through_buffer(&input, expected.len(), &mut random);
        let of = |all: &[Seen], keep: fn(&Seen) -> bool| all.iter().filter(|s| keep(s)).cloned().collect::<Vec<_>>();
        let is_frame = |s: &Seen| matches!(s, Seen::Frame(_));
        // Frames wait in their slots, so only the order within each kind is kept.
        assert_eq!(of(&got, is_frame), of(&expected, is_frame), "seed {seed}");
        assert_eq!(of(&got, |s| !matches!(s, Seen::Frame(_))), of(&expected, |s| !matches!(s, Seen::Frame(_))), "seed {seed}");
    }
}

#[test]
fn a_full_frame_buffer_holds_the_wire_back_or_drops_whole_frames() {
    let body = [9; 20];
    let frame = [&body[..], &crc32(&body).to_le_bytes()].concat();
    for (name, dropping) in [("frame_buffer", false), ("frame_buffer_dropping", true)] {
        let mut bench = Bench::new(name);
        let (mut good, mut overruns, mut held) = (0, 0, false);
        // An idle cycle after each end: the frame is judged in it.
        for i in 0..4 * (frame.len() + 2) {
            let at = i % (frame.len() + 2);
            bench.set("data_valid", u64::from(at < frame.len()));
            bench.set("data", u64::from(*frame.get(at).unwrap_or(&0)));
            bench.set("frame_end", u64::from(at == frame.len()));
            bench.set("frame_good", 1);
            bench.eval();
            held |= !bench.is("ready");
            good += bench.get("count_ok");
            overruns += bench.get("count_overrun");
            bench.tick();
        }
        let expected = if dropping { (2, 2, false) } else { (2, 0, true) };
        assert_eq!((good, overruns, held), expected, "{name}: two slots, four frames");
        // A slot given back takes the next frame again.
        bench.set("data_valid", 0);
        bench.set("frame_end", 0);
        bench.set("frame_done", 1);
        bench.tick();
        bench.set("frame_done", 0);
        bench.eval();
        assert!(bench.is("ready"));
    }
}

#[test]
fn uart_tx_sends_every_byte_bit_by_bit() {
    let divisor = nda_cores::emit::units::UART_DIVISOR as usize;
    let mut bench = Bench::new("uart_tx");
    let mut levels = vec![bench.is("tx")];
    let mut sent = 0_usize;
    while sent < 256 || !bench.is("ready") {
        bench.set("valid", u64::from(sent < 256));
        bench.set("data", (sent & 255) as u64);
        bench.eval();
        sent += usize::from(sent < 256 && bench.is("ready"));
        bench.tick();
        levels.push(bench.is("tx"));
    }
    assert!(levels[0], "the line is high from power-up on");
    let start = levels.iter().position(|l| !l).unwrap();
    for byte in 0..256_usize {
        // Ten bits, then one cycle in which the next byte is taken.
        let at = start + byte * (10 * divisor + 1);
        let bits = [vec![false], (0..8).map(|k| byte >> k & 1 == 1).collect(), vec![true]].concat();
        let expected: Vec<bool> = bits.iter().flat_map(|&b| vec![b; divisor]).collect();
        assert_eq!(levels[at..at + 10 * divisor], expected[..], "byte {byte}");
    }
}

#[test]
fn uart_rx_takes_every_byte_at_speeds_two_percent_off() {
    let divisor = f64::from(nda_cores::emit::units::UART_DIVISOR);
    for speed in [0.98, 1.0, 1.02] {
        let mut bench = Bench::new("uart_rx");
        let mut random = Random::new(5);
        bench.set("rx", 1);
        for _ in 0..10 {
            bench.tick();
        }
        let mut edges: Vec<(f64, bool)> = Vec::new();
        let mut time = 20.0;
        for byte in 0..256_u32 {
            let bits = [vec![false], (0..8).map(|k| byte >> k & 1 == 1).collect(), vec![true]].concat();
            for bit in bits {
                edges.push((time, bit));
                time += divisor * speed;
            }
            time += random.below(20) as f64 * 0.37;
        }
        let (mut got, mut next, mut level) = (Vec::new(), 0, true);
        for cycle in 0..time as usize + 20 {
            while next < edges.len() && edges[next].0 <= cycle as f64 {
                level = edges[next].1;
                next += 1;
            }
            bench.set("rx", u64::from(level));
            bench.tick();
            if bench.is("valid") {
                assert!(!bench.is("bad"), "speed {speed}");
                got.push(bench.get("data") as u32);
            }
        }
        assert_eq!(got, (0..256).collect::<Vec<u32>>(), "speed {speed}");
    }
}

#[test]
fn uart_rx_ignores_a_glitch_and_marks_a_break() {
    let mut bench = Bench::new("uart_rx");
    let mut line = |level: u64, cycles: usize| {
        let mut seen = Vec::new();
        for _ in 0..cycles {
            bench.set("rx", level);
            bench.tick();
            if bench.is("valid") {
                seen.push((bench.get("data"), bench.is("bad")));
            }
        }
        seen
    };
    line(1, 20);
    assert_eq!([line(0, 2), line(1, 100)].concat(), [], "a start bit of a quarter bit is none");
    assert_eq!([line(0, 80), line(1, 100)].concat(), [(0, true)], "a break is a byte of zeros whose stop bit is low");
}
