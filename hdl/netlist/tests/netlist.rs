//! The typed netlist: every operator and shape against integers, what is refused, and the text that comes out.

use nda_netlist::{Evaluation, Module, Style};
use nda_spec::random::Random;
use nda_spec::token::{narrow, round_shift};

/// A number of that many bits as two's complement.
fn signed(word: u64, bits: usize) -> i128 {
    i128::from(word) - (i128::from(word >> (bits - 1) & 1) << bits)
}

fn top(bits: usize) -> u64 {
    u64::MAX >> (64 - bits)
}

#[test]
fn operators_are_those_of_integers() {
    let mut random = Random::new(7);
    for bits in [1, 2, 7, 24, 31] {
        let m = Module::new("operators");
        let (a, b) = (m.input("a", bits), m.input("b", bits));
        m.output("sum", a + b);
        m.output("difference", (a - b).unsigned());
        m.output("signed_sum", (a.signed() + b.signed()).unsigned());
        m.output("product", a.times(b));
        m.output("signed_product", a.signed().times(b.signed()).unsigned());
        m.output("less", a.less(b));
        m.output("signed_less", a.signed().less(b.signed()));
        m.output("equal", a.equals(b));
        m.output("choice", a.bit(0).mux(a ^ b, !(a | b)));
        m.output("joined", m.concat(&[a, b]));
        m.output("shifted", (a.extend(bits + 3) << 3) | (b.extend(bits + 3) >> 1));
        m.output("reduced", m.concat(&[a.all(), a.any(), a.odd()]));
        let mut e = Evaluation::new(&m.finish());
        for k in 0..500 {
            let [x, y] =
                [random.next_u64() & top(bits), random.next_u64() & top(bits)].map(|word| if k % 5 == 0 { top(bits) } else { word });
            e.set("a", &[x]);
            e.set("b", &[y]);
            let (x_signed, y_signed) = (signed(x, bits), signed(y, bits));
            let low = |number: i128, bits: usize| number as u64 & top(bits);
            assert_eq!(e.get("sum"), x + y);
            assert_eq!(e.get("difference"), low(i128::from(x) - i128::from(y), bits + 1));
            assert_eq!(e.get("signed_sum"), low(x_signed + y_signed, bits + 1));
            assert_eq!(e.get("product"), x * y);
            assert_eq!(e.get("signed_product"), low(x_signed * y_signed, 2 * bits));
            assert_eq!([e.get("less"), e.get("signed_less")], [u64::from(x < y), u64::from(x_signed < y_signed)]);
            assert_eq!(e.get("equal"), u64::from(x == y));
            assert_eq!(e.get("choice"), if x & 1 == 1 { x ^ y } else { !(x | y) & top(bits) });
            assert_eq!(e.get("joined"), x << bits | y);
            assert_eq!(e.get("shifted"), x << 3 | y >> 1);
            let reduced = u64::from(x == top(bits)) << 2 | u64::from(x != 0) << 1 | u64::from(x.count_ones() % 2);
            assert_eq!(e.get("reduced"), reduced);
        }
    }
}

#[test]
fn shapes_are_those_of_the_golden_arithmetic() {
    let m = Module::new("shapes");
    let (a, by) = (m.input("a", 37), m.input("by", 6));
    m.output("saturated", a.signed().saturated(18).unsigned());
    m.output("down", a.signed().shifted_right(by).unsigned());
    m.output("plain_down", a.shifted_right(by));
    m.output("up", a.shifted_left(by));
    let (normal, count) = a.normalised(6);
    m.output("normal", normal);
    m.output("count", count);
    m.output("magnitude", a.slice(0, 18).magnitude());
    m.output("chosen", m.select(by.slice(0, 2), &[a, !a, a << 1]));
    m.output("next", by.next());
    let parts = [a.slice(0, 9), a.slice(9, 9), a.slice(18, 9), a.slice(27, 9)];
    m.output("largest", m.largest("parts", &parts));
    m.output("largest_signed", m.largest("signed_parts", &parts.map(|part| part.signed())).unsigned());
    m.output("is_five", by.is(5));
    let mut e = Evaluation::new(&m.finish());
    let mut random = Random::new(11);
    let extremes = [0, 1, top(37), 1 << 36, (1 << 17) - 1, 1 << 17, top(37) - (1 << 17) + 1, top(37) - (1 << 17) + 2];
    for k in 0..4000 {
        let x = if k < 512 { extremes[k / 64] } else { (random.next_u64() & top(37)) >> random.below(37) };
        let by = if k < 512 { k as u64 % 64 } else { random.below(64) as u64 };
        e.set("a", &[x]);
        e.set("by", &[by]);
        let value = signed(x, 37) as i64;
        assert_eq!(e.get("saturated"), narrow(value) as u64 & top(18), "{value}");
        assert_eq!(e.get("down"), (value >> by.min(63)) as u64 & top(37), "{value} >> {by}");
        assert_eq!(e.get("plain_down"), x >> by);
        assert_eq!(e.get("up"), x << by & top(37));
        let zeros = u64::from(x.leading_zeros()) - 27;
        if x > 0 {
            assert_eq!([e.get("normal"), e.get("count")], [x << zeros, zeros], "{x:x}");
        } else {
            assert_eq!(e.get("normal"), 0);
        }
        let short = signed(x & top(18), 18).unsigned_abs() as u64;
        assert_eq!(e.get("magnitude"), short);
        assert_eq!(e.get("chosen"), [x, !x & top(37), x << 1 & top(37), x << 1 & top(37)][by as usize % 4]);
        assert_eq!(e.get("next"), (by + 1) % 64);
        let parts = [0, 9, 18, 27].map(|low| x >> low & top(9));
        assert_eq!(Some(&e.get("largest")), parts.iter().max());
        assert_eq!(Some(&e.get("largest_signed")), parts.iter().max_by_key(|part| signed(**part, 9)));
        assert_eq!(e.get("is_five"), u64::from(by == 5));
    }
    assert_eq!(round_shift(5, 1), 3);
}

#[test]
fn a_memory_gives_the_old_word_in_the_cycle_that_writes_it() {
    let m = Module::new("store");
    let (enable, address, data) = (m.input("enable", 1), m.input("address", 4), m.input("data", 100));
    let words = m.memory("words", Style::Block, 16, 100);
    m.stage("write", enable).write(words, address, data);
    let read = m.always("read").register("read", words.at(address));
    m.output("out", m.always("output register").register("out", read));
    let mut e = Evaluation::new(&m.finish());
    e.set("enable", &[1]);
    e.set("address", &[5]);
    e.set("data", &[9, 3]);
    let seen = [(); 4].map(|()| {
        e.clock();
        e.output(0).to_vec()
    });
    assert_eq!(seen, [vec![0, 0], vec![0, 0], vec![9, 3], vec![9, 3]]);
    assert_eq!(e.word("words", 5), [9, 3]);
}

#[test]
fn tables_and_registers_power_up_as_they_are_told() {
    let m = Module::new("tables");
    let address = m.input("address", 2);
    let table = m.table("squares", Style::Distributed, 5, &[1, 4, 9, 16]);
    m.output("square", table.at(address));
    m.output("countdown", m.always("countdown").feedback_from("countdown", 4, 9, |q| (q - m.constant(1, 1)).low(4).unsigned()));
    let netlist = m.finish();
    let mut e = Evaluation::new(&netlist);
    for k in 0..4_u64 {
        e.set("address", &[k]);
        assert_eq!([e.get("square"), e.get("countdown")], [(k + 1) * (k + 1), 9 - k]);
        e.clock();
    }
    let text = netlist.top_verilog("tables_top");
    assert!(text.contains("squares[2] = 5'd9;") && text.contains("initial countdown = 4'd9;"), "{text}");
    // LUT RAM of an ECP5 cannot power up as a table: yosys refuses it.
    assert!(text.contains("(* ram_style = \"logic\" *) reg [4:0] squares"), "{text}");
}

#[test]
fn what_is_inside_an_instance_can_be_looked_at_by_its_path() {
    let inner = Module::new("inner");
    let a = inner.input("a", 8);
    inner.output("b", inner.always("later").register("later", a));
    let inner = inner.finish();
    let m = Module::new("outer");
    let a = m.input("a", 8);
    let b = m.instance("first", &inner, &[("a", a)])[0];
    m.output("c", m.instance("second", &inner, &[("a", b)])[0]);
    let netlist = m.finish();
    let mut e = Evaluation::new(&netlist);
    e.set("a", &[77]);
    e.clock();
    assert_eq!((e.peek("first.later")[0], e.peek("second.later")[0]), (77, 0));
    e.clock();
    assert_eq!(e.get("c"), 77);
    let text = netlist.top_verilog("twice");
    assert!(text.contains("module twice(") && text.contains("twice$inner first("), "{text}");
}

#[test]
#[should_panic(expected = "operands of 3 and 4 bits")]
fn widths_are_checked() {
    let m = Module::new("bad");
    let _ = m.input("a", 3) & m.input("b", 4);
}

#[test]
#[should_panic(expected = "'a' is used twice")]
fn names_are_checked() {
    let m = Module::new("bad");
    m.input("a", 3);
    m.input("a", 3);
}

#[test]
fn instances_that_hear_one_another_settle_in_one_cycle() {
    let inner = Module::new("add_one");
    let a = inner.input("a", 8);
    inner.output("now", a.next());
    inner.output("later", inner.always("later").register("later", a.next()));
    let inner = inner.finish();
    let m = Module::new("ring");
    let back = m.forward("back", 8);
    let first = m.part("first", &inner, &[("a", back)]);
    let second = m.part("second", &inner, &[("a", first.get("now"))]);
    m.connect(back, second.get("later"));
    m.output("count", second.get("now"));
    let netlist = m.finish();
    let mut e = Evaluation::new(&netlist);
    for k in 0..5 {
        assert_eq!(e.get("count"), 2 * k + 2);
        e.clock();
    }
    assert!(netlist.top_verilog("ring_top").contains("assign back = second_later;"));
}

#[test]
#[should_panic(expected = "a loop of logic")]
fn a_loop_of_logic_is_seen() {
    let m = Module::new("bad");
    let back = m.forward("back", 1);
    m.connect(back, !back);
    m.output("out", back);
    Evaluation::new(&m.finish());
}

#[test]
fn a_wire_stands_in_the_block_of_the_one_stage_that_reads_it() {
    let m = Module::new("blocks");
    let (enable, a, b) = (m.input("enable", 1), m.input("a", 8), m.input("b", 8));
    let sum = (a + b).low(8).named("sum");
    let twice = (sum + sum).low(8).named("twice");
    let shared = (a ^ b).named("shared");
    let shown = (a & b).named("shown");
    let free = (a | b).named("free");
    let on = m.stage("enabled", enable);
    let kept = on.register("kept", twice);
    let other = on.register("other", shared ^ shown);
    m.output("late", m.stage("another", kept.bit(0)).register("late", shared ^ other));
    m.output("always", m.always("no enable").register("always", free));
    m.output("shown_too", shown);
    let text = m.finish().verilog("top");
    let (outside, rest) = text.split_once("if (enable) begin : within_").expect("a block with wires");
    let (within, _) = rest.split_once("\nend\n").expect("its end");
    for name in ["sum", "twice"] {
        assert!(within.contains(&format!("reg [7:0] {name};")) && within.contains(&format!("    {name} = ")), "{name}:\n{text}");
        assert!(!outside.contains(&format!("wire [7:0] {name} ")), "{name}:\n{text}");
    }
    assert!(within.find(" sum = ") < within.find(" twice = "), "{text}");
    for name in ["shared", "shown", "free"] {
        assert!(text.contains(&format!("wire [7:0] {name} = ")) && !within.contains(&format!("{name} =")), "{name}:\n{text}");
    }
}

#[test]
fn a_module_without_a_clock_has_no_port_for_one() {
    let inner = Module::combinational("inner");
    let address = inner.input("address", 2);
    inner.output("square", inner.table("squares", Style::Distributed, 5, &[1, 4, 9, 16]).at(address));
    let inner = inner.finish();
    let m = Module::new("outer");
    let square = m.instance("inner", &inner, &[("address", m.input("address", 2))])[0];
    m.output("square", m.always("later").register("later", square));
    let netlist = m.finish();
    let mut e = Evaluation::new(&netlist);
    e.set("address", &[2]);
    e.clock();
    assert_eq!(e.get("square"), 9);
    let text = netlist.verilog("top");
    assert!(text.contains("module top$inner(\n    input wire [1:0] address,"), "{text}");
    assert!(text.contains("top$inner inner(\n    .address(address),\n    .square(inner_square)\n);"), "{text}");
    assert_eq!(inner.instance_text("top", "core"), "top$inner core(.address(address), .square(square));\n");
}

#[test]
#[should_panic(expected = "bad has no clock")]
fn a_module_without_a_clock_has_no_registers() {
    let m = Module::combinational("bad");
    m.output("later", m.always("later").register("later", m.input("a", 1)));
    m.finish();
}

#[test]
fn a_memory_says_where_it_is_to_be_or_leaves_it_to_the_synthesiser() {
    let text = |style| {
        let m = Module::new("store");
        let (write, address, data) = (m.input("write", 1), m.input("address", 4), m.input("data", 8));
        let words = m.memory("words", style, 16, 8);
        m.stage("write", write).write(words, address, data);
        m.output("read", m.stage("read", !write).register("read", words.at(address)));
        m.finish().verilog("top")
    };
    for (style, said) in [
        (Style::Block, "(* ram_style = \"block\" *) reg"),
        (Style::Distributed, "(* ram_style = \"distributed\" *) reg"),
        (Style::SinglePort, "(* ram_style = \"huge\" *) reg"),
        (Style::Any, "\nreg"),
    ] {
        assert!(text(style).contains(&format!("{said} [7:0] words [0:15];")), "{}", text(style));
    }
}
