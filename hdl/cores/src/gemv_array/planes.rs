//! The array of bit planes: AND-popcounts of weight planes and activation planes.
//!
//! A popcount: products (1 LUT4 a bit), full adders on groups of three neighbouring products giving two-bit numbers
//! in three-bit fields, one carry chain that adds the lower half of the fields to the upper half (a sum of two fields
//! fits its field, so one adder does the work of many), then a tree of single adders with a register after every
//! second level. Every stage has the valid bit as its enable: an idle array does not toggle.
//! The heaviest plane group comes first and the accumulator shifts by `planes` between groups (Horner), so no
//! barrel shifter is needed. Source: bit-serial arithmetic as in BISMO; identities in NUMBERS.md, section 2.
//!
//! Stage numbers: the words stand in stage 2, every register adds one. A row has its own copy of the flags, so that
//! none of them has to reach the whole array in one cycle.

use super::text::{Direction, Number, Part, Stages, instance, pipeline};
use nda_spec::config::Geometry;
use nda_spec::cycles::{MEMORY_STAGES, leaf_numbers, tree_stages};
use nda_spec::width::{ACC_BITS, popcount_bits};

/// The array's body, and the modules that it is made of.
pub(super) fn array(g: &Geometry) -> (String, String) {
    let (rows, cols) = (g.array_rows, g.array_cols);
    let mut v = format!("// {rows} rows x {cols} columns x {} planes\n", g.planes);
    for row in 0..rows {
        v += &format!("wire [{}:0] sum_{row};\n", ACC_BITS - 1);
        let mut ports: Vec<(&str, String)> =
            ["issue", "is_first", "is_shift", "is_heavy", "is_last", "ternary", "a2", "init", "x"].map(|p| (p, p.into())).into();
        for (j, port) in ["w0", "w1"].into_iter().enumerate() {
            let at = (j * rows + row) * cols;
            ports.push((port, format!("w[{}:{at}]", at + cols - 1)));
        }
        ports.push(("sum", format!("sum_{row}")));
        // All rows are in step: the first one's word is the array's.
        ports.push(("sum_valid", if row == 0 { "result_valid".into() } else { String::new() }));
        v += &instance("gemv_array$row", &format!("row_{row}"), &ports);
    }
    let sums = (0..rows).rev().map(|r| format!("sum_{r}")).collect::<Vec<_>>().join(", ");
    v += &format!("assign result = {{{sums}}};\n");
    (v, row(g).verilog() + &popcount(cols).verilog())
}

/// One row: popcounts of every pair of planes, their weighted sum, the accumulator.
fn row(g: &Geometry) -> Part {
    let (cols, planes) = (g.array_cols, g.planes);
    let tree = tree_stages(cols);
    let counted = MEMORY_STAGES + 1 + tree;
    let (weighed, planed, summed) = (counted + 1, counted + 2, counted + 3);
    let mut part = Part::new("gemv_array$row")
        .inputs(&["issue", "is_first", "is_shift", "is_heavy", "is_last", "ternary", "a2"].map(|name| (name, 1)))
        .inputs(&[("init", ACC_BITS), ("w0", cols), ("w1", cols), ("x", cols * planes)])
        .port(Direction::Register, ACC_BITS, "sum")
        .port(Direction::Register, 1, "sum_valid");
    part.body = format!("// Registers: products 1, tree {tree}, weights 1, planes 1, accumulator 1, sum 1.\n");
    part.body += &pipeline("valid", "issue", 1, summed);
    for (flag, last) in [("is_heavy", weighed), ("is_first", planed), ("is_shift", planed), ("is_last", summed)] {
        part.body += &pipeline(&format!("d_{flag}"), flag, 1, last);
    }
    part.body += &format!("always @(posedge clock) sum_valid <= valid[{summed}] & d_is_last[{summed}];\n");
    let mut stages = Stages::default();
    for plane in 0..planes {
        for j in 0..2 {
            let name = format!("{plane}_{j}");
            part.body += &format!("wire [{}:0] count_{name};\n", popcount_bits(cols) - 1);
            let ports = [
                ("valid", format!("valid[{}:{MEMORY_STAGES}]", counted - 1)),
                ("w", format!("w{j}")),
                ("x", format!("x[{}:{}]", plane * cols + cols - 1, plane * cols)),
                ("count", format!("count_{name}")),
            ];
            part.body += &instance("gemv_array$row$popcount", &format!("popcount_{name}"), &ports);
        }
        weigh(&mut stages, plane, cols, counted);
    }
    combine_planes(&mut stages, cols, planes, weighed);
    accumulate(&mut stages, planes, planed, summed);
    part.body += &stages.verilog();
    part
}

/// A popcount of `cols` products, `1 + tree_stages(cols)` cycles later; `valid` has a bit for each of them.
fn popcount(cols: usize) -> Part {
    let mut part = Part::new("gemv_array$row$popcount").inputs(&[("valid", 1 + tree_stages(cols)), ("w", cols), ("x", cols)]).port(
        Direction::Wire,
        popcount_bits(cols),
        "count",
    );
    let mut v = Stages::default();
    // Bits 0, 3, 6, ... : the first product of each group of three.
    let mask = format!("{cols}'h{}", hex_mask(cols));
    v.value(0, "p", cols, false, "w & x");
    v.value(0, "q", cols, false, "p >> 1");
    v.value(0, "r", cols, false, "p >> 2");
    v.value(0, "s", cols, false, &format!("(p ^ q ^ r) & {mask}"));
    v.value(0, "m", cols, false, &format!("((p & q) | (r & (p | q))) & {mask}"));
    v.register(0, "fields", cols, false, "s | (m << 1)");
    // Level 1: the lower half of the fields plus the upper half; 3 + 3 fits three bits.
    let fields = leaf_numbers(cols);
    let half = fields.div_ceil(2);
    let bits = 3 * half;
    let low = if bits < cols { format!("fields[{}:0]", bits - 1) } else { "fields".into() };
    let high = if bits < cols { format!("fields[{}:{bits}]", cols - 1) } else { "1'b0".into() };
    v.value(1, "halves", bits, false, &format!("{low} + {high}"));
    let products = |field: usize| if field < fields { 3.min(cols - 3 * field) } else { 0 };
    let number = |i: usize| Number {
        name: format!("halves[{}:{}]", 3 * i + 2, 3 * i),
        terms: products(i) + products(half + i),
        width: popcount_bits,
    };
    let mut numbers: Vec<Number> = (0..half).map(number).collect();
    let (mut levels, mut stage) = (1, 1);
    while numbers.len() > 1 {
        levels += 1;
        numbers = v.add_pairs(stage, &format!("t{levels}"), &numbers, false, levels % 2 == 0);
        stage += usize::from(levels % 2 == 0);
    }
    if levels % 2 == 1 {
        // An odd last level has not been registered yet.
        v.register(stage, "counted", popcount_bits(cols), false, &numbers[0].name);
        numbers[0].name = "counted".into();
    }
    part.body = v.verilog() + &format!("assign count = {};\n", numbers[0].name);
    part
}

/// `3 * count0 + count1` for quaternary, `2 * count1 - count0` for ternary weights, as `d_PLANE`.
fn weigh(v: &mut Stages, plane: usize, cols: usize, stage: usize) {
    let bits = weighed_bits(cols);
    for j in 0..2 {
        v.value(stage, &format!("c{j}_{plane}"), bits, false, &format!("count_{plane}_{j}"));
    }
    v.value(stage, &format!("twice_{plane}"), bits, false, &format!("(ternary ? c1_{plane} : c0_{plane}) << 1"));
    v.value(stage, &format!("once_{plane}"), bits, false, &format!("ternary ? ~c0_{plane} + 1'b1 : c0_{plane} + c1_{plane}"));
    v.register(stage, &format!("d_{plane}"), bits, true, &format!("twice_{plane} + once_{plane}"));
}

/// Bits of a signed number up to `4 * cols` (quaternary) and down to `-cols` (ternary).
fn weighed_bits(cols: usize) -> usize {
    popcount_bits(4 * cols) + 1
}

/// The planes' sum with their weights, as `s`.
fn combine_planes(v: &mut Stages, cols: usize, planes: usize, stage: usize) {
    // At most 3 + 1 times a plane for A2 and 2^planes times otherwise.
    let bits = weighed_bits(cols) + planes.max(2) + 1;
    let heavy = format!("d_is_heavy[{stage}]");
    for plane in 0..planes {
        v.value(stage, &format!("e_{plane}"), bits, true, &format!("d_{plane}"));
    }
    let sum = if planes == 1 {
        // One plane a beat: A2's sign plane comes first and weighs 3.
        v.value(stage, "e_3", bits, true, "(e_0 <<< 1) + e_0");
        v.value(stage, "e_m", bits, true, "-e_0");
        format!("{heavy} ? (a2 ? e_3 : e_m) : e_0")
    } else {
        let last = planes - 1;
        // The heaviest plane of a two's complement code is negative; A2's second plane weighs 3 instead of 2.
        v.value(stage, "e_h", bits, true, &format!("e_{last} <<< {last}"));
        v.value(stage, "e_t", bits, true, &format!("({heavy} & ~a2) ? -e_h : e_h"));
        v.value(stage, "e_x", bits, true, &format!("a2 ? e_1 : {bits}'sd0"));
        let middle: String = (1..last).map(|k| format!(" + (e_{k} <<< {k})")).collect();
        format!("e_0 + e_x{middle} + e_t")
    };
    v.register(stage, "s", bits, true, &sum);
}

/// The accumulator `acc`, and the sum that is stored.
fn accumulate(v: &mut Stages, planes: usize, stage: usize, summed: usize) {
    // With one plane a beat A2's second plane is another weight, not a lighter power of two: no shift.
    let shift = if planes == 1 { format!("d_is_shift[{stage}] & ~a2") } else { format!("d_is_shift[{stage}]") };
    let old = format!("d_is_first[{stage}] ? {ACC_BITS}'sd0 : ({shift}) ? acc <<< {planes} : acc");
    v.value(stage, "old", ACC_BITS, true, &old);
    v.register(stage, "acc", ACC_BITS, true, "old + s");
    v.statement(summed, &format!("if (d_is_last[{summed}]) sum <= acc + init;"));
}

/// Hexadecimal digits of a mask with every third bit set.
fn hex_mask(bits: usize) -> String {
    (0..bits.div_ceil(4))
        .rev()
        .map(|digit| {
            let value = (0..4).filter(|k| digit * 4 + k < bits && (digit * 4 + k) % 3 == 0).map(|k| 1 << k).sum::<u32>();
            char::from_digit(value, 16).unwrap_or('0')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mask_selects_every_third_bit() {
        assert_eq!(hex_mask(8), "49");
        assert_eq!(hex_mask(16), "9249");
        assert_eq!(hex_mask(64), "9249249249249249");
    }
}
