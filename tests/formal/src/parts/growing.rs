//! The growing sum against plain arithmetic: two passes, the exact sum, its rounding, and the scale that it grows to.

use super::elements::waits;
use super::{Checks, keeps, netlist_part};
use crate::proof::{Method, Mutant, Part};
use crate::text::TextError;
use nda_spec::growing::gap_limit;

pub(super) fn parts() -> Result<Vec<Part>, TextError> {
    Ok(vec![
        growing("growing_add_3x4", 3, 4)?,
        Part { quick: false, ..growing("growing_add_4x8", 4, 8)? },
        Part { quick: false, ..growing("growing_add_2x16", 2, 16)? },
    ])
}

/// A unit of `count` lanes whose codes have `bits` bits.
fn growing(unit: &str, count: usize, bits: usize) -> Result<Part, TextError> {
    let mut checks = Checks::new();
    keeps(&mut checks, &["x_log2", "d_log2"]);
    scales(&mut checks, bits);
    let over: Vec<String> = (0..count).map(|lane| lane_sum(&mut checks, lane, bits)).collect();
    passes(&mut checks, &over);
    handshake(&mut checks);
    let part = netlist_part(
        unit,
        "the exact sum rounded once, half away from zero; the next scale exactly if a sum does not fit, and there all fit",
        &format!("all codes of {bits} bits, all pairs of exponents, vectors of any length, for all time"),
        &checks,
        mutants(bits),
    )?;
    Ok(Part { method: Method::Induction { steps: 4, cycles: 5 }, ..part })
}

/// Bits of an exact sum, with room for the half that rounds it.
const fn sum_bits(bits: usize) -> usize {
    2 * bits + 8
}

/// The reference's scales: which operand is finer, by how much, and what rounding to a coarser scale means.
fn scales(checks: &mut Checks, bits: usize) {
    let width = sum_bits(bits);
    checks.say(&format!(
        "wire want_take = in_valid && in_ready;\n\
         reg want_passing = 0, want_over = 0, want_grows = 0;\n\
         wire signed [9:0] x_exponent = $signed(x_log2);\nwire signed [9:0] d_exponent = $signed(d_log2);\n\
         wire d_is_finer = x_exponent >= d_exponent;\n\
         wire signed [9:0] exponent = d_is_finer ? x_exponent : d_exponent;\n\
         wire [9:0] any_gap = d_is_finer ? x_exponent - d_exponent : d_exponent - x_exponent;\n\
         wire [4:0] want_gap = any_gap > {most} ? {most} : any_gap;\n\
         // Half away from zero: the magnitude rounded half up.\n\
         function signed [{w}:0] rounded_at(input signed [{w}:0] v, input [4:0] at);\n\
         \x20   rounded_at = v < 0 ? -((-v + (({width}'sd1 <<< at) >>> 1)) >>> at) : (v + (({width}'sd1 <<< at) >>> 1)) >>> at;\n\
         endfunction",
        most = gap_limit(bits as u32),
        w = width - 1,
    ));
}

/// The reference's sum of one lane, claimed of the core's; returns the expression that says whether the sum does not fit.
fn lane_sum(checks: &mut Checks, lane: usize, bits: usize) -> String {
    let (max, min) = ((1_i32 << (bits - 1)) - 1, -(1_i32 << (bits - 1)));
    let width = sum_bits(bits);
    let range = format!("{}:{}", lane * bits + bits - 1, lane * bits);
    checks.say(&format!(
        "wire signed [{top}:0] x_{lane} = x[{range}];\nwire signed [{top}:0] d_{lane} = d[{range}];\n\
         wire signed [{w}:0] x_wide_{lane} = x_{lane};\nwire signed [{w}:0] d_wide_{lane} = d_{lane};\n\
         wire signed [{w}:0] wide_{lane} = d_is_finer ? (x_wide_{lane} <<< want_gap) + d_wide_{lane} : (d_wide_{lane} <<< want_gap) + x_wide_{lane};\n\
         wire signed [{w}:0] at_coarse_{lane} = rounded_at(wide_{lane}, want_gap);\n\
         wire signed [{w}:0] at_next_{lane} = rounded_at(wide_{lane}, want_gap + 5'd1);\n\
         wire signed [{w}:0] chosen_{lane} = want_grows ? at_next_{lane} : at_coarse_{lane};\n\
         wire signed [{w}:0] want_{lane} = !keep[{lane}] ? {width}'sd0 : chosen_{lane} > {max} ? {max} : chosen_{lane} < {min} ? {min} : chosen_{lane};",
        top = bits - 1,
        w = width - 1,
    ));
    checks.after("want_take && want_passing", &format!("$signed(sum[{range}]) == $past(want_{lane})"));
    // One scale up is always enough.
    checks.always(&format!("at_next_{lane} <= {max} && at_next_{lane} >= {min}"));
    format!("(keep[{lane}] && (at_coarse_{lane} > {max} || at_coarse_{lane} < {min}))")
}

/// The two passes: the core measures and sums when the reference does, and its scale grows exactly if a lane is `over`.
fn passes(checks: &mut Checks, over: &[String]) {
    checks.say(&format!(
        "wire all_over = want_over || {};\n\
         always @(posedge clock) if (want_take) begin\n\
         \x20   if (in_last) want_passing <= !want_passing;\n\
         \x20   want_over <= !want_passing && !in_last && all_over;\n\
         \x20   if (in_last) want_grows <= !want_passing && all_over && exponent != 127;\nend",
        over.join(" || ")
    ));
    checks.always("passing == want_passing && over == want_over && grows == want_grows && is_measuring == !want_passing");
    // The scale has not grown while the core measures, and no overflow is pending while it sums.
    checks.always("!(want_grows && !want_passing) && !(want_over && want_passing) && !(want_grows && exponent == 127)");
}

/// The stream: one beat of sums, with its scale, for each beat of the second pass.
fn handshake(checks: &mut Checks) {
    waits(checks, &["sum", "log2", "out_last"]);
    checks.always("in_ready == (!want_passing || !out_valid || out_ready)");
    checks.after(
        "want_take && want_passing",
        "out_valid && out_last == $past(in_last) && $signed(log2) == $past(exponent) + ($past(want_grows) ? 1 : 0)",
    );
    checks.after("!(want_take && want_passing) && (out_ready || !out_valid)", "!out_valid");
}

/// One rounding, one shift and one scale changed. The core's exact sum has `2 bits + 2` bits, `bits + 1` of them fractional.
fn mutants(bits: usize) -> Vec<Mutant> {
    let most = gap_limit(bits as u32);
    let minus = format!("exact_0[{}]", 2 * bits + 1);
    let half = |minus: &str| format!("{{(grows & ~{minus}), ~(grows ^ {minus}), {{{bits}{{{minus}}}}}}}");
    let nudged = format!("exact_0 + {{{bits}'d0, half_0}}");
    vec![
        Mutant::new("half away from zero", half(&minus), half(&format!("(~{minus})"))),
        Mutant::new("the last gap that matters", format!("= 8'h{most:x};"), format!("= 8'h{:x};", most - 1)),
        Mutant::new("half of the last place", &nudged, format!("{nudged} + {{{}'d0, ~grows}}", 2 * bits + 1)),
        Mutant::new("the largest scale", "coarser == 8'h7f", "coarser == 8'h7e"),
    ]
}
