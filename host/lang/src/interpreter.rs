//! The reference: walks the tree as it was parsed, with names and tagged values.
//!
//! It shares the builtins, the scalar operations and the limits with the other tiers, and nothing of the slots,
//! types and links that the checker works out: what the other tiers take from there is tested against names.

use crate::ast::{Ast, BinaryOp, Block, Expr, ExprKind, Function, Item, Name, Piece, Span, Statement, StatementKind, Type};
use crate::scalar;
use crate::signature::{self, Builtin};
use crate::state::{Flow, Halt, State, with_stack};
use crate::trap::Trap;
use crate::value::Value;
use std::collections::HashMap;

/// Variables by name, the innermost last.
#[derive(Debug, Default)]
pub(crate) struct Globals {
    values: Vec<(String, Value)>,
}

pub(crate) struct Interpreter<'s, 'a> {
    state: &'s mut State<'a>,
    functions: HashMap<&'s str, &'s Function>,
    globals: &'s mut Globals,
    variables: Vec<(&'s str, Value)>,
    /// Where the running function's variables begin.
    frame: usize,
    returned: Value,
}

impl<'s, 'a> Interpreter<'s, 'a> {
    pub fn new(ast: &'s Ast, globals: &'s mut Globals, state: &'s mut State<'a>) -> Self {
        let functions = ast.items.iter().filter_map(|item| match item {
            Item::Function(function) => Some((function.name.text.as_str(), function)),
            _ => None,
        });
        Interpreter { state, functions: functions.collect(), globals, variables: Vec::new(), frame: 0, returned: Value::Unit }
    }

    /// Gives every global its value.
    pub fn globals(&mut self, ast: &'s Ast) -> Result<(), Halt> {
        for item in &ast.items {
            if let Item::Global(global) = item {
                let value = self.expression(&global.value)?;
                self.globals.values.push((global.name.text.clone(), value));
            }
        }
        Ok(())
    }

    /// Calls a function by its name.
    pub fn call(&mut self, name: &str, args: Vec<Value>, span: Span) -> Result<Value, Halt> {
        let function = self.functions[name];
        self.state.open_call(span)?;
        let (frame, first) = (self.frame, self.variables.len());
        self.frame = first;
        self.variables.extend(function.params.iter().map(|(name, _)| name.text.as_str()).zip(args));
        let flow = with_stack(|| self.block(&function.body));
        self.drop_variables(first);
        self.frame = frame;
        self.state.depth_left += 1;
        let returned = std::mem::take(&mut self.returned);
        if flow == Flow::Halt { Err(Halt) } else { Ok(returned) }
    }

    fn drop_variables(&mut self, first: usize) {
        for (_, value) in self.variables.drain(first..) {
            if let Value::Object(object) = value {
                self.state.memory.heap.release(object);
            }
        }
    }

    fn block(&mut self, block: &'s Block) -> Flow {
        let first = self.variables.len();
        let mut flow = Flow::Next;
        for statement in &block.statements {
            flow = self.statement(statement).unwrap_or(Flow::Halt);
            if flow != Flow::Next {
                break;
            }
        }
        self.drop_variables(first);
        flow
    }

    fn statement(&mut self, statement: &'s Statement) -> Result<Flow, Halt> {
        match &statement.kind {
            StatementKind::Let(name, value) => {
                let value = self.expression(value)?;
                self.variables.push((&name.text, value));
            }
            StatementKind::Assign(name, value) => {
                let value = self.expression(value)?;
                let old = std::mem::replace(self.place(&name.text), value);
                if let Value::Object(object) = old {
                    self.state.memory.heap.release(object);
                }
            }
            StatementKind::AssignElement(name, index, value) => self.assign_element(name, index, value, statement.span)?,
            StatementKind::If(..) => return self.if_chain(statement),
            StatementKind::While(condition, body) => {
                while self.bool(condition)? {
                    self.state.step(condition.span)?;
                    match self.block(body) {
                        Flow::Next => {}
                        Flow::Break => break,
                        out => return Ok(out),
                    }
                }
            }
            StatementKind::Loop(count, index, body) => return self.counted_loop(count, index.as_ref(), body),
            StatementKind::Break => return Ok(Flow::Break),
            StatementKind::Return(value) => {
                if let Some(value) = value {
                    self.returned = self.expression(value)?;
                }
                return Ok(Flow::Return);
            }
            StatementKind::Call(call) => drop(self.expression(call)?),
            StatementKind::Layout(_) | StatementKind::Error(_) => {}
        }
        Ok(Flow::Next)
    }

    /// One arm after another: a long chain needs no more stack than a short one.
    fn if_chain(&mut self, mut statement: &'s Statement) -> Result<Flow, Halt> {
        while let StatementKind::If(condition, then, otherwise) = &statement.kind {
            if self.bool(condition)? {
                return Ok(self.block(then));
            }
            let Some(otherwise) = otherwise else { break };
            match otherwise.only_if() {
                Some(next) => statement = next,
                None => return Ok(self.block(otherwise)),
            }
        }
        Ok(Flow::Next)
    }

    fn counted_loop(&mut self, count: &'s Expr, index: Option<&'s Name>, body: &'s Block) -> Result<Flow, Halt> {
        let span = count.span;
        let count = self.int(count)?;
        if count < 0 {
            return Err(self.state.fail(Trap::NegativeCount { count }, span));
        }
        for turn in 0..count {
            self.state.step(span)?;
            let first = self.variables.len();
            if let Some(index) = index {
                self.variables.push((&index.text, Value::Int(turn)));
            }
            let flow = self.block(body);
            self.drop_variables(first);
            match flow {
                Flow::Next => {}
                Flow::Break => break,
                out => return Ok(out),
            }
        }
        Ok(Flow::Next)
    }

    fn assign_element(&mut self, name: &Name, index: &'s Expr, value: &'s Expr, span: Span) -> Result<(), Halt> {
        let index = self.int(index)?;
        let value = self.float(value)?;
        let place = self.place(&name.text);
        let Value::Object(mut object) = std::mem::take(place) else { return Ok(()) };
        let done = self.state.store_element(&mut object, index, value, span);
        *self.place(&name.text) = Value::Object(object);
        done
    }

    /// A variable of the running function.
    fn place(&mut self, name: &str) -> &mut Value {
        let found = self.variables[self.frame..].iter_mut().rev().find(|(n, _)| *n == name);
        &mut found.expect("the checker has seen to the names").1
    }

    fn variable(&self, name: &str) -> Value {
        let local = self.variables[self.frame..].iter().rev().find(|(n, _)| *n == name).map(|(_, value)| value);
        let found = local.or_else(|| self.globals.values.iter().find(|(n, _)| n == name).map(|(_, value)| value));
        found.expect("the checker has seen to the names").clone()
    }

    fn int(&mut self, expr: &'s Expr) -> Result<i64, Halt> {
        self.expression(expr).map(|value| value.bits() as i64)
    }

    fn float(&mut self, expr: &'s Expr) -> Result<f64, Halt> {
        self.expression(expr).map(|value| f64::from_bits(value.bits()))
    }

    fn bool(&mut self, expr: &'s Expr) -> Result<bool, Halt> {
        self.expression(expr).map(|value| value.bits() != 0)
    }

    fn expression(&mut self, expr: &'s Expr) -> Result<Value, Halt> {
        match &expr.kind {
            ExprKind::Int(value) => Ok(Value::Int(*value)),
            ExprKind::Float(value) => Ok(Value::Float(*value)),
            ExprKind::Bool(value) => Ok(Value::Bool(*value)),
            ExprKind::Text(pieces) => {
                let text = self.spell(pieces, expr.span)?;
                self.state.text(text, expr.span).map(Value::Object)
            }
            ExprKind::Variable(name) => Ok(self.variable(name)),
            ExprKind::Unary(op, operand) => {
                let value = self.expression(operand)?;
                scalar::unary(*op, &value).map_err(|trap| self.state.fail(trap, expr.span))
            }
            ExprKind::Binary(..) => self.row(expr),
            ExprKind::Call(name, args) if signature::find(&name.text).is_some() => self.builtin(name, args, expr.span),
            ExprKind::Call(name, args) => {
                let args = args.iter().map(|arg| self.expression(arg)).collect::<Result<Vec<_>, _>>()?;
                self.call(&name.text, args, expr.span)
            }
            ExprKind::Index(vector, index) => {
                let vector = self.expression(vector)?;
                let index = self.int(index)?;
                let Value::Object(object) = vector else { return Ok(Value::Unit) };
                let element = self.state.element(&object, index, expr.span);
                self.state.memory.heap.release(object);
                element
            }
            ExprKind::Error => Ok(Value::Unit),
        }
    }

    fn spell(&mut self, pieces: &[Piece], span: Span) -> Result<String, Halt> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(piece) => self.state.append(&mut text, piece, span)?,
                Piece::Hole(name) => {
                    let value = self.variable(&name.text);
                    self.state.append(&mut text, &value, span)?;
                }
            }
        }
        Ok(text)
    }

    fn row(&mut self, expr: &'s Expr) -> Result<Value, Halt> {
        let (first, mut row) = expr.row();
        let first = self.expression(first)?;
        row.try_fold(first, |left, (op, right, span)| self.binary(op, left, right, span))
    }

    fn binary(&mut self, op: BinaryOp, left: Value, right: &'s Expr, span: Span) -> Result<Value, Halt> {
        if op == BinaryOp::And || op == BinaryOp::Or {
            let is_true = left.bits() != 0;
            return if is_true == (op == BinaryOp::Or) { Ok(Value::Bool(is_true)) } else { self.expression(right) };
        }
        let right = self.expression(right)?;
        scalar::binary(op, &left, &right).map_err(|trap| self.state.fail(trap, span))
    }

    fn builtin(&mut self, name: &Name, args: &'s [Expr], span: Span) -> Result<Value, Halt> {
        let signature = signature::find(&name.text).expect("asked before");
        let (mut values, mut texts) = (Vec::new(), Vec::new());
        for (index, arg) in args.iter().enumerate() {
            match &arg.kind {
                ExprKind::Text(pieces) if signature.is_spelled(index, args.len()) => texts.push(self.spell(pieces, arg.span)?),
                _ => values.push(self.expression(arg)?),
            }
        }
        let purpose = match signature.builtin {
            Builtin::MetaInt => return self.state.metadata(&texts[0], Type::Int, span),
            Builtin::MetaFloat => return self.state.metadata(&texts[0], Type::Float, span),
            builtin @ (Builtin::Quantize(_) | Builtin::SeedCompare(_)) => {
                let builtin = builtin.spelled(&texts[0]).unwrap_or(builtin);
                return self.state.builtin(builtin, &mut values, 0, span);
            }
            builtin if builtin.is_scalar() => {
                return scalar::builtin(builtin, &values).map_err(|trap| self.state.fail(trap, span));
            }
            builtin => match builtin.purpose() {
                Some(purpose) => purpose,
                None => return self.state.builtin(builtin, &mut values, 0, span),
            },
        };
        match self.state.links.find_by_name(purpose, &texts) {
            Some(linked) => self.state.builtin(signature.builtin, &mut values, linked, span),
            None => Err(self.state.no_tensor(texts, span)),
        }
    }
}
