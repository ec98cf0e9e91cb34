//! One head of the query against one position: the dot product of its codes and the key's levels.
//!
//! Function: `dot = sum over c of codes_c * (2 q_c + q'_c)`, where `q = 3 s + e - 2`. With bits `S`, `E` of +1 and -1 a level is
//! `(6 S + 2 E + 3 S' + E') / 2`: four planes, each the address of tables of signed sums, a tree of adders per plane, and
//! `3 (2 S + S') + (2 E + E')` behind the trees. The last bit of that is always 0.
//! Streams: `beat` with the four planes, one per cycle. Latency: 4 cycles to `dot`, and one per level of the tree: 7 for 32 channels.
//! A table is written a cycle behind its enable
//! and address, with `write_data` of that cycle; no table is read in the cycle that writes it.
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 980 LUT4, 96 TRELLIS_DPR16X4 of them counted as six, 733 FF for 32
//! channels.
//! Golden model: `Attention::score`.

use super::{PLANES, Sizes, TABLE_BITS, TABLE_COLS};
use crate::netlist::{DelayLine, Module, Netlist, Style, Value};
use std::sync::Arc;

/// Words of a table.
const TABLE_WORDS: usize = 1 << TABLE_COLS;

/// Cycles from a beat to its dot product.
pub const fn stages(sizes: &Sizes) -> usize {
    sizes.levels() + 4
}

/// The core.
pub fn dots(name: &str, sizes: &Sizes) -> Arc<Netlist> {
    let table = table(&format!("{name}_table"));
    let m = Module::new(name);
    m.comment("verilator no_inline_module");
    let (dim, groups) = (sizes.head_dim, sizes.groups());
    let write_enable = m.input("write_enable", 1);
    let write_address = m.input("write_address", TABLE_COLS);
    let write_data = m.input("write_data", groups * TABLE_BITS);
    let beat = m.input("beat", 1);
    let planes = m.input("planes", PLANES * dim);
    let port = m.always("write port");
    let (writes, address) = (port.register("writes", write_enable), port.register("address", write_address));
    let beats = m.delay_line("beats", beat, 1, stages(sizes));

    let look_up = |plane: usize, group: usize| {
        let ports = [
            ("write_enable", writes),
            ("write_address", address),
            ("write_data", write_data.slice(group * TABLE_BITS, TABLE_BITS)),
            ("read_enable", beat),
            ("read_address", planes.slice(plane * dim + group * TABLE_COLS, TABLE_COLS)),
        ];
        m.instance(&format!("table_{plane}_{group}"), &table, &ports)[0].signed()
    };
    let sums: [Value; PLANES] = std::array::from_fn(|plane| {
        let words: Vec<_> = (0..groups).map(|group| look_up(plane, group)).collect();
        sum_up(&m, plane, beats, words)
    });
    let dot = weigh(&m, beats, 1 + sizes.levels(), sums);
    m.output("dot", dot.low(sizes.dot_bits()));
    m.output("dot_valid", beats.at(stages(sizes)));
    m.finish()
}

/// The sum of a plane's tables: a tree of adders with a register behind each.
fn sum_up<'m>(m: &'m Module, plane: usize, beats: DelayLine<'m>, mut numbers: Vec<Value<'m>>) -> Value<'m> {
    let mut at = 1;
    while numbers.len() > 1 {
        let stage = m.stage(&format!("tree of plane {plane}"), beats.at(at));
        let pairs = numbers.chunks(2).enumerate();
        numbers = pairs.map(|(i, pair)| stage.register(&format!("sum_{plane}_{at}_{i}"), pair[0] + pair[1])).collect();
        at += 1;
    }
    numbers[0]
}

/// Half of `3 (2 S + S') + (2 E + E')`.
fn weigh<'m>(m: &'m Module, beats: DelayLine<'m>, at: usize, [sign, extra, sign_2, extra_2]: [Value<'m>; PLANES]) -> Value<'m> {
    // A level's 6 is 12 halves; a sum of one plane, which is the sum of its codes at most, weighs 12 at most.
    let bits = sign.bits + 4;
    let twice = |value: Value<'m>| (value.extend(bits) << 1).signed();
    let stacks = m.stage("both stacks", beats.at(at));
    let signs = stacks.register("signs", (twice(sign) + sign_2).low(bits).signed());
    let extras = stacks.register("extras", (twice(extra) + extra_2).low(bits).signed());
    let once = m.stage("signs and extras", beats.at(at + 1));
    let both = once.register("both", (signs + extras).low(bits).signed());
    let signs = once.register("signs_late", signs);
    let halves = m.stage("three signs", beats.at(at + 2)).register("halves", (twice(signs) + both).low(bits).signed());
    // The lowest bit is 0: a level is a whole number.
    halves.slice(1, bits - 1).signed()
}

/// 16 sums in LUT RAM; `read_data` a cycle after its address.
fn table(name: &str) -> Arc<Netlist> {
    let m = Module::new(name);
    let write_enable = m.input("write_enable", 1);
    let write_address = m.input("write_address", TABLE_COLS);
    let write_data = m.input("write_data", TABLE_BITS);
    let (read_enable, read_address) = (m.input("read_enable", 1), m.input("read_address", TABLE_COLS));
    let sums = m.memory("sums", Style::Distributed, TABLE_WORDS, TABLE_BITS);
    m.stage("write", write_enable).write(sums, write_address, write_data);
    m.output("read_data", m.stage("read", read_enable).register("read_data", sums.at(read_address)));
    m.finish()
}
