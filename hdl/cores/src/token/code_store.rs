//! The codes that the array multiplies by: those of the machine's makers, and those that come with a host's product.
//!
//! Function: words of 128 columns, plane by plane; bit `128 p + c` of `x` is bit `p` of the code of column `c`. The makers write 16
//! columns of all planes per cycle, a host the bytes of a word in their order. Both never work at once: a product of a host's
//! waits until the machine is not busy. Handshake: none. Latency: a word stands in `x` from the second cycle behind `reads` on,
//! until the next is read; what a host writes can be read from the third cycle behind its last byte on.
//! Cost (derived): 64 LUT RAMs of 16 words by 16 bits, 1,024 FF.

use super::maker::{COLS, MAKERS};
use crate::netlist::{Module, Style, Value};
use nda_spec::token::limits;
use nda_spec::width::index_bits;

/// Planes of a code.
const PLANES: usize = 8;
/// Cycles of makers in a word.
const SEGMENTS: usize = COLS / MAKERS;
/// Words that there are: what a memory of LUTs has.
const WORDS: usize = limits::ACT_WORDS;

/// What the makers write.
pub(super) struct FromMakers<'m> {
    pub valid: Value<'m>,
    /// Which word, and which 16 columns of it.
    pub beat: Value<'m>,
    pub segment: Value<'m>,
    /// Code after code.
    pub codes: Value<'m>,
    /// The word that is wanted, and when.
    pub reads: Value<'m>,
    pub read_beat: Value<'m>,
}

/// A host's codes: bytes of a word, a cycle later, and a word that is wanted.
struct FromHost<'m> {
    /// A byte completes a pair: 16 columns of a plane.
    pair: Value<'m>,
    plane: Value<'m>,
    segment: Value<'m>,
    word: Value<'m>,
    data: Value<'m>,
    /// Of the cycle itself.
    reads: Value<'m>,
    read_word: Value<'m>,
}

impl<'m> FromHost<'m> {
    fn new(m: &'m Module) -> FromHost<'m> {
        let (byte_enable, byte, word_end) = (m.input("act_byte_enable", 1), m.input("act_byte", 8), m.input("act_write_enable", 1));
        let (word, reads, read_word) = (m.input("act_word", 16), m.input("act_read", 1), m.input("act_read_word", 16));
        let bits = index_bits(COLS * PLANES / 8);
        let came = m.always("a host's byte");
        let comes = came.register("act_comes", byte_enable);
        let ends = came.register("act_ends", word_end);
        let data = came.register("act_data", byte);
        let word = came.register("act_at", word.fit(index_bits(WORDS)));
        let count = m
            .always("which byte of a word")
            .feedback("act_count", bits, |count| comes.mux(ends.mux(m.constant(0, bits), count.next()), count));
        let before = m.stage("the byte before", comes).register("act_before", data);
        FromHost {
            pair: (comes & count.bit(0)).named("act_pair"),
            plane: count.slice(bits - 3, 3),
            segment: count.slice(1, bits - 4),
            word,
            data: m.concat(&[data, before]),
            reads,
            read_word: read_word.fit(index_bits(WORDS)),
        }
    }
}

/// The store's word that was read last.
pub(super) fn codes_kept<'m>(m: &'m Module, makers: &FromMakers<'m>) -> Value<'m> {
    let host = FromHost::new(m);
    let bits = index_bits(WORDS);
    let address = makers.valid.mux(makers.beat.fit(bits), host.word).named("codes_written_at");
    // A register of their own: a thousand flip-flops and their memories wait for them.
    let asked = m.always("the word that is asked for");
    let reads = asked.register("reads_codes", makers.reads | host.reads);
    let read_at = asked.register("codes_read_at", host.reads.mux(host.read_word, makers.read_beat.fit(bits)));
    let reading = m.stage("the word that is read", reads);
    let part = |plane: usize, segment: usize| {
        let memory = m.memory(&format!("kept_codes_{plane}_{segment}"), Style::Distributed, WORDS, MAKERS);
        let of_host = host.pair & host.plane.is(plane as u64) & host.segment.is(segment as u64);
        let of_makers = makers.valid & makers.segment.is(segment as u64);
        let of_plane: Vec<Value> = (0..MAKERS).rev().map(|code| makers.codes.bit(code * PLANES + plane)).collect();
        let data = makers.valid.mux(m.concat(&of_plane), host.data).named(&format!("codes_of_{plane}_{segment}"));
        m.stage(&format!("columns of segment {segment}, plane {plane}"), of_makers | of_host).write(memory, address, data);
        reading.register(&format!("x_{plane}_{segment}"), memory.at(read_at))
    };
    let planes = (0..PLANES).rev().flat_map(|plane| (0..SEGMENTS).rev().map(move |segment| (plane, segment)));
    m.concat(&planes.map(|(plane, segment)| part(plane, segment)).collect::<Vec<_>>())
}
