//! Programs from decisions: globals, functions, statements.

use nda_lang::Type;
use std::fmt::Write;

mod expressions;

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
        let name = g.name('G');
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
                let name = self.name('v');
                self.line(&format!("let {name} = {value};"));
                self.variables.push((name, of, true));
            }
            2 | 3 => {
                let Some((name, of)) = self.variable(|_, assignable| assignable) else { return };
                let value = self.expression(of, 3);
                self.line(&format!("{name} = {value};"));
            }
            4 if self.scalars_only => {}
            4 => self.element_or_print(),
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
            kind => self.repetition(kind, depth),
        }
    }

    /// An assignment to an element, or a print where no vector may be assigned.
    fn element_or_print(&mut self) {
        match self.variable(|of, assignable| of == Type::Vec && assignable) {
            Some((name, _)) => {
                let (index, value) = (self.index(), self.expression(Type::Float, 2));
                self.line(&format!("{name}[{index}] = {value};"));
            }
            None => {
                let of = self.tape.pick(&TYPES);
                let (a, b) = (self.expression(of, 2), self.expression(Type::Int, 2));
                self.line(&format!("print({a}, {b});"));
            }
        }
    }

    /// A while that counts, a loop, or a while on any condition.
    fn repetition(&mut self, kind: usize, depth: usize) {
        match kind {
            7 => {
                // Counts to a small number, so that most loops end by themselves.
                let end = self.tape.choose(8);
                let name = self.name('w');
                self.line(&format!("let {name} = 0;"));
                self.variables.push((name.clone(), Type::Int, self.tape.choose(4) == 0));
                self.line(&format!("while {name} < {end} {{"));
                self.repeated(depth);
                self.line(&format!("    {name} = {name} + 1;"));
            }
            8 => {
                let count = self.expression(Type::Int, 1);
                let name = self.name('i');
                self.line(&format!("loop {count} as {name} {{"));
                self.variables.push((name, Type::Int, false));
                self.repeated(depth);
                self.variables.pop();
            }
            _ => {
                let condition = self.expression(Type::Bool, 2);
                self.line(&format!("while {condition} {{"));
                self.repeated(depth);
            }
        }
        self.line("}");
    }

    /// The body of a loop.
    fn repeated(&mut self, depth: usize) {
        self.loops += 1;
        self.block(depth - 1);
        self.loops -= 1;
    }

    /// A name that no other variable has.
    fn name(&mut self, kind: char) -> String {
        self.names += 1;
        format!("{kind}{}", self.names - 1)
    }

    fn variable(&mut self, fits: impl Fn(Type, bool) -> bool) -> Option<(String, Type)> {
        let found: Vec<usize> = (0..self.variables.len()).filter(|&i| fits(self.variables[i].1, self.variables[i].2)).collect();
        if found.is_empty() {
            return None;
        }
        let at = found[self.tape.choose(found.len())];
        Some((self.variables[at].0.clone(), self.variables[at].1))
    }
}
