//! The array of bit planes: full adders, compressor levels, weights, planes, accumulator, and one column through all of it.

use super::{Checks, keeps, past_sum};
use crate::proof::{Method, Mutant, Part};
use crate::text::{TextError, Verilog};
use nda_cores::emit::units::ARRAYS;
use nda_spec::config::Geometry;
use nda_spec::cycles::{LEAF_COLS, MEMORY_STAGES, PRODUCT_STAGES, drain_cycles, leaf_numbers, plane_stages, tree_stages};
use nda_spec::width::{ACC_BITS, popcount_bits};

/// Units whose columns, or planes, are those of the shipped configurations; up to 64 columns and 8 planes.
const POPCOUNTS: [&str; 4] = ["plane_array_1x8x1", "plane_array_1x16x1", "plane_array_1x32x8", "plane_array_4x64x2"];
const ROWS: [&str; 4] = ["plane_array_1x16x1", "plane_array_2x16x4", "plane_array_1x32x8", "plane_array_4x64x2"];
/// Units that one column goes through, and whether the proof is quick.
const COLUMNS: [(&str, bool); 5] = [
    ("plane_array_1x8x1", true),
    ("plane_array_1x16x1", false),
    ("plane_array_2x24x2", false),
    ("plane_array_2x16x4", false),
    ("plane_array_1x32x8", false),
];

pub(super) fn parts() -> Result<Vec<Part>, TextError> {
    let mut parts = Vec::new();
    for unit in POPCOUNTS {
        parts.push(popcount(unit)?);
    }
    for unit in ROWS {
        parts.push(row(unit)?);
    }
    for (unit, quick) in COLUMNS {
        parts.push(Part { quick, ..column(unit)? });
    }
    Ok(parts)
}

/// An array unit's geometry.
pub(super) fn geometry(unit: &str) -> Result<Geometry, TextError> {
    let missing = || TextError::Unit { unit: unit.into(), reason: "it is none of nda_cores::emit::units::ARRAYS".into() };
    ARRAYS.iter().find(|a| a.0 == unit).map(|a| a.1).ok_or_else(missing)
}

/// A number of the tree between two registers.
struct Number {
    /// The registers that it sums.
    of: Vec<String>,
    /// Most that it can be.
    most: usize,
}

/// The checks of a popcount: every register of a stage is the sum of disjoint registers of the stage before, no product and
/// no register is left out, and none can be larger than the products behind it.
fn popcount_checks(cols: usize) -> (Checks, usize) {
    let mut checks = Checks::new();
    for first in (0..cols).step_by(2) {
        let products: Vec<String> = (first..first + 2).map(|k| format!("w[{k}] & x[{k}]")).collect();
        checks.after("valid[0]", &format!("{{both[{first}], odd[{first}]}} == {}", past_sum(&products)));
        checks.always(&format!("{{both[{first}], odd[{first}]}} <= 2"));
    }
    let leaves = leaf_numbers(cols);
    let width = |leaf: usize| if leaf < leaves { LEAF_COLS.min(cols - LEAF_COLS * leaf) } else { 0 };
    let name = |leaf: usize| format!("leaves[{}:{}]", (LEAF_COLS * leaf + 2).min(cols - 1), LEAF_COLS * leaf);
    for leaf in 0..leaves {
        let pairs: Vec<String> =
            (0..width(leaf)).step_by(2).map(|k| LEAF_COLS * leaf + k).map(|at| format!("{{both[{at}], odd[{at}]}}")).collect();
        checks.after("valid[1]", &format!("{} == {}", name(leaf), past_sum(&pairs)));
        checks.always(&format!("{} <= {}", name(leaf), width(leaf)));
    }
    let half = leaves.div_ceil(2);
    let pair =
        |i: usize| Number { of: [i, half + i].into_iter().filter(|&l| l < leaves).map(name).collect(), most: width(i) + width(half + i) };
    let mut numbers: Vec<Number> = (0..half).map(pair).collect();
    let (mut level, mut stage) = (1, PRODUCT_STAGES);
    while numbers.len() > 1 || level % 2 == 1 {
        level += 1;
        let last = numbers.len() == 1;
        let mut next = Vec::new();
        for (i, group) in numbers.chunks(2).enumerate() {
            let register = if last { "counted".into() } else { format!("t{level}_{i}") };
            let sum = Number { of: group.iter().flat_map(|n| n.of.clone()).collect(), most: group.iter().map(|n| n.most).sum() };
            next.push(if level % 2 == 0 {
                checks.after(&format!("valid[{stage}]"), &format!("{register} == {}", past_sum(&sum.of)));
                checks.always(&format!("{register} <= {}", sum.most));
                Number { of: vec![register], most: sum.most }
            } else {
                sum
            });
        }
        stage += usize::from(level % 2 == 0);
        numbers = next;
    }
    checks.always(&format!("count <= {cols}"));
    (checks, stage)
}

fn popcount(unit: &str) -> Result<Part, TextError> {
    let cols = geometry(unit)?.array_cols;
    let module = format!("{unit}_row_popcount");
    let (checks, stages) = popcount_checks(cols);
    let verilog = Verilog::unit(unit)?.module(&module)?.with_checks(&module, &checks.text)?;
    let some = format!("{cols}'h{:x}", 0x5a69_c3f0_1e87_d24b_u64 & (u64::MAX >> (64 - cols)));
    // A word that pairs can give: their sums stand at every second bit.
    let odd = format!("{cols}'h{:x}", 0x5a69_c3f0_1e87_d24b_u64 & 0x5555_5555_5555_5555 & (u64::MAX >> (64 - cols)));
    Ok(Part {
        name: format!("popcount_{cols}"),
        claim: "products, full adders and every level of the compressor tree add up; no sum leaves its register".into(),
        bound: format!("{cols} columns, all words, for all time"),
        method: Method::Induction { steps: 3, cycles: stages + 2 },
        top: module,
        verilog,
        mutants: vec![
            Mutant::new("a pair's sum, one entry", "(p ^ (p >> 1))", format!("((p ^ (p >> 1)) ^ {{1'b0, p == {some}}})")),
            Mutant::new(
                "a full adder's carry, one entry",
                "((odd & (odd >> 2))",
                format!("(((odd & (odd >> 2)) ^ {{1'b0, odd == {odd}}})"),
            ),
            Mutant::new("the count of the twos, one entry", "(carry ^ both", format!("(carry ^ {{1'b0, odd == {odd}}} ^ both")),
            Mutant::new("level 1, one entry", "halves = ", "halves = (&leaves[1:0]) + "),
        ],
        quick: true,
    })
}

/// A row's flag as it stands in a stage.
fn at(flag: &str, stage: usize) -> String {
    format!("{flag}[{}]", stage - 1)
}

/// The checks of a row, whose popcounts are any numbers up to the columns.
fn row_checks(g: &Geometry) -> Checks {
    let (cols, planes) = (g.array_cols, g.planes);
    let counted = MEMORY_STAGES + PRODUCT_STAGES + tree_stages(cols);
    let weighed = counted + 1;
    let planed = weighed + plane_stages(planes);
    let summed = planed + 1;
    let mut checks = Checks::new();
    for plane in 0..planes {
        let count = |j: usize| format!("$signed({{1'b0, $past(popcount_{plane}_{j}_count)}})");
        let value = format!("($past(ternary) ? 2 * {1} - {0} : 3 * {0} + {1})", count(0), count(1));
        checks.after(&at("valid", counted), &format!("$signed(d_{plane}) == {value}"));
        checks.always(&format!("$signed(d_{plane}) >= -{cols} && $signed(d_{plane}) <= {}", 4 * cols));
    }
    let heavy_flag = at("d_is_heavy", weighed);
    let term = |plane: usize| {
        let plain = 1 << plane;
        let heavy = if plane + 1 == planes { format!("-{plain}") } else { plain.to_string() };
        // On one plane the heaviest group of A2 is its sign plane. A tree of planes adds what A2's second plane weighs more
        // at its end.
        let a2 = match (planes, plane) {
            (1, _) => format!("($past({heavy_flag}) ? 3 : 1)"),
            (2, 1) => "3".into(),
            _ => plain.to_string(),
        };
        format!("($past(a2) ? {a2} : $past({heavy_flag}) ? {heavy} : {plain}) * $signed($past(d_{plane}))")
    };
    let sum = |planes: std::ops::Range<usize>| planes.map(&term).collect::<Vec<_>>().join(" + ");
    if planes <= 2 {
        checks.after(&at("valid", weighed), &format!("$signed(s) == {}", sum(0..planes)));
    } else {
        plane_tree_checks(&mut checks, planes, weighed, sum);
    }
    let (first, shift, last) = (at("d_is_first", planed), at("d_is_shift", planed), at("d_is_last", summed));
    let shift = if planes == 1 { format!("$past({shift} & ~a2)") } else { format!("$past({shift})") };
    let old = format!("($past({first}) ? 0 : $signed($past(acc)) * ({shift} ? {} : 1))", 1 << planes);
    checks.equal(&at("valid", planed), "acc", ACC_BITS, &format!("{old} + $signed($past(s))"));
    let stands = format!("{} & {last}", at("valid", summed));
    checks.equal(&stands, "sum", ACC_BITS, "$past(acc) + $past(init)");
    checks.after(&stands, "sum_valid");
    checks.after(&format!("~({stands})"), "!sum_valid");
    checks
}

/// The checks of a tree of planes with a register after each level; `sum` is that of a range of weighed planes.
fn plane_tree_checks(checks: &mut Checks, planes: usize, weighed: usize, sum: impl Fn(std::ops::Range<usize>) -> String) {
    let stages = plane_stages(planes);
    let mut numbers = planes / 2;
    for i in 0..numbers {
        checks.after(&at("valid", weighed), &format!("$signed(u1_{i}) == {}", sum(2 * i..2 * i + 2)));
    }
    checks.after(&at("valid", weighed), "$signed(more_1) == ($past(a2) ? $signed($past(d_1)) : 0)");
    for level in 2..=stages {
        let valid = at("valid", weighed + level - 1);
        numbers /= 2;
        let of = |i: usize| format!("$signed($past(u{0}_{1})) + $signed($past(u{0}_{2}))", level - 1, 2 * i, 2 * i + 1);
        if level == stages {
            checks.after(&valid, &format!("$signed(s) == {} + $signed($past(more_{}))", of(0), level - 1));
        } else {
            (0..numbers).for_each(|i| checks.after(&valid, &format!("$signed(u{level}_{i}) == {}", of(i))));
            checks.after(&valid, &format!("$signed(more_{level}) == $signed($past(more_{}))", level - 1));
        }
    }
}

fn row(unit: &str) -> Result<Part, TextError> {
    let g = geometry(unit)?;
    let module = format!("{unit}_row");
    let popcount = format!("{module}_popcount");
    let cols = g.array_cols;
    let free =
        format!("(* anyseq *) reg [{}:0] free;\nalways @(*) assume (free <= {cols});\nassign count = free;", popcount_bits(cols) - 1);
    let text = Verilog::unit(unit)?;
    let hollow = text.module(&popcount)?.with_inside(&popcount, &free)?;
    let verilog = text.module(&module)?.with_checks(&module, &row_checks(&g).text)?.and(&hollow);
    let planes = g.planes;
    let last = planes - 1;
    let (place, by) = match planes {
        1 => ("e_3 = ".to_string(), "e_3 = (e_0 == 5) + ".to_string()),
        _ => ("{heaviest, minus}".to_string(), format!("{{heaviest, minus ^ ($signed(e_{last}) == -3)}}")),
    };
    Ok(Part {
        name: format!("row_{cols}x{planes}"),
        claim: "weights (quaternary, ternary), planes (two's complement with its heaviest negative, A2), Horner's shift, accumulator and initial value".into(),
        bound: format!("popcounts up to {cols}, {planes} planes, modulo 2^24, for all time"),
        method: Method::Induction { steps: 3, cycles: drain_cycles(&g) + 2 },
        top: module,
        verilog,
        mutants: vec![
            Mutant::new("ternary weights, one entry", "? (~c0_0 + ", "? (~c0_0 - (c0_0 == 2) + "),
            Mutant::new("quaternary weights, one entry", ": (c0_0 + c1_0)", ": (c0_0 + (c1_0 ^ (c0_0 == 1)))"),
            Mutant::new("the heaviest plane or A2's sign, one entry", place, by),
            Mutant::new("the sum with the initial value, one entry", "sum <= acc + init", "sum <= acc + init + (&acc)"),
        ],
        quick: true,
    })
}

/// The checks of one column: its result is the product of the codes, and it comes exactly `when`.
pub(super) fn column_checks(cols: usize, when: &str) -> String {
    let mut checks = Checks::new();
    keeps(&mut checks, &["column", "w0", "w1", "plane_bits", "ternary", "a2", "init"]);
    checks.assume(&format!("column < {cols}"));
    // `positive` without `active` is not a ternary code.
    checks.assume("!ternary || w0 || !w1");
    checks.assume("!a2 || plane_bits < 4");
    checks.say("wire signed [23:0] w_value = ternary ? 2 * $signed({1'b0, w1}) - $signed({1'b0, w0}) : 3 * $signed({1'b0, w0}) + $signed({1'b0, w1}) - 2;\n\
         wire signed [23:0] x_value = a2 ? 3 * $signed({1'b0, plane_bits[1]}) + $signed({1'b0, plane_bits[0]}) - 2 : $signed(plane_bits);\n\
         wire signed [23:0] popcounts = ternary ? 2 * $signed({1'b0, w1}) - $signed({1'b0, w0}) : 3 * $signed({1'b0, w0}) + $signed({1'b0, w1});\n\
         // What the host knows: the vector's constant, and A2's per row.\n\
         wire signed [23:0] vector_constant = ternary ? 0 : -2 * x_value;\n\
         wire signed [23:0] row_constant = a2 ? -2 * popcounts : 0;\n\
         wire signed [23:0] product = w_value * x_value;\n\
         wire signed [23:0] got = result[23:0] - init + vector_constant + row_constant;");
    checks.say("always @(posedge clock) if (result_valid) assert (got == product);");
    checks.always(when);
    checks.text
}

/// A harness that runs one row of one column through the whole unit, as sequencer and stores would.
fn column_harness(unit: &str, g: &Geometry) -> String {
    let (cols, planes, rows) = (g.array_cols, g.planes, g.array_rows);
    let (a8, a2_groups) = (8_usize.div_ceil(planes), 2_usize.div_ceil(planes));
    let word: Vec<String> = (0..planes).rev().map(|k| format!("({cols}'d0 | bit_{k}) << column")).collect();
    let bits: String = (0..planes)
        .map(|k| format!("wire bit_{k} = group < groups && ((groups - 1 - group) * {planes} + {k}) < 8 && plane_bits[(groups - 1 - group) * {planes} + {k}];\n"))
        .collect();
    let weights = |j: usize| -> String {
        let others = if rows > 1 { format!("{}'d0, ", (rows - 1) * cols) } else { String::new() };
        format!("{others}({cols}'d0 | w{j}) << column")
    };
    let checks = column_checks(cols, &format!("result_valid == (cycle == groups - 1 + {})", drain_cycles(g)));
    let stamp = MEMORY_STAGES;
    format!(
        "module column(input clock, input [{top}:0] column, input w0, w1, input [7:0] plane_bits, input ternary, a2, input [23:0] init);\n\
         reg [7:0] cycle = 0;\nalways @(posedge clock) cycle <= cycle + 1;\n\
         wire [7:0] groups = a2 ? {a2_groups} : {a8};\n\
         wire issue = cycle < groups;\n\
         // The words of an issue stand {stamp} cycles later.\n\
         wire [7:0] group = cycle - {stamp};\n\
         wire result_valid;\nwire [{result}:0] result;\n\
         {bits}\
         {unit} array(.clock(clock), .issue(issue), .is_load(1'b0), .is_first(cycle == 0), .is_shift(cycle != 0), .is_heavy(cycle == 0),\n\
         \x20   .is_last(cycle == groups - 1), .ternary(ternary), .a2(a2), .init(init),\n\
         \x20   .w({{{w1}, {w0}}}), .x({{{x}}}), .result_valid(result_valid), .result(result));\n\
         {checks}endmodule\n",
        top = nda_spec::width::index_bits(cols) - 1,
        result = rows * ACC_BITS - 1,
        w0 = weights(0),
        w1 = weights(1),
        x = word.join(", "),
    )
}

fn column(unit: &str) -> Result<Part, TextError> {
    let g = geometry(unit)?;
    let verilog = Verilog::unit(unit)?.and(&Verilog::new(column_harness(unit, &g)));
    let a8 = 8_usize.div_ceil(g.planes);
    // An entry that one column reaches: -3 from the heaviest planes, shifted for the next group. Eight planes have no next group,
    // so there it is what the first one adds.
    let entry = match a8 {
        1 => "$signed(s) == -3".to_string(),
        _ => format!("$signed(old) == -{}", 3 << g.planes),
    };
    Ok(Part {
        name: format!("column_{}x{}", g.array_cols, g.planes),
        claim: "one column through the whole array: every weight code times every activation code, planes heaviest first, is the product"
            .into(),
        bound: format!("any column of {}, 7 weight codes x (A8 + A2), any initial value, at the predicted cycle", g.array_cols),
        method: Method::Bounded { cycles: a8 + drain_cycles(&g) + 1 },
        top: "column".into(),
        verilog,
        mutants: vec![
            Mutant::new("a product, one entry", "p = w & x", "p = (w & x) ^ (w == 4 && x == 0)"),
            Mutant::new("the accumulator, one entry", "acc <= old + ", format!("acc <= ({entry}) + old + ")),
        ],
        quick: true,
    })
}
