//! The array of tables: four int8 activations and one plane of their weights at a time.
//!
//! Function: [`crate::array::gemv_array`]'s. For every four columns there is a table of the 16 sums that their activations have, `T[i] = sum
//! of x[k] over the
//! set bits k of i`; four weight bits of a plane are the address of their dot product. A beat of columns first writes
//! its tables, in Gray-code order, so that every sum is its neighbour's plus or minus one activation, and then meets
//! the weights of all row groups, one in every cycle. Every row and plane has tables of its own, written with the
//! same sums: 16 words of 10 bits, three RAMs of 16 x 4. Sums of a row group over the beats wait in a block RAM.
//!
//! Loads and beats come down one pipeline and meet the tables in the same stage, so their order is that of their
//! issue, and no table is read in the cycle that writes it. Stage numbers: an activation word stands in stage 2, a sum
//! of its values is written in stage 5, where the weights stand, which are read later by as much
//! (`cycles::tile_delay`). Flags have a copy in every row and generator, so that none has to reach the whole array in
//! one cycle. One adder at most stands between two registers.
//!
//! Handshake and shapes: [`crate::array::gemv_array`]'s. Latency: 10 cycles and the levels of a tree of `cols / 4` sums, from the issue of a row
//! group's last beat to its result: 15 for 128 columns. Interval: a row group per cycle behind 16 cycles of loads per beat of columns.
//!
//! Cost (Yosys 0.70, synth_ecp5 -nowidelut -no-rw-check; a TRELLIS_DPR16X4 counted as 6 LUT4, a CCU2C as 2): 16.2 LUT4 per
//! lane for a row of 128 columns, 16.9 of 64; 46 LUT4 for a generator of four columns. 8 x 128 lanes: 18,054 LUT4, 13,511 FF,
//! 6 DP16KD.

use crate::netlist::{DelayLine, Memory, Module, Netlist, Outputs, Style, Value};
use nda_spec::config::Geometry;
use nda_spec::cycles::{MEMORY_STAGES, TABLE_COLS, TABLE_STAGES, TABLE_WORDS, tree_levels};
use nda_spec::width::{ACC_BITS, index_bits};
use std::sync::Arc;

/// Bits of a sum of four activations: -512 to 508.
const SUM_BITS: usize = 8 + index_bits(TABLE_COLS);
/// Bits of a table's address.
const ADDRESS_BITS: usize = index_bits(TABLE_WORDS);
/// Stage in which tables are written and read.
const LOOK_UP: usize = MEMORY_STAGES + TABLE_STAGES;

/// Stages behind the tables.
struct Schedule {
    /// The two planes' sums stand.
    counted: usize,
    /// Their weighted sum stands, and so does the sum of the beats before.
    weighed: usize,
    /// The sum of all beats so far stands.
    summed: usize,
}

impl Schedule {
    fn new(g: &Geometry) -> Schedule {
        let counted = LOOK_UP + 1 + tree_levels(g.array_cols / TABLE_COLS);
        Schedule { counted, weighed: counted + 2, summed: counted + 3 }
    }
}

/// Where the row groups' sums between beats lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sums {
    /// In a block RAM of the array's own.
    Within,
    /// In a memory beside it, which other things lie in too.
    Beside,
}

/// The array.
pub(super) fn array(g: &Geometry, sums: Sums) -> Arc<Netlist> {
    let m = Module::new("gemv_array");
    let Schedule { counted, summed, .. } = Schedule::new(g);
    let [issue, is_load, is_first, is_last, ternary, a2] = m.flags(["issue", "is_load", "is_first", "is_last", "ternary", "a2"]);
    let init = m.input("init", ACC_BITS);
    let (w, x) = (m.input("w", g.tile_word_bytes() * 8), m.input("x", g.act_word_bytes() * 8));
    let (load, beat) = ((issue & is_load).named("load"), (issue & !is_load).named("beat"));
    let loads = Loads::new(&m, load);
    let beats = Beats {
        beats: m.delay_line("beats", beat, 1, summed),
        firsts: m.delay_line("firsts", is_first, 1, counted),
        lasts: m.delay_line("lasts", is_last, 1, summed),
    };
    let common = [
        ("write_enable", loads.line.at(LOOK_UP - 1)),
        ("write_address", loads.address),
        ("write_data", generators(&m, g, &loads, a2, x)),
        ("beat", beats.beats.at(LOOK_UP - 1)),
        ("is_first_beat", beats.firsts.at(LOOK_UP - 1)),
        ("is_last_beat", beats.lasts.at(LOOK_UP - 1)),
        // The weights' code goes along with its beats, so that a job of another code may follow at once.
        ("ternary", m.delay_line("ternaries", ternary, 1, counted - 1).at(counted - 1)),
        ("init", m.always("added to every sum").register("initial_sum", init)),
    ];
    let partial = Partial::new(&m, g, &loads, &beats, sums);
    let (row_sums, totals) = rows(&m, g, &common, w, partial.carried);
    partial.keep(&m, row_sums);
    m.output("result_valid", m.always("the result").register("result_stands", beats.beats.at(summed) & beats.lasts.at(summed)));
    m.output("result", totals);
    m.finish()
}

/// Loads on their way down the pipeline, with the step of their Gray code.
struct Loads<'m> {
    line: DelayLine<'m>,
    /// Column whose activation is added or subtracted.
    changed: Value<'m>,
    /// It is subtracted.
    cleared: Value<'m>,
    first_step: Value<'m>,
    /// Of the word that is written, in the stage before the tables'.
    address: Value<'m>,
}

impl<'m> Loads<'m> {
    fn new(m: &'m Module, load: Value<'m>) -> Loads<'m> {
        let steps = m.stage("steps of the Gray code", load);
        let step = steps.feedback("step", ADDRESS_BITS, Value::next);
        // The bit in which a step's address differs from the one before is the step's lowest set bit; it was set if the
        // bit above it is clear.
        let column = |k| m.constant(k, 2);
        let [b0, b1, b2, b3] = [0, 1, 2, 3].map(|k| step.bit(k));
        let changed = steps.register("changed", b0.mux(column(0), b1.mux(column(1), b2.mux(column(2), column(3)))));
        let cleared = steps.register("cleared", b0.mux(b1, b1.mux(b2, b2 & b3)));
        let first_step = steps.register("first_step", step.is(0));
        let gray = (step ^ (step >> 1)).named("gray");
        Loads {
            line: m.delay_line("loads", load, 1, LOOK_UP - 1),
            changed,
            cleared,
            first_step,
            address: m.delayed("address", gray, LOOK_UP - 1),
        }
    }

    /// The last word of the tables is written.
    fn is_last(&self) -> Value<'m> {
        let last = (TABLE_WORDS - 1) ^ ((TABLE_WORDS - 1) >> 1);
        self.line.at(LOOK_UP - 1) & self.address.is(last as u64)
    }
}

/// Beats on their way down the pipeline.
struct Beats<'m> {
    beats: DelayLine<'m>,
    firsts: DelayLine<'m>,
    lasts: DelayLine<'m>,
}

/// A generator for every four columns: their sums, the first group's lightest.
fn generators<'m>(m: &'m Module, g: &Geometry, loads: &Loads<'m>, a2: Value<'m>, x: Value<'m>) -> Value<'m> {
    let (cols, generator) = (g.array_cols, generator());
    let sum = |group: usize| {
        let planes: Vec<Value> = (0..g.planes).rev().map(|plane| x.slice(plane * cols + group * TABLE_COLS, TABLE_COLS)).collect();
        let inputs = [
            ("load", loads.line.at(1)),
            ("changed", loads.changed),
            ("cleared", loads.cleared),
            ("first_step", loads.first_step),
            ("a2", a2),
            ("x", m.concat(&planes)),
        ];
        m.part(&format!("generator_{group}"), &generator, &inputs).get("sum")
    };
    lightest_first(m, (0..cols / TABLE_COLS).map(sum)).named("sums")
}

/// Values as one word, the first in its lowest bits.
fn lightest_first<'m>(m: &'m Module, values: impl Iterator<Item = Value<'m>>) -> Value<'m> {
    let values: Vec<Value> = values.collect();
    m.concat(&values.into_iter().rev().collect::<Vec<_>>())
}

/// The 16 sums of four activations, one a cycle: `sum` stands in the stage that writes it.
///
/// A2's planes, extra and sign, weigh 1 and 3.
fn generator() -> Arc<Netlist> {
    let m = Module::new("generator");
    // 32 copies of its code, one for each, take longer to run than one that is called.
    m.comment("verilator no_inline_module");
    let (load, changed) = (m.input("load", 1), m.input("changed", 2));
    let [cleared, first_step, a2] = m.flags(["cleared", "first_step", "a2"]);
    let x = m.input("x", 8 * TABLE_COLS);
    let line = |name: &str, source| m.delay_line(name, source, MEMORY_STAGES, LOOK_UP - 1);
    let (valid, minus, start) = (line("valid", load), line("minus", cleared), line("start", first_step));
    let which = m.always("which activation").register("which", changed);

    let [chooses, signs, sums] = [0, 1, 2].map(|k| MEMORY_STAGES + k);
    let column = |column: usize| {
        let bits: Vec<Value> = (0..8).rev().map(|plane| x.bit(plane * TABLE_COLS + column)).collect();
        m.concat(&bits).named(&format!("x_{column}"))
    };
    let columns: Vec<Value> = (0..TABLE_COLS).map(column).collect();
    let chosen = m.stage("the activation", valid.at(chooses)).register("chosen", m.select(which, &columns));
    let (extra, sign) = (chosen.bit(0), chosen.bit(1));
    let of_a2 = m.concat(&[m.constant(0, 5), sign & extra, sign & !extra, sign ^ extra]).named("of_a2");
    let plain = a2.mux(of_a2, chosen).named("plain");
    // A sum minus x is the sum plus ~x plus 1.
    let term = m.stage("its sign", valid.at(signs)).register("term", plain ^ minus.at(signs).repeat(8));
    let sum = m.stage("the sum", valid.at(sums)).feedback("sum", SUM_BITS, |sum| {
        // The bit below both numbers carries the 1 in.
        let with_carry = m.concat(&[term.signed().extend(SUM_BITS), minus.at(sums)]);
        let next = (m.concat(&[sum, m.constant(1, 1)]) + with_carry).low(SUM_BITS + 1).named("next");
        start.at(sums).mux(m.constant(0, SUM_BITS), next.slice(1, SUM_BITS))
    });
    m.output("sum", sum);
    m.finish()
}

/// The row groups' sums between beats, read for one beat and written by it.
///
/// A word is written three cycles after it was read and read again 17 cycles later at the earliest, behind the loads
/// of the next beat, so no read can meet a write of its word.
struct Partial<'m> {
    /// The sums of the beats before.
    carried: Value<'m>,
    keeps: Value<'m>,
    write_at: Value<'m>,
    /// The array's own memory, if it has one.
    memory: Option<Memory<'m>>,
}

impl<'m> Partial<'m> {
    fn new(m: &'m Module, g: &Geometry, loads: &Loads<'m>, on_the_way: &Beats<'m>, sums: Sums) -> Partial<'m> {
        let Schedule { counted, summed, .. } = Schedule::new(g);
        // A beat's last load comes 16 cycles behind the beat before, which has left the pipeline by then.
        assert!(summed < LOOK_UP - 1 + TABLE_WORDS, "the last load of a beat must find the pipeline empty");
        let Beats { beats, firsts, lasts } = on_the_way;
        let (address_bits, bits) = (index_bits(g.result_words), g.array_rows * ACC_BITS);
        let restart = loads.is_last().named("restart");
        let fetch = (beats.at(counted) & !firsts.at(counted)).named("fetch");
        let keeps = (beats.at(summed) & !lasts.at(summed)).named("keep");
        let addresses = m.always("row groups");
        let count = |name: &str, beat: Value<'m>| {
            addresses.feedback(name, address_bits, |at| restart.mux(m.constant(0, address_bits), (at + beat).low(address_bits)))
        };
        let (read_at, write_at) = (count("read_at", beats.at(counted)), count("write_at", beats.at(summed)));
        let fetched_new = addresses.register("fetched_new", fetch);
        let (fetched, memory) = match sums {
            Sums::Within => {
                let memory = m.memory("partials", Style::Block, g.result_words, bits);
                (m.stage("the read port", fetch).register("fetched", memory.at(read_at)), Some(memory))
            }
            Sums::Beside => {
                m.output("sums_read", fetch);
                m.output("sums_read_address", read_at);
                (m.input("fetched", bits), None)
            }
        };
        let carried = m.stage("the sums of the beats before", fetched_new).register("partial", fetched);
        Partial { carried, keeps, write_at, memory }
    }

    /// Writes a beat's sums.
    fn keep(&self, m: &'m Module, row_sums: Value<'m>) {
        if let Some(memory) = self.memory {
            m.stage("the write port", self.keeps).write(memory, self.write_at, row_sums);
        } else {
            m.output("sums_write", self.keeps);
            m.output("sums_write_address", self.write_at);
            m.output("sums_data", row_sums);
        }
    }
}

/// The rows: the sums of all beats so far, and those with the initial value.
fn rows<'m>(m: &'m Module, g: &Geometry, common: &[(&str, Value<'m>)], w: Value<'m>, carried: Value<'m>) -> (Value<'m>, Value<'m>) {
    let (rows, cols, netlist) = (g.array_rows, g.array_cols, row(g));
    let one = |row: usize| {
        let of_plane = |j: usize| w.slice((j * rows + row) * cols, cols);
        let own = [("w0", of_plane(0)), ("w1", of_plane(1)), ("carried", carried.slice(row * ACC_BITS, ACC_BITS))];
        m.part(&format!("row_{row}"), &netlist, &[common, &own].concat())
    };
    let rows: Vec<Outputs> = (0..rows).map(one).collect();
    let all = |port: &str| lightest_first(m, rows.iter().map(|row| row.get(port)));
    (all("sum").named("row_sums"), all("total"))
}

/// One row: its tables, the sum of each plane's, their weighted sum, the sum with the beats before.
fn row(g: &Geometry) -> Arc<Netlist> {
    let cols = g.array_cols;
    let Schedule { counted, weighed, summed } = Schedule::new(g);
    let m = Module::new("row");
    // Inlined into the array, hundreds of tables are compiled in one function, which takes minutes.
    m.comment("verilator no_inline_module");
    let (write_enable, write_address) = (m.input("write_enable", 1), m.input("write_address", ADDRESS_BITS));
    let write_data = m.input("write_data", cols / TABLE_COLS * SUM_BITS);
    let [beat, is_first, is_last, ternary] = m.flags(["beat", "is_first_beat", "is_last_beat", "ternary"]);
    let init = m.input("init", ACC_BITS);
    let w = [m.input("w0", cols), m.input("w1", cols)];
    let carried = m.input("carried", ACC_BITS);

    let valid = m.delay_line("valid", beat, LOOK_UP, summed);
    let first = m.delay_line("first", is_first, LOOK_UP, weighed).at(weighed);
    let last = m.delay_line("last", is_last, LOOK_UP, summed).at(summed);
    let code = m.delay_line("code", ternary, counted, counted).at(counted);
    let port = m.always("the write port");
    let (writes, address) = (port.register("writes", write_enable), port.register("address", write_address));

    let table = table();
    let look_up = |j: usize, group: usize| {
        let inputs = [
            ("write_enable", writes),
            ("write_address", address),
            ("write_data", write_data.slice(group * SUM_BITS, SUM_BITS)),
            ("read_enable", valid.at(LOOK_UP)),
            ("read_address", w[j].slice(group * TABLE_COLS, TABLE_COLS)),
        ];
        m.part(&format!("table{j}_{group}"), &table, &inputs).get("read_data").signed()
    };
    let looked_up = [0, 1].map(|j| (0..cols / TABLE_COLS).map(|group| look_up(j, group)).collect());
    let weighted = weigh(&m, valid, counted, sum_up(&m, valid, looked_up), code);
    let old = first.mux(m.constant(0, ACC_BITS), carried).named("old").signed();
    let added = m.stage("the sum with the beats before", valid.at(weighed));
    let sum = added.register("sum", (old + weighted.extend(ACC_BITS)).low(ACC_BITS).unsigned());
    let keeps = (valid.at(summed) & last).named("keep");
    m.output("total", m.stage("the result", keeps).register("total", (sum + init).low(ACC_BITS)));
    m.output("sum", sum);
    m.finish()
}

/// The sums of both planes' tables: trees of adders with a register behind each.
fn sum_up<'m>(m: &'m Module, valid: DelayLine<'m>, tables: [Vec<Value<'m>>; 2]) -> [Value<'m>; 2] {
    let (mut numbers, mut at) = (tables, LOOK_UP + 1);
    while numbers[0].len() > 1 {
        let stage = m.stage("a level of the trees", valid.at(at));
        let level = |j: usize| {
            let sum = |pair: &[Value<'m>]| if let [a, b] = pair { *a + *b } else { pair[0] };
            let sums = numbers[j].chunks(2).enumerate().map(|(i, pair)| stage.register(&format!("s{j}_{at}_{i}"), sum(pair)));
            sums.collect()
        };
        numbers = [0, 1].map(level);
        at += 1;
    }
    numbers.map(|sums| sums[0])
}

/// `3 * e[0] + e[1]` for quaternary, `2 * e[1] - e[0]` for ternary weights: first `e[1]` plus or minus `e[0]`, then twice
/// `e[0]` or once `e[1]` on top.
fn weigh<'m>(m: &'m Module, valid: DelayLine<'m>, at: usize, e: [Value<'m>; 2], code: Value<'m>) -> Value<'m> {
    // Four times the largest sum of a plane, and its sign.
    let bits = e[0].bits + 2;
    let first = m.stage("the weights", valid.at(at));
    let [wide_0, wide_1] = [0, 1].map(|j| e[j].extend(bits).named(&format!("wide_{j}")));
    let signed_0 = (wide_0 ^ code.repeat(bits)).named("signed_0");
    // The bit below both numbers carries in the 1 that makes the negative number of the inverted one.
    let both = (m.concat(&[wide_1, m.constant(1, 1)]) + m.concat(&[signed_0, code])).low(bits + 1).named("both");
    let once = first.register("once", both.slice(1, bits)).signed();
    let more = first.register("more", code.mux(wide_1, wide_0 << 1));
    m.stage("the weighted sum", valid.at(at + 1)).register("weighted", (once + more).low(bits))
}

/// 16 sums in LUT RAM; `read_data` a cycle after its address.
fn table() -> Arc<Netlist> {
    let m = Module::new("row$table");
    let (write_enable, write_address) = (m.input("write_enable", 1), m.input("write_address", ADDRESS_BITS));
    let write_data = m.input("write_data", SUM_BITS);
    let (read_enable, read_address) = (m.input("read_enable", 1), m.input("read_address", ADDRESS_BITS));
    let sums = m.memory("sums", Style::Distributed, TABLE_WORDS, SUM_BITS);
    m.stage("the write port", write_enable).write(sums, write_address, write_data);
    m.output("read_data", m.stage("the read port", read_enable).register("read_data", sums.at(read_address)));
    m.finish()
}
