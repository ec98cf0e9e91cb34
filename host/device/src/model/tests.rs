use super::*;
use nda_spec::job::Job;
use nda_spec::wire::{CRC_BYTES, IDENT_BYTES, JobFlags, PageDigest, STAT_BYTES, cobs_decode, crc32};
use nda_spec::{ActivationCode, WeightCode};

/// A model with a host that does nothing but ask.
struct Bench(ModelDevice);

impl Bench {
    fn new() -> Bench {
        Bench(ModelDevice::new(&Config::named("nano16").unwrap(), ModelPort::Uart))
    }

    fn raw(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.feed(bytes);
        let mut out = Vec::new();
        while self.0.drain(&mut out) {}
        out
    }

    fn ask(&mut self, op: u8, arg: u8, addr: u32, payload: &[u8]) -> (u8, u32, Vec<u8>) {
        let header = Request { op, arg, seq: 77, addr }.to_bytes();
        let out = self.raw(&encode_frame(&header, payload));
        let raw = cobs_decode(&out[1..out.len() - 1]).unwrap();
        let response = Response::from_bytes(raw.first_chunk().unwrap());
        assert_eq!((response.op, response.seq), (op | RESPONSE_BIT, 77));
        (response.status, response.aux, raw[HEADER_BYTES..raw.len() - CRC_BYTES].to_vec())
    }

    fn status(&mut self, op: Op, addr: u32, payload: &[u8]) -> (Status, u32) {
        let (status, aux, _) = self.ask(op as u8, 0, addr, payload);
        (Status::from_byte(status).unwrap(), aux)
    }

    /// Seals page 0 with ones in every plane.
    fn seal_ones(&mut self) {
        assert_eq!(self.status(Op::Write, 0, &[255; 64 * 4]), (Status::Ok, 0));
        let crc = crc32(&[255; 64 * 4]);
        assert_eq!(self.status(Op::Seal, 0, &crc.to_le_bytes()), (Status::Ok, crc));
    }
}

fn job(id: u16) -> Job {
    let flags = JobFlags::new(WeightCode::Ternary, ActivationCode::A8);
    Job { id, flags, plane_groups: 8, base: 0, row_groups: 3, col_beats: 1, init: 0, digest: ones() }
}

/// The digest of page 0 with ones in every plane.
fn ones() -> u32 {
    PageDigest::of([crc32(&[255; 64 * 4])])
}

fn run(job: Job) -> Vec<u8> {
    [&job.to_bytes()[..], &vec![255; job.act_words() * 2]].concat()
}

#[test]
fn every_refusal_is_the_one_that_the_protocol_names() {
    let mut b = Bench::new();
    assert_eq!(b.ask(0x77, 0, 0, &[]).0, Status::BadOp as u8);
    assert_eq!(b.ask(Op::Sync as u8, 9, 5, &[]), (Status::Version as u8, 5, vec![]));
    for op in [Op::Sync, Op::Ident, Op::Stat, Op::Write, Op::Seal, Op::Run, Op::Read] {
        assert_eq!(b.status(op, 0, &[1, 2, 3]).0, Status::BadLen, "{op:?}");
    }
    assert_eq!(b.status(Op::Write, 2047, &[0; 8]).0, Status::Range);
    assert_eq!(b.status(Op::Seal, 32, &[0; 4]).0, Status::Range);
    assert_eq!(b.status(Op::Seal, 0, &[0; 4]).0, Status::CrcMismatch);
    assert_eq!(b.status(Op::Read, 0, &[0; 4]), (Status::StaleJob, 0));
    for wrong in
        [Job { row_groups: 0, ..job(1) }, Job { row_groups: 257, ..job(1) }, Job { base: 2046, ..job(1) }, Job { col_beats: 17, ..job(1) }]
    {
        assert_eq!(b.status(Op::Run, 0, &run(wrong)).0, Status::Range, "{wrong:?}");
    }
    assert_eq!(b.status(Op::Run, 4, &run(job(1))).0, Status::Range, "more results than rows");
    assert_eq!(b.status(Op::Run, 0, &run(Job { base: 63, ..job(1) })), (Status::TileDirty, 0));
    b.seal_ones();
    assert_eq!(b.status(Op::Run, 0, &run(Job { base: 63, ..job(1) })), (Status::TileDirty, 1));
    assert_eq!(b.status(Op::Run, 0, &run(Job { digest: 7, ..job(1) })), (Status::OtherPages, ones()));
    assert_eq!(b.ask(Op::Ident as u8, 0, 0, &[]).2.len(), IDENT_BYTES);
    assert_eq!(b.ask(Op::Stat as u8, 0, 0, &[]).2.len(), STAT_BYTES);
}

#[test]
fn a_job_runs_once_and_its_results_stay_until_the_next() {
    let mut b = Bench::new();
    b.seal_ones();
    // 16 columns of weight 1 and activation -1.
    let minus_16 = (-16_i32).to_le_bytes()[..3].to_vec();
    let (status, cycles, results) = b.ask(Op::Run as u8, 0, 2, &run(job(65_535)));
    assert_eq!((status, &results), (Status::Ok as u8, &minus_16.repeat(2)));
    assert_eq!(b.ask(Op::Run as u8, 0, 1, &run(job(65_535))), (Status::Dup as u8, cycles, minus_16.clone()));
    assert_eq!(b.status(Op::Run, 4, &run(job(65_535))).0, Status::Range);
    assert_eq!(b.status(Op::Run, 0, &run(job(65_534))), (Status::StaleJob, 65_535));
    assert_eq!(b.ask(Op::Read as u8, 0, 0xffff_0001, &2_u32.to_le_bytes()), (Status::Ok as u8, 0xffff_0001, minus_16.repeat(2)));
    assert_eq!(b.status(Op::Read, 0xffff_0001, &3_u32.to_le_bytes()).0, Status::Range);
    assert_eq!(b.status(Op::Run, 0, &run(job(0))).0, Status::Ok, "0 comes after 65,535");
    assert_eq!(b.status(Op::Read, 0xffff_0000, &1_u32.to_le_bytes()), (Status::StaleJob, 0));
    assert_eq!(b.0.stat().jobs, 2);
    assert_eq!(b.status(Op::Sync, 1, &[]).0, Status::Version, "argument 0 is not a version");
    assert_eq!(b.status(Op::Run, 0, &run(job(65_000))).0, Status::Ok, "after SYNC any id runs");
    b.status(Op::Write, 0, &[0; 4]);
    assert_eq!(b.status(Op::Run, 0, &run(job(65_001))), (Status::TileDirty, 0));
}

#[test]
fn bad_frames_are_counted_and_answered_by_silence() {
    let mut b = Bench::new();
    let good = encode_frame(&Request { op: Op::Stat as u8, arg: 0, seq: 1, addr: 0 }.to_bytes(), &[]);
    let mut flipped = good.clone();
    flipped[4] ^= 0x10;
    let long = encode_frame(&Request { op: Op::Write as u8, arg: 0, seq: 1, addr: 0 }.to_bytes(), &[7; 504]);
    let most = encode_frame(&Request { op: Op::Write as u8, arg: 0, seq: 1, addr: 0 }.to_bytes(), &[7; 500]);
    for silent in [&[0, 0, 0][..], &flipped, &[0, 5, 1, 0], &[0, 3, 1, 1, 0], &long, &vec![9; 10_000], &[0]] {
        assert!(b.raw(silent).is_empty(), "{silent:?}");
    }
    assert!(!b.raw(&most).is_empty(), "a frame that just fits");
    let stat = b.0.stat();
    assert_eq!((stat.frames_ok, stat.bad_crc, stat.bad_frame, stat.overrun), (1, 2, 1, 2));
    // Three frames at once and two slots: a UART drops the third, a parallel port lets it wait.
    assert_eq!(b.raw(&good.repeat(3)).len(), 2 * b.raw(&good).len());
    let mut parallel = Bench(ModelDevice::new(&Config::named("nano16").unwrap(), ModelPort::Parallel));
    assert_eq!(parallel.raw(&good.repeat(3)).len(), 3 * parallel.raw(&good).len());
}
