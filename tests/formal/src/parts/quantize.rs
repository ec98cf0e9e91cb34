//! The quantizer: at the width of f32 its divisions digit by digit, at nine bits against plain divisions as well.

use super::elements::waits;
use super::{Checks, netlist_part};
use crate::proof::{Method, Mutant, Part};
use crate::text::{TextError, Verilog};
use nda_cores::seed::element_units::SMALL_FLOAT;
use nda_cores::seed::seed_quantize::FloatFormat;

pub(super) fn parts() -> Result<Vec<Part>, TextError> {
    Ok(vec![small()?, full("seed_quantize_1", 1)?, full("seed_quantize_3", 3)?])
}

/// The quantizer of nine-bit floats, small enough that plain divisions can be decided.
fn small() -> Result<Part, TextError> {
    let unit = "seed_quantize_small";
    let (e, p) = (SMALL_FLOAT.exponent, SMALL_FLOAT.mantissa);
    let mut checks = Checks::new();
    small_reference(&mut checks);
    small_codes(&mut checks);
    // One beat measured, the divisions, one beat of codes, and one cycle to see it.
    let cycles = 2 * p + 5 + 4;
    Ok(Part {
        name: unit.into(),
        claim: "codes and scale by serial divisions are those of the rounded reciprocal and the rounded product".into(),
        bound: format!("floats of {e} bits of exponent and {p} of mantissa, any amax, any number; one vector from power-up"),
        method: Method::Bounded { cycles },
        top: unit.into(),
        verilog: Verilog::unit(unit)?.with_checks(&format!("{unit}_core"), &checks.text)?,
        mutants: vec![
            Mutant::new("the reciprocal, rounded", "{1'd0, divisor} < {rest, 1'd0}", "1'b0"),
            Mutant::new("the threshold, rounded up", "quotient + {5'd0, (|rest)}", "quotient"),
            Mutant::new("the subnormal reciprocal", "is_subnormal ? (rounded << 1)", "is_subnormal ? ((rounded << 1) + (rounded == 9))"),
            Mutant::new("minus zero", "(magnitude_0 == 8'd0)", "1'b0"),
        ],
        quick: false,
    })
}

/// The reference at nine bits: the largest magnitude, and by plain divisions the threshold, the scale and a number's code.
fn small_reference(checks: &mut Checks) {
    let (e, p) = (SMALL_FLOAT.exponent, SMALL_FLOAT.mantissa);
    let magnitude = SMALL_FLOAT.bits() - 1;
    let infinity = ((1_u64 << e) - 1) << (p - 1);
    let one = ((1_u64 << (e - 1)) - 1) << (p - 1);
    checks.say("wire want_take = in_valid && in_ready;");
    checks.say(&format!(
        "wire [{m}:0] size = x[{m}:0];\nwire nan = size > {infinity};\n\
         reg want_passing = 0;\nreg [{m}:0] want_amax = 0;\n\
         always @(posedge clock) if (want_take) begin\n\
         \x20   if (in_last) want_passing <= !want_passing;\n\
         \x20   if (!want_passing && keep && !nan && size > want_amax) want_amax <= size;\n\
         \x20   if (want_passing && in_last) want_amax <= 0;\nend\n\
         // The threshold by divisions: amax's mantissa, its reciprocal rounded to nearest, and the least mantissa that is large.\n\
         wire [31:0] want_m = (want_amax % {hidden}) + {hidden};\nwire [31:0] want_e = want_amax / {hidden};\n\
         wire tiny = want_e == {last};\n\
         wire [31:0] want_n = tiny ? {low} : {high};\nwire [31:0] want_q = want_n / want_m;\nwire [31:0] want_r = want_n % want_m;\n\
         wire [31:0] want_up = 2 * want_r > want_m || (2 * want_r == want_m && want_q % 2 == 1);\n\
         wire [31:0] inverse = (want_q + want_up) * (tiny ? 2 : 1);\n\
         wire [31:0] least = ({numerator} + inverse - 1) / inverse;\n\
         wire [31:0] found_large = least >= {top} ? want_e * {hidden} + (least + 1) / 2 - {hidden} : (want_e - 1) * {hidden} + least - {hidden};\n\
         wire [31:0] want_large = want_amax < {small} ? {three_halves} : want_amax == {infinity} ? {infinity} + 1 : found_large;\n\
         wire [31:0] want_scale = want_amax < {small} ? {one} : want_amax == {infinity} ? {infinity} : want_amax - {hidden};\n\
         wire plus = !nan && (!x[{sign}] || size == 0);\nwire big = !nan && size >= want_large;",
        m = magnitude - 1,
        sign = magnitude,
        hidden = 1_u64 << (p - 1),
        last = (1_u64 << e) - 2,
        low = 1_u64 << (2 * p - 2),
        high = 1_u64 << (2 * p - 1),
        numerator = SMALL_FLOAT.large_q() << (p - 1),
        top = 1_u64 << p,
        small = SMALL_FLOAT.least,
        three_halves = one + (1 << (p - 2)),
    ));
}

/// The stream at nine bits: each beat of the second pass gives the reference's code and scale.
fn small_codes(checks: &mut Checks) {
    waits(checks, &["sign", "extra", "scale", "out_last"]);
    checks.say("wire want_pass = want_take && want_passing;");
    checks.after("want_pass", "out_valid && out_last == $past(in_last)");
    checks.after("want_pass && keep", "sign == $past(plus) && extra == ($past(plus) == $past(big)) && scale == $past(want_scale)");
    checks.after("want_pass && !keep", "!sign && !extra");
    checks.after("!want_pass && (out_ready || !out_valid)", "!out_valid");
    checks.always("is_measuring == !want_passing");
}

/// The numbers of binary32 and of its two divisions.
struct Binary32 {
    /// Bits of a float.
    bits: usize,
    /// An infinity's magnitude.
    infinity: u64,
    /// Magnitudes below this one have the scale 1.
    least: u64,
    /// Exponent from which a reciprocal is subnormal.
    last: u64,
    /// The first numerator before its first digit, if the reciprocal is subnormal.
    low: u64,
    /// The same for every other reciprocal.
    high: u64,
    /// The second numerator.
    large_q: u64,
    /// The second numerator before its first digit.
    lead: u64,
    /// The step after the last digit.
    done: usize,
}

impl Binary32 {
    fn new() -> Binary32 {
        let format = FloatFormat::binary32();
        let (e, p) = (format.exponent, format.mantissa);
        assert_eq!((e, p), (8, 24), "the widths below are those of binary32");
        Binary32 {
            bits: format.bits(),
            infinity: 255 << 23,
            least: format.least,
            last: (1 << e) - 2,
            low: 1 << (p - 3),
            high: 1 << (p - 2),
            large_q: format.large_q(),
            lead: format.large_q() >> 2,
            done: p + 2,
        }
    }
}

/// A threshold by `nda_spec::seed::large_from`, whose two quotients are known by what was subtracted for their digits, so that no
/// multiplication has to be decided: `taken` is a sum of shifted divisors that the digits name.
fn full(unit: &str, count: usize) -> Result<Part, TextError> {
    let float = Binary32::new();
    let mut checks = Checks::new();
    checks.say("wire want_take = in_valid && in_ready;\nreg want_passing = 0, want_fresh = 1;\nreg [30:0] want_amax = 0;");
    let largest = lanes(&mut checks, &float, count);
    divisions(&mut checks, &float, &largest);
    states(&mut checks, &float);
    numerators(&mut checks, &float);
    digits(&mut checks, &float);
    scales(&mut checks, &float);
    let part = netlist_part(
        unit,
        "largest magnitude, its reciprocal rounded to nearest and the least product of 1.5 by serial division, in the predicted cycle; codes and scale by them",
        "any f32, vectors of any length, for all time",
        &checks,
        mutants(&float, count),
    )?;
    Ok(Part { method: Method::Induction { steps: 3, cycles: 8 }, quick: false, ..part })
}

/// The reference's lanes, whose codes are claimed of the core; returns the expression for the largest magnitude so far.
fn lanes(checks: &mut Checks, float: &Binary32, count: usize) -> String {
    let Binary32 { bits, infinity, .. } = float;
    let mut largest = "(want_fresh ? 31'd0 : want_amax)".to_string();
    for lane in 0..count {
        let (from, sign) = (lane * bits, lane * bits + bits - 1);
        checks.say(&format!(
            "wire [30:0] size_{lane} = x[{to}:{from}];\nwire nan_{lane} = size_{lane} > {infinity};\n\
             wire [30:0] most_{lane} = keep[{lane}] && !nan_{lane} && size_{lane} > {largest} ? size_{lane} : {largest};\n\
             wire plus_{lane} = !nan_{lane} && (!x[{sign}] || size_{lane} == 0);\n\
             wire big_{lane} = !nan_{lane} && size_{lane} >= want_large;",
            to = sign - 1,
        ));
        largest = format!("most_{lane}");
        checks.after(
            "want_take && want_passing",
            &format!(
                "sign[{lane}] == $past(keep[{lane}] && plus_{lane}) && extra[{lane}] == $past(keep[{lane}] && plus_{lane} == big_{lane})"
            ),
        );
    }
    largest
}

/// The reference's divisions: both numerators as far as they have come, what was taken of them, and the threshold at the end.
fn divisions(checks: &mut Checks, float: &Binary32, largest: &str) {
    let Binary32 { infinity, least, last, low, high, large_q, lead, done, .. } = float;
    checks.say(&format!(
        "wire small = want_amax < {least};\nwire unbounded = want_amax == {infinity};\n\
         wire [7:0] want_e = want_amax[30:23];\nwire [23:0] want_m = {{1'b1, want_amax[22:0]}};\nwire tiny = want_e == {last};\n\
         wire busy = state == 1 || state == 2;\nwire want_divides = busy && step != 0 && step != {done};\n\
         // Two numerators, 2^47 (or half of it) and {large_q} * 2^23, as far as they have come, and what was taken of them.\n\
         reg [48:0] numerator = 0, taken = 0;\nreg [24:0] inverse = 0;\nreg [30:0] want_large = 0;\nreg [5:0] age = 0;\n\
         wire enters = state == 2 && step <= 2;\nwire digit = 2 * (numerator - taken) + enters >= {{24'd0, divisor}};\n\
         wire [24:0] up = 2 * (numerator - taken) > {{24'd0, want_m}};\n\
         wire [31:0] least_m = quotient + (numerator != taken);\n\
         wire [31:0] least = least_m >= 1 << 24 ? (want_e << 23) + (least_m + 1) / 2 - (1 << 23) : ((want_e - 1) << 23) + least_m - (1 << 23);\n\
         always @(posedge clock) begin\n\
         \x20   if (want_take) begin\n\
         \x20       if (in_last) want_passing <= !want_passing;\n\
         \x20       if (!want_passing) begin want_amax <= {largest}; want_fresh <= 0; end\n\
         \x20       if (want_passing && in_last) want_fresh <= 1;\n\
         \x20   end\n\
         \x20   age <= want_take && !want_passing && in_last ? 1 : age + (age != 0 && age != 63);\n\
         \x20   if (want_divides) begin numerator <= 2 * numerator + enters; taken <= 2 * taken + (digit ? {{24'd0, divisor}} : 49'd0); end\n\
         \x20   else begin numerator <= state == 1 && step != 0 ? {lead} : tiny ? {low} : {high}; taken <= 0; end\n\
         \x20   if (state == 1 && step == {done}) inverse <= (quotient + up) << tiny;\n\
         \x20   if (state == 2 && step == {done}) want_large <= least[30:0];\n\
         \x20   if (state == 1 && step == 0 && small) want_large <= 31'd{three_halves};\n\
         \x20   if (state == 1 && step == 0 && unbounded) want_large <= 31'd{above};\n\
         end",
        three_halves = 1.5_f32.to_bits(),
        above = infinity + 1,
    ));
}

/// The state, and when: a cycle for the divisor, 25 digits and one to round, each; a small and an unbounded vector skip both.
fn states(checks: &mut Checks, float: &Binary32) {
    let done = float.done;
    checks.always("is_measuring == (state == 0) && want_passing == (state != 0) && in_ready == ((state == 0 || state == 3) && (!out_valid || out_ready))");
    checks.always("is_fresh == want_fresh && (want_fresh ? state == 0 : amax == want_amax) && want_amax <= 31'd2139095040");
    checks.always(&format!("state != 1 || (step <= {done} && age == step + 1)"));
    checks.always(&format!("state != 2 || (step != 0 && step <= {done} && age == step + 27)"));
    checks.always("!(busy && step != 0) || (!small && !unbounded)");
    checks.after(&format!("state == 2 && step == {done}"), "state == 3 && age == 54");
    checks.after(&format!("state == 1 && step == {done}"), "state == 2");
    checks.after("state == 1 && step == 0", "state == ($past(small || unbounded) ? 3 : 1)");
    checks.after("state == 3", "state == ($past(want_take && in_last) ? 0 : 3)");
}

/// The numerators: their first digits, followed by a zero for each step.
fn numerators(checks: &mut Checks, float: &Binary32) {
    let Binary32 { low, high, large_q, lead, .. } = float;
    checks.always(&format!(
        "!(state == 1 && step != 0) || (numerator == (tiny ? 49'd{low} : 49'd{high}) << (step - 5'd1) && divisor == {{1'b0, want_m}})"
    ));
    checks.always(&format!(
        "state != 2 || (numerator == (step == 1 ? 49'd{lead} : step == 2 ? 49'd{second} : 49'd{large_q} << (step - 5'd3)) && divisor == inverse)",
        second = large_q >> 1,
    ));
}

/// The digits: each is worth its divisor, all are there, and the rest is less than one more.
fn digits(checks: &mut Checks, float: &Binary32) {
    checks.always(
        "!(busy && step != 0) || (taken <= numerator && numerator - taken == rest && rest < divisor && (quotient >> (step - 5'd1)) == 0)",
    );
    checks.after(
        "want_divides",
        "quotient[24:1] == $past(quotient[23:0]) && !$past(quotient[24]) && taken == 2 * $past(taken) + (quotient[0] ? {24'd0, $past(divisor)} : 49'd0)",
    );
    let ends = format!("state == 2 && step == {}", float.done);
    checks.after(&format!("!want_divides && busy && !({ends})"), "state == 3 || (quotient == 0 && taken == 0)");
    // Nothing leaves its width: the divisors are at least 2^23, the first one below 2^24, so the reciprocal is from 2^23 to 2^24.
    checks.always("!(busy && step != 0) || {1'b0, quotient, 23'd0} <= taken");
    checks.always("!(state == 1 && step != 0) || taken <= {quotient, 24'd0} - {24'd0, quotient}");
    checks.always("state != 2 || (inverse >= 25'd8388608 && inverse <= 25'd16777216)");
}

/// The second pass: the threshold stands, and each beat gives one beat of codes with the scale.
fn scales(checks: &mut Checks, float: &Binary32) {
    checks.always("state != 3 || threshold == want_large");
    waits(checks, &["sign", "extra", "scale", "out_last"]);
    checks.after("want_take && want_passing", "out_valid && out_last == $past(in_last)");
    checks.after("!(want_take && want_passing) && (out_ready || !out_valid)", "!out_valid");
    checks.after(
        "want_take && want_passing",
        &format!(
            "scale == ($past(small) ? 32'd{one} : $past(unbounded) ? 32'd{infinity} : {{1'b0, $past(want_amax)}} - 32'd{half})",
            one = 1.0_f32.to_bits(),
            infinity = float.infinity,
            half = 1 << 23
        ),
    );
}

/// Errors at the edges, and in the divisions. Those see one float, always offered: measured in the first cycle, divided for 53,
/// then a code. The reciprocal of 7 is rounded up, and so is its threshold.
fn mutants(float: &Binary32, count: usize) -> Vec<Mutant> {
    let Binary32 { infinity, least, .. } = float;
    let any = |x: u32| format!("in_valid && in_last && out_ready && (&keep) && x == {{{count}{{32'h{x:08x}}}}}");
    vec![
        Mutant::new("minus zero", "(magnitude_0 == 31'd0)", "1'b0"),
        Mutant::new("beside an infinity", format!("31'h{:x}", infinity + 1), format!("31'h{infinity:x}")),
        Mutant::new("the smallest", format!("amax < 31'h{least:x}"), format!("amax <= 31'h{least:x}")),
        Mutant::new("the reciprocal, rounded", "{1'd0, divisor} < {rest, 1'd0}", "1'b0").late(&any(0x40e0_0000), 60),
        Mutant::new("the threshold, rounded up", "quotient + {24'd0, (|rest)}", "quotient").late(&any(0x40e0_0000), 60),
        Mutant::new("the last digit", "step == 5'd26", "step == 5'd25").late(&any(0x40e0_0000), 60),
    ]
}
