//! The array of tables: four int8 activations and one plane of their weights at a time.
//!
//! Function: [`crate::gemv_array`]'s. For every four columns there is a table of the 16 sums that their activations have, `T[i] = sum
//! of x[k] over the
//! set bits k of i`; four weight bits of a plane are the address of their dot product. A beat of columns first writes
//! its tables, in Gray-code order, so that every sum is its neighbour's plus or minus one activation, and then meets
//! the weights of all row groups, one in every cycle. Every row and plane has tables of its own, written with the
//! same sums: 16 words of 10 bits, three RAMs of 16 x 4. Sums of a row group over the beats wait in a block RAM.
//!
//! Loads and beats come down one pipeline and meet the tables in the same stage, so their order is that of their
//! issue, and no table is read in the cycle that writes it. Stage numbers: an activation word stands in stage 2, a sum
//! of its values is written in stage 5, where the weights stand, which are read later by as much
//! (`cycles::tile_delay`). Flags have a copy in every row and generator, so that none has to reach the whole array in
//! one cycle. One adder at most stands between two registers.
//!
//! Handshake and shapes: [`crate::gemv_array`]'s. Latency: 10 cycles and the levels of a tree of `cols / 4` sums, from the issue of a row
//! group's last beat to its result: 15 for 128 columns. Interval: a row group per cycle behind 16 cycles of loads per beat of columns.
//!
//! Cost (Yosys 0.70, synth_ecp5 -nowidelut -no-rw-check; a TRELLIS_DPR16X4 counted as 6 LUT4, a CCU2C as 2): 16.2 LUT4 per
//! lane for a row of 128 columns, 16.9 of 64; 46 LUT4 for a generator of four columns. 8 x 128 lanes: 18,054 LUT4, 13,511 FF,
//! 6 DP16KD.

use super::text::{Direction, Number, Part, Stages, instance, pipeline};
use nda_spec::config::Geometry;
use nda_spec::cycles::{MEMORY_STAGES, TABLE_COLS, TABLE_STAGES, TABLE_WORDS, tree_levels};
use nda_spec::width::{ACC_BITS, index_bits};

/// Bits of a sum of four activations: -512 to 508.
const SUM_BITS: usize = 8 + index_bits(TABLE_COLS);
/// Bits of a table's address.
const ADDRESS_BITS: usize = index_bits(TABLE_WORDS);
/// Stage in which tables are written and read.
const LOOK_UP: usize = MEMORY_STAGES + TABLE_STAGES;

/// Stages behind the tables.
struct Schedule {
    /// The two planes' sums stand.
    counted: usize,
    /// Their weighted sum stands, and so does the sum of the beats before.
    weighed: usize,
    /// The sum of all beats so far stands.
    summed: usize,
}

impl Schedule {
    fn new(g: &Geometry) -> Schedule {
        let counted = LOOK_UP + 1 + tree_levels(g.array_cols / TABLE_COLS);
        Schedule { counted, weighed: counted + 2, summed: counted + 3 }
    }
}

/// Where the row groups' sums between beats lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sums {
    /// In a block RAM of the array's own.
    Within,
    /// In a memory beside it, which other things lie in too.
    Beside,
}

/// The array's body, and the modules that it is made of.
pub(super) fn array(g: &Geometry, sums: Sums) -> (String, String) {
    let body = commands() + &generators(g) + &rows(g) + &partial_sums(g, sums);
    (body, generator().verilog() + &row(g).verilog() + &table().verilog())
}

/// What goes down the pipeline: loads with the step of their Gray code, and beats.
fn commands() -> String {
    let step_bits = ADDRESS_BITS;
    let mut v = format!(
        "wire load = issue & is_load;\n\
         wire beat = issue & ~is_load;\n\
         reg [{top}:0] step = 0;\n\
         always @(posedge clock) if (load) step <= step + 1'b1;\n",
        top = step_bits - 1
    );
    v += &pipeline("loads", "load", 1, LOOK_UP - 1);
    // The bit in which a step's address differs from the one before is the step's lowest set bit; it was set if the
    // bit above it is clear.
    v += "reg [1:0] changed = 0;\nreg cleared = 0;\nreg first_step = 0;\n\
          always @(posedge clock) if (load) begin\n\
          \x20   changed <= step[0] ? 2'd0 : step[1] ? 2'd1 : step[2] ? 2'd2 : 2'd3;\n\
          \x20   cleared <= step[0] ? step[1] : step[1] ? step[2] : step[2] & step[3];\n\
          \x20   first_step <= step == 0;\n\
          end\n";
    v += &format!("wire [{top}:0] gray = step ^ (step >> 1);\n", top = step_bits - 1);
    for stage in 1..LOOK_UP {
        let from = if stage == 1 { "gray".into() } else { format!("address_{}", stage - 1) };
        v += &format!("reg [{top}:0] address_{stage} = 0;\nalways @(posedge clock) address_{stage} <= {from};\n", top = step_bits - 1);
    }
    v
}

/// A generator for every four columns.
fn generators(g: &Geometry) -> String {
    let cols = g.array_cols;
    let mut v = String::new();
    for group in 0..cols / TABLE_COLS {
        let planes: Vec<String> = (0..g.planes)
            .rev()
            .map(|plane| plane * cols + group * TABLE_COLS)
            .map(|at| format!("x[{}:{at}]", at + TABLE_COLS - 1))
            .collect();
        v += &format!("wire [{}:0] sums_{group};\n", SUM_BITS - 1);
        let ports = [
            ("load", "loads[1]".into()),
            ("changed", "changed".into()),
            ("cleared", "cleared".into()),
            ("first_step", "first_step".into()),
            ("a2", "a2".into()),
            ("x", format!("{{{}}}", planes.join(", "))),
            ("sum", format!("sums_{group}")),
        ];
        v += &instance("gemv_array$generator", &format!("generator_{group}"), &ports);
    }
    v
}

/// The 16 sums of four activations, one a cycle: `sum` stands in the stage that writes it.
///
/// A2's planes, extra and sign, weigh 1 and 3.
fn generator() -> Part {
    let mut part = Part::new("gemv_array$generator")
        .inputs(&[("load", 1), ("changed", 2), ("cleared", 1), ("first_step", 1), ("a2", 1), ("x", 8 * TABLE_COLS)])
        .port(Direction::Register, SUM_BITS, "sum");
    // 32 copies of its text, one for each, take longer to run than one that is called.
    part.body = "// verilator no_inline_module\n".to_string() + &pipeline("valid", "load", MEMORY_STAGES, LOOK_UP - 1);
    part.body += &pipeline("minus", "cleared", MEMORY_STAGES, LOOK_UP - 1);
    part.body += &pipeline("start", "first_step", MEMORY_STAGES, LOOK_UP - 1);
    part.body += "reg [1:0] which = 0;\nalways @(posedge clock) which <= changed;\n";
    let mut v = Stages::default();
    let mut stage = MEMORY_STAGES;
    for column in 0..TABLE_COLS {
        let bits = (0..8).rev().map(|plane| format!("x[{}]", plane * TABLE_COLS + column)).collect::<Vec<_>>().join(", ");
        v.value(stage, &format!("x_{column}"), 8, false, &format!("{{{bits}}}"));
    }
    v.register(stage, "chosen", 8, false, "which[1] ? (which[0] ? x_3 : x_2) : (which[0] ? x_1 : x_0)");
    stage += 1;
    v.value(stage, "of_a2", 8, false, "{5'd0, chosen[1] & chosen[0], chosen[1] & ~chosen[0], chosen[1] ^ chosen[0]}");
    v.value(stage, "plain", 8, false, "a2 ? of_a2 : chosen");
    // A sum minus x is the sum plus ~x plus 1.
    v.register(stage, "term", 8, false, &format!("plain ^ {{8{{minus[{stage}]}}}}"));
    stage += 1;
    // The bit below both numbers carries the 1 in.
    v.value(stage, "next", SUM_BITS + 1, false, &format!("{{sum, 1'b1}} + {{{{{}{{term[7]}}}}, term, minus[{stage}]}}", SUM_BITS - 8));
    v.statement(stage, &format!("sum <= start[{stage}] ? {SUM_BITS}'d0 : next[{SUM_BITS}:1];"));
    part.body += &v.verilog();
    part
}

/// The rows, and what they share of the pipeline.
fn rows(g: &Geometry) -> String {
    let (rows, cols) = (g.array_rows, g.array_cols);
    let Schedule { counted, .. } = Schedule::new(g);
    let groups = (0..cols / TABLE_COLS).rev().map(|group| format!("sums_{group}")).collect::<Vec<_>>().join(", ");
    let mut v = format!("wire [{}:0] sums = {{{groups}}};\n", cols / TABLE_COLS * SUM_BITS - 1);
    // The weights' code goes along with its beats, so that a job of another code may follow at once.
    v += &pipeline("ternaries", "ternary", 1, counted - 1);
    v += &format!("reg [{}:0] initial_sum = 0;\nalways @(posedge clock) initial_sum <= init;\n", ACC_BITS - 1);
    for row in 0..rows {
        v += &format!("wire [{top}:0] sum_{row};\nwire [{top}:0] total_{row};\n", top = ACC_BITS - 1);
        let mut ports: Vec<(&str, String)> = vec![
            ("write_enable", format!("loads[{}]", LOOK_UP - 1)),
            ("write_address", format!("address_{}", LOOK_UP - 1)),
            ("write_data", "sums".into()),
            ("beat", format!("beats[{}]", LOOK_UP - 1)),
            ("is_first_beat", format!("firsts[{}]", LOOK_UP - 1)),
            ("is_last_beat", format!("lasts[{}]", LOOK_UP - 1)),
            ("ternary", format!("ternaries[{}]", counted - 1)),
            ("init", "initial_sum".into()),
        ];
        for (j, port) in ["w0", "w1"].into_iter().enumerate() {
            let at = (j * rows + row) * cols;
            ports.push((port, format!("w[{}:{at}]", at + cols - 1)));
        }
        ports.push(("carried", format!("partial[{}:{}]", (row + 1) * ACC_BITS - 1, row * ACC_BITS)));
        ports.push(("sum", format!("sum_{row}")));
        ports.push(("total", format!("total_{row}")));
        v += &instance("gemv_array$row", &format!("row_{row}"), &ports);
    }
    let of_rows = |name: &str| (0..rows).rev().map(|r| format!("{name}_{r}")).collect::<Vec<_>>().join(", ");
    v + &format!("assign result = {{{}}};\nwire [{}:0] row_sums = {{{}}};\n", of_rows("total"), rows * ACC_BITS - 1, of_rows("sum"))
}

/// The row groups' sums between beats, read for one beat and written by it.
///
/// A word is written three cycles after it was read and read again 17 cycles later at the earliest, behind the loads
/// of the next beat, so no read can meet a write of its word.
fn partial_sums(g: &Geometry, sums: Sums) -> String {
    let Schedule { counted, summed, .. } = Schedule::new(g);
    let (address, word) = (index_bits(g.result_words) - 1, g.array_rows * ACC_BITS - 1);
    let mut v =
        pipeline("beats", "beat", 1, summed) + &pipeline("firsts", "is_first", 1, counted) + &pipeline("lasts", "is_last", 1, summed);
    // A beat's last load comes 16 cycles behind the beat before, which has left the pipeline by then.
    assert!(summed < LOOK_UP - 1 + TABLE_WORDS, "the last load of a beat must find the pipeline empty");
    let (memory, read, moves, ports) = match sums {
        Sums::Within => (
            format!("(* ram_style = \"block\" *) reg [{word}:0] partials [0:{}];\n", g.result_words - 1),
            format!("reg [{word}:0] fetched = 0;\n"),
            "    if (keep) partials[write_at] <= row_sums;\n    if (fetch) fetched <= partials[read_at];\n",
            "",
        ),
        Sums::Beside => (String::new(), String::new(), "", BESIDE),
    };
    v += &format!(
        "wire restart = loads[{at}] & (address_{at} == {ADDRESS_BITS}'d{last});\n\
         wire fetch = beats[{counted}] & ~firsts[{counted}];\n\
         wire keep = beats[{summed}] & ~lasts[{summed}];\n\
         {memory}\
         reg [{address}:0] read_at = 0;\n\
         reg [{address}:0] write_at = 0;\n\
         {read}\
         reg fetched_new = 0;\n\
         reg [{word}:0] partial = 0;\n\
         reg result_stands = 0;\n\
         always @(posedge clock) begin\n\
         \x20   read_at <= restart ? 0 : read_at + beats[{counted}];\n\
         \x20   write_at <= restart ? 0 : write_at + beats[{summed}];\n\
         {moves}\
         \x20   fetched_new <= fetch;\n\
         \x20   if (fetched_new) partial <= fetched;\n\
         \x20   result_stands <= beats[{summed}] & lasts[{summed}];\n\
         end\n\
         assign result_valid = result_stands;\n{ports}",
        at = LOOK_UP - 1,
        last = (TABLE_WORDS - 1) ^ ((TABLE_WORDS - 1) >> 1),
    );
    v
}

/// What goes to the memory beside the array: `fetched` is the word at `sums_read_address` a cycle after `sums_read`.
const BESIDE: &str = "\
assign sums_read = fetch;\n\
assign sums_read_address = read_at;\n\
assign sums_write = keep;\n\
assign sums_write_address = write_at;\n\
assign sums_data = row_sums;\n";

/// One row: its tables, the sum of each plane's, their weighted sum, the sum with the beats before.
fn row(g: &Geometry) -> Part {
    let cols = g.array_cols;
    let Schedule { counted, weighed, summed } = Schedule::new(g);
    let mut part = Part::new("gemv_array$row")
        .inputs(&[("write_enable", 1), ("write_address", ADDRESS_BITS), ("write_data", cols / TABLE_COLS * SUM_BITS)])
        .inputs(&[("beat", 1), ("is_first_beat", 1), ("is_last_beat", 1), ("ternary", 1), ("init", ACC_BITS)])
        .inputs(&[("w0", cols), ("w1", cols), ("carried", ACC_BITS)])
        .port(Direction::Register, ACC_BITS, "sum")
        .port(Direction::Register, ACC_BITS, "total");
    // Inlined into the array, hundreds of tables are compiled in one function, which takes minutes.
    part.body = "// verilator no_inline_module\n".to_string() + &pipeline("valid", "beat", LOOK_UP, summed);
    part.body += &pipeline("first", "is_first_beat", LOOK_UP, weighed);
    part.body += &pipeline("last", "is_last_beat", LOOK_UP, summed);
    part.body += &pipeline("code", "ternary", counted, counted);
    part.body += &format!(
        "reg writes = 0;\nreg [{}:0] address = 0;\nalways @(posedge clock) begin\n    writes <= write_enable;\n    address <= write_address;\nend\n",
        ADDRESS_BITS - 1
    );
    let mut v = Stages::default();
    for j in 0..2 {
        let numbers = tables(&mut part.body, j, cols);
        sum_up(&mut v, j, numbers);
    }
    weigh(&mut v, cols, counted);
    v.value(weighed, "old", ACC_BITS, true, &format!("first[{weighed}] ? {ACC_BITS}'sd0 : $signed(carried)"));
    v.statement(weighed, "sum <= old + weighted;");
    v.statement(summed, &format!("if (last[{summed}]) total <= sum + init;"));
    part.body += &v.verilog();
    part
}

/// The tables of plane `j`: what they say of the plane's bits.
fn tables(body: &mut String, j: usize, cols: usize) -> Vec<Number> {
    let table = |group: usize| {
        let name = format!("t{j}_{group}");
        let (at, data_at) = (group * TABLE_COLS, group * SUM_BITS);
        let ports = [
            ("write_enable", "writes".into()),
            ("write_address", "address".into()),
            ("write_data", format!("write_data[{}:{data_at}]", data_at + SUM_BITS - 1)),
            ("read_enable", format!("valid[{LOOK_UP}]")),
            ("read_address", format!("w{j}[{}:{at}]", at + TABLE_COLS - 1)),
            ("read_data", name.clone()),
        ];
        *body += &format!("wire signed [{}:0] {name};\n", SUM_BITS - 1);
        *body += &instance("gemv_array$row$table", &format!("table{j}_{group}"), &ports);
        Number { name, terms: 1, width: |tables| SUM_BITS + tree_levels(tables) }
    };
    (0..cols / TABLE_COLS).map(table).collect()
}

/// The sum of a plane's tables as `e_J`: a tree of adders with a register behind each.
fn sum_up(v: &mut Stages, j: usize, mut numbers: Vec<Number>) {
    let mut stage = LOOK_UP + 1;
    while numbers.len() > 1 {
        numbers = v.add_pairs(stage, &format!("s{j}_{stage}"), &numbers, true, true);
        stage += 1;
    }
    let bits = (numbers[0].width)(numbers[0].terms);
    v.declarations += &format!("wire signed [{}:0] e_{j} = {};\n", bits - 1, numbers[0].name);
}

/// `3 * e_0 + e_1` for quaternary, `2 * e_1 - e_0` for ternary weights, as `weighted`: first `e_1` plus or minus `e_0`,
/// then twice `e_0` or once `e_1` on top.
fn weigh(v: &mut Stages, cols: usize, stage: usize) {
    // Four times the largest sum of a plane, and its sign.
    let bits = SUM_BITS + tree_levels(cols / TABLE_COLS) + 2;
    for j in 0..2 {
        v.value(stage, &format!("wide_{j}"), bits, true, &format!("e_{j}"));
    }
    v.value(stage, "signed_0", bits, false, &format!("wide_0 ^ {{{bits}{{code[{stage}]}}}}"));
    // The bit below both numbers carries in the 1 that makes the negative number of the inverted one.
    v.value(stage, "both", bits + 1, false, &format!("{{wide_1, 1'b1}} + {{signed_0, code[{stage}]}}"));
    v.register(stage, "once", bits, true, &format!("both[{bits}:1]"));
    v.register(stage, "more", bits, true, &format!("code[{stage}] ? wide_1 : wide_0 <<< 1"));
    v.register(stage + 1, "weighted", bits, true, "once + more");
}

/// 16 sums in LUT RAM; `read_data` a cycle after its address.
fn table() -> Part {
    let mut part = Part::new("gemv_array$row$table")
        .inputs(&[("write_enable", 1), ("write_address", ADDRESS_BITS), ("write_data", SUM_BITS)])
        .inputs(&[("read_enable", 1), ("read_address", ADDRESS_BITS)])
        .port(Direction::Register, SUM_BITS, "read_data");
    part.body = format!(
        "(* ram_style = \"distributed\" *) reg [{}:0] sums [0:{}];\n\
         always @(posedge clock) begin\n\
         \x20   if (write_enable) sums[write_address] <= write_data;\n\
         \x20   if (read_enable) read_data <= sums[read_address];\n\
         end\n",
        SUM_BITS - 1,
        TABLE_WORDS - 1
    );
    part
}
