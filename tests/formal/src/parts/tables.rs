//! The array of tables: what is written into them, what is read, the sums of their words, and one column through all of it.

use super::planes::{column_checks, geometry};
use super::{Checks, keeps};
use crate::proof::{Method, Mutant, Part};
use crate::text::{TextError, Verilog};
use nda_spec::cycles::{MEMORY_STAGES, TABLE_COLS, TABLE_STAGES, TABLE_WORDS, drain_cycles, load_cycles, tile_delay, tree_levels};
use nda_spec::width::ACC_BITS;

/// A unit for what does not depend on the columns, and units whose columns are those of the shipped configurations.
const SMALL: &str = "table_array_1x8";
const ROWS: [(&str, bool); 2] = [("table_array_2x64", true), ("table_array_1x128", false)];

/// Stage in which tables are written and read.
const LOOK_UP: usize = MEMORY_STAGES + TABLE_STAGES;

/// A row's bit that says that a beat stands in a stage.
fn valid(stage: usize) -> String {
    format!("valid[{}]", stage - LOOK_UP)
}

pub(super) fn parts() -> Result<Vec<Part>, TextError> {
    let mut parts = vec![table()?, generator()?];
    for (unit, quick) in ROWS {
        parts.push(Part { quick, ..row(unit)? });
    }
    parts.push(column(SMALL)?);
    Ok(parts)
}

/// A word that was written is read back; loads and beats never meet a table in the same cycle.
fn table() -> Result<Part, TextError> {
    let (row, table) = (format!("{SMALL}_row"), format!("{SMALL}_row_table"));
    let mut memory = Checks::new();
    memory.say(
        "(* anyconst *) reg [3:0] some;\nreg known = 0;\nreg [9:0] last = 0;\n\
         always @(posedge clock) if (write_enable && write_address == some) begin known <= 1; last <= write_data; end\n\
         always @(posedge clock) if (known) assert (sums[some] == last);",
    );
    memory.always("!(write_enable && read_enable)");
    memory.after("read_enable && known && read_address == some", "read_data == $past(last)");
    let mut commands = Checks::new();
    for bit in 0..LOOK_UP - 1 {
        commands.always(&format!("!(loads[{bit}] && beats[{bit}])"));
    }
    let mut flags = Checks::new();
    flags.always(&format!("!(writes && {})", valid(LOOK_UP)));
    let verilog =
        Verilog::unit(SMALL)?.with_checks(&table, &memory.text)?.with_checks(SMALL, &commands.text)?.with_checks(&row, &flags.text)?;
    Ok(Part {
        name: "table".into(),
        claim: "a table gives back the word last written; no table is read in the cycle that writes it".into(),
        bound: "any issues, any words, for all time".into(),
        method: Method::Induction { steps: 3, cycles: LOOK_UP + 8 },
        top: SMALL.into(),
        verilog,
        mutants: vec![
            Mutant::new("the choice between load and beat, one entry", "beat = issue & ~is_load", "beat = issue"),
            Mutant::new("a word, one entry", "read_data <= sums[read_address]", "read_data <= sums[read_address] ^ (read_address == 1)"),
        ],
        quick: true,
    })
}

/// The sixteen sums of four activations, as the tables get them.
fn generator() -> Result<Part, TextError> {
    let cols = geometry(SMALL)?.array_cols;
    let cycles = TABLE_WORDS + LOOK_UP + 1;
    let mut checks = Checks::new();
    checks.say(&format!("reg [7:0] cycle = 0;\nalways @(posedge clock) cycle <= cycle + 1;\nreg [{}:0] written = 0;", TABLE_WORDS - 1));
    keeps(&mut checks, &["x", "a2"]);
    checks.assume(&format!("(issue && is_load) == (cycle < {TABLE_WORDS})"));
    for column in 0..TABLE_COLS {
        let bits = (0..8).rev().map(|plane| format!("x[{}]", plane * cols + column)).collect::<Vec<_>>().join(", ");
        checks.say(&format!(
            "wire signed [7:0] int8_{column} = {{{bits}}};\n\
             wire signed [9:0] value_{column} = a2 ? $signed({{1'b0, int8_{column}[0]}}) + 3 * $signed({{1'b0, int8_{column}[1]}}) : int8_{column};"
        ));
    }
    let stage = LOOK_UP - 1;
    let terms: Vec<String> = (0..TABLE_COLS).map(|k| format!("($past(address_{stage}[{k}]) ? value_{k} : 10'sd0)")).collect();
    let loads = format!("loads[{}]", stage - 1);
    checks.after(&loads, &format!("$signed(generator_0_sum) == {}", terms.join(" + ")));
    checks.say(&format!(
        "always @(posedge clock) begin\n    if (past && $past({loads})) written[$past(address_{stage})] <= 1;\n    if (cycle == {}) assert (&written);\nend",
        cycles - 1
    ));
    Ok(Part {
        name: "generator".into(),
        claim: "in sixteen loads every table gets, at every address, the sum of the activations whose bits are set; int8 and A2".into(),
        bound: "all 2^32 groups of four activations, from power-up".into(),
        method: Method::Bounded { cycles },
        top: SMALL.into(),
        verilog: Verilog::unit(SMALL)?.with_checks(SMALL, &checks.text)?,
        mutants: vec![
            Mutant::new("the choice of the activation, one entry", "changed <= step[0] ?", "changed <= step[0] && step != 11 ?"),
            Mutant::new("the sign, one entry", "cleared <= step[0] ? step[1]", "cleared <= step[0] ? step[1] ^ (step == 7)"),
            Mutant::new("A2, one entry", "chosen[1] ^ chosen[0])}", "chosen[1] | chosen[0])}"),
        ],
        quick: false,
    })
}

/// Every level of the trees, the weights, the sum with the beats before and the initial value, for any words of the tables.
fn row(unit: &str) -> Result<Part, TextError> {
    let cols = geometry(unit)?.array_cols;
    let (module, table) = (format!("{unit}_row"), format!("{unit}_row_table"));
    let tables = cols / TABLE_COLS;
    let counted = LOOK_UP + 1 + tree_levels(tables);
    let mut checks = Checks::new();
    let mut e = Vec::new();
    for j in 0..2 {
        let mut numbers: Vec<String> = (0..tables).map(|group| format!("table{j}_{group}_read_data")).collect();
        let mut stage = LOOK_UP + 1;
        let mut most = 1;
        while numbers.len() > 1 {
            let sums: Vec<String> = (0..numbers.len().div_ceil(2)).map(|i| format!("s{j}_{stage}_{i}")).collect();
            most *= 2;
            for (sum, pair) in sums.iter().zip(numbers.chunks(2)) {
                let terms: Vec<String> = pair.iter().map(|n| format!("$signed($past({n}))")).collect();
                checks.after(&valid(stage), &format!("$signed({sum}) == 0 + {}", terms.join(" + ")));
                checks.always(&format!("$signed({sum}) >= {} && $signed({sum}) <= {}", -512 * most, 508 * most));
            }
            (numbers, stage) = (sums, stage + 1);
        }
        e.push(format!("$signed($past({}))", numbers[0]));
    }
    checks.say("always @(posedge clock) if (past) assert (code == $past(ternary));");
    checks.after(&valid(counted), &format!("$signed(once) == ($past(code) ? {1} - {0} : {1} + {0})", e[0], e[1]));
    checks.after(&valid(counted), &format!("$signed(more) == ($past(code) ? {1} : 2 * {0})", e[0], e[1]));
    for register in ["once", "more"] {
        checks.always(&format!("$signed({register}) >= -{0} && $signed({register}) <= {0}", 1024 * tables));
    }
    checks.after(&valid(counted + 1), "$signed(weighted) == 0 + $signed($past(once)) + $signed($past(more))");
    let old = format!("($past(first[{}]) ? 0 : $signed($past(carried)))", counted + 2 - LOOK_UP);
    checks.equal(&valid(counted + 2), "sum", ACC_BITS, &format!("{old} + $signed($past(weighted))"));
    let last = format!("{} & last[{}]", valid(counted + 3), counted + 3 - LOOK_UP);
    checks.equal(&last, "total", ACC_BITS, "$past(sum) + $past(init)");
    let free = "reg signed [9:0] word = 0;\n(* anyseq *) wire signed [9:0] free;\nalways @(*) assume (free >= -512 && free <= 508);\n\
                always @(posedge clock) word <= free;\nalways @(*) read_data = word;\n\
                always @(posedge clock) assert (word >= -512 && word <= 508);";
    let text = Verilog::unit(unit)?;
    let hollow = text.module(&table)?.with_inside(&table, free)?;
    Ok(Part {
        name: format!("table_row_{cols}"),
        claim: "every level of the trees of table words, the weights (quaternary, ternary), the beats before and the initial value".into(),
        bound: format!("any table words of {cols} columns, modulo 2^24, for all time"),
        method: Method::Induction { steps: 3, cycles: tree_levels(tables) + 7 },
        top: module.clone(),
        verilog: text.module(&module)?.with_checks(&module, &checks.text)?.and(&hollow),
        mutants: vec![
            Mutant::new("a level of the tree, one entry", "s0_6_0 <= ", "s0_6_0 <= (table0_1_read_data == 512) + "),
            Mutant::new("ternary weights, one entry", "signed_0 = wide_0 ^", "signed_0 = (wide_0 == 5) ^ wide_0 ^"),
            Mutant::new("the code, a job late", "code <= ternary", "if (valid[0]) code <= ternary"),
            Mutant::new("the beats before, one entry", "sum <= old + ", "sum <= (weighted == 7) + old + "),
        ],
        quick: true,
    })
}

/// A harness that loads the tables for one column that is not zero, and meets its weights in one beat.
fn column(unit: &str) -> Result<Part, TextError> {
    let g = geometry(unit)?;
    let cols = g.array_cols;
    let loads = load_cycles(&g, 1);
    let last = loads + drain_cycles(&g);
    let word: Vec<String> = (0..8).rev().map(|k| format!("({cols}'d0 | plane_bits[{k}]) << column")).collect();
    let checks = column_checks(cols, &format!("result_valid == (cycle == {last})"));
    let harness = format!(
        "module column(input clock, input [{top}:0] column, input w0, w1, input [7:0] plane_bits, input ternary, a2, input [23:0] init);\n\
         reg [7:0] cycle = 0;\nalways @(posedge clock) cycle <= cycle + 1;\n\
         wire result_valid;\nwire [{result}:0] result;\n\
         wire stands = cycle == {loads} + {read};\n\
         wire [{cols}-1:0] plane_0 = stands ? ({cols}'d0 | w0) << column : 0;\nwire [{cols}-1:0] plane_1 = stands ? ({cols}'d0 | w1) << column : 0;\n\
         {unit} array(.clock(clock), .issue(cycle <= {loads}), .is_load(cycle < {loads}), .is_first(1'b1), .is_shift(1'b0), .is_heavy(1'b1),\n\
         \x20   .is_last(1'b1), .ternary(ternary), .a2(a2), .init(init),\n\
         \x20   .w({{plane_1, plane_0}}), .x({{{x}}}), .result_valid(result_valid), .result(result));\n\
         {checks}endmodule\n",
        top = nda_spec::width::index_bits(cols) - 1,
        result = g.array_rows * ACC_BITS - 1,
        read = MEMORY_STAGES + tile_delay(&g),
        x = word.join(", "),
    );
    Ok(Part {
        name: format!("table_column_{cols}"),
        claim: "one column through the whole array of tables: every weight code times every activation code is the product".into(),
        bound: format!("any column of {cols}, 7 weight codes x (A8 + A2), any initial value, at the predicted cycle"),
        method: Method::Bounded { cycles: last + 2 },
        top: "column".into(),
        verilog: Verilog::unit(unit)?.and(&Verilog::new(harness)),
        mutants: vec![Mutant::new(
            "the sum of two weights, one entry",
            "weighted <= once + more",
            "weighted <= once + more + ($signed(more) == -128)",
        )],
        quick: false,
    })
}
