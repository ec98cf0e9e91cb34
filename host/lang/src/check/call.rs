//! Calls of functions and builtins.

use super::scope::near;
use super::{Checker, RETIRED_HINT, Use};
use crate::ast::{self, Name, Span, Type};
use crate::module::{Expr, ExprKind};
use crate::signature::{self, Back, Builtin, Param, Signature};
use nda_spec::ActivationCode;
use nda_spec::seed::Comparison;

impl Checker {
    pub(super) fn call(&mut self, name: &Name, args: &[ast::Expr], span: Span) -> Expr {
        if let Some(signature) = signature::find(&name.text) {
            self.notes.builtins.push((name.span, signature.name));
            return self.builtin(signature, args, span);
        }
        if signature::is_retired(&name.text) && !self.functions.contains_key(&name.text) {
            self.error(name.span, format!("'{}' is no longer a builtin", name.text), RETIRED_HINT);
            return self.unknown(span);
        }
        let Some(known) = self.functions.get(&name.text) else {
            let builtins = signature::SIGNATURES.iter().map(|s| s.name.to_string());
            let hint = near(&name.text, self.functions.keys().cloned().chain(builtins));
            let hint =
                hint.map_or("declare it with 'fn', or see LANGUAGE.md for the builtins".into(), |other| format!("did you mean '{other}'?"));
            if !self.poisoned.contains(&name.text) {
                self.error(name.span, format!("there is no function '{}'", name.text), hint);
            }
            args.iter().for_each(|arg| drop(self.value(arg)));
            return self.unknown(span);
        };
        let (function, params, result) = (known.index, known.params.clone(), known.result);
        self.notes.uses.push(Use { span: name.span, definition: known.definition });
        if self.in_global {
            self.error(
                name.span,
                "a constant's value cannot call a function of the program",
                "use literals, operators, builtins and constants above it",
            );
        }
        if params.len() != args.len() {
            let types: Vec<&str> = params.iter().map(|t| t.name()).collect();
            let message = format!("'{}' takes {} arguments, not {}", name.text, params.len(), args.len());
            self.error(span, message, format!("it is {}({})", name.text, types.join(", ")));
        }
        // The arguments lie where the callee's frame will begin; calls inside of them open theirs behind.
        let window = self.window;
        self.window.scalars += params.iter().filter(|t| t.is_scalar()).count();
        self.window.objects += params.iter().filter(|t| !t.is_scalar()).count();
        self.widest.scalars = self.widest.scalars.max(self.window.scalars);
        self.widest.objects = self.widest.objects.max(self.window.objects);
        let mut checked = Vec::new();
        for (index, arg) in args.iter().enumerate() {
            let value = self.value(arg);
            if let Some(of) = params.get(index) {
                self.agree(&value, *of, &format!("argument {} of '{}'", index + 1, name.text));
            }
            checked.push(value);
        }
        self.window = window;
        Expr { kind: ExprKind::Call { function, args: checked, window }, of: result, span }
    }

    pub(super) fn builtin(&mut self, signature: &'static Signature, args: &[ast::Expr], span: Span) -> Expr {
        let (name, params) = (signature.name, signature.params);
        let repeats = if signature.repeat { (args.len() + 1).saturating_sub(params.len()).max(1) } else { 1 };
        let first = params.first().into_iter().flat_map(|first| std::iter::repeat_n(*first, repeats));
        let wanted: Vec<Param> = first.chain(params.iter().skip(1).copied()).collect();
        if wanted.len() != args.len() && !(signature.builtin == Builtin::Print && args.is_empty()) {
            let list: Vec<&str> = params.iter().map(|p| p.name()).collect();
            let more = if signature.repeat { " (the first any number of times)" } else { "" };
            let message = format!("'{name}' takes {} arguments, not {}", wanted.len(), args.len());
            self.error(span, message, format!("it is {name}({}){more}", list.join(", ")));
            args.iter().filter(|a| !matches!(a.kind, ast::ExprKind::Text(_))).for_each(|arg| drop(self.value(arg)));
            return self.unknown(span);
        }
        let (mut values, mut names, mut literal) = (Vec::new(), Vec::new(), None);
        for (arg, param) in args.iter().zip(&wanted) {
            match param {
                Param::Tensor => names.push(arg),
                Param::Literal => literal = self.literal(arg, name),
                _ => {
                    let value = self.value(arg);
                    self.fits(&value, *param, values.first(), name);
                    values.push(value);
                }
            }
        }
        if values.iter().any(|v| v.of == Type::Unknown) {
            return self.unknown(span);
        }
        self.built(signature, values, &names, literal, span)
    }

    /// A call of a builtin whose arguments are checked.
    pub(super) fn built(
        &mut self,
        signature: &Signature,
        args: Vec<Expr>,
        names: &[&ast::Expr],
        literal: Option<String>,
        span: Span,
    ) -> Expr {
        let of = match signature.back {
            Back::Is(of) => of,
            Back::Same => args.first().map_or(Type::Unknown, |arg| arg.of),
        };
        if self.in_global && signature.builtin.needs_run() {
            let message = format!("a constant's value cannot call '{}'", signature.name);
            self.error(span, message, "call it in a function");
        }
        let kind = match signature.builtin {
            Builtin::MetaInt | Builtin::MetaFloat => ExprKind::Meta(literal.unwrap_or_default()),
            Builtin::Quantize(_) => return self.quantize(args, literal, span),
            Builtin::SeedCompare(_) => return self.seed_compare(args, literal, span),
            builtin if builtin.is_scalar() => ExprKind::Scalar(builtin, args),
            builtin => {
                let names = builtin.purpose().and_then(|purpose| self.names(purpose, names, span));
                ExprKind::Vector { builtin, args, names }
            }
        };
        Expr { kind, of, span }
    }

    pub(super) fn quantize(&mut self, args: Vec<Expr>, literal: Option<String>, span: Span) -> Expr {
        let Some(literal) = literal else { return self.unknown(span) };
        let (code, of) = match literal.as_str() {
            "A8" => (ActivationCode::A8, Type::A8),
            "A4" => (ActivationCode::A4, Type::A4),
            "A2" => (ActivationCode::A2, Type::A2),
            _ => {
                self.error(span, format!("there is no precision '{literal}'"), "quantize(x, \"A8\"), \"A4\" or \"A2\"");
                return self.unknown(span);
            }
        };
        Expr { kind: ExprKind::Vector { builtin: Builtin::Quantize(code), args, names: None }, of, span }
    }

    fn seed_compare(&mut self, args: Vec<Expr>, literal: Option<String>, span: Span) -> Expr {
        let Some(literal) = literal else { return self.unknown(span) };
        let Some(by) = Comparison::from_sign(&literal) else {
            let hint = format!("seed_compare(x, \"<\", y), or {}", Comparison::ALL.map(|by| format!("\"{}\"", by.sign())).join(", "));
            self.error(span, format!("there is no comparison '{literal}'"), hint);
            return self.unknown(span);
        };
        Expr { kind: ExprKind::Vector { builtin: Builtin::SeedCompare(by), args, names: None }, of: Type::A2, span }
    }

    pub(super) fn literal(&mut self, arg: &ast::Expr, name: &str) -> Option<String> {
        if let ast::ExprKind::Text(pieces) = &arg.kind {
            match pieces.as_slice() {
                [] => return Some(String::new()),
                [ast::Piece::Text(text)] => return Some(text.clone()),
                _ => {}
            }
        }
        self.error(arg.span, format!("'{name}' needs a text without holes here"), "write it in double quotes, where it is used");
        None
    }

    pub(super) fn fits(&mut self, value: &Expr, param: Param, first: Option<&Expr>, name: &str) {
        let of = value.of;
        let what = format!("an argument of '{name}'");
        let fits = match param {
            Param::Is(wanted) => {
                self.agree(value, wanted, &what);
                true
            }
            Param::Number => match first {
                Some(first) if matches!(first.of, Type::Int | Type::Float) => {
                    self.agree(value, first.of, &what);
                    true
                }
                _ => matches!(of, Type::Int | Type::Float),
            },
            Param::AnyVector => matches!(of, Type::Vec | Type::A8 | Type::A4 | Type::A2),
            Param::AnyElements => matches!(of, Type::Vec | Type::Ints | Type::A8 | Type::A4 | Type::A2),
            Param::AnyCodes => matches!(of, Type::A8 | Type::A4 | Type::A2),
            Param::Any | Param::Literal | Param::Tensor => true,
        };
        if !fits && of != Type::Unknown {
            self.error(value.span, format!("{what} is {}, but this is {}", param.name(), of.name()), "types are never converted silently");
        }
    }
}
