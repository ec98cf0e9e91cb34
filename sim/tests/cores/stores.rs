//! Memories, seal table, unpacker, header register, counters: random operations against plain variables.

use crate::Bench;
use nda_cores::emit::units::{SEAL_PAGES, STORE_WORDS};
use nda_spec::job::Job;
use nda_spec::random::Random;
use nda_spec::wire::{HEADER_BYTES, JOB_BYTES, JobFlags, Request};
use std::collections::VecDeque;

#[test]
fn block_ram_returns_what_was_written_and_keeps_it_until_the_next_read() {
    let mut bench = Bench::new("block_ram");
    let mut random = Random::new(3);
    let mut memory = [0_u64; STORE_WORDS];
    let mut expected = 0;
    for _ in 0..20_000 {
        let (write, read) = (random.chance(5_000), random.chance(5_000));
        let (wa, data) = (random.below(STORE_WORDS), random.next_u64() & 0xfff);
        let mut ra = random.below(STORE_WORDS);
        if write && ra == wa {
            ra = (ra + 1) % STORE_WORDS;
        }
        for (port, value) in [
            ("write_enable", u64::from(write)),
            ("write_address", wa as u64),
            ("write_data", data),
            ("read_enable", u64::from(read)),
            ("read_address", ra as u64),
        ] {
            bench.set(port, value);
        }
        bench.tick();
        expected = if read { memory[ra] } else { expected };
        if write {
            memory[wa] = data;
        }
        assert_eq!(bench.get("read_data"), expected);
    }
}

#[test]
fn packed_store_gathers_bytes_lightest_first_and_reads_in_two_cycles_or_in_banks_in_three() {
    packed_store_keeps_its_words("packed_store", 2);
    packed_store_keeps_its_words("packed_store_single", 2);
    packed_store_keeps_its_words("packed_store_banked", 3);
}

fn packed_store_keeps_its_words(unit: &str, cycles: usize) {
    let mut bench = Bench::new(unit);
    let mut random = Random::new(4);
    let mut memory = [0_u64; STORE_WORDS];
    for word in 0..STORE_WORDS {
        let value = random.next_u64() & 0xffff_ffff;
        for (i, byte) in (value as u32).to_le_bytes().into_iter().enumerate() {
            while random.chance(3_000) {
                bench.set("byte_enable", 0);
                bench.set("write_enable", 0);
                bench.set("byte_data", random.next_u64() & 255);
                bench.tick();
            }
            bench.set("byte_enable", 1);
            bench.set("byte_data", u64::from(byte));
            bench.set("write_enable", u64::from(i == 3));
            bench.set("write_address", word as u64);
            bench.tick();
        }
        memory[word] = value;
    }
    bench.set("byte_enable", 0);
    bench.set("write_enable", 0);
    // The last word is on its way.
    bench.tick();
    let (mut fetched, mut shown) = (VecDeque::from(vec![None; cycles - 1]), 0);
    for _ in 0..5_000 {
        let (read, address) = (random.chance(6_000), random.below(STORE_WORDS));
        bench.set("read_enable", u64::from(read));
        bench.set("read_address", address as u64);
        bench.tick();
        // What was asked for that many edges ago is shown after this one.
        shown = fetched.pop_front().flatten().unwrap_or(shown);
        fetched.push_back(read.then_some(memory[address]));
        assert_eq!(bench.get("read_data"), shown);
    }
}

#[test]
fn seal_table_keeps_every_page_apart_and_clear_wins() {
    let mut bench = Bench::new("seal_table");
    let mut random = Random::new(5);
    let mut sealed = [None; SEAL_PAGES];
    // A change takes a cycle to be stored, and a query one to be answered.
    let mut changing = None;
    for _ in 0..20_000 {
        let (set, clear, index, query) = (random.chance(5_000), random.chance(3_000), random.below(SEAL_PAGES), random.below(SEAL_PAGES));
        let crc = random.next_u64() & 0xffff_ffff;
        let ports = [("seal", u64::from(set)), ("clear", u64::from(clear)), ("page", index as u64), ("query", query as u64), ("crc", crc)];
        ports.into_iter().for_each(|(port, value)| bench.set(port, value));
        bench.tick();
        assert_eq!(bench.is("is_sealed").then(|| bench.get("page_crc")), sealed[query]);
        if let Some((page, value)) = changing.take() {
            sealed[page] = value;
        }
        changing = (clear || set).then_some((index, (!clear).then_some(crc)));
    }
}

#[test]
fn unpacker_gives_bytes_lightest_first_and_load_wins() {
    let mut bench = Bench::new("unpacker");
    let mut random = Random::new(6);
    let mut held = 0_u64;
    for _ in 0..20_000 {
        let (load, shift, word) = (random.chance(2_000), random.chance(6_000), random.next_u64() & 0xffff_ffff);
        bench.set("load", u64::from(load));
        bench.set("shift", u64::from(shift));
        bench.set("word", word);
        bench.tick();
        held = if load {
            word
        } else if shift {
            held >> 8
        } else {
            held
        };
        assert_eq!(bench.get("byte_data"), held & 255);
    }
}

#[test]
fn unpacker_of_banks_takes_the_word_of_the_cycle_after_its_load_and_gives_bytes_no_later() {
    let mut bench = Bench::new("unpacker_banked");
    let mut random = Random::new(6);
    let (mut held, mut loading) = (0_u64, false);
    for _ in 0..20_000 {
        let (load, shift, word) = (random.chance(2_000), random.chance(6_000), random.next_u64() & 0xffff_ffff);
        bench.set("load", u64::from(load));
        bench.set("shift", u64::from(shift));
        // The word of the last cycle's load stands in this one.
        bench.set("word", word);
        bench.eval();
        held = if loading { word } else { held };
        assert_eq!(bench.get("byte_data"), held & 255);
        bench.tick();
        held = if shift && !load { held >> 8 } else { held };
        loading = load;
    }
}

#[test]
fn header_register_spells_request_and_job_as_the_spec_does() {
    let mut bench = Bench::new("header_register");
    let mut random = Random::new(7);
    for _ in 0..500 {
        let mut bytes = [0_u8; HEADER_BYTES + JOB_BYTES];
        bytes.iter_mut().for_each(|b| *b = random.next_u64() as u8);
        for byte in bytes {
            bench.set("enable", 0);
            bench.set("byte_data", 0xa5);
            bench.tick();
            bench.set("enable", 1);
            bench.set("byte_data", u64::from(byte));
            bench.tick();
        }
        let request = Request::from_bytes(bytes[..8].try_into().unwrap());
        let job = Job::from_bytes(bytes[8..].try_into().unwrap());
        let got = ["op", "arg", "seq", "addr"].map(|p| bench.get(p));
        assert_eq!(got, [u64::from(request.op), u64::from(request.arg), u64::from(request.seq), u64::from(request.addr)]);
        assert_eq!(bench.get("word"), u64::from(u32::from_le_bytes(bytes[8..12].try_into().unwrap())));
        let got = ["job_id", "plane_groups", "base", "row_groups", "col_beats", "init", "digest"].map(|p| bench.get(p));
        let init = job.init as u32 & 0x00ff_ffff;
        assert_eq!(
            got,
            [
                u64::from(job.id),
                u64::from(job.plane_groups),
                u64::from(job.base),
                u64::from(job.row_groups),
                u64::from(job.col_beats),
                u64::from(init),
                u64::from(job.digest)
            ]
        );
        assert_eq!(job.flags, JobFlags { ternary: bench.is("ternary"), a2: bench.is("a2") });
    }
}

#[test]
fn counters_count_their_own_cycles_in_the_order_of_the_page() {
    let inputs = ["frame_ok", "bad_crc", "bad_frame", "overrun", "job", "run_cycle", "beat", "tx_wait", "rx_wait"];
    let mut bench = Bench::new("counters");
    let mut random = Random::new(8);
    let (mut expected, mut before) = ([0_u64; 10], [0_u64; 10]);
    for _ in 0..5_000 {
        // A counter is chosen by what stands before the edge, and shown as it was there.
        let address = random.below(10);
        bench.set("address", address as u64);
        let shown = expected[address];
        // What stood in the cycle before is counted now.
        expected.iter_mut().zip(&mut before).for_each(|(count, up)| *count += std::mem::take(up));
        for (input, up) in inputs.iter().zip(&mut before) {
            *up = u64::from(random.chance(3_000));
            bench.set(input, *up);
        }
        before[9] = 1;
        bench.tick();
        assert_eq!(bench.get("data"), shown, "counter {address}");
    }
}

#[test]
fn status_lights_outlive_their_events_and_go_out() {
    const TICK: usize = 8;
    let mut bench = Bench::new("status_lights");
    let events = [("frame", "link"), ("run_cycle", "busy"), ("refused", "fault")];
    for (event, light) in events {
        for _ in 0..20 * TICK {
            bench.tick();
        }
        assert!(events.iter().all(|(_, l)| bench.get(l) == 0), "{light}: all lights are out before");
        bench.set(event, 1);
        bench.tick();
        bench.set(event, 0);
        bench.tick();
        let lit = (0..20 * TICK).take_while(|_| {
            let on = bench.get(light) == 1;
            assert!(events.iter().all(|(_, l)| *l == light || bench.get(l) == 0), "{event} lights {light} alone");
            bench.tick();
            on
        });
        let cycles = lit.count();
        let ticks = nda_cores::top::status_lights::LIT_TICKS as usize;
        assert!((TICK * (ticks - 1)..=TICK * ticks + 1).contains(&cycles), "{light} was lit for {cycles} cycles");
    }
}
