//! Expressions of every type.

use super::Generator;
use nda_lang::Type;

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

impl Generator {
    /// An index that is mostly inside of a small vector.
    pub(super) fn index(&mut self) -> String {
        if self.tape.choose(4) == 3 { self.expression(Type::Int, 1) } else { self.tape.choose(4).to_string() }
    }

    pub(super) fn expression(&mut self, of: Type, depth: usize) -> String {
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
