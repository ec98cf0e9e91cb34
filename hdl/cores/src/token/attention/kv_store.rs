//! The memory of keys and values: a row per position, of all channels' planes.
//!
//! Function: row `(2 * layer + is_value) * ring + slot` holds the keys or the values of a slot: bit `plane * channels + channel`.
//! Append: beats of eight values; the beat that completes a row writes it. Latency: the row can be read from the second cycle
//! behind that beat on. `append_slot` stays for four cycles behind the last beat.
//! Read: `load` takes `first` (which stands with it), then every `walk` moves on, by two slots where `pair` stands, by one
//! otherwise, round the ring. Latency: a walk's rows stand 3 cycles later, `row_a` and of the next slot `row_b`.
//! `layer` and `is_value` stand two cycles before the first walk, `load` one.
//! A block RAM is read at both ports and written at the first: as many as one row per position and port takes.
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 440 LUT4, 15 DP16KD for 1,020 rows of 64 channels.
//! Golden model: `KvStore`.

use super::levels::levels;
use super::{LAYER_BITS, PLANES, Sizes};
use crate::netlist::{Module, Netlist, Style, Value};
use nda_spec::token::WORD;
use nda_spec::width::index_bits;
use std::sync::Arc;

/// The core.
pub fn kv_store(name: &str, sizes: &Sizes) -> Arc<Netlist> {
    let (cols, bits) = (sizes.kv_cols(), sizes.count_bits());
    let m = Module::new(name);
    let (clear, append_valid) = (m.input("clear", 1), m.input("append_valid", 1));
    let append_values = m.input("append_values", WORD * 24);
    let (append_is_value, append_layer) = (m.input("append_is_value", 1), m.input("append_layer", LAYER_BITS));
    let append_slot = m.input("append_slot", bits);
    let [load, walk, pair, is_value] = m.flags(["load", "walk", "pair", "is_value"]);
    let (first, layer) = (m.input("first", bits), m.input("layer", LAYER_BITS));
    let (ring, ring_end) = (m.input("ring", bits), m.input("ring_end", bits));

    let base = row_base(&format!("{name}_base"), sizes);
    let base_of = |name: &str, layer, is_value| m.instance(name, &base, &[("layer", layer), ("is_value", is_value), ("ring", ring)])[0];
    let ports = [("values_valid", append_valid), ("values", append_values)];
    let leveled = m.instance("levels", &levels(&format!("{name}_levels")), &ports);
    let (rows, complete) = assemble(&m, cols, clear, leveled[0], leveled[1]);
    let append_base = base_of("append_base", append_layer, append_is_value);
    let append_row = (append_base + append_slot.extend(append_base.bits)).low(append_base.bits);

    let read_base = base_of("read_base", layer, is_value);
    let (row_a, row_b) = walked(&m, [load, walk, pair], first, ring_end, read_base);
    let flags = m.delay_line("walks", walk, 1, 2);
    let pairs = m.delay_line("pairs", (walk & pair).named("pair_walk"), 1, 2);
    let addresses = m.always("addresses");
    let address_a = addresses.register("address_a", complete.mux(append_row, row_a));
    let address_b = addresses.register("address_b", row_b);
    let write = addresses.register("write", complete);

    let memory = m.memory("rows", Style::Block, sizes.rows, PLANES * cols);
    m.stage("a row complete", write).write(memory, address_a, m.concat(&rows.iter().rev().copied().collect::<Vec<_>>()));
    let read_a = m.stage("first port", flags.at(1)).register("read_a", memory.at(address_a));
    let read_b = m.stage("second port", pairs.at(1)).register("read_b", memory.at(address_b));
    m.output("row_a", m.stage("behind the first port", flags.at(2)).register("row_a", read_a));
    m.output("row_b", m.stage("behind the second port", pairs.at(2)).register("row_b", read_b));
    m.finish()
}

/// The planes of a row, shifted in beat by beat, and whether the beat that enters completes it.
fn assemble<'m>(m: &'m Module, cols: usize, clear: Value<'m>, valid: Value<'m>, planes: Value<'m>) -> (Vec<Value<'m>>, Value<'m>) {
    let stage = m.stage("a beat of a row", valid);
    // A row that an abort cut off is forgotten.
    let beats = m.stage("beats of a row", clear | valid);
    let bits = index_bits(cols / WORD);
    let beat = beats.declare("beat", bits, 0);
    let is_last = beat.is((cols / WORD - 1) as u64);
    beats.take(beat, (clear | is_last).mux(m.constant(0, bits), beat.next()));
    let row =
        |plane: usize| {
            let beat: Vec<_> = (0..WORD).rev().map(|lane| planes.bit(lane * PLANES + PLANES - 1 - plane)).collect();
            let beat = m.concat(&beat);
            stage.feedback(&format!("plane_{plane}"), cols, |row| {
                if cols == WORD { beat } else { m.concat(&[beat, row.slice(WORD, cols - WORD)]) }
            })
        };
    ((0..PLANES).map(row).collect(), (valid & is_last).named("complete"))
}

/// The rows of a walk's slot and of the next one.
fn walked<'m>(
    m: &'m Module,
    [load, walk, pair]: [Value<'m>; 3],
    first: Value<'m>,
    ring_end: Value<'m>,
    base: Value<'m>,
) -> (Value<'m>, Value<'m>) {
    let bits = first.bits;
    let one_less = m.always("the slot before the last").register("before_end", (ring_end - m.constant(1, bits)).low(bits).unsigned());
    let walking = m.stage("the walk's slot", (load | walk).named("moves"));
    let slot = walking.declare("walk_slot", bits, 0);
    let (zero, one) = (m.constant(0, bits), m.constant(1, bits));
    let is_end = slot.equals(ring_end).named("walk_is_end");
    let next = is_end.mux(zero, slot.next());
    let next_but_one = is_end.mux(one, slot.equals(one_less).mux(zero, (slot + m.constant(2, bits)).low(bits)));
    walking.take(slot, load.mux(first, pair.mux(next_but_one, next)));
    let rows = base.bits;
    let set = m.constant(1, 1);
    let wide = slot.extend(slot.bits.max(rows)).low(rows);
    let row = (base + wide).low(rows);
    // The bit below both numbers carries a one in.
    let sum = (m.concat(&[base, set]) + m.concat(&[wide, set])).low(rows + 1);
    (row, is_end.mux(base, sum.slice(1, rows)))
}

/// `(2 * layer + is_value) * ring`, two cycles later.
fn row_base(name: &str, sizes: &Sizes) -> Arc<Netlist> {
    let m = Module::new(name);
    let (layer, is_value) = (m.input("layer", LAYER_BITS), m.input("is_value", 1));
    let ring = m.input("ring", sizes.count_bits());
    let bits = sizes.row_bits();
    let ring = ring.extend(ring.bits.max(bits)).low(bits);
    let flags = [is_value, layer.bit(0), layer.bit(1), layer.bit(2), layer.bit(3)];
    let terms: Vec<_> =
        flags.iter().enumerate().map(|(by, flag)| flag.repeat(bits) & if by < bits { ring << by } else { m.constant(0, bits) }).collect();
    let first = m.always("pairs of terms");
    let low = first.register("low", (terms[0] + terms[1]).low(bits));
    let middle = first.register("middle", (terms[2] + terms[3]).low(bits));
    let high = first.register("high", terms[4]);
    let base = m.always("base").register("base", ((low + middle).low(bits) + high).low(bits));
    m.output("base", base);
    m.finish()
}
