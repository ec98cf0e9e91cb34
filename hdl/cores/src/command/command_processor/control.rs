//! The states of a frame and what each does: all of the command processor but its registers for whole words and the seal table.

use super::checks::{self, Known};
use super::frame::{bytes, reader};
use super::held::Held;
use super::pages::pages;
use super::reply::{Words, reply};
use super::run::{Multiplier, admit, launch};
use super::{dispatch, states as s};
use crate::netlist::{Module, Netlist, Value};
use crate::netlist_block;
use nda_spec::config::Geometry;
use rust_hdl_core::prelude::*;
use std::sync::Arc;

netlist_block! {
    /// [`control`] of result words of `Y` bits and response words of `U`.
    CommandControl<Y, U>, "command_control_text", {
        frame_valid: Bit,
        frame_bytes: Bits<13>,
        read_data: Bits<8>,
        op: Bits<8>,
        arg: Bits<8>,
        seq: Bits<16>,
        addr: Bits<32>,
        word: Bits<32>,
        job_id: Bits<16>,
        a2: Bit,
        plane_groups: Bits<8>,
        base: Bits<32>,
        row_groups: Bits<16>,
        col_beats: Bits<16>,
        digest: Bits<32>,
        is_sealed: Bit,
        crc: Bits<32>,
        result_valid: Bit,
        result_read_data: Bits<Y>,
        identity_data: Bits<32>,
        counter_data: Bits<32>,
        out_ready: Bit,
    } {
        frame_done: Bit,
        read_enable: Bit,
        read_address: Bits<13>,
        head_enable: Bit,
        head_byte: Bits<8>,
        tile_byte_enable: Bit,
        tile_write_enable: Bit,
        act_byte_enable: Bit,
        act_write_enable: Bit,
        word_address: Bits<16>,
        tile_read_enable: Bit,
        page_seal: Bit,
        page_clear: Bit,
        page: Bits<8>,
        page_query: Bits<8>,
        word_load: Bit,
        word_is_page_crc: Bit,
        word_shift: Bit,
        crc_clear: Bit,
        start: Bit,
        run_cycle: Bit,
        result_write_address: Bits<12>,
        answer_load: Bit,
        answer_word: Bits<U>,
        answer_shift: Bit,
        out_valid: Bit,
        out_last: Bit,
    }
}

/// A request's fields, as [`crate::command::header_register`] has them.
pub(super) struct Fields<'m> {
    pub op: Value<'m>,
    pub arg: Value<'m>,
    pub seq: Value<'m>,
    pub addr: Value<'m>,
    /// First four bytes of the payload.
    pub word: Value<'m>,
    pub job_id: Value<'m>,
    pub a2: Value<'m>,
    pub plane_groups: Value<'m>,
    pub base: Value<'m>,
    pub row_groups: Value<'m>,
    pub col_beats: Value<'m>,
    pub digest: Value<'m>,
}

impl<'m> Fields<'m> {
    fn new(m: &'m Module) -> Fields<'m> {
        Fields {
            op: m.input("op", 8),
            arg: m.input("arg", 8),
            seq: m.input("seq", 16),
            addr: m.input("addr", 32),
            word: m.input("word", 32),
            job_id: m.input("job_id", 16),
            a2: m.input("a2", 1),
            plane_groups: m.input("plane_groups", 8),
            base: m.input("base", 32),
            row_groups: m.input("row_groups", 16),
            col_beats: m.input("col_beats", 16),
            digest: m.input("digest", 32),
        }
    }
}

/// The control of stores of this geometry. Its ports are those of the command processor, of its header register, of its seal
/// table (`page_*`), of the bytes of a word (`word_*`) with their CRC, and of the response's bytes (`answer_*`).
pub(super) fn control(g: &Geometry, response_bits: usize) -> Arc<Netlist> {
    let module = Module::new("control");
    update(&module, g, response_bits);
    module.finish()
}

fn update(m: &Module, g: &Geometry, response_bits: usize) {
    let [frame_valid, is_sealed, result_valid, out_ready] = m.flags(["frame_valid", "is_sealed", "result_valid", "out_ready"]);
    let (frame_bytes, read_data) = (m.input("frame_bytes", 13), m.input("read_data", 8));
    let fields = Fields::new(m);
    let crc_found = (!m.input("crc", 32)).named("crc_found");
    let words = Words {
        identity: m.input("identity_data", 32),
        counter: m.input("counter_data", 32),
        result: m.input("result_read_data", g.result_word_bytes() * 8),
        out_ready,
    };
    let held = Held::new(m);
    let multiplier = Multiplier::new(m);
    let frame = reader(m, &held, frame_valid, frame_bytes, read_data);
    let bytes = bytes(m, g, &held, frame.fetched);
    let known = Known { fields: &fields, frame: &frame, held: &held, product: multiplier.product(), crc_found };
    let flags = checks::flags(m, g, &known);
    let job = checks::job_flags(m, g, &known, flags.high_address);
    dispatch::begin(m, g, &held);
    let begins_seal = dispatch::decide(m, g, &held, &flags, &fields);
    held.go(held.is(s::WRITE) & frame.is_over, s::ANSWER);
    multiplier.update(m, &held, &fields);
    admit(m, g, &held, &fields, &job, flags.high_address);
    let pages = pages(m, g, &held, &bytes, &job, (is_sealed, crc_found));
    let results = launch(m, &held, &fields, &frame, result_valid);
    let reply = reply(m, g, &held, &fields, &words, response_bits);

    m.output("frame_done", held.is(s::DONE));
    m.output("read_enable", frame.asks);
    m.output("read_address", held.position.q);
    m.output("head_enable", held.is(s::HEADER) & frame.fetched);
    m.output("head_byte", frame.head_byte);
    for (store, state) in [("tile", s::WRITE), ("act", s::RUN_ACTS)] {
        m.output(&format!("{store}_byte_enable"), held.is(state) & bytes.stored);
        m.output(&format!("{store}_write_enable"), held.is(state) & bytes.ends);
    }
    m.output("word_address", held.word_at.q);
    m.output("tile_read_enable", held.is(s::SEAL_READ));
    m.output("page_seal", pages.seal);
    m.output("page_clear", pages.clear);
    m.output("page", pages.page);
    m.output("page_query", held.word_at.q.low(8).unsigned());
    m.output("word_load", pages.load);
    m.output("word_is_page_crc", pages.is_page_crc);
    m.output("word_shift", bytes.summed);
    m.output("crc_clear", begins_seal | pages.clear_crc);
    m.output("start", held.is(s::RUN_START));
    m.output("run_cycle", held.is(s::RUN_WAIT));
    m.output("result_write_address", results.low(12).unsigned());
    m.output("answer_load", reply.load);
    m.output("answer_word", reply.word);
    m.output("answer_shift", reply.shift);
    m.output("out_valid", reply.valid);
    m.output("out_last", reply.last);
    held.close();
}
