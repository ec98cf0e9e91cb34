//! The table of 65,536 entries in block RAM: what it gives is what was written, and with the articles' tables the right code.

use super::Checks;
use super::elements::{ARITHMETIC, look_up};
use crate::proof::{Method, Mutant, Part};
use crate::text::{TextError, Verilog};
use nda_spec::seed;

pub(super) fn parts() -> Result<Vec<Part>, TextError> {
    Ok(vec![table("seed_table", Form::TwoPorts)?, table("seed_table_single", Form::SinglePort)?])
}

/// The memory that the table stands in.
#[derive(Clone, Copy)]
enum Form {
    /// Reads and writes have an address each.
    TwoPorts,
    /// Reads and writes share one address, which reads a waiting result's word again in every cycle.
    SinglePort,
}

impl Form {
    /// What is assumed and claimed of this form alone.
    fn claims(self, checks: &mut Checks) {
        match self {
            Form::TwoPorts => {}
            Form::SinglePort => {
                checks.assume("!(write_enable && out_valid && !out_ready && write_address == waiting)");
                checks.always("!(looked && out_valid) || (waiting == watch && stood == watched)");
            }
        }
    }

    /// An error in the addresses.
    fn mutant(self) -> Mutant {
        match self {
            Form::TwoPorts => {
                Mutant::new("where a word is written", "(write_address) == watch", "(write_address ^ (write_address == 77)) == watch")
            }
            Form::SinglePort => Mutant::new("the word of a waiting result", ": waiting)", ": index[15:1])"),
        }
    }
}

/// Either form of the table. The proof sees the memory through one word at an arbitrary address, so what holds of that word holds
/// of all 32,768. It takes for granted that a block RAM keeps what was written to it.
fn table(unit: &str, form: Form) -> Result<Part, TextError> {
    let product = seed::swiglu_lut_q16();
    let mut checks = Checks::new();
    checks.say(ARITHMETIC);
    golden_word(&mut checks, "adder", &seed::add_lut_q16());
    golden_word(&mut checks, "product", &product);
    reference(&mut checks);
    form.claims(&mut checks);
    word(&mut checks);
    results(&mut checks, &product);
    handshake(&mut checks);
    let mutants = vec![
        Mutant::new("the byte of a word", "is_odd ? found[15:8] : found[7:0]", "is_odd ? found[7:0] : found[15:8]"),
        Mutant::new("a plane of the index", "{d_extra, d_sign, x_extra, x_sign}", "{d_sign, d_extra, x_extra, x_sign}"),
        Mutant::new("where there is no element", "(entry[7:4] & kept)", "entry[7:4]"),
        form.mutant(),
    ];
    let verilog = Verilog::unit(unit)?.with_one_word("entries", 16, 15)?.with_checks(&format!("{unit}_core"), &checks.text)?;
    Ok(Part {
        name: unit.into(),
        claim: "a look-up gives the byte last written at its index; with the articles' tables that is encode(x + d), or the product behind SiLU".into(),
        bound: "all 65,536 entries, any writes and look-ups, for all time".into(),
        method: Method::Induction { steps: 4, cycles: 5 },
        top: unit.into(),
        verilog,
        mutants,
        quick: true,
    })
}

/// What a golden table has in the watched word, lane by lane, and a register that says whether the word was last written so.
fn golden_word(checks: &mut Checks, name: &str, golden: &[u8]) {
    let entry = |odd: usize| {
        checks.say(&format!("wire [15:0] {name}_at_{odd} = {{watch, 1'b{odd}}};"));
        let codes: Vec<String> = (0..4)
            .map(|lane| {
                let at = |plane: usize| format!("{name}_at_{odd}[{}]", 4 * plane + lane);
                let code = format!("{name}_{odd}_{lane}");
                let entry = look_up(golden, lane, &format!("{}, {}, {}, {}", at(3), at(2), at(1), at(0)));
                checks.say(&format!("wire [1:0] {code} = {entry};"));
                code
            })
            .collect();
        let plane = |bit: usize| codes.iter().rev().map(|code| format!("{code}[{bit}]")).collect::<Vec<_>>().join(", ");
        format!("{}, {}", plane(0), plane(1))
    };
    let entries: Vec<String> = [1, 0].into_iter().map(entry).collect();
    checks.say(&format!("wire [15:0] {name}_word = {{{}}};\nreg is_{name} = 0;", entries.join(", ")));
}

/// The reference: the last look-up's operands and what its word held then, if it was the watched word.
fn reference(checks: &mut Checks) {
    checks.say(
        "wire writes = write_enable && write_address == watch;\n\
         // The operands of the last look-up, if it was one of that word.\n\
         reg looked = 0;\nreg [3:0] xs = 0, xe = 0, ds = 0, de = 0, lanes = 0;\nreg [15:0] stood = 0;\n\
         wire [15:0] want_index = {d_extra, d_sign, x_extra, x_sign};\n\
         wire [7:0] byte_read = xs[0] ? stood[15:8] : stood[7:0];\n\
         always @(posedge clock) begin\n\
         \x20   if (writes) begin is_adder <= write_data == adder_word; is_product <= write_data == product_word; end\n\
         \x20   if (want_take) begin\n\
         \x20       looked <= want_index[15:1] == watch;\n        stood <= watched;\n\
         \x20       {xs, xe, ds, de, lanes} <= {x_sign, x_extra, d_sign, d_extra, keep};\n\
         \x20   end\nend\nreg was_adder = 0, was_product = 0;\n\
         always @(posedge clock) if (want_take) begin was_adder <= is_adder; was_product <= is_product; end",
    );
}

/// The watched word keeps what was written, and the core's registers hold the last look-up of it.
fn word(checks: &mut Checks) {
    checks.after("writes", "watched == $past(write_data)");
    checks.after("!writes", "watched == $past(watched)");
    checks.always("(!is_adder || watched == adder_word) && (!is_product || watched == product_word)");
    checks.always("(!(looked && was_adder) || stood == adder_word) && (!(looked && was_product) || stood == product_word)");
    checks.always("!looked || {de, ds, xe, xs[3:1]} == watch");
    checks.always("!(looked && out_valid) || (found == stood && kept == lanes && is_odd == xs[0])");
}

/// A result is the byte that was written, its planes and the lanes that exist; and with each golden table it is the code that the
/// table stands for, by definition.
fn results(checks: &mut Checks, product: &[u8]) {
    checks.always("!(looked && out_valid) || (sign == (byte_read[3:0] & lanes) && extra == (byte_read[7:4] & lanes))");
    for lane in 0..4 {
        let operands = format!("value_of(xs[{lane}], xe[{lane}]) + value_of(ds[{lane}], de[{lane}])");
        let result = format!("{{sign[{lane}], extra[{lane}]}}");
        checks.always(&format!("!(looked && out_valid && was_adder) || {result} == (lanes[{lane}] ? code_of({operands}) : 2'b00)"));
        let product = look_up(product, lane, &format!("de[{lane}], ds[{lane}], xe[{lane}], xs[{lane}]"));
        checks.always(&format!("!(looked && out_valid && was_product) || {result} == (lanes[{lane}] ? {product} : 2'b00)"));
    }
}

/// The stream: one result for each look-up; a write takes its cycle from the input.
fn handshake(checks: &mut Checks) {
    checks.always("in_ready == ((!out_valid || out_ready) && !write_enable)");
    checks.after("want_take", "out_valid");
    checks.after("!want_take && (out_ready || !out_valid)", "!out_valid");
    checks.after("out_valid && !out_ready", "out_valid");
    checks.after("out_valid && !out_ready && looked", "sign == $past(sign) && extra == $past(extra)");
}
