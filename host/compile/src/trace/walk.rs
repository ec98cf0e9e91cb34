//! The walk over the program's tree, as the reference interpreter takes it: calls, statements and variables.

use super::symbol::{Origin, Traced};
use super::{MAX_NODES, MAX_STEPS};
use nda_ir::{Builder, Graph, NodeId, Op, Stage};
use nda_lang::ast::{Block, Expr, Function, Item, Name, Span, Statement, StatementKind};
use nda_lang::{Document, Known, Limits, Links, Program, Trap, Type, Value, with_stack};
use std::collections::HashMap;

/// Why a trace ended early.
pub(super) enum Stop {
    /// What a run would end in, too.
    Trap(Trap, Span),
    /// What only a trace cannot do.
    Reason(String, Span),
}

pub(super) type Done<T> = Result<T, Stop>;

/// How a statement ended.
#[derive(PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Return,
}

/// A trace in progress.
pub(super) struct Walk<'p> {
    pub program: &'p Program,
    pub links: &'p Links,
    pub document: &'p dyn Document,
    pub known: Known,
    pub builder: Builder,
    /// Tokens that are taken at once.
    pub tokens: usize,
    pub stage: Stage,
    pub functions: HashMap<&'p str, &'p Function>,
    globals: Vec<(&'p str, Traced)>,
    variables: Vec<(&'p str, Traced)>,
    /// Where the running function's variables begin.
    frame: usize,
    /// Counters of the loops that are open, the outermost first.
    turns: Vec<usize>,
    returned: Traced,
    steps_left: u64,
    depth_left: u32,
}

impl<'p> Walk<'p> {
    pub fn new(program: &'p Program, links: &'p Links, document: &'p dyn Document, tokens: usize) -> Self {
        let functions = program.ast().items.iter().filter_map(|item| match item {
            Item::Function(function) => Some((function.name.text.as_str(), function)),
            _ => None,
        });
        Walk {
            program,
            links,
            document,
            known: Known::new(Limits::default()),
            builder: Builder::default(),
            tokens,
            stage: Stage::Forward,
            functions: functions.collect(),
            globals: Vec::new(),
            variables: Vec::new(),
            frame: 0,
            turns: Vec::new(),
            returned: Traced::default(),
            steps_left: MAX_STEPS,
            depth_left: Limits::default().depth,
        }
    }

    /// The program's constants, `forward`, `logits` and the choice.
    pub fn model(mut self) -> Done<Graph> {
        for item in &self.program.ast().items {
            if let Item::Global(global) = item {
                let value = self.expression(&global.value)?;
                self.globals.push((&global.name.text, value));
            }
        }
        let tokens = match self.function("forward")?.params.first() {
            Some((_, Type::Int)) => Traced::Token(0),
            _ => Traced::Tokens,
        };
        let residual = self.entry("forward", vec![tokens, Traced::Position(0)])?;
        let (residual, span) = (self.vector_of(&residual.0, residual.1)?, residual.1);
        self.stage = Stage::Logits;
        let input = Traced::Vector { node: residual, len: self.len_of(residual) };
        let logits = self.entry("logits", vec![input])?;
        let logits = self.vector_of(&logits.0, logits.1)?;
        self.push(Op::Select { x: logits }, None, span)?;
        Ok(self.builder.finish(residual, logits))
    }

    fn function(&self, name: &str) -> Done<&'p Function> {
        let reason = || Stop::Reason(format!("the program has no function '{name}'"), Span::default());
        self.functions.get(name).copied().ok_or_else(reason)
    }

    /// The result of a function that the engine calls, and the function's place.
    fn entry(&mut self, name: &str, args: Vec<Traced>) -> Done<(Traced, Span)> {
        let function = self.function(name)?;
        if function.params.len() != args.len() {
            let reason = format!("'{name}' takes {} arguments, not {}", function.params.len(), args.len());
            return Err(Stop::Reason(reason, function.span));
        }
        Ok((self.call(function, args, function.name.span)?, function.name.span))
    }

    /// The node of what an entry returns.
    fn vector_of(&self, value: &Traced, span: Span) -> Done<NodeId> {
        match value {
            Traced::Vector { node, .. } => Ok(*node),
            _ => Err(Stop::Reason("what this function returns does not depend on the tokens".into(), span)),
        }
    }

    /// Values of a node for all tokens together.
    pub fn len_of(&self, node: NodeId) -> usize {
        self.builder.so_far().node(node).shape.len().saturating_mul(self.tokens)
    }

    pub fn line(&self, span: Span) -> usize {
        nda_lang::line_and_column(self.program.source(), span.start).0
    }

    /// What a value depends on, if it is not known.
    pub fn origin(&self, value: &Traced) -> Option<Origin> {
        value.origin(|node| self.builder.so_far().node(node).line)
    }

    /// Adds a node; `layer` is the number in its tensors' names, if they have one.
    pub fn push(&mut self, op: Op, layer: Option<usize>, span: Span) -> Done<NodeId> {
        if self.builder.so_far().len() >= MAX_NODES {
            return Err(Stop::Reason(format!("a token takes more than {MAX_NODES} operations"), span));
        }
        let (layer, line) = (layer.or(self.turns.first().copied()), self.line(span));
        self.builder.push(op, self.stage, layer, line).map_err(|e| Stop::Reason(e.to_string(), span))
    }

    fn step(&mut self, span: Span) -> Done<()> {
        let left = self.steps_left.checked_sub(1);
        self.steps_left = left.ok_or_else(|| Stop::Reason(format!("a token takes more than {MAX_STEPS} steps"), span))?;
        Ok(())
    }

    pub fn call(&mut self, function: &'p Function, args: Vec<Traced>, span: Span) -> Done<Traced> {
        self.step(span)?;
        let limit = Limits::default().depth;
        self.depth_left = self.depth_left.checked_sub(1).ok_or(Stop::Trap(Trap::Depth { limit }, span))?;
        let (frame, first) = (self.frame, self.variables.len());
        self.frame = first;
        self.variables.extend(function.params.iter().map(|(name, _)| name.text.as_str()).zip(args));
        with_stack(|| self.block(&function.body))?;
        self.variables.truncate(first);
        self.frame = frame;
        self.depth_left += 1;
        Ok(std::mem::take(&mut self.returned))
    }

    fn block(&mut self, block: &'p Block) -> Done<Flow> {
        let first = self.variables.len();
        for statement in &block.statements {
            let flow = self.statement(statement)?;
            if flow != Flow::Next {
                self.variables.truncate(first);
                return Ok(flow);
            }
        }
        self.variables.truncate(first);
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &'p Statement) -> Done<Flow> {
        match &statement.kind {
            StatementKind::Let(name, value) => {
                let value = self.expression(value)?;
                self.variables.push((&name.text, value));
            }
            StatementKind::Assign(name, value) => {
                let value = self.expression(value)?;
                *self.place(&name.text) = value;
            }
            StatementKind::AssignElement(name, index, value) => self.assign_element(name, index, value, statement.span)?,
            StatementKind::If(..) => return self.if_chain(statement),
            StatementKind::While(condition, body) => {
                while self.decide(condition, "this loop's condition")? {
                    self.step(condition.span)?;
                    match self.block(body)? {
                        Flow::Next => {}
                        Flow::Break => break,
                        Flow::Return => return Ok(Flow::Return),
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
    fn if_chain(&mut self, mut statement: &'p Statement) -> Done<Flow> {
        while let StatementKind::If(condition, then, otherwise) = &statement.kind {
            if self.decide(condition, "this branch")? {
                return self.block(then);
            }
            let Some(otherwise) = otherwise else { break };
            match otherwise.only_if() {
                Some(next) => statement = next,
                None => return self.block(otherwise),
            }
        }
        Ok(Flow::Next)
    }

    fn counted_loop(&mut self, count: &'p Expr, index: Option<&'p Name>, body: &'p Block) -> Done<Flow> {
        let span = count.span;
        let count = self.int(count, "the number of this loop's turns")?;
        if count < 0 {
            return Err(Stop::Trap(Trap::NegativeCount { count }, span));
        }
        for turn in 0..count {
            self.step(span)?;
            let first = self.variables.len();
            if let Some(index) = index {
                self.variables.push((&index.text, Traced::Known(Value::Int(turn))));
                self.turns.push(turn as usize);
            }
            let flow = self.block(body)?;
            self.variables.truncate(first);
            if index.is_some() {
                self.turns.pop();
            }
            match flow {
                Flow::Next => {}
                Flow::Break => break,
                Flow::Return => return Ok(Flow::Return),
            }
        }
        Ok(Flow::Next)
    }

    fn assign_element(&mut self, name: &'p Name, index: &'p Expr, value: &'p Expr, span: Span) -> Done<()> {
        let index = self.int(index, "this index")?;
        let value = self.expression(value)?;
        let value = self.need(&value, "an element that is assigned", span)?;
        let Value::Float(value) = value else { return Ok(()) };
        let mut vector = std::mem::take(self.place(&name.text));
        if let Some(origin) = self.origin(&vector) {
            return Err(Stop::Reason(format!("an element of a vector is assigned that depends on {origin}"), span));
        }
        if let Traced::Known(vector) = &mut vector {
            self.known.store_element(vector, index, value).map_err(|trap| Stop::Trap(trap, span))?;
        }
        *self.place(&name.text) = vector;
        Ok(())
    }

    /// A variable of the running function.
    fn place(&mut self, name: &str) -> &mut Traced {
        let found = self.variables[self.frame..].iter_mut().rev().find(|(n, _)| *n == name);
        &mut found.expect("the checker has seen to the names").1
    }

    pub fn variable(&self, name: &str) -> Traced {
        let local = self.variables[self.frame..].iter().rev().find(|(n, _)| *n == name).map(|(_, value)| value);
        let found = local.or_else(|| self.globals.iter().find(|(n, _)| *n == name).map(|(_, value)| value));
        found.expect("the checker has seen to the names").clone()
    }

    /// A value that must be known; `what` is the subject of the reason if it is not.
    pub fn need(&self, value: &Traced, what: &str, span: Span) -> Done<Value> {
        match (value, self.origin(value)) {
            (Traced::Known(value), _) => Ok(value.clone()),
            (_, Some(origin)) => Err(Stop::Reason(format!("{what} depends on {origin}"), span)),
            (_, None) => unreachable!("only known values depend on nothing"),
        }
    }

    pub fn int(&mut self, expr: &'p Expr, what: &str) -> Done<i64> {
        let value = self.expression(expr)?;
        match self.need(&value, what, expr.span)? {
            Value::Int(value) => Ok(value),
            _ => unreachable!("the checker has seen to the types"),
        }
    }

    fn decide(&mut self, expr: &'p Expr, what: &str) -> Done<bool> {
        let value = self.expression(expr)?;
        Ok(matches!(self.need(&value, what, expr.span)?, Value::Bool(true)))
    }
}
