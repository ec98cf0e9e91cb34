//! Element operations: the Boolean forms against the articles' tables, the others against plain arithmetic, and the streams
//! that they stand in.

use super::{Checks, netlist_part, part};
use crate::proof::{Mutant, Part};
use crate::text::TextError;
use nda_cores::seed::element_units::NORM_EPS;
use nda_spec::seed::{self, Comparison};

pub(super) fn parts() -> Result<Vec<Part>, TextError> {
    Ok(vec![aligned_add()?, add()?, swiglu()?, silu()?, compare()?, truthy()?, rms_norm()?])
}

/// A code's value, and the code of a value, as the articles' tables of four and nine entries have them.
pub(super) const ARITHMETIC: &str = "\
function signed [7:0] value_of(input s, input e);
    value_of = s ? (e ? 2 : 1) : (e ? -1 : -2);
endfunction
function [1:0] code_of(input signed [7:0] v);
    code_of = v <= -2 ? 2'b00 : v == -1 ? 2'b01 : v >= 2 ? 2'b11 : 2'b10;
endfunction
wire want_take = in_valid && in_ready;";

/// What every stream promises: a beat is taken if none waits, stands from the next cycle on, and does not change while it waits.
pub(super) fn waits(checks: &mut Checks, outputs: &[&str]) {
    for output in outputs {
        checks.after("out_valid && !out_ready", &format!("{output} == $past({output})"));
    }
    checks.after("out_valid && !out_ready", "out_valid");
}

/// A stream of one beat out for each beat in.
fn stage(checks: &mut Checks, outputs: &[&str]) {
    waits(checks, outputs);
    checks.always("in_ready == (!out_valid || out_ready)");
    checks.after("want_take", "out_valid");
    checks.after("!want_take && (out_ready || !out_valid)", "!out_valid");
}

/// After a beat was taken, lane by lane, the result is what `wanted` says of the lane; zero where there is no element.
fn lanes(checks: &mut Checks, count: usize, when: &str, wanted: impl Fn(usize) -> String) {
    for lane in 0..count {
        checks.say(&format!("wire [1:0] want_{lane} = keep[{lane}] ? {} : 2'b00;", wanted(lane)));
        checks.after(when, &format!("{{sign[{lane}], extra[{lane}]}} == $past(want_{lane})"));
    }
}

/// One lane of a table of 65,536 entries as 32 bits: sign and extra for each of 16 operands. The table's lanes are independent
/// of each other, which a test of the contract shows for every entry.
fn lane_table(table: &[u8], lane: usize) -> u32 {
    (0..16).fold(0, |all, operands| {
        let index = (0..4).fold(0, |index, plane| index | (operands >> plane & 1) << (4 * plane + lane));
        let entry = u32::from(table[index]);
        all | ((entry >> lane & 1) << 1 | entry >> (4 + lane) & 1) << (2 * operands)
    })
}

/// Looks a lane up: `operands` are four bits, the first operand's sign lightest.
pub(super) fn look_up(table: &[u8], lane: usize, operands: &str) -> String {
    format!("(32'h{:08x} >> {{{operands}, 1'b0}}) & 2'b11", lane_table(table, lane % 4))
}

fn aligned_add() -> Result<Part, TextError> {
    let table = seed::add_lut_q16();
    let mut checks = Checks::new();
    checks.say(ARITHMETIC);
    // Every lane is looked at; padding comes out as zero because its entry does.
    checks.say("wire [7:0] keep = 8'hff;");
    stage(&mut checks, &["sign", "extra"]);
    lanes(&mut checks, 8, "want_take", |i| look_up(&table, i, &format!("d_extra[{i}], d_sign[{i}], x_extra[{i}], x_sign[{i}]")));
    for lane in 0..8 {
        let sum = format!("code_of(value_of(x_sign[{lane}], x_extra[{lane}]) + value_of(d_sign[{lane}], d_extra[{lane}]))");
        checks.always(&format!("want_{lane} == {sum}"));
    }
    let mutants = vec![
        Mutant::new(
            "one entry: -1 + -1",
            "added_sign = (x_sign & d_sign) | mixed",
            "added_sign = (x_sign & d_sign) | mixed | (~x_sign & ~d_sign & x_extra & d_extra)",
        ),
        Mutant::new(
            "one entry: the tie",
            "mixed = differ & (x_extra | d_extra)",
            "mixed = differ & (x_extra | d_extra) & ~(x_sign & x_extra & d_extra)",
        ),
        Mutant::new(
            "one entry of one lane",
            "sum_extra$d = added_extra",
            "sum_extra$d = added_extra ^ {x_sign[7] & x_extra[7] & d_sign[7] & ~d_extra[7], 7'd0}",
        ),
    ];
    part(
        "seed_aligned_add_8",
        "the Boolean form is ADD_LUT_Q16, entry by entry, and both are encode(x + d)",
        "all 65,536 entries, for all time",
        &checks,
        mutants,
    )
}

fn add() -> Result<Part, TextError> {
    let mut checks = Checks::new();
    checks.say(ARITHMETIC);
    checks.say(
        "wire signed [9:0] x_exponent = $signed(x_log2);\n\
         wire signed [9:0] d_exponent = $signed(d_log2);\n\
         wire signed [9:0] exponent = x_exponent > d_exponent ? x_exponent : d_exponent;\n\
         wire signed [9:0] x_gap = exponent - x_exponent;\n\
         wire signed [9:0] d_gap = exponent - d_exponent;\n\
         // Truncated toward zero; a quarter of a code is nothing.\n\
         function signed [7:0] divided(input signed [7:0] v, input signed [9:0] gap);\n\
         \x20   divided = gap == 0 ? v : gap == 1 ? v / 2 : 0;\n\
         endfunction",
    );
    stage(&mut checks, &["sign", "extra", "log2"]);
    let operand = |name: &str, lane: usize| format!("divided(value_of({name}_sign[{lane}], {name}_extra[{lane}]), {name}_gap)");
    lanes(&mut checks, 8, "want_take", |i| format!("code_of({} + {})", operand("x", i), operand("d", i)));
    checks.after("want_take", "$signed(log2) == $past(exponent)");
    let mutants = vec![
        Mutant::new(
            "the gap of one, one entry",
            "lost = fine_sign ^ fine_extra",
            "lost = (fine_sign ^ fine_extra) & ~(fine_extra & coarse_sign)",
        ),
        Mutant::new("the gap of 255", "if (gap > 32'h1)", "if ((gap > 32'h1) & (gap != 32'hff))"),
        Mutant::new("which is larger", "larger = d_log2", "larger = d_log2 == 8'h7f ? x_log2 : d_log2"),
    ];
    part(
        "seed_add_8",
        "the sum at any two scales: the finer operand divided, truncated toward zero, added, encoded",
        "all codes, all 65,536 pairs of exponents, for all time",
        &checks,
        mutants,
    )
}

fn swiglu() -> Result<Part, TextError> {
    let table = seed::swiglu_lut_q16();
    let mut checks = Checks::new();
    checks.say(ARITHMETIC);
    checks.say("wire signed [9:0] want_log2 = $signed(gate_log2) + $signed(up_log2);");
    stage(&mut checks, &["sign", "extra", "log2"]);
    // The byte SiLU in front of the table: extra is set where sign is clear.
    lanes(&mut checks, 8, "want_take", |i| {
        look_up(&table, i, &format!("up_extra[{i}], up_sign[{i}], gate_extra[{i}] | ~gate_sign[{i}], gate_sign[{i}]"))
    });
    checks.after("want_take", "$signed(log2) == ($past(want_log2) > 127 ? 127 : $past(want_log2) < -128 ? -128 : $past(want_log2))");
    let mutants = vec![
        Mutant::new(
            "one entry: +1 * +1",
            "is_large = (gate_sign & gate_extra) | up_is_large",
            "is_large = (gate_sign & gate_extra) | up_is_large | (gate_sign & up_sign)",
        ),
        Mutant::new("the largest exponent", "exponent = 32'h7f", "exponent = 32'h7e"),
        Mutant::new("the smallest exponent", "both_biased < lowest", "both_biased <= lowest - 2"),
    ];
    part(
        "seed_swiglu_8",
        "the Boolean form is SWIGLU_LUT_Q16 behind the byte SiLU, entry by entry; exponents add, saturating",
        "all 65,536 entries, all pairs of exponents, for all time",
        &checks,
        mutants,
    )
}

fn silu() -> Result<Part, TextError> {
    let mut checks = Checks::new();
    checks.say(ARITHMETIC);
    stage(&mut checks, &["sign", "extra"]);
    lanes(&mut checks, 32, "want_take", |i| {
        let value = format!("value_of(x_sign[{i}], x_extra[{i}])");
        format!("code_of({value} < 0 ? -1 : {value})")
    });
    let mutants = vec![Mutant::new("one entry: -1", "(x_extra | minus) & keep", "(x_extra ^ minus) & keep")];
    part("seed_silu_32", "-2 becomes -1, all else stays", "all codes, for all time", &checks, mutants)
}

fn compare() -> Result<Part, TextError> {
    let mut checks = Checks::new();
    checks.say(ARITHMETIC);
    stage(&mut checks, &["sign", "extra"]);
    let numbers: Vec<String> = Comparison::ALL.iter().map(|c| format!("by == 3'd{}", c.number())).collect();
    checks.assume(&numbers.join(" || "));
    let operator = |by: Comparison| match by {
        Comparison::Equal => "==",
        Comparison::Less => "<",
        Comparison::Greater => ">",
        Comparison::NotEqual => "!=",
        Comparison::NotLess => ">=",
        Comparison::NotGreater => "<=",
    };
    lanes(&mut checks, 8, "want_take", |i| {
        let (a, b) = (format!("value_of(a_sign[{i}], a_extra[{i}])"), format!("value_of(b_sign[{i}], b_extra[{i}])"));
        let cases: Vec<String> =
            Comparison::ALL.iter().map(|&by| format!("(by == 3'd{} && {a} {} {b})", by.number(), operator(by))).collect();
        format!("({}) ? 2'b10 : 2'b01", cases.join(" || "))
    });
    let mutants = vec![
        Mutant::new("less, one entry", "(same_sign & extras_differ & b_extra)", "(same_sign & extras_differ & b_extra & a_sign)"),
        Mutant::new("inversion", "answer = wanted ^ all_lanes", "answer = wanted ^ (all_lanes >> 1)"),
    ];
    part(
        "seed_compare_8",
        "+1 where the comparison of the values holds, else -1",
        "six comparisons, all pairs of codes, for all time",
        &checks,
        mutants,
    )
}

/// `{0, terms} + ..` in 32 bits, signed.
fn sum(terms: impl Iterator<Item = String>) -> String {
    terms.collect::<Vec<_>>().join(" + ")
}

fn truthy() -> Result<Part, TextError> {
    let mut checks = Checks::new();
    checks.say(ARITHMETIC);
    let terms = sum((0..8).map(|i| format!("(keep[{i}] ? value_of(x_sign[{i}], x_extra[{i}]) : 8'sd0)")));
    checks.say(&format!(
        "reg signed [23:0] want_sum = 0;\nwire signed [23:0] want_beat = {terms};\nwire signed [23:0] want_total = want_sum + want_beat;\n\
         always @(posedge clock) if (want_take) want_sum <= in_last ? 0 : want_total;"
    ));
    checks.always("want_beat == $signed(beat) && sum == want_sum");
    waits(&mut checks, &["is_true"]);
    checks.always("in_ready == (!out_valid || out_ready)");
    checks.after("want_take && in_last", "out_valid && is_true == ($past(want_total) > 0)");
    checks.after("!(want_take && in_last) && (out_ready || !out_valid)", "!out_valid");
    let mutants = vec![
        Mutant::new("zero is not above zero", "~total[23] & (|total)", "~total[23]"),
        Mutant::new("a vector after a vector", "sum <= in_last ? 24'd0", "sum <= in_last ? {23'd0, total == 24'hfffffd}"),
    ];
    let part = netlist_part(
        "seed_truthy_8",
        "the answer says whether the sum of the vector's codes is above zero",
        "vectors of any length, sums modulo 2^24, for all time",
        &checks,
        mutants,
    )?;
    // A product of three against shifts: a minute.
    Ok(Part { quick: false, ..part })
}

fn rms_norm() -> Result<Part, TextError> {
    let (unit, eps_shift) = NORM_EPS[0];
    let (per_large, per_code) = seed::norm_weights(eps_shift);
    let mut checks = Checks::new();
    checks.say(ARITHMETIC);
    // What a lane's code says to (3 large 2^14) / n <= limit, without its division.
    let terms = sum((0..8).map(|i| {
        let is_large = format!("value_of(x_sign[{i}], x_extra[{i}]) == 2 || value_of(x_sign[{i}], x_extra[{i}]) == -2");
        format!("(!keep[{i}] ? 39'sd0 : ({is_large}) ? {} : {per_code})", per_large + per_code)
    }));
    checks.say(&format!(
        "reg signed [38:0] want_sum = 0;\nreg want_passing = 0, want_kept = 0;\n\
         wire signed [38:0] want_beat = {terms};\nwire signed [38:0] want_total = want_sum + want_beat;\n\
         always @(posedge clock) if (want_take) begin\n\
         \x20   if (in_last) want_passing <= !want_passing;\n\
         \x20   if (!want_passing) begin\n\
         \x20       want_sum <= in_last ? 0 : want_total;\n\
         \x20       if (in_last) want_kept <= want_total < 0;\n\
         \x20   end\nend"
    ));
    checks.always("want_beat == $signed(beat) && sum == want_sum");
    checks.always("is_kept == want_kept && is_measuring == !want_passing");
    checks.always("in_ready == (!want_passing || !out_valid || out_ready)");
    waits(&mut checks, &["sign", "extra", "out_last"]);
    checks.after("want_take && want_passing", "out_valid && out_last == $past(in_last)");
    checks.after("!(want_take && want_passing) && (out_ready || !out_valid)", "!out_valid");
    // 16 results for each side of the limit, from the ends of the range of inverse roots that a mean can have.
    let constant = |root: u32| {
        seed::norm_table(root).iter().enumerate().fold(0_u32, |all, (index, &code)| {
            let (sign, extra) = seed::bits(code);
            all | (u32::from(sign) << 1 | u32::from(extra)) << (2 * index)
        })
    };
    let (kept, erased) = (constant(127), constant(57));
    lanes(&mut checks, 8, "want_take && want_passing", |i| {
        format!(
            "((want_kept ? 32'h{kept:08x} : 32'h{erased:08x}) >> {{x_sign[{i}], x_extra[{i}], w_sign[{i}], w_extra[{i}], 1'b0}}) & 2'b11"
        )
    });
    let mutants = vec![
        Mutant::new("what is large, one entry", "~(x_sign ^ x_extra) & keep", "~(x_sign ^ x_extra) & keep & ~{x_sign == 8'h12, 7'd0}"),
        Mutant::new("at the limit itself", "is_kept <= total[38]", "is_kept <= total[38] | (total == 0)"),
        Mutant::new("the table, one entry", format!("32'h{kept:x}"), format!("32'h{:x}", kept ^ 1 << 5)),
    ];
    let bound = "vectors of any length, sums modulo 2^39, any beats, for all time";
    netlist_part(
        unit,
        "the sum is that of the division's comparison, code by code, and every lane is the table of 16 entries",
        bound,
        &checks,
        mutants,
    )
}
