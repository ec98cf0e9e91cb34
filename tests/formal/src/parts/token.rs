//! The token machine's arithmetic: levels, the score cell, the query's tables, scores and weights as they are rounded, the
//! mix cell.

use super::{Checks, keeps};
use crate::proof::{Method, Mutant, Part};
use crate::text::{TextError, Verilog};
use nda_cores::netlist::{Emit, Netlist};
use nda_cores::token::attention::{PLANES, Sizes, dots, levels, mix_head, query_tables, scale, softmax};
use nda_spec::token::WORD;

/// Heads of 32 channels and a ring of 102, as the committed model has them.
const SHIPPED: Sizes = Sizes { heads: 4, kv_heads: 2, head_dim: 32, ring: 102, rows: 1020, makers: 16, positions: 2 };
/// One head of eight channels: whatever is proved of a channel, a group or a pair stands there once for all of them.
const SMALL: Sizes = Sizes { heads: 1, kv_heads: 1, head_dim: 8, makers: 8, ..SHIPPED };

pub(super) fn parts() -> Result<Vec<Part>, TextError> {
    Ok(vec![level()?, score_cell()?, query()?, score()?, weight()?, mix_cell()?])
}

/// A core's emitted text.
fn core(name: &str, netlist: &Netlist) -> Result<Verilog, TextError> {
    let text = netlist.emit(name).map_err(|e| TextError::Unit { unit: name.into(), reason: e.to_string() })?;
    Ok(Verilog::new(text))
}

fn part(name: &str, claim: &str, bound: &str, steps: usize, verilog: Verilog, mutants: Vec<Mutant>) -> Part {
    Part {
        name: name.into(),
        claim: claim.into(),
        bound: bound.into(),
        method: Method::Induction { steps, cycles: 8 },
        top: name.into(),
        verilog,
        mutants,
        quick: true,
    }
}

fn level() -> Result<Part, TextError> {
    let name = "token_levels";
    let mut checks = Checks::new();
    checks.say("reg [191:0] before, long_before;\nalways @(posedge clock) begin before <= values; long_before <= before; end");
    for lane in 0..WORD {
        let (low, high) = (24 * lane, 24 * lane + 23);
        checks.say(&format!(
            "wire signed [24:0] value_{lane} = $signed(long_before[{high}:{low}]);\n\
             wire signed [24:0] near_{lane} = (value_{lane} + 25'sd128) >>> 8;\n\
             wire signed [24:0] level_{lane} = near_{lane} > 6 ? 25'sd6 : near_{lane} < -6 ? -25'sd6 : near_{lane};\n\
             wire signed [24:0] first_{lane} = 3 * planes_{lane}[3] + planes_{lane}[2] - 2;\n\
             wire signed [24:0] second_{lane} = 3 * planes_{lane}[1] + planes_{lane}[0] - 2;"
        ));
        checks.always(&format!("!valid[1] || 2 * first_{lane} + second_{lane} == level_{lane}"));
    }
    let verilog = core(name, &levels::levels(name))?.with_checks(name, &checks.text)?;
    let mutants = vec![
        Mutant::new("a value beyond the levels", "(&values[23:11]) |", "(&values[23:12]) |"),
        Mutant::new("a level, one entry", "planes_0 <= short_0[4] ?", "planes_0 <= short_0[4] ^ (short_0 == 5'd3) ?"),
    ];
    Ok(part(name, "a level is the nearest of -6 to 6, halves up, and its planes spell it", "all values, for all time", 4, verilog, mutants))
}

/// The trees and weights of one head and position, for any words of the tables.
fn score_cell() -> Result<Part, TextError> {
    let name = "token_dots";
    let (groups, levels) = (SHIPPED.groups(), SHIPPED.levels());
    let mut checks = Checks::new();
    for plane in 0..PLANES {
        let mut numbers: Vec<String> = (0..groups).map(|group| format!("table_{plane}_{group}_read_data")).collect();
        for at in 1..=levels {
            let sums: Vec<String> = (0..numbers.len() / 2).map(|i| format!("sum_{plane}_{at}_{i}")).collect();
            for (sum, pair) in sums.iter().zip(numbers.chunks(2)) {
                let value = format!("0 + $signed($past({})) + $signed($past({}))", pair[0], pair[1]);
                checks.after(&format!("beats[{}]", at - 1), &format!("$signed({sum}) == {value}"));
            }
            numbers = sums;
        }
    }
    // Twelve times the largest sum of 32 codes has 17 bits with its sign, so modulo 2^17 is exact.
    let bits = 17;
    let sum = |plane: usize| format!("$signed($past(sum_{plane}_{levels}_0))");
    let stands = |stage: usize| format!("beats[{}]", levels + stage);
    checks.equal(&stands(0), "signs", bits, &format!("2 * {} + {}", sum(0), sum(2)));
    checks.equal(&stands(0), "extras", bits, &format!("2 * {} + {}", sum(1), sum(3)));
    checks.equal(&stands(1), "both", bits, "$past(signs) + $past(extras)");
    checks.equal(&stands(1), "signs_late", bits, "$past(signs)");
    checks.equal(&stands(2), "halves", bits, "2 * $past(signs_late) + $past(both)");
    checks.always("{dot, halves[0]} == halves");
    let table = format!("{name}_{name}_table");
    let free = "(* anyseq *) wire [9:0] free;\nreg [9:0] word = 0;\nalways @(posedge clock) word <= free;\nalways @(*) read_data = word;";
    let verilog = core(name, &dots::dots(name, &SHIPPED))?.with_inside(&table, free)?.with_checks(name, &checks.text)?;
    let mutants = vec![
        Mutant::new("a level of the tree, one entry", "sum_0_1_0 <= ", "sum_0_1_0 <= (table_0_0_read_data == 10'd5) + "),
        Mutant::new("the stacks' weights, one entry", "extras <= ", "extras <= (sum_3_3_0 == 13'd9) + "),
        Mutant::new("three signs, one entry", "halves <= ", "halves <= (both == 17'd9) + "),
    ];
    let claim = "every level of the four trees of table words; 3 (2 S + S') + (2 E + E') behind them, without its last bit";
    Ok(part(name, claim, "any table words of 32 columns, modulo 2^17, for all time", 3, verilog, mutants))
}

/// The tables of four codes.
fn query() -> Result<Part, TextError> {
    let name = "token_query";
    // The last sum stands 22 cycles behind the codes, which come in the first cycle.
    let last = 23;
    let codes = "any == 32'h7f3901fd";
    let mut checks = Checks::new();
    checks.say("reg [7:0] cycle = 0;\nalways @(posedge clock) cycle <= cycle + 1;\nreg [15:0] done = 0;\n(* anyconst *) wire [31:0] any;");
    checks.assume("!clear && codes_valid == (cycle == 0) && codes == {32'd0, any}");
    let term = |k: usize| format!("($past(write_address[{k}]) ? code_{k} : -code_{k})");
    (0..4).for_each(|k| checks.say(&format!("wire signed [9:0] code_{k} = $signed(any[{}:{}]);", 8 * k + 7, 8 * k)));
    let terms: Vec<String> = (0..4).map(term).collect();
    checks.after("write_enable", &format!("$signed(write_data[9:0]) == {}", terms.join(" + ")));
    checks.say(&format!(
        "always @(posedge clock) begin\n    if (past && $past(write_enable)) done[$past(write_address)] <= 1;\n    \
         if (cycle == {last} + 1) assert (&done);\n    if (cycle < 18) assert (!ready); else if (cycle > 18) assert (ready);\nend"
    ));
    Ok(Part {
        name: name.into(),
        claim: "nineteen steps give every table, at every address, the sum of four codes, each added or subtracted".into(),
        bound: "all 2^32 codes of a group, one query".into(),
        method: Method::Bounded { cycles: last + 2 },
        top: name.into(),
        verilog: core(name, &query_tables::query_tables(name, &SMALL))?.with_checks(name, &checks.text)?,
        mutants: vec![
            Mutant::new("the sign of a code, one entry", "is_minus = ", "is_minus = (step == 5'd29) | ").late(codes, last + 2),
            Mutant::new("an address, one entry", "gray = step[3:0] ^", "gray = {3'd0, step == 5'd21} ^ step[3:0] ^").late(codes, last + 2),
        ],
        quick: false,
    })
}

/// From a product to its score, end to end.
fn score() -> Result<Part, TextError> {
    let name = "token_score";
    let mut checks = Checks::new();
    keeps(&mut checks, &["shift"]);
    checks.assume("shift <= 47");
    let top = SHIPPED.dot_bits() + 17;
    checks.say(&format!(
        "reg signed [{top}:0] product_1 = 0, product_2 = 0, product_3 = 0;\nreg done = 0;\n\
         always @(posedge clock) begin product_1 <= product; product_2 <= product_1; product_3 <= product_2; done <= valids[2]; end\n\
         wire signed [48:0] half = (49'sd1 << shift) >> 1;\n\
         wire signed [48:0] near = (product_3 + half) >>> shift;\n\
         wire signed [48:0] want = near > 32767 ? 49'sd32767 : near < -32767 ? -49'sd32767 : near;"
    ));
    checks.always("!done || $signed(score) == want");
    // Any product: the multiplication would be all that the solver has to do.
    let register = format!("reg [{top}:0] product = ");
    let verilog = core(name, &scale::scale(name, &SHIPPED))?.with_checks(name, &checks.text)?;
    let verilog = verilog.replaced(&register, &format!("(* anyseq *) wire [{top}:0] free;\n{register}"))?;
    let verilog = verilog.replaced("product <= {{18{dot[15]}}, dot} * {{16{factor[17]}}, factor}", "product <= free")?;
    let mutants = vec![
        Mutant::new("the half, one entry", "{1'd0, halved[0]}", "{1'd0, halved[0] & ~(halved == 17'd5)}"),
        Mutant::new("beyond 16 bits", "is_beyond <= is_over | (|", "is_beyond <= (|"),
        Mutant::new("-32,768", "is_beyond | (rounded_sum[15] &", "is_beyond | (1'd0 &"),
        Mutant::new("an eight of the shift", "shift[3] ?", "(shift[3] & ~shift[0]) ?"),
    ];
    let claim = "a score is the product by 2^shift, halves up, within 16 bits and without the least";
    Ok(part(name, claim, "any product of 34 bits, shifts to 47, for all time", 5, verilog, mutants))
}

/// From a table's entry to a weight.
fn weight() -> Result<Part, TextError> {
    let name = "token_softmax";
    let mut checks = Checks::new();
    checks.equal("valid", "below_0", 16, "$past(most_0) - $past(score_0)");
    checks.say(
        "reg [14:0] entry_1 = 0, entry_2 = 0;\nreg [7:0] down_1 = 0, down_2 = 0;\nreg done = 0;\n\
         always @(posedge clock) begin\n    entry_1 <= entry_0; entry_2 <= entry_1; down_1 <= down_late_0; down_2 <= down_1; done <= valids[3];\nend\n\
         wire [63:0] sum_shift = 3 + down_2, value_shift = 7 + down_2;\n\
         wire [63:0] for_sum = (entry_2 + ((64'd1 << sum_shift) >> 1)) >> sum_shift;\n\
         wire [63:0] for_value = (entry_2 + ((64'd1 << value_shift) >> 1)) >> value_shift;",
    );
    checks.always("!done || exponential_0 == (down_2 < 50 ? for_sum : 0) && weight_0 == (down_2 < 50 ? for_value : 0)");
    let verilog = core(name, &softmax::softmax(name, 1))?.with_checks(name, &checks.text)?;
    let mutants = vec![
        Mutant::new("the bit below an exponential", "{11'd0, shifted_0[2]}", "{11'd0, shifted_0[1]}"),
        Mutant::new("a weight far below", "(|down_late_0[7:4])", "(|down_late_0[7:5])"),
    ];
    let claim = "an entry of the table, shifted by the distance from the largest and 3 or 7, halves up; the distance itself";
    Ok(part(name, claim, "any entry, any distance, for all time", 5, verilog, mutants))
}

/// Levels, products of two channels each, sums.
fn mix_cell() -> Result<Part, TextError> {
    let name = "token_mix";
    let (dim, bits_of_sum) = (SMALL.head_dim, SMALL.mixed_bits());
    let mut checks = Checks::new();
    checks.always("weight_thrice == 3 * weight_here && weight_nine_times == 9 * weight_here");
    checks.after("valid", "weight_here == $past(weight)");
    for d in 0..dim {
        let bits = |name: &str, at: [String; 4]| at.map(|at| format!("$past({name}[{at}])"));
        let of = |[s, e, t, f]: [String; 4]| format!("6 * {s} + 2 * {e} + 3 * {t} + {f}");
        let level = of(bits("planes", std::array::from_fn(|plane| (plane * dim + d).to_string())));
        // The last two of eight channels make their products of multiples.
        let is_multiplied = d % WORD < WORD - 2;
        let (product, now) = if is_multiplied {
            checks.after("valid", &format!("level_{d} == {level}"));
            let low = d % 2 * 12;
            (format!("product_{}[{}:{low}]", d / 2, low + 11), format!("(32'd0 | $past(level_{d}))"))
        } else {
            checks.after(
                "valid",
                &format!("6 * code_here_{d}[3] + 2 * code_here_{d}[2] + 3 * code_here_{d}[1] + code_here_{d}[0] == {level}"),
            );
            (format!("product_of_{d}"), format!("({})", of(bits(&format!("code_here_{d}"), [3, 2, 1, 0].map(|k| k.to_string())))))
        };
        checks.after("valids[0]", &format!("{product} == {now} * $past(weight_here)"));
        checks.equal("changes", &format!("sum_{d}"), bits_of_sum, &format!("$past(clear) ? 0 : $past(sum_{d}) + $past({product})"));
    }
    let verilog = core(name, &mix_head::mix_head(name, &SMALL))?.with_checks(name, &checks.text)?;
    let mutants = vec![
        Mutant::new("a level, one entry", "level_0 <= code_0[3] ?", "level_0 <= code_0[3] ^ (code_0 == 4'd6) ?"),
        Mutant::new("two channels apart", "packed_0 = {level_1, 8'd0,", "packed_0 = {level_1, 7'd0, level_0[3],"),
        Mutant::new("nine times the weight, one entry", "signs_6 = {code_here_6[3],", "signs_6 = {code_here_6[3] & ~(&code_here_6),"),
        Mutant::new("a sum, one entry", "(sum_0 + {", "((sum_0 ^ {17'd0, product_0[11:0] == 12'd3060}) + {"),
    ];
    let claim = "a channel's level plus 6; its product with the weight, two channels in one multiplication or of multiples; the sums";
    Ok(part(name, claim, "any planes and weights, modulo the sum's bits, for all time", 3, verilog, mutants))
}
