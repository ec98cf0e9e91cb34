//! The verdicts on requests, evaluated: PROTOCOL.md's checks in their order.

use super::control::control;
use crate::netlist::Evaluation;
use nda_spec::Config;
use nda_spec::wire::{CRC_BYTES, HEADER_BYTES, JOB_BYTES, Op, PROTOCOL_VERSION, Status};

/// Cycles within which a request that changes nothing is answered.
const LIMIT: usize = 128;

/// Status and `aux` of a request, given its fields beside the operation and its payload's bytes; no page is sealed.
fn verdict(op: u8, fields: &[(&str, u64)], payload: usize) -> (u8, u32) {
    let netlist = control(&Config::named("nano16").unwrap().geometry, 64);
    let mut circuit = Evaluation::new(&netlist);
    circuit.set("op", &[u64::from(op)]);
    fields.iter().for_each(|(name, value)| circuit.set(name, &[*value]));
    circuit.set("frame_bytes", &[(HEADER_BYTES + payload + CRC_BYTES) as u64]);
    circuit.set("frame_valid", &[1]);
    for _ in 0..LIMIT {
        if circuit.get("answer_load") == 1 {
            let word = circuit.get("answer_word");
            assert_eq!(word as u8, op | 0x80);
            return ((word >> 8) as u8, (word >> 32) as u32);
        }
        circuit.clock();
    }
    panic!("no answer in {LIMIT} cycles");
}

#[test]
fn requests_are_refused_in_the_order_of_the_protocol() {
    let g = Config::named("nano16").unwrap().geometry;
    let version = ("arg", u64::from(PROTOCOL_VERSION));
    let cases: [(Op, &[(&str, u64)], usize, Status, u32); 13] = [
        (Op::Sync, &[version, ("addr", 77)], 0, Status::Ok, 77),
        (Op::Sync, &[("arg", 9), ("addr", 77)], 0, Status::Version, 77),
        (Op::Sync, &[version], 1, Status::BadLen, 0),
        (Op::Ident, &[], 0, Status::Ok, 0),
        (Op::Stat, &[], 4, Status::BadLen, 0),
        (Op::Write, &[], 0, Status::BadLen, 0),
        (Op::Write, &[], g.tile_word_bytes() - 1, Status::BadLen, 0),
        (Op::Write, &[("addr", g.tile_words as u64)], g.tile_word_bytes(), Status::Range, 0),
        (Op::Seal, &[], 3, Status::BadLen, 0),
        (Op::Seal, &[("addr", g.pages() as u64)], 4, Status::Range, 0),
        (Op::Read, &[], 4, Status::StaleJob, 0),
        (Op::Run, &[], JOB_BYTES - 1, Status::BadLen, 0),
        (Op::Generate, &[], 0, Status::BadOp, 0),
    ];
    for (op, fields, payload, status, aux) in cases {
        assert_eq!(verdict(op as u8, fields, payload), (status as u8, aux), "{op:?} {fields:?}, {payload} bytes");
    }
}

#[test]
fn a_job_is_refused_by_its_length_its_shape_and_its_pages() {
    let g = Config::named("nano16").unwrap().geometry;
    let acts = JOB_BYTES + 6 * g.act_word_bytes();
    let job = |base: u64, groups: u64, rows: u64, payload: usize| {
        let fields = [("job_id", 5), ("base", base), ("plane_groups", groups), ("col_beats", 3), ("row_groups", rows)];
        verdict(Op::Run as u8, &fields, payload)
    };
    let status = |status: Status, aux: u32| (status as u8, aux);
    let tile_words = g.tile_words as u64;
    assert_eq!(job(0, 2, 4, acts - 1), status(Status::BadLen, 0));
    assert_eq!(job(0, 2, 0, acts), status(Status::Range, 0));
    assert_eq!(job(0, 2, g.result_words as u64 + 1, acts), status(Status::Range, 0));
    assert_eq!(job(tile_words - 11, 2, 4, acts), status(Status::Range, 0));
    // The last words of the store: the page they lie on is not sealed.
    assert_eq!(job(tile_words - 12, 2, 4, acts), status(Status::TileDirty, g.pages() as u32 - 1));
}
