//! Generated programs give the same output, the same result and the same error on every tier.

use crate::common::{SMALL, on_every_tier};
use nda_lang::Type;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::RngSeed;
use std::fmt::Write;

/// Decisions that a generator takes one after another; at its end it takes the first choice, which is always the smallest.
pub struct Tape {
    bytes: Vec<u8>,
    at: usize,
}

impl Tape {
    pub fn new(bytes: Vec<u8>) -> Tape {
        Tape { bytes, at: 0 }
    }

    fn choose(&mut self, n: usize) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte) % n
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.choose(of.len())]
    }
}

const INTS: [&str; 14] = [
    "0",
    "1",
    "2",
    "3",
    "-1",
    "7",
    "9223372036854775807",
    "-9223372036854775808",
    "4611686018427387904",
    "10",
    "-3",
    "100",
    "3037000500",
    "5",
];
const FLOATS: [&str; 11] =
    ["0.0", "1.0", "-1.5", "0.1", "1e300", "-1e300", "9223372036854775808.0", "-9223372036854775808.0", "2.5", "1e-310", "3.0"];
const TYPES: [Type; 5] = [Type::Int, Type::Float, Type::Bool, Type::Vec, Type::Str];
/// Types of which a function is a candidate for machine code.
const SCALARS: [Type; 3] = [Type::Int, Type::Float, Type::Bool];

struct Function {
    params: Vec<Type>,
    result: Type,
}

struct Generator {
    tape: Tape,
    out: String,
    functions: Vec<Function>,
    /// Open scopes: name, type, whether it may be assigned.
    variables: Vec<(String, Type, bool)>,
    names: usize,
    indent: usize,
    result: Type,
    loops: usize,
    scalars_only: bool,
    /// Constants cannot multiply.
    in_constants: bool,
}

/// A program from a tape: globals, up to four functions that call each other, and a main.
pub fn program(tape: Tape) -> String {
    let mut g = Generator {
        tape,
        out: String::new(),
        functions: Vec::new(),
        variables: Vec::new(),
        names: 0,
        indent: 0,
        result: Type::Int,
        loops: 0,
        scalars_only: false,
        in_constants: true,
    };
    for _ in 0..g.tape.choose(3) {
        let of = g.tape.pick(&TYPES);
        let value = g.expression(of, 1);
        let name = format!("G{}", g.names);
        g.names += 1;
        let _ = writeln!(g.out, "let {name} = {value};");
        g.variables.push((name, of, false));
    }
    for _ in 0..g.tape.choose(4) {
        let types = if g.tape.choose(3) > 0 { &SCALARS[..] } else { &TYPES[..] };
        let params = (0..g.tape.choose(4)).map(|_| g.tape.pick(types)).collect();
        let result = g.tape.pick(types);
        g.functions.push(Function { params, result });
    }
    g.in_constants = false;
    let globals = g.variables.len();
    for index in 0..g.functions.len() {
        let params: Vec<String> = g.functions[index].params.iter().enumerate().map(|(i, of)| format!("p{i}: {}", of.name())).collect();
        g.variables.extend(g.functions[index].params.iter().enumerate().map(|(i, of)| (format!("p{i}"), *of, true)));
        g.scalars_only =
            g.functions[index].params.iter().chain([&g.functions[index].result]).all(|t| t.is_scalar()) && g.tape.choose(4) > 0;
        g.function(&format!("f{index}"), &params.join(", "), g.functions[index].result);
        g.variables.truncate(globals);
    }
    g.scalars_only = false;
    g.function("main", "", Type::Int);
    g.out
}

impl Generator {
    fn function(&mut self, name: &str, params: &str, result: Type) {
        let _ = writeln!(self.out, "fn {name}({params}) -> {} {{", result.name());
        self.result = result;
        self.indent = 1;
        let open = self.variables.len();
        self.statements(3);
        let value = self.expression(result, 3);
        self.line(&format!("return {value};"));
        self.variables.truncate(open);
        self.out.push_str("}\n");
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{}{text}", "    ".repeat(self.indent));
    }

    fn types(&self) -> &'static [Type] {
        if self.scalars_only { &SCALARS } else { &TYPES }
    }

    fn statements(&mut self, depth: usize) {
        for _ in 0..self.tape.choose(5) {
            self.statement(depth);
        }
    }

    fn block(&mut self, depth: usize) {
        let open = self.variables.len();
        self.indent += 1;
        self.statements(depth);
        self.indent -= 1;
        self.variables.truncate(open);
    }

    fn statement(&mut self, depth: usize) {
        let kind = self.tape.choose(if depth == 0 { 6 } else { 10 });
        match kind {
            0 | 1 => {
                let of = self.tape.pick(self.types());
                let value = self.expression(of, 3);
                let name = format!("v{}", self.names);
                self.names += 1;
                self.line(&format!("let {name} = {value};"));
                self.variables.push((name, of, true));
            }
            2 | 3 => {
                let Some((name, of)) = self.variable(|_, assignable| assignable) else { return };
                let value = self.expression(of, 3);
                self.line(&format!("{name} = {value};"));
            }
            4 if self.scalars_only => {}
            4 => match self.variable(|of, assignable| of == Type::Vec && assignable) {
                Some((name, _)) => {
                    let (index, value) = (self.index(), self.expression(Type::Float, 2));
                    self.line(&format!("{name}[{index}] = {value};"));
                }
                None => {
                    let of = self.tape.pick(&TYPES);
                    let (a, b) = (self.expression(of, 2), self.expression(Type::Int, 2));
                    self.line(&format!("print({a}, {b});"));
                }
            },
            5 => {
                let condition = self.expression(Type::Bool, 2);
                let leave = if self.loops > 0 && self.tape.choose(2) == 0 {
                    "break;".to_string()
                } else {
                    format!("return {};", self.expression(self.result, 2))
                };
                self.line(&format!("if {condition} {{ {leave} }}"));
            }
            6 => {
                let condition = self.expression(Type::Bool, 3);
                self.line(&format!("if {condition} {{"));
                self.block(depth - 1);
                self.line("} else {");
                self.block(depth - 1);
                self.line("}");
            }
            7 => {
                // Counts to a small number, so that most loops end by themselves.
                let (name, end) = (format!("w{}", self.names), self.tape.choose(8));
                self.names += 1;
                self.line(&format!("let {name} = 0;"));
                self.variables.push((name.clone(), Type::Int, self.tape.choose(4) == 0));
                self.line(&format!("while {name} < {end} {{"));
                self.loops += 1;
                self.block(depth - 1);
                self.loops -= 1;
                self.line(&format!("    {name} = {name} + 1;"));
                self.line("}");
            }
            8 => {
                let (count, name) = (self.expression(Type::Int, 1), format!("i{}", self.names));
                self.names += 1;
                self.line(&format!("loop {count} as {name} {{"));
                self.variables.push((name, Type::Int, false));
                self.loops += 1;
                self.block(depth - 1);
                self.loops -= 1;
                self.variables.pop();
                self.line("}");
            }
            _ => {
                let condition = self.expression(Type::Bool, 2);
                self.line(&format!("while {condition} {{"));
                self.loops += 1;
                self.block(depth - 1);
                self.loops -= 1;
                self.line("}");
            }
        }
    }

    fn variable(&mut self, fits: impl Fn(Type, bool) -> bool) -> Option<(String, Type)> {
        let found: Vec<usize> = (0..self.variables.len()).filter(|&i| fits(self.variables[i].1, self.variables[i].2)).collect();
        if found.is_empty() {
            return None;
        }
        let at = found[self.tape.choose(found.len())];
        Some((self.variables[at].0.clone(), self.variables[at].1))
    }

    /// An index that is mostly inside of a small vector.
    fn index(&mut self) -> String {
        if self.tape.choose(4) == 3 { self.expression(Type::Int, 1) } else { self.tape.choose(4).to_string() }
    }

    fn expression(&mut self, of: Type, depth: usize) -> String {
        if depth > 0
            && self.tape.choose(6) == 5
            && let Some(call) = self.call(of, depth)
        {
            return call;
        }
        if self.tape.choose(3) == 1 {
            let scalars_only = self.scalars_only;
            if let Some((name, _)) = self.variable(|t, _| t == of && (!scalars_only || t.is_scalar())) {
                return name;
            }
        }
        if depth == 0 {
            return self.literal(of);
        }
        match of {
            Type::Int => self.int(depth - 1),
            Type::Float => self.float(depth - 1),
            Type::Bool => self.bool(depth - 1),
            Type::Vec => self.vector(depth - 1),
            _ => self.literal(of),
        }
    }

    fn literal(&mut self, of: Type) -> String {
        match of {
            Type::Int => self.tape.pick(&INTS).into(),
            Type::Float => self.tape.pick(&FLOATS).into(),
            Type::Bool => self.tape.pick(&["true", "false"]).into(),
            Type::Vec => self.tape.pick(&["zeros(4)", "tensor(\"n\")", "zeros(3)", "zeros(0)", "row(\"t.1\", 2)"]).into(),
            _ => match self.variable(|_, _| true) {
                Some((name, of)) if !self.scalars_only || of.is_scalar() => format!("\"<{{{name}}}>\""),
                _ => self.tape.pick(&["\"\"", "\"a\"", "\"b\\n\""]).into(),
            },
        }
    }

    fn call(&mut self, of: Type, depth: usize) -> Option<String> {
        // Globals come before functions, and may not call them.
        let fits: Vec<usize> = (0..self.functions.len()).filter(|&i| self.functions[i].result == of).collect();
        if fits.is_empty() {
            return None;
        }
        let at = fits[self.tape.choose(fits.len())];
        let params = self.functions[at].params.clone();
        if self.scalars_only && !params.iter().all(|t| t.is_scalar()) {
            return None;
        }
        let args: Vec<String> = params.into_iter().map(|t| self.expression(t, depth - 1)).collect();
        Some(format!("f{at}({})", args.join(", ")))
    }

    fn int(&mut self, depth: usize) -> String {
        let choice = self.tape.choose(if self.scalars_only { 9 } else { 12 });
        let mut e = |of| self.expression(of, depth);
        match choice {
            0 | 1 => format!("({} + {})", e(Type::Int), e(Type::Int)),
            2 => format!("({} - {})", e(Type::Int), e(Type::Int)),
            3 => format!("({} * {})", e(Type::Int), e(Type::Int)),
            4 => format!("({} / {})", e(Type::Int), e(Type::Int)),
            5 => format!("({} % {})", e(Type::Int), e(Type::Int)),
            6 => format!("(-{})", e(Type::Int)),
            7 => format!("int({})", e(Type::Float)),
            8 => format!("{}({}, abs({}))", ["min", "max"][depth % 2], e(Type::Int), e(Type::Int)),
            9 => format!("len({})", e(Type::Vec)),
            10 => format!("argmax({})", e(Type::Vec)),
            _ => {
                let vector = e(Type::Vec);
                format!("quantize({vector}, \"A8\")[{}]", self.index())
            }
        }
    }

    fn float(&mut self, depth: usize) -> String {
        let choice = self.tape.choose(if self.scalars_only { 9 } else { 11 });
        let mut e = |of| self.expression(of, depth);
        match choice {
            0 => format!("({} + {})", e(Type::Float), e(Type::Float)),
            1 => format!("({} - {})", e(Type::Float), e(Type::Float)),
            2 => format!("({} * {})", e(Type::Float), e(Type::Float)),
            3 => format!("({} / {})", e(Type::Float), e(Type::Float)),
            4 => format!("({} % {})", e(Type::Float), e(Type::Float)),
            5 => format!("(-{})", e(Type::Float)),
            6 => format!("float({})", e(Type::Int)),
            7 => {
                let value = e(Type::Float);
                let function = self.tape.pick(&["sqrt", "exp", "ln", "sin", "cos", "floor", "abs"]);
                format!("{function}({value})")
            }
            8 => {
                let (a, b) = (e(Type::Float), e(Type::Float));
                let function = self.tape.pick(&["min", "max", "pow"]);
                format!("{function}({a}, {b})")
            }
            9 => {
                let vector = e(Type::Vec);
                format!("{vector}[{}]", self.index())
            }
            _ => format!("dot({}, {})", e(Type::Vec), e(Type::Vec)),
        }
    }

    fn bool(&mut self, depth: usize) -> String {
        let choice = self.tape.choose(if self.scalars_only { 6 } else { 7 });
        let sign = self.tape.pick(&["==", "!=", "<", "<=", ">", ">="]);
        let mut e = |of| self.expression(of, depth);
        match choice {
            0 | 1 => format!("({} {sign} {})", e(Type::Int), e(Type::Int)),
            2 => format!("({} {sign} {})", e(Type::Float), e(Type::Float)),
            3 => format!("({} && {})", e(Type::Bool), e(Type::Bool)),
            4 => format!("({} || {})", e(Type::Bool), e(Type::Bool)),
            5 => format!("(!{})", e(Type::Bool)),
            _ => format!("({} {} {})", e(Type::Str), if sign == "!=" { "!=" } else { "==" }, e(Type::Str)),
        }
    }

    fn vector(&mut self, depth: usize) -> String {
        let choice = self.tape.choose(if self.in_constants { 11 } else { 13 });
        let mut e = |of| self.expression(of, depth);
        match choice {
            0 => format!("add({}, {})", e(Type::Vec), e(Type::Vec)),
            1 => format!("mul({}, {})", e(Type::Vec), e(Type::Vec)),
            2 => format!("scale({}, {})", e(Type::Vec), e(Type::Float)),
            3 => format!("silu({})", e(Type::Vec)),
            4 => format!("swiglu({}, {})", e(Type::Vec), e(Type::Vec)),
            5 => format!("rms_norm({}, {}, 0.5)", e(Type::Vec), e(Type::Vec)),
            6 => format!("softmax({})", e(Type::Vec)),
            7 => format!("concat({}, {})", e(Type::Vec), e(Type::Vec)),
            8 => format!("slice({}, 0, {})", e(Type::Vec), e(Type::Int)),
            9 => format!("dequantize(quantize({}, \"A2\"))", e(Type::Vec)),
            10 => format!("relu2({})", e(Type::Vec)),
            11 => format!("gemv(\"t.0\", \"t.1\", {})", e(Type::Vec)),
            _ => match self.variable(|of, _| of == Type::Int) {
                Some((name, _)) => {
                    let vector = self.expression(Type::Vec, depth);
                    format!("gemv(\"t.{{{name}}}\", {vector})")
                }
                None => format!("rope({}, 3, 2, 10000.0)", self.expression(Type::Vec, depth)),
            },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_programs_mean_the_same_on_every_tier(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let source = program(Tape::new(bytes));
        on_every_tier(&source, SMALL, &[]);
    }
}

/// The generator must reach what it is there for: every kind of error, and programs that end well.
#[test]
fn generated_programs_reach_every_kind_of_end() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { rng_seed: RngSeed::Fixed(5), ..ProptestConfig::default() });
    let strategy = prop::collection::vec(any::<u8>(), 0..400);
    let mut ends = std::collections::BTreeMap::new();
    let kinds = [
        "overflow",
        "division",
        "fit an int",
        "cannot run",
        "index",
        "part of",
        "elements against",
        "no tensor",
        "steps",
        "open calls",
        "more bytes",
        "takes 4 elements",
    ];
    for _ in 0..4000 {
        let bytes = strategy.new_tree(&mut runner).expect("bytes").current();
        let last = crate::common::outcome(&program(Tape::new(bytes)), nda_lang::Tier::Closure, SMALL, &[]).pop().expect("an end");
        let kind = kinds.iter().find(|k| last.starts_with("error") && last.contains(**k)).copied();
        *ends.entry(kind.unwrap_or(if last.starts_with("error") { "other" } else { "value" })).or_insert(0) += 1;
    }
    println!("{ends:?}");
    for kind in kinds.iter().chain(&["value"]) {
        assert!(ends.get(kind).is_some_and(|n| *n >= 3), "{kind}: {ends:?}");
    }
}
