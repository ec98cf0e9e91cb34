//! Builtins in a trace: evaluated if all they take is known, else a node, a symbol, or the trace's end.

use super::symbol::{Origin, Traced};
use super::walk::{Done, Stop, Walk};
use nda_ir::{Activation, Constant, NodeId, Op, Part, Product, Source, Table};
use nda_lang::ast::{Expr, ExprKind, Span};
use nda_lang::{Builtin, Purpose, Signature, Trap, Type, Value, narrow};

/// Arguments of one call.
struct Call<'a> {
    builtin: Builtin,
    name: &'static str,
    args: &'a [Traced],
    /// What the tensor names lead to.
    linked: usize,
    /// The number in the tensors' names.
    layer: Option<usize>,
    span: Span,
}

impl<'p> Walk<'p> {
    pub(super) fn builtin(&mut self, signature: &'static Signature, args: &'p [Expr], span: Span) -> Done<Traced> {
        let (mut values, mut texts, mut layer) = (Vec::new(), Vec::new(), None);
        for (index, arg) in args.iter().enumerate() {
            match &arg.kind {
                ExprKind::Text(pieces) if signature.is_spelled(index, args.len()) => {
                    let name = self.spell(pieces);
                    texts.push(name.map_err(|origin| Stop::Reason(format!("a tensor's name depends on {origin}"), arg.span))?);
                    layer = layer.or(self.first_hole(pieces));
                }
                _ => values.push(self.expression(arg)?),
            }
        }
        let trap = |trap| Stop::Trap(trap, span);
        let builtin = match signature.builtin {
            Builtin::MetaInt => return self.known.metadata(self.document, &texts[0], Type::Int).map(Traced::Known).map_err(trap),
            Builtin::MetaFloat => return self.known.metadata(self.document, &texts[0], Type::Float).map(Traced::Known).map_err(trap),
            builtin @ (Builtin::Quantize(_) | Builtin::SeedCompare(_)) => builtin.spelled(&texts[0]).unwrap_or(builtin),
            builtin => builtin,
        };
        let linked = match builtin.purpose() {
            Some(purpose) => self.linked(purpose, &texts, span)?,
            None => 0,
        };
        self.apply(&Call { builtin, name: signature.name, args: &values, linked, layer, span })
    }

    /// What tensor names lead to.
    fn linked(&self, purpose: Purpose, names: &[String], span: Span) -> Done<usize> {
        let missing = || Stop::Trap(Trap::NoTensor { name: names.join("+") }, span);
        self.links.find_by_name(purpose, names).ok_or_else(missing)
    }

    fn apply(&mut self, call: &Call<'_>) -> Done<Traced> {
        let known: Option<Vec<Value>> = call.args.iter().map(|arg| arg.known().cloned()).collect();
        match (call.builtin, known) {
            (Builtin::Print, _) => self.stop(call, "shows a line per token, and a graph has none"),
            (builtin, Some(mut args)) if !builtin.needs_run() => {
                let done = self.known.call(self.document, builtin, &mut args, call.linked);
                done.map(Traced::Known).map_err(|trap| Stop::Trap(trap, call.span))
            }
            (builtin, _) if builtin.is_scalar() => Ok(self.unknown(call)),
            _ => self.symbolic(call),
        }
    }

    /// A builtin that takes a symbol.
    fn symbolic(&mut self, call: &Call<'_>) -> Done<Traced> {
        match call.builtin {
            Builtin::Len => self.len(call),
            Builtin::Gather | Builtin::Row => self.gather(call),
            Builtin::Expect => self.expect(call),
            Builtin::Gemv => self.gemv(call),
            Builtin::Add | Builtin::Mul | Builtin::Swiglu | Builtin::Geglu => self.two_vectors(call),
            Builtin::Scale => {
                let factor = narrow(self.float(call, 1, "the factor")?);
                self.one_vector(call, |x| Op::Scale { x, factor })
            }
            Builtin::Silu => self.one_vector(call, |x| Op::Activate { x, function: Activation::Silu }),
            Builtin::Relu2 => self.one_vector(call, |x| Op::Activate { x, function: Activation::SquaredRelu }),
            Builtin::Quantize(code) => self.one_vector(call, |x| Op::Quantize { x, code }),
            Builtin::RmsNorm => self.norm(call),
            Builtin::Rope | Builtin::RopeRows | Builtin::RopeScaled => self.rope(call),
            Builtin::Attend | Builtin::AttendRows => self.attend(call),
            Builtin::Columns => {
                let [width, from, to] = [(1, "the width"), (2, "the first column"), (3, "the last column")];
                let [width, from, to] =
                    [self.count(call, width.0, width.1)?, self.count(call, from.0, from.1)?, self.count(call, to.0, to.1)?];
                self.one_vector(call, |x| Op::Columns { x, width, from, to })
            }
            Builtin::Slice => self.slice(call),
            Builtin::Dot | Builtin::Argmax => Ok(self.unknown(call)),
            Builtin::Seed(_) | Builtin::SeedCompare(_) | Builtin::SeedScale => self.stop(call, "has no operation in the graph"),
            Builtin::Softmax | Builtin::Dequantize | Builtin::Concat | Builtin::Ints => self.stop(call, "has no operation in the graph"),
            Builtin::Zeros => self.stop(call, "makes a vector of a length that is not known"),
            _ => self.stop(call, "is not traced"),
        }
    }

    fn stop<T>(&self, call: &Call<'_>, reason: &str) -> Done<T> {
        Err(Stop::Reason(format!("'{}' {reason}", call.name), call.span))
    }

    /// A scalar of which only its origin is known.
    fn unknown(&self, call: &Call<'_>) -> Traced {
        let origin = call.args.iter().find_map(|arg| self.origin(arg));
        Traced::Unknown(origin.unwrap_or(Origin::Tokens))
    }

    /// An argument that must be known.
    fn known_arg(&self, call: &Call<'_>, index: usize, what: &str) -> Done<Value> {
        self.need(&call.args[index], &format!("{what} of '{}'", call.name), call.span)
    }

    fn float(&self, call: &Call<'_>, index: usize, what: &str) -> Done<f64> {
        match self.known_arg(call, index, what)? {
            Value::Float(value) => Ok(value),
            _ => unreachable!("the checker has seen to the types"),
        }
    }

    fn count(&self, call: &Call<'_>, index: usize, what: &str) -> Done<usize> {
        match self.known_arg(call, index, what)? {
            Value::Int(value) => usize::try_from(value).or_else(|_| self.stop(call, &format!("has a negative number: {what} is {value}"))),
            _ => unreachable!("the checker has seen to the types"),
        }
    }

    /// A vector that tokens change.
    fn data(&self, call: &Call<'_>, index: usize) -> Done<NodeId> {
        match &call.args[index] {
            Traced::Vector { node, .. } => Ok(*node),
            Traced::Known(_) => self.stop(call, "takes a vector that no token changes"),
            Traced::Tokens => self.stop(call, "takes the numbers of the tokens as values"),
            Traced::Position(_) | Traced::Token(_) | Traced::Unknown(_) => unreachable!("the checker has seen to the types"),
        }
    }

    /// A vector that tokens change, or a constant one.
    fn operand(&mut self, call: &Call<'_>, index: usize) -> Done<NodeId> {
        let Traced::Known(value) = &call.args[index] else { return self.data(call, index) };
        let constant = self.constant(value);
        let constant = self.builder.add_constant(constant);
        self.push(Op::Constant { constant }, call.layer, call.span)
    }

    /// A known vector: a tensor of the document if it is one unchanged.
    fn constant(&self, value: &Value) -> Constant {
        let values = value.vector().unwrap_or_default();
        let source = match self.known.tensor_of(value) {
            Some(tensor) => Source::Tensor(self.links.tensors[tensor].clone()),
            None => Source::Values(values.to_vec()),
        };
        Constant { source, len: values.len() }
    }

    fn node(&mut self, call: &Call<'_>, op: Op) -> Done<Traced> {
        let node = self.push(op, call.layer, call.span)?;
        Ok(Traced::Vector { node, len: self.len_of(node) })
    }

    fn one_vector(&mut self, call: &Call<'_>, op: impl FnOnce(NodeId) -> Op) -> Done<Traced> {
        let x = self.data(call, 0)?;
        self.node(call, op(x))
    }

    fn two_vectors(&mut self, call: &Call<'_>) -> Done<Traced> {
        let (a, b) = (self.operand(call, 0)?, self.operand(call, 1)?);
        let op = match call.builtin {
            Builtin::Add => Op::Add { a, b },
            Builtin::Mul => Op::Mul { a, b },
            Builtin::Swiglu => Op::Gate { gate: a, up: b, function: Activation::Silu },
            Builtin::Geglu => Op::Gate { gate: a, up: b, function: Activation::Gelu },
            _ => unreachable!("only these take two vectors"),
        };
        self.node(call, op)
    }

    fn len(&self, call: &Call<'_>) -> Done<Traced> {
        match &call.args[0] {
            Traced::Vector { len, .. } => Ok(Traced::int(*len)),
            _ => Ok(Traced::int(self.tokens)),
        }
    }

    fn expect(&self, call: &Call<'_>) -> Done<Traced> {
        match self.known_arg(call, 0, "the condition")? {
            Value::Bool(true) => Ok(Traced::default()),
            _ => {
                let text = call.args[1].known().map_or_else(String::new, Value::to_string);
                Err(Stop::Trap(Trap::Expectation { text }, call.span))
            }
        }
    }

    /// The rows of a table that the tokens choose.
    fn gather(&mut self, call: &Call<'_>) -> Done<Traced> {
        match (&call.args[0], self.origin(&call.args[0])) {
            (Traced::Tokens, _) => {}
            (Traced::Token(0), _) if self.tokens == 1 => {}
            (Traced::Token(_), _) => return self.stop(call, "takes one token of several; take all rows with 'gather'"),
            (_, Some(origin)) => return self.stop(call, &format!("takes a row whose number depends on {origin}")),
            (_, None) => unreachable!("known arguments are evaluated"),
        }
        let shape = self.document.shape(call.linked).map_err(|e| Stop::Trap(Trap::Host(e), call.span))?;
        let table = Table { tensor: self.links.rows[call.linked].clone(), rows: shape.0, cols: shape.1 };
        let table = self.builder.add_table(table);
        self.node(call, Op::Gather { table })
    }

    fn gemv(&mut self, call: &Call<'_>) -> Done<Traced> {
        let x = self.data(call, 0)?;
        let cols = self.document.layer_shape(call.linked).map_err(|e| Stop::Trap(Trap::Host(e), call.span))?.1;
        let names = self.links.layers[call.linked].iter().cloned();
        let rows = self.document.part_rows(call.linked).map_err(|e| Stop::Trap(Trap::Host(e), call.span))?;
        let parts = names.zip(rows).map(|(tensor, rows)| Part { tensor, rows }).collect();
        let product = self.builder.add_product(Product { parts, cols });
        self.node(call, Op::Gemv { x, product })
    }

    fn norm(&mut self, call: &Call<'_>) -> Done<Traced> {
        let weight = self.known_arg(call, 1, "the weights")?;
        let eps = narrow(self.float(call, 2, "eps")?);
        let constant = self.constant(&weight);
        let weight = self.builder.add_constant(constant);
        self.one_vector(call, |x| Op::Norm { x, weight, eps })
    }

    /// `rope`, and the forms with a width, whose rows must be the tokens'.
    fn rope(&mut self, call: &Call<'_>) -> Done<Traced> {
        let x = self.data(call, 0)?;
        let len = self.builder.so_far().node(x).shape.len();
        let first = match call.builtin {
            Builtin::Rope if self.tokens != 1 => return self.stop(call, "turns one row; several tokens need 'rope_rows'"),
            Builtin::Rope => 1,
            _ => match self.count(call, 1, "the width")? {
                width if width != len => return self.stop(call, &format!("takes rows of {width} values, but a token has {len}")),
                _ => 2,
            },
        };
        let offset = match &call.args[first] {
            Traced::Position(offset) => *offset,
            Traced::Known(_) => return self.stop(call, "turns every token by one constant position"),
            other => {
                let origin = self.origin(other).unwrap_or(Origin::Position);
                return self.stop(call, &format!("turns by a number that depends on {origin} but is not the position plus a constant"));
            }
        };
        let (head_dim, theta, factors) = match call.builtin {
            Builtin::RopeScaled => {
                let factors = self.known_arg(call, first + 2, "the factors")?;
                let factors = self.constant(&factors);
                (2 * factors.len, self.float(call, first + 1, "theta")?, Some(self.builder.add_constant(factors)))
            }
            _ => (self.count(call, first + 1, "the head length")?, self.float(call, first + 2, "theta")?, None),
        };
        self.node(call, Op::Rope { x, head_dim, theta: narrow(theta), offset, factors })
    }

    fn slice(&mut self, call: &Call<'_>) -> Done<Traced> {
        if self.tokens != 1 {
            return self.stop(call, "cuts the values of all tokens together; cut every token's row with 'columns'");
        }
        let (from, to) = (self.count(call, 1, "the start")?, self.count(call, 2, "the end")?);
        let x = self.data(call, 0)?;
        let width = self.builder.so_far().node(x).shape.len();
        self.node(call, Op::Columns { x, width, from, to })
    }

    /// `attend` and `attend_rows`: an append to the block's cache, and a look at it.
    fn attend(&mut self, call: &Call<'_>) -> Done<Traced> {
        let rows = call.builtin == Builtin::AttendRows;
        let positions = if rows { self.count(call, 1, "the number of positions")? } else { 1 };
        if positions != self.tokens {
            return self.stop(call, &format!("takes {positions} positions for {} tokens", self.tokens));
        }
        let first = if rows { 2 } else { 1 };
        let block = self.count(call, 0, "the block")?;
        let [q, keys, values] = [self.data(call, first)?, self.data(call, first + 1)?, self.data(call, first + 2)?];
        let heads = self.count(call, first + 3, "the number of query heads")?;
        let kv_heads = self.count(call, first + 4, "the number of key heads")?;
        let (window, scale) = match rows {
            true => {
                (Some(self.count(call, first + 5, "the window")?).filter(|n| *n > 0), narrow(self.float(call, first + 6, "the scale")?))
            }
            false => {
                let head_dim = self.builder.so_far().node(q).shape.len() / heads.max(1);
                (None, 1.0 / (head_dim as f32).sqrt())
            }
        };
        let layer = call.layer.or(Some(block));
        let cache = self.push(Op::Append { block, keys, values }, layer, call.span)?;
        let node = self.push(Op::Attend { q, cache, heads, kv_heads, window, scale }, layer, call.span)?;
        Ok(Traced::Vector { node, len: self.len_of(node) })
    }
}
