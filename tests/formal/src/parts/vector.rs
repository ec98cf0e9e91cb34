//! What the vector unit computes with: its multiplier stage by stage, its divisions and roots digit by digit, the sigmoid's
//! table, the cutting of codes.

use super::{Checks, part};
use crate::proof::{Method, Mutant, Part};
use crate::text::{TextError, Verilog};
use nda_spec::vector::cycles::{INVERSE_STEPS, LIFT_STEPS, QUANTIZER_CYCLES, QUOTIENT_STEPS, ROOT_CYCLES, ROOT_LIFT_STEPS, ROOT_STEPS};
use nda_spec::vector::{MAX_SHIFT, SIGMOID_ENTRIES, sigmoid_table};

pub(super) fn parts() -> Result<Vec<Part>, TextError> {
    Ok(vec![cutter()?, multiplier()?, sigmoid()?, scalar()?])
}

fn cutter() -> Result<Part, TextError> {
    let unit = "code_cutter";
    let checks = "\
        wire signed [24:0] want_whole = $signed(y);\n\
        wire signed [24:0] want_upper = (want_whole + 25'sd128) >>> 8;\n\
        wire signed [24:0] want_lower = $signed(y[7:0]);\n\
        wire signed [24:0] want_any = is_lower ? want_lower : is_upper ? want_upper : want_whole;\n\
        wire signed [24:0] want = want_any > 127 ? 127 : want_any < -127 ? -127 : want_any;\n\
        always @(*) begin\n\
        \x20   assert ($signed(code) == want && $signed(wide) == want);\n\
        \x20   // The parts make up what they are cut from.\n\
        \x20   assert (want_upper * 256 + want_lower == want_whole);\n\
        end";
    Ok(Part {
        name: unit.into(),
        claim: "a code is the nearest of -127 to 127 to the whole, to (y + 128) >> 8 or to the lowest byte; the parts make up the whole"
            .into(),
        bound: "all 2^24 results, all parts".into(),
        method: Method::Every,
        top: unit.into(),
        verilog: Verilog::unit(unit)?.with_checks(unit, checks)?,
        mutants: vec![
            Mutant::new("-128 of the lower part", "== lowest_byte", "== 8'h81"),
            Mutant::new("the upper part's rounding", "is_upper & ~is_lower & low_byte[32'h7]", "is_upper & ~is_lower & low_byte[32'h6]"),
            Mutant::new("a whole that is too large", "rest != 32'h0", "rest > 32'h1"),
        ],
        quick: true,
    })
}

fn multiplier() -> Result<Part, TextError> {
    let unit = "fixed_multiplier";
    let mut checks = Checks::new();
    checks.assume(&format!("shift <= {MAX_SHIFT}"));
    checks.say(
        "wire [23:0] want_a = $signed(a) < 0 ? -$signed(a) : $signed(a);\n\
         wire [23:0] want_b = $signed(b) < 0 ? -$signed(b) : $signed(b);\n\
         wire want_negative = ($signed(a) < 0) != ($signed(b) < 0);",
    );
    checks.after(
        "1",
        "a_magnitude == $past(want_a) && b_magnitude == $past(want_b) && negative == {$past(negative[2:0]), $past(want_negative)}",
    );
    checks.after("1", "shift_0 == $past(shift) && shift_1 == $past(shift_0) && shift_1 <= 47");
    checks.always("shift_0 <= 47 && shift_1 <= 47");
    checks.after(
        "1",
        "addend_0 == $past(addend) && addend_1 == $past(addend_0) && addend_2 == $past(addend_1) && addend_3 == $past(addend_2)",
    );
    checks.after("1", "valid == {$past(valid[3:0]), $past(issue)}");
    checks.always("y_valid == valid[4] && product_valid == valid[1] && product == held");
    checks.say("wire [47:0] want_product = a_magnitude * b_magnitude;");
    checks.after("1", "held == $past(want_product)");
    // Half a unit of what is left is added before the rest is cut off.
    checks.say(
        "wire [49:0] half = shift_1 == 0 ? 50'd0 : 50'd1 << (shift_1 - 6'd1);\n\
         wire [49:0] near = ({2'd0, held} + half) >> shift_1;\n\
         reg [22:0] want_near = 0;\n\
         always @(posedge clock) want_near <= near > 50'd8388607 ? 23'd8388607 : near[22:0];\n\
         wire [25:0] from_shifted = ({1'b0, shifted} + 26'd1) >> 1;",
    );
    checks.always("want_near == (over || from_shifted > 26'd8388607 ? 23'd8388607 : from_shifted[22:0])");
    checks.after("1", "rounded == $past(want_near)");
    checks.say(
        "wire signed [25:0] want_sum = $signed(addend_3) + (negative[3] ? -$signed({3'd0, rounded}) : $signed({3'd0, rounded}));\n\
         wire signed [25:0] want_y = want_sum > 8388607 ? 8388607 : want_sum < -8388607 ? -8388607 : want_sum;",
    );
    checks.after("1", "$signed(y) == $past(want_y)");
    let mutants = vec![
        Mutant::new("rounding", "{24'd0, shifted[0]}", "25'd0"),
        Mutant::new("the largest magnitude", "over | up[24] | up[23]", "over | up[24]"),
        Mutant::new("a bit beyond", "over <= |moved[48:25]", "over <= |moved[46:25]"),
        Mutant::new("the smallest sum", "(sum[22:0] == 23'd0)", "1'b0"),
        Mutant::new("the sign", "a[23] ^ b[23]", "a[23] | b[23]"),
    ];
    let part = part(
        unit,
        "magnitudes, their product, half a unit added and the rest cut off, 23 bits saturated, sign and addend, 24 bits saturated",
        "all factors, addends and shifts to 47, stage by stage, for all time",
        &checks,
        mutants,
    )?;
    Ok(Part { method: Method::Induction { steps: 4, cycles: 7 }, ..part })
}

fn sigmoid() -> Result<Part, TextError> {
    let unit = "sigmoid_table";
    let table = sigmoid_table();
    let entries: String = (0..=SIGMOID_ENTRIES).map(|i| format!("    9'd{i}: entry_of = 17'd{};\n", table[i])).collect();
    let mut checks = Checks::new();
    checks.say(&format!(
        "function [16:0] entry_of(input [8:0] i);\ncase (i)\n{entries}    default: entry_of = 0;\nendcase\nendfunction\n\
         wire [24:0] size = $signed(x) < 0 ? -$signed({{x[23], x}}) : {{1'b0, x}};\n\
         wire [15:0] at = size > 25'd65535 ? 16'd65535 : size[15:0];\n\
         wire [8:0] want_place = {{1'b0, at[15:8]}};\n\
         reg [16:0] here = 0, next = 0;\nreg [7:0] want_fraction = 0;\nreg want_negative = 0;\n\
         always @(posedge clock) if (enable) begin\n\
         \x20   here <= entry_of(want_place);\n    next <= entry_of(want_place + 9'd1);\n\
         \x20   want_fraction <= at[7:0];\n    want_negative <= $signed(x) < 0;\nend\n\
         // The drop is the table's, as the check below says.\nwire [18:0] slope = entry[26:16] * fraction;\n\
         wire [16:0] want_tail = here - ((slope + 19'd128) >> 8);"
    ));
    checks.always("entry[15:0] == here && entry[26:16] == here - next && fraction == want_fraction && negative == want_negative");
    checks.always("here < 17'd65536 && here >= next && here - next < 17'd2048");
    checks.always("s == (want_negative ? want_tail : 65536 - want_tail)");
    let mutants = vec![
        Mutant::new("beyond the table", "(magnitude[23:16] != 8'd0)", "(magnitude[22:16] != 7'd0)"),
        Mutant::new("rounding", "19'd128", "19'd127"),
        Mutant::new(
            "one entry",
            format!("entries[77] = 27'h{:07x}", (table[77] - table[78]) << 16 | table[77]),
            format!("entries[77] = 27'h{:07x}", (table[77] - table[78]) << 16 | (table[77] ^ 1)),
        ),
    ];
    let part = part(
        unit,
        "the entry of the table below |x|, less the drop's part to the next one, rounded; 1 less it where x is not negative",
        "all x, for all time",
        &checks,
        mutants,
    )?;
    Ok(Part { method: Method::Induction { steps: 4, cycles: 3 }, ..part })
}

/// A quotient and a root digit by digit: what was subtracted is kept beside as its own number, so that no multiplication has to
/// be decided. `taken` is a sum of shifted divisors that the quotient's digits name, `square` one of the root's digits.
fn scalar() -> Result<Part, TextError> {
    let unit = "scalar_unit";
    let mut checks = Checks::new();
    checks.assume("largest <= 24'h7fffff");
    checks.say(
        "reg [23:0] w_largest = 1;\nreg [63:0] w_squares = 1;\nreg [63:0] w_scaled = 64'h4000000000000000;\n\
         reg [63:0] prefix = 0;\nreg [63:0] square = 0;\nreg [55:0] numerator = 0;\nreg [55:0] taken = 0;\nreg [8:0] age = 0;\n\
         wire [65:0] next_prefix = {prefix, radicand[63:62]};\n\
         wire root_digit = next_prefix - {square, 2'b00} >= {32'd0, found, 2'b01};\n\
         wire quotient_digit = 2 * (numerator - taken) + digit >= {24'd0, divisor};\n\
         always @(posedge clock) begin\n\
         \x20   age <= phase == 0 ? 9'd1 : age + 9'd1;\n\
         \x20   if (phase == 0) begin w_largest <= largest == 0 ? 24'd1 : largest; w_squares <= squares | 64'd1; end\n\
         \x20   if (phase == 2) begin w_scaled <= radicand[63:62] == 0 ? radicand << 2 : radicand; prefix <= 0; square <= 0; end\n\
         \x20   if (phase == 3) begin prefix <= next_prefix; square <= {square, 2'b00} + (root_digit ? {30'd0, found, 2'b01} : 64'd0); end\n\
         \x20   if (phase == 4) begin numerator <= {numerator, digit}; taken <= 2 * taken + (quotient_digit ? {24'd0, divisor} : 56'd0); end\n\
         \x20   else begin numerator <= 0; taken <= 0; end\nend",
    );
    // Which phase lasts how long, and when the result stands.
    let (quotient_start, inverse_start) = (1 + LIFT_STEPS, 1 + ROOT_LIFT_STEPS + ROOT_STEPS);
    checks.always("phase <= 5 && (phase == 1 ? !rooting : 1) && (phase == 2 || phase == 3 ? rooting : 1)");
    checks.always(&format!("phase != 1 || (steps < {LIFT_STEPS} && age == steps + 1)"));
    checks.always(&format!("phase != 2 || (steps < {ROOT_LIFT_STEPS} && age == steps + 1)"));
    checks.always(&format!("phase != 3 || (steps < {ROOT_STEPS} && age == steps + {})", 1 + ROOT_LIFT_STEPS));
    checks.always(&format!(
        "phase != 4 || (rooting ? steps < {INVERSE_STEPS} && age == steps + {inverse_start} : steps < {QUOTIENT_STEPS} && age == steps + {quotient_start})"
    ));
    checks.always(&format!("phase != 5 || age == (rooting ? {} : {})", ROOT_CYCLES - 1, QUANTIZER_CYCLES - 1));
    checks.say("reg was_rooting = 0;\nalways @(posedge clock) was_rooting <= rooting;");
    checks.after("1", &format!("done == ($past(phase) == 5) && (!done || age == (was_rooting ? {ROOT_CYCLES} : {QUANTIZER_CYCLES}))"));
    // The largest, shifted up to 23 bits.
    checks.always("w_largest != 0 && w_largest <= 24'h7fffff");
    checks.always(
        "phase != 1 || ({24'd0, normalised} == {24'd0, w_largest} << lift && normalised[23] == 0 && lift <= steps && (normalised[22] || lift == steps))",
    );
    checks.always(
        "!((phase == 4 || phase == 5) && !rooting) || ({24'd0, normalised} == {24'd0, w_largest} << lift && normalised[23:22] == 1 && lift <= 22 && divisor == normalised)",
    );
    // The squares, shifted up by twos.
    checks.always("w_squares != 0");
    checks.always(
        "phase != 2 || ({64'd0, radicand} == {64'd0, w_squares} << {root_shift, 1'b0} && root_shift <= steps && (radicand[63:62] != 0 || root_shift == steps) && found == 0 && rest == 0)",
    );
    checks.always("!(phase == 3 || ((phase == 4 || phase == 5) && rooting)) || ({64'd0, w_scaled} == {64'd0, w_squares} << {root_shift, 1'b0} && w_scaled[63:62] != 0 && root_shift <= 31)");
    // The root of the prefix: its square is at most the prefix, that of the next number is more.
    checks.always("phase != 3 || (prefix >= square && prefix - square == rest && rest <= {found, 1'b0} && (found >> steps) == 0)");
    checks.always(
        "phase != 3 || (steps == 0 ? radicand == w_scaled && found == 0 && square == 0 && prefix == 0 : (found >> (steps - 1)) == 1)",
    );
    checks.always("phase != 3 || steps == 0 || (prefix << (7'd64 - {steps, 1'b0})) + (radicand >> {steps, 1'b0}) == w_scaled");
    checks.after(
        "phase == 3",
        "found[31:1] == $past(found[30:0]) && square == 4 * $past(square) + (found[0] ? 4 * $past(found) + 64'd1 : 64'd0)",
    );
    checks.always("!((phase == 4 || phase == 5) && rooting) || (divisor == found && found[31] && prefix == w_scaled && prefix >= square && prefix - square <= {found, 1'b0})");
    // The quotient: what was taken is at most the numerator, with one divisor more it is more.
    checks.always("phase == 4 || phase == 5 ? taken <= numerator && numerator - taken == left && left < divisor : 1");
    checks.always("phase == 4 || phase == 5 ? (rooting ? {quotient, 31'd0} <= taken : {quotient, 22'd0} <= taken) : 1");
    checks.always("phase != 4 || numerator == (rooting ? (steps == 0 ? 56'd0 : 56'd1 << (steps - 1)) : steps < 7 ? (56'd1 << steps) - 56'd1 : 56'd127 << (steps - 7))");
    checks.always(&format!("phase != 5 || numerator == (rooting ? 56'd1 << {} : 56'd127 << {})", INVERSE_STEPS - 1, QUOTIENT_STEPS - 7));
    checks.after("phase == 4", "quotient[24:1] == $past(quotient[23:0]) && !$past(quotient[24]) && taken == 2 * $past(taken) + (quotient[0] ? {24'd0, $past(divisor)} : 56'd0)");
    checks.after(
        "phase == 5",
        "was_rooting ? root == ($past(quotient) > 25'h7fffff ? 24'h7fffff : $past(quotient)) : reciprocal == $past(quotient)",
    );
    checks.always("phase == 1 || phase == 2 ? left == 0 && quotient == 0 : 1");
    checks.always("phase != 3 || (left == 0 && quotient == 0)");
    let mutants = vec![
        Mutant::new("no largest", "(largest == 24'd0) ? 24'd1 : largest", "largest"),
        Mutant::new("no squares", "squares | 64'd1", "squares"),
        Mutant::new("a lift", "lift <= lift + 6'd1", "lift <= lift + {5'd0, lift != 6'd1}"),
        Mutant::new("a step of the squares", "radicand <= {radicand[61:0], 2'b00}", "radicand <= {radicand[61:1], 3'b000}"),
        // Powers of two, whose digits end in an exact one.
        Mutant::new("a digit of the quotient", "goes = next_left >= ", "goes = next_left > ")
            .late("start && !is_root && largest == 24'h400000 && squares == 1", QUANTIZER_CYCLES + 2),
        Mutant::new("a digit of the root", "fits = next_rest >= trial", "fits = next_rest > trial")
            .late("start && is_root && largest == 1 && squares == 64'd4", ROOT_CYCLES + 2),
    ];
    let part = part(
        unit,
        "the largest shifted to 23 bits, 127 * 2^38 divided by it; the squares shifted by twos, their root, 2^54 divided by it; in the predicted cycle",
        "any largest, any squares, for all time",
        &checks,
        mutants,
    )?;
    Ok(Part { method: Method::Induction { steps: 3, cycles: 5 }, quick: false, ..part })
}
