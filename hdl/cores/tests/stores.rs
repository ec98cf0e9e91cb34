//! Stores, tables and registers as netlists, evaluated under random inputs against plain variables: the smallest and the largest widths.

use nda_cores::netlist::{Evaluation, Netlist, Style};
use nda_cores::store::packed_store::{BANK_BITS, BANKED_BITS, MemoryStyle, store};
use nda_cores::{command::header_register, command::identity, command::seal_table, store::block_ram, store::read_delay, store::unpacker};
use nda_spec::job::Job;
use nda_spec::random::Random;
use nda_spec::wire::{HEADER_BYTES, IDENT_BYTES, JOB_BYTES, Request};
use std::collections::VecDeque;

struct Bench {
    circuit: Evaluation,
    random: Random,
}

impl Bench {
    fn new(netlist: &Netlist) -> Bench {
        Bench { circuit: Evaluation::new(netlist), random: Random::new(17) }
    }

    /// A word, all ones now and then, as bytes.
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        if self.random.chance(1_000) { vec![255; count] } else { (0..count).map(|_| self.random.next_u64() as u8).collect() }
    }

    fn set(&mut self, inputs: &[(&str, u64)]) {
        inputs.iter().for_each(|(name, value)| self.circuit.set(name, &[*value]));
    }

    fn set_wide(&mut self, name: &str, bytes: &[u8]) {
        self.circuit.set(name, &words(bytes));
    }
}

/// Bytes, lowest first, as words.
fn words(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks(8).map(|part| part.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))).collect()
}

#[test]
fn block_ram_shows_the_word_of_the_last_read_wherever_its_bits_lie() {
    for (bytes, address_bits, depth, lut_bits) in [(1, 1, 2, 0), (1, 9, 512, 8), (2, 5, 24, 5), (24, 12, 2048, 12), (24, 12, 2048, 0)] {
        let mut b = Bench::new(&block_ram::words(8 * bytes, address_bits, depth, lut_bits));
        let (mut memory, mut shown) = (vec![vec![0; bytes]; depth], vec![0; bytes]);
        for _ in 0..4_000 {
            let (writes, at, data) = (b.random.chance(5_000), b.random.below(depth), b.bytes(bytes));
            let (reads, from) = (b.random.chance(5_000), b.random.below(depth));
            let reads = reads && !(writes && at == from);
            b.set(&[("write_enable", writes.into()), ("write_address", at as u64)]);
            b.set(&[("read_enable", reads.into()), ("read_address", from as u64)]);
            b.set_wide("write_data", &data);
            b.circuit.clock();
            if reads {
                shown.clone_from(&memory[from]);
            }
            if writes {
                memory[at] = data;
            }
            assert_eq!(b.circuit.output_of("read_data"), words(&shown), "{bytes} bytes, {lut_bits} bits in LUT RAM");
        }
    }
}

/// Bits, words, style, bits of a bank, cycles from a read to its word.
const STORES: [(usize, usize, MemoryStyle, usize, usize); 7] = [
    (16, 2, MemoryStyle::Distributed, 16, 2),
    (1024, 32, MemoryStyle::Distributed, 1024, 2),
    (32, 24, MemoryStyle::Block, 32, 2),
    (32, 24, MemoryStyle::SinglePort, 32, 2),
    (512, 4096, MemoryStyle::SinglePort, 512, 2),
    (32, 24, MemoryStyle::Block, 24, 3),
    (BANKED_BITS, 40, MemoryStyle::Block, BANK_BITS, 3),
];

#[test]
fn packed_store_gathers_bytes_and_gives_words_in_the_promised_cycle() {
    for (bits, depth, style, bank, cycles) in STORES {
        let mut b = Bench::new(&store(bits, depth, style, bank));
        let (mut gathered, mut memory) = (VecDeque::from(vec![0; bits / 8]), vec![vec![0; bits / 8]; depth]);
        let (mut writes, mut reads) = (VecDeque::from([None, None]), VecDeque::from(vec![None; cycles - 1]));
        let mut shown = vec![0; bits / 8];
        for _ in 0..6_000 {
            let (takes, byte) = (b.random.chance(9_000), b.bytes(1)[0]);
            let (ends, at) = (takes && b.random.chance(2_000), b.random.below(depth));
            // What was written two cycles ago or before is found.
            if let Some((place, word)) = writes.pop_front().flatten() {
                memory[place] = word;
            }
            // A single port serves the write of the cycle before.
            let is_busy = style == MemoryStyle::SinglePort && writes.back().is_some_and(Option::is_some);
            let (asks, from) = (b.random.chance(5_000) && !is_busy, b.random.below(depth));
            b.set(&[
                ("byte_enable", takes.into()),
                ("byte_data", byte.into()),
                ("write_enable", ends.into()),
                ("write_address", at as u64),
            ]);
            b.set(&[("read_enable", asks.into()), ("read_address", from as u64)]);
            b.circuit.clock();
            if takes {
                gathered.pop_front();
                gathered.push_back(byte);
            }
            writes.push_back(ends.then(|| (at, Vec::from(gathered.clone()))));
            reads.push_back(asks.then(|| memory[from].clone()));
            shown = reads.pop_front().flatten().unwrap_or(shown);
            assert_eq!(b.circuit.output_of("read_data"), words(&shown), "{bits} bits in banks of {bank}, {style:?}");
        }
    }
}

#[test]
fn seal_table_keeps_every_page_apart_and_clear_wins() {
    for pages in [2, 24, 256] {
        let mut b = Bench::new(&seal_table::seals(pages, Style::Any));
        let (mut sealed, mut changing) = (vec![None; pages], None);
        for _ in 0..8_000 {
            let (seals, clears, page, query) =
                (b.random.chance(5_000), b.random.chance(3_000), b.random.below(pages), b.random.below(pages));
            let crc = b.random.next_u64() & 0xffff_ffff;
            b.set(&[("seal", seals.into()), ("clear", clears.into()), ("page", page as u64), ("query", query as u64), ("crc", crc)]);
            b.circuit.clock();
            assert_eq!((b.circuit.get("is_sealed") == 1).then(|| b.circuit.get("page_crc")), sealed[query], "{pages} pages");
            if let Some((page, value)) = changing.take() {
                sealed[page] = value;
            }
            changing = (clears || seals).then_some((page, (!clears).then_some(crc)));
        }
    }
}

#[test]
fn unpacker_gives_bytes_lightest_first_in_banks_too() {
    for (bytes, bank) in [(1, 1), (4, 4), (4, 3), (256, 256), (256, BANK_BITS / 8), (256, 15)] {
        let mut b = Bench::new(&unpacker::bytes(8 * bytes, 8 * bank));
        let (mut held, mut is_coming) = (VecDeque::from(vec![0; bytes]), false);
        for _ in 0..4_000 {
            let (loads, shifts, word) = (b.random.chance(1_000), b.random.chance(6_000), b.bytes(bytes));
            b.set(&[("load", loads.into()), ("shift", shifts.into())]);
            b.set_wide("word", &word);
            // In banks, the word of the last cycle's load stands in this one.
            if is_coming && bank < bytes {
                held = word.clone().into();
            }
            assert_eq!(b.circuit.get("byte_data"), u64::from(held[0]), "{bytes} bytes in banks of {bank}");
            b.circuit.clock();
            if loads {
                held = word.into();
            } else if shifts {
                held.rotate_left(1);
                held[bytes - 1] = 0;
            }
            is_coming = loads;
            if is_coming && bank < bytes {
                continue;
            }
            assert_eq!(b.circuit.get("byte_data"), u64::from(held[0]), "{bytes} bytes in banks of {bank}");
        }
    }
}

#[test]
fn header_register_spells_request_and_job_as_the_spec_does() {
    let mut b = Bench::new(&header_register::fields());
    for _ in 0..300 {
        let bytes = b.bytes(HEADER_BYTES + JOB_BYTES);
        for byte in &bytes {
            for enable in [0, 1] {
                b.set(&[("enable", enable), ("byte_data", if enable == 1 { u64::from(*byte) } else { 0xa5 })]);
                b.circuit.clock();
            }
        }
        let (request, job) = (Request::from_bytes(bytes[..8].try_into().unwrap()), Job::from_bytes(bytes[8..].try_into().unwrap()));
        let word = u32::from_le_bytes(bytes[8..12].try_into().unwrap());
        for (field, value) in [
            ("op", u32::from(request.op)),
            ("arg", request.arg.into()),
            ("seq", request.seq.into()),
            ("addr", request.addr),
            ("word", word),
            ("job_id", job.id.into()),
            ("ternary", job.flags.ternary.into()),
            ("a2", job.flags.a2.into()),
            ("plane_groups", job.plane_groups.into()),
            ("base", job.base),
            ("row_groups", job.row_groups.into()),
            ("col_beats", job.col_beats.into()),
            ("init", job.init as u32 & 0x00ff_ffff),
            ("digest", job.digest),
        ] {
            assert_eq!(b.circuit.get(field), u64::from(value), "{field}");
        }
    }
}

#[test]
fn read_delay_repeats_what_came_so_many_cycles_before() {
    for stages in [0, 1, 4] {
        let mut b = Bench::new(&read_delay::delay(stages));
        let mut due = VecDeque::from(vec![(0, 0); stages]);
        for _ in 0..500 {
            let (enable, address) = (b.random.next_u64() & 1, b.random.next_u64() & 0xffff);
            b.set(&[("enable", enable), ("address", address)]);
            due.push_back((enable, address));
            assert_eq!(Some((b.circuit.get("out_enable"), b.circuit.get("out_address"))), due.pop_front(), "{stages} stages");
            b.circuit.clock();
        }
    }
}

#[test]
fn identity_shows_every_word_of_the_page_at_once() {
    let page: [u8; IDENT_BYTES] = std::array::from_fn(|k| (k * 37 + 129) as u8);
    let mut b = Bench::new(&identity::words(&page));
    for (address, bytes) in page.chunks_exact(4).enumerate() {
        b.set(&[("address", address as u64)]);
        assert_eq!(b.circuit.output_of("data"), words(bytes), "word {address}");
    }
}
