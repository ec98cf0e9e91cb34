//! The closure tier: every expression and statement becomes a closure over slot numbers.
//!
//! The closures are higher-ranked (`for<'a> Fn(&mut State<'a>)`): they know no lifetime, so a program is compiled
//! once and runs against any state. A variable is an index into a flat vector from here on; there is no name,
//! hash or text left in what runs. Operations on two variables, or on a variable and a constant, have closures of
//! their own, because most of the time in small loops goes into calling operands.

use crate::ast::{BinaryOp, Span, Type, UnaryOp};
use crate::module::{Block, Expr, ExprKind, Frame, Function, Module, NameUse, Piece, Slot, Statement};
use crate::native::Native;
use crate::scalar;
use crate::signature::{Builtin, MAX_ARGS};
use crate::state::{Flow, Halt, State, with_stack, with_tree_stack};
use crate::trap::Trap;
use crate::value::{Object, Value};

/// An expression that gives a `T`.
type Run<T> = Box<dyn for<'a> Fn(&mut State<'a>) -> Result<T, Halt> + Send + Sync>;
/// An operator and its right side, waiting for its left side.
type Link<T> = Box<dyn for<'a> Fn(&mut State<'a>, T) -> Result<T, Halt> + Send + Sync>;
/// A statement.
pub(crate) type Step = Box<dyn for<'a> Fn(&mut State<'a>) -> Flow + Send + Sync>;

/// Operators in a row from which on they run in a loop. Shorter rows are closures in closures, which is faster; this many
/// stand on the stack at most for every level of nesting.
const LOOP_FROM: usize = 9;

/// A scalar as a slot holds it.
trait Word: Copy + Send + Sync + 'static {
    fn from_bits(bits: u64) -> Self;
    fn to_bits(self) -> u64;
    fn of(value: Value) -> Self;
}

impl Word for i64 {
    fn from_bits(bits: u64) -> i64 {
        bits as i64
    }

    fn to_bits(self) -> u64 {
        self as u64
    }

    fn of(value: Value) -> i64 {
        Word::from_bits(value.bits())
    }
}

impl Word for f64 {
    fn from_bits(bits: u64) -> f64 {
        f64::from_bits(bits)
    }

    fn to_bits(self) -> u64 {
        f64::to_bits(self)
    }

    fn of(value: Value) -> f64 {
        f64::from_bits(value.bits())
    }
}

impl Word for bool {
    fn from_bits(bits: u64) -> bool {
        bits != 0
    }

    fn to_bits(self) -> u64 {
        u64::from(self)
    }

    fn of(value: Value) -> bool {
        value.bits() != 0
    }
}

/// A function as closures.
pub(crate) struct CompiledFunction {
    body: Step,
    /// Variables, and behind them room for arguments.
    frame: Frame,
    /// Objects of the frame that its end gives up.
    objects: usize,
}

/// A program as closures.
pub(crate) struct Compiled {
    functions: Vec<CompiledFunction>,
    globals: Vec<Step>,
    native: Option<Native>,
}

/// Makes the closures of a program. What `native` has compiled is called instead.
pub(crate) fn compile(module: &Module, native: Option<Native>) -> Compiled {
    with_tree_stack(|| closures_of(module, native))
}

fn closures_of(module: &Module, native: Option<Native>) -> Compiled {
    let compiler = |function: usize, locals: Frame| Compiler { module, native: native.as_ref(), function, locals };
    let functions =
        module.functions.iter().enumerate().map(|(index, function)| compiler(index, function.locals).function(function)).collect();
    let globals = module.globals.iter().map(|(_, slot, value)| compiler(usize::MAX, Frame::default()).store(*slot, value)).collect();
    Compiled { functions, globals, native }
}

impl Compiled {
    /// What the native tier made.
    pub fn native(&self) -> Option<&Native> {
        self.native.as_ref()
    }

    /// Gives every global its value.
    pub fn globals(&self, state: &mut State<'_>) -> Result<(), Halt> {
        for global in &self.globals {
            if global(state) == Flow::Halt {
                return Err(Halt);
            }
        }
        Ok(())
    }
}

impl State<'_> {
    /// Calls a function whose frame begins so far behind the running one's; the arguments lie there already.
    pub(crate) fn call(&mut self, function: usize, window: Frame, span: Span) -> Result<(), Halt> {
        self.open_call(span)?;
        let compiled = self.compiled;
        let callee = &compiled.functions[function];
        self.base += window.scalars;
        self.object_base += window.objects;
        self.ensure_frame(callee.frame);
        let flow = with_stack(|| (callee.body)(self));
        self.clear_objects(0..callee.objects);
        self.base -= window.scalars;
        self.object_base -= window.objects;
        self.depth_left += 1;
        if flow == Flow::Halt { Err(Halt) } else { Ok(()) }
    }
}

/// An operand whose kind is known before the run.
enum Operand<T> {
    Local(usize),
    Constant(T),
    Any(Run<T>),
}

struct Compiler<'m> {
    module: &'m Module,
    native: Option<&'m Native>,
    function: usize,
    locals: Frame,
}

impl Compiler<'_> {
    fn function(&self, function: &Function) -> CompiledFunction {
        let frame = Frame {
            scalars: function.locals.scalars + function.windows.scalars,
            objects: function.locals.objects + function.windows.objects,
        };
        let closures = || Compiler { native: None, ..*self }.block(&function.body);
        let native = self.native.and_then(|native| native.function_step(self.function, closures));
        let body = native.unwrap_or_else(|| self.block(&function.body));
        CompiledFunction { body, frame, objects: function.locals.objects }
    }

    fn block(&self, block: &Block) -> Step {
        let body = sequence(block.statements.iter().map(|s| self.statement(s)).collect());
        let objects = block.objects.clone();
        if objects.is_empty() {
            return body;
        }
        Box::new(move |state| {
            let flow = body(state);
            state.clear_objects(objects.clone());
            flow
        })
    }

    fn statement(&self, statement: &Statement) -> Step {
        match statement {
            Statement::Store(slot, value) => self.store(*slot, value),
            Statement::StoreElement { vector, index, value, span } => self.store_element(*vector, index, value, *span),
            Statement::If(condition, then, otherwise) => self.if_else(condition, then, otherwise.as_ref()),
            Statement::While(condition, body, span) => self.while_loop(condition, body, *span),
            Statement::Loop { count, index, body, span } => self.counted_loop(count, *index, body, *span),
            Statement::Break => Box::new(|_| Flow::Break),
            Statement::Return(None) => Box::new(|_| Flow::Return),
            Statement::Return(Some(value)) => self.return_value(value),
            Statement::Run(expr) => self.discard(expr),
        }
    }

    fn store(&self, slot: Slot, value: &Expr) -> Step {
        let index = slot.index;
        if !slot.of.is_scalar() {
            let value = self.object(value);
            return if slot.is_global {
                Box::new(move |state| flow(value(state).map(|object| state.memory.object_globals[index] = object)))
            } else {
                Box::new(move |state| flow(value(state).map(|object| state.store_object(index, object))))
            };
        }
        if slot.is_global {
            let value = self.bits(value);
            return Box::new(move |state| flow(value(state).map(|bits| state.memory.globals[index] = bits)));
        }
        match slot.of {
            Type::Int => self.store_int(index, value),
            Type::Float => store_word(index, self.word::<f64>(value)),
            _ => store_word(index, self.word::<bool>(value)),
        }
    }

    /// `i = i + 1` and its like are one closure.
    fn store_int(&self, index: usize, value: &Expr) -> Step {
        let ExprKind::Binary(op, left, right) = &value.kind else { return store_word(index, self.word::<i64>(value)) };
        let (left, right, span) = (self.operand::<i64>(left), self.operand::<i64>(right), value.span);
        match op {
            BinaryOp::Add => store_binary(index, left, right, move |state, a, b| match a.checked_add(b) {
                Some(sum) => Ok(sum),
                None => Err(overflow(state, a, "+", b, span)),
            }),
            BinaryOp::Subtract => store_binary(index, left, right, move |state, a, b| match a.checked_sub(b) {
                Some(difference) => Ok(difference),
                None => Err(overflow(state, a, "-", b, span)),
            }),
            op => {
                let op = *op;
                store_binary(index, left, right, move |state, a, b| scalar::int_binary(op, a, b).map_err(|trap| state.fail(trap, span)))
            }
        }
    }

    fn store_element(&self, vector: Slot, index: &Expr, value: &Expr, span: Span) -> Step {
        let (index, value, at) = (self.word::<i64>(index), self.word::<f64>(value), vector.index);
        Box::new(move |state| {
            let Ok(index) = index(state) else { return Flow::Halt };
            let Ok(value) = value(state) else { return Flow::Halt };
            let at = state.object_base + at;
            let mut object = std::mem::take(&mut state.memory.objects[at]);
            let done = state.store_element(&mut object, index, value, span);
            state.memory.objects[at] = object;
            flow(done)
        })
    }

    fn if_else(&self, condition: &Expr, then: &Block, otherwise: Option<&Block>) -> Step {
        if otherwise.and_then(Block::only_if).is_some() {
            return self.if_chain(condition, then, otherwise);
        }
        let (condition, then) = (self.word::<bool>(condition), self.block(then));
        let Some(otherwise) = otherwise.map(|block| self.block(block)) else {
            return Box::new(move |state| match condition(state) {
                Ok(true) => then(state),
                Ok(false) => Flow::Next,
                Err(Halt) => Flow::Halt,
            });
        };
        Box::new(move |state| match condition(state) {
            Ok(true) => then(state),
            Ok(false) => otherwise(state),
            Err(Halt) => Flow::Halt,
        })
    }

    /// One arm after another: a long chain needs no more stack than a short one.
    fn if_chain(&self, condition: &Expr, then: &Block, mut otherwise: Option<&Block>) -> Step {
        let mut arms = vec![(self.word::<bool>(condition), self.block(then))];
        while let Some((condition, then, next)) = otherwise.and_then(Block::only_if) {
            arms.push((self.word::<bool>(condition), self.block(then)));
            otherwise = next;
        }
        let otherwise = otherwise.map(|block| self.block(block));
        Box::new(move |state| {
            for (condition, then) in &arms {
                match condition(state) {
                    Ok(true) => return then(state),
                    Ok(false) => {}
                    Err(Halt) => return Flow::Halt,
                }
            }
            otherwise.as_ref().map_or(Flow::Next, |otherwise| otherwise(state))
        })
    }

    fn while_loop(&self, condition: &Expr, body: &Block, span: Span) -> Step {
        let closures = || Compiler { native: None, ..*self }.while_loop(condition, body, span);
        if let Some(step) = self.native.and_then(|native| native.region_step(self.function, span, closures)) {
            return step;
        }
        let body = self.block(body);
        if let ExprKind::Binary(op, left, right) = &condition.kind
            && left.of == Type::Int
            && op.is_comparison()
        {
            match (op, self.operand::<i64>(left), self.operand::<i64>(right)) {
                (BinaryOp::Less, Operand::Local(a), Operand::Local(b)) => {
                    return while_of(move |s| Ok((s.load(a) as i64) < (s.load(b) as i64)), body, span);
                }
                (BinaryOp::Less, Operand::Local(a), Operand::Constant(b)) => {
                    return while_of(move |s| Ok((s.load(a) as i64) < b), body, span);
                }
                (BinaryOp::LessEqual, Operand::Local(a), Operand::Local(b)) => {
                    return while_of(move |s| Ok((s.load(a) as i64) <= (s.load(b) as i64)), body, span);
                }
                (BinaryOp::Greater, Operand::Local(a), Operand::Constant(b)) => {
                    return while_of(move |s| Ok((s.load(a) as i64) > b), body, span);
                }
                _ => {}
            }
        }
        while_of(self.word::<bool>(condition), body, span)
    }

    fn counted_loop(&self, count: &Expr, index: Option<Slot>, body: &Block, span: Span) -> Step {
        let closures = || Compiler { native: None, ..*self }.counted_loop(count, index, body, span);
        if let Some(step) = self.native.and_then(|native| native.region_step(self.function, span, closures)) {
            return step;
        }
        let (count, body) = (self.word::<i64>(count), self.block(body));
        let index = index.map(|slot| slot.index);
        Box::new(move |state| {
            let Ok(count) = count(state) else { return Flow::Halt };
            if count < 0 {
                state.fail(Trap::NegativeCount { count }, span);
                return Flow::Halt;
            }
            for turn in 0..count {
                if state.step(span).is_err() {
                    return Flow::Halt;
                }
                if let Some(index) = index {
                    state.store(index, turn as u64);
                }
                match body(state) {
                    Flow::Next => {}
                    Flow::Break => return Flow::Next,
                    out => return out,
                }
            }
            Flow::Next
        })
    }

    fn return_value(&self, value: &Expr) -> Step {
        if value.of.is_scalar() {
            let value = self.bits(value);
            return Box::new(move |state| match value(state) {
                Ok(bits) => {
                    state.returned = bits;
                    Flow::Return
                }
                Err(Halt) => Flow::Halt,
            });
        }
        let value = self.object(value);
        Box::new(move |state| match value(state) {
            Ok(object) => {
                state.returned_object = object;
                Flow::Return
            }
            Err(Halt) => Flow::Halt,
        })
    }

    /// A call whose result is not used.
    fn discard(&self, expr: &Expr) -> Step {
        match &expr.kind {
            ExprKind::Call { .. } => {
                let call = self.call(expr);
                Box::new(move |state| flow(call(state)))
            }
            _ => {
                let run = self.vector(expr);
                Box::new(move |state| flow(run(state).map(drop)))
            }
        }
    }

    /// A scalar expression as its slot would hold it.
    fn bits(&self, expr: &Expr) -> Run<u64> {
        match expr.of {
            Type::Int => bits_of(self.word::<i64>(expr)),
            Type::Float => bits_of(self.word::<f64>(expr)),
            _ => bits_of(self.word::<bool>(expr)),
        }
    }

    fn operand<T: Typed>(&self, expr: &Expr) -> Operand<T> {
        match &expr.kind {
            ExprKind::Constant(bits) => Operand::Constant(T::from_bits(*bits)),
            ExprKind::Load(slot) if !slot.is_global => Operand::Local(slot.index),
            _ => Operand::Any(self.word(expr)),
        }
    }

    /// A scalar expression.
    fn word<T: Typed>(&self, expr: &Expr) -> Run<T> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Constant(bits) => {
                let value = T::from_bits(*bits);
                Box::new(move |_| Ok(value))
            }
            ExprKind::Load(Slot { index, is_global: true, .. }) => {
                let index = *index;
                Box::new(move |state| Ok(T::from_bits(state.memory.globals[index])))
            }
            ExprKind::Load(Slot { index, .. }) => {
                let index = *index;
                Box::new(move |state| Ok(T::from_bits(state.load(index))))
            }
            ExprKind::Call { .. } => {
                let call = self.call(expr);
                Box::new(move |state| call(state).map(|()| T::from_bits(state.returned)))
            }
            ExprKind::Meta(key) => {
                let (key, of) = (key.clone(), expr.of);
                Box::new(move |state| state.metadata(&key, of, span).map(T::of))
            }
            ExprKind::Vector { .. } => {
                let run = self.vector(expr);
                Box::new(move |state| run(state).map(T::of))
            }
            ExprKind::Index(vector, index) => self.element(vector, index, span),
            ExprKind::Binary(..) if row::<T>(expr).nth(LOOP_FROM - 1).is_some() => self.row(expr),
            _ => T::operation(self, expr),
        }
    }

    /// A long row of operators, one after another: it needs no more stack than a short one.
    fn row<T: Typed>(&self, expr: &Expr) -> Run<T> {
        let mut links: Vec<Link<T>> = row::<T>(expr).map(|(op, _, right, span)| T::link(op, self.word(right), span)).collect();
        links.reverse();
        let first = row::<T>(expr).last().map_or(expr, |(_, left, ..)| left);
        let first = self.word::<T>(first);
        Box::new(move |state| {
            let first = first(state)?;
            links.iter().try_fold(first, |left, link| link(state, left))
        })
    }

    fn element<T: Word>(&self, vector: &Expr, index: &Expr, span: Span) -> Run<T> {
        let index = self.word::<i64>(index);
        let vector = self.object(vector);
        Box::new(move |state| {
            let object = vector(state)?;
            let index = index(state)?;
            let value = state.element(&object, index, span);
            state.memory.heap.release(object);
            value.map(T::of)
        })
    }

    fn object(&self, expr: &Expr) -> Run<Object> {
        match &expr.kind {
            ExprKind::Load(slot) => {
                let slot = *slot;
                Box::new(move |state| Ok(state.object(slot)))
            }
            ExprKind::Text(pieces) => self.text(pieces, expr.span),
            ExprKind::Call { .. } => {
                let call = self.call(expr);
                Box::new(move |state| call(state).map(|()| std::mem::take(&mut state.returned_object)))
            }
            _ => {
                let run = self.vector(expr);
                Box::new(move |state| {
                    run(state).map(|value| match value {
                        Value::Object(object) => object,
                        _ => Object::None,
                    })
                })
            }
        }
    }

    fn text(&self, pieces: &[Piece], span: Span) -> Run<Object> {
        let pieces = pieces.to_vec();
        Box::new(move |state| {
            let mut text = String::new();
            for piece in &pieces {
                match piece {
                    Piece::Text(piece) => state.append(&mut text, piece, span)?,
                    Piece::Hole(slot) if !slot.of.is_scalar() => {
                        let object = Value::Object(state.object(*slot));
                        state.append(&mut text, &object, span)?;
                    }
                    Piece::Hole(slot) => {
                        let bits = if slot.is_global { state.memory.globals[slot.index] } else { state.load(slot.index) };
                        state.append(&mut text, &Value::from_bits(slot.of, bits), span)?;
                    }
                }
            }
            state.text(text, span)
        })
    }

    /// Any expression as a value, for arguments of builtins.
    fn value(&self, expr: &Expr) -> Run<Value> {
        if let ExprKind::Load(slot) = &expr.kind {
            let (slot, of, index) = (*slot, slot.of, slot.index);
            return match (slot.is_global, of.is_scalar()) {
                (true, true) => Box::new(move |state| Ok(Value::from_bits(of, state.memory.globals[index]))),
                (false, true) => Box::new(move |state| Ok(Value::from_bits(of, state.load(index)))),
                (_, false) => Box::new(move |state| Ok(Value::Object(state.object(slot)))),
            };
        }
        if let ExprKind::Vector { .. } = &expr.kind {
            return self.vector(expr);
        }
        match expr.of {
            Type::Int => value_of(self.word::<i64>(expr), Value::Int),
            Type::Float => value_of(self.word::<f64>(expr), Value::Float),
            Type::Bool => value_of(self.word::<bool>(expr), Value::Bool),
            _ => value_of(self.object(expr), Value::Object),
        }
    }

    /// Evaluates the arguments where the callee's frame will begin, and calls.
    fn call(&self, expr: &Expr) -> Run<()> {
        let ExprKind::Call { function, args, window } = &expr.kind else { unreachable!("only calls come here") };
        let (function, span) = (*function, expr.span);
        let window = Frame { scalars: self.locals.scalars + window.scalars, objects: self.locals.objects + window.objects };
        let params = &self.module.functions[function].params;
        let at = |slot: &Slot| Slot {
            index: slot.index + if slot.of.is_scalar() { window.scalars } else { window.objects },
            of: slot.of,
            is_global: false,
        };
        let args: Vec<Step> = params.iter().zip(args).map(|(slot, arg)| self.store(at(slot), arg)).collect();
        match <[Step; 1]>::try_from(args) {
            Ok([only]) => Box::new(move |state| {
                if only(state) == Flow::Halt {
                    return Err(Halt);
                }
                state.call(function, window, span)
            }),
            Err(args) => Box::new(move |state| {
                for arg in &args {
                    if arg(state) == Flow::Halt {
                        return Err(Halt);
                    }
                }
                state.call(function, window, span)
            }),
        }
    }

    /// A builtin on vectors, texts or the document.
    fn vector(&self, expr: &Expr) -> Run<Value> {
        let ExprKind::Vector { builtin, args, names } = &expr.kind else { unreachable!("only builtins come here") };
        let (builtin, span) = (*builtin, expr.span);
        let args: Vec<Run<Value>> = args.iter().map(|arg| self.value(arg)).collect();
        if builtin == Builtin::Print {
            return Box::new(move |state| {
                let mut values = args.iter().map(|arg| arg(state)).collect::<Result<Vec<_>, _>>()?;
                state.builtin(builtin, &mut values, 0, span)
            });
        }
        let names = names.as_ref().map(|(place, holes)| (*place, holes.clone(), self.module.uses[*place].clone()));
        // As many arguments as there are, in an array of the stack.
        match args.len() {
            0 => call_builtin::<0>(builtin, args, names, span),
            1 => call_builtin::<1>(builtin, args, names, span),
            2 => call_builtin::<2>(builtin, args, names, span),
            3 => call_builtin::<3>(builtin, args, names, span),
            4 => call_builtin::<4>(builtin, args, names, span),
            _ => call_builtin::<MAX_ARGS>(builtin, args, names, span),
        }
    }

    fn comparison(&self, op: BinaryOp, left: &Expr, right: &Expr) -> Run<bool> {
        match left.of {
            Type::Int => compare(op, self.operand::<i64>(left), self.operand::<i64>(right)),
            Type::Float => compare(op, self.operand::<f64>(left), self.operand::<f64>(right)),
            Type::Bool => compare(op, self.operand::<bool>(left), self.operand::<bool>(right)),
            _ => {
                let (left, right) = (self.object(left), self.object(right));
                Box::new(move |state| {
                    let (left, right) = (left(state)?, right(state)?);
                    let equal = matches!((&left, &right), (Object::Text(a), Object::Text(b)) if a.as_str() == b.as_str());
                    Ok(equal == (op == BinaryOp::Equal))
                })
            }
        }
    }
}

/// Where names lead, the numbers for their holes, and how to spell them in an error.
type Names = Option<(usize, Vec<Slot>, NameUse)>;

fn call_builtin<const N: usize>(builtin: Builtin, args: Vec<Run<Value>>, names: Names, span: Span) -> Run<Value> {
    Box::new(move |state| {
        let mut values: [Value; N] = [const { Value::Unit }; N];
        for (value, arg) in values.iter_mut().zip(&args) {
            *value = arg(state)?;
        }
        let linked = match &names {
            None => 0,
            Some((place, holes, named)) => {
                let number = |slot: &Slot| if slot.is_global { state.memory.globals[slot.index] } else { state.load(slot.index) } as i64;
                match state.links.find(*place, holes.iter().map(number)) {
                    Some(linked) => linked,
                    None => {
                        let numbers: Vec<i64> = holes.iter().map(number).collect();
                        let names = named.names.iter().map(|name| crate::link::spell(name, &numbers)).collect();
                        return Err(state.no_tensor(names, span));
                    }
                }
            }
        };
        state.builtin(builtin, &mut values[..args.len()], linked, span)
    })
}

#[cold]
fn overflow(state: &mut State<'_>, left: i64, sign: &'static str, right: i64, span: Span) -> Halt {
    state.fail(Trap::Overflow { left, sign, right }, span)
}

#[inline]
fn flow(done: Result<(), Halt>) -> Flow {
    match done {
        Ok(()) => Flow::Next,
        Err(Halt) => Flow::Halt,
    }
}

fn sequence(steps: Vec<Step>) -> Step {
    let steps = match <[Step; 1]>::try_from(steps) {
        Ok([only]) => return only,
        Err(steps) => steps,
    };
    let steps = match <[Step; 2]>::try_from(steps) {
        Ok([first, second]) => {
            return Box::new(move |state| match first(state) {
                Flow::Next => second(state),
                out => out,
            });
        }
        Err(steps) => steps,
    };
    Box::new(move |state| {
        for step in &steps {
            match step(state) {
                Flow::Next => {}
                out => return out,
            }
        }
        Flow::Next
    })
}

fn while_of(condition: impl for<'a> Fn(&mut State<'a>) -> Result<bool, Halt> + Send + Sync + 'static, body: Step, span: Span) -> Step {
    Box::new(move |state| {
        loop {
            match condition(state) {
                Ok(true) => {}
                Ok(false) => return Flow::Next,
                Err(Halt) => return Flow::Halt,
            }
            if state.step(span).is_err() {
                return Flow::Halt;
            }
            match body(state) {
                Flow::Next => {}
                Flow::Break => return Flow::Next,
                out => return out,
            }
        }
    })
}

fn store_word<T: Word>(index: usize, value: Run<T>) -> Step {
    Box::new(move |state| match value(state) {
        Ok(value) => {
            state.store(index, value.to_bits());
            Flow::Next
        }
        Err(Halt) => Flow::Halt,
    })
}

fn bits_of<T: Word>(value: Run<T>) -> Run<u64> {
    Box::new(move |state| value(state).map(Word::to_bits))
}

fn value_of<T: 'static>(value: Run<T>, make: fn(T) -> Value) -> Run<Value> {
    Box::new(move |state| value(state).map(make))
}

/// The operation with its operands read in the cheapest way that there is.
fn binary<T: Word, R: 'static>(
    left: Operand<T>,
    right: Operand<T>,
    apply: impl for<'a> Fn(&mut State<'a>, T, T) -> Result<R, Halt> + Send + Sync + 'static,
) -> Run<R> {
    let read = |state: &State<'_>, index: usize| T::from_bits(state.load(index));
    match (left, right) {
        (Operand::Local(a), Operand::Local(b)) => Box::new(move |s| apply(s, read(s, a), read(s, b))),
        (Operand::Local(a), Operand::Constant(b)) => Box::new(move |s| apply(s, read(s, a), b)),
        (Operand::Constant(a), Operand::Local(b)) => Box::new(move |s| apply(s, a, read(s, b))),
        (Operand::Constant(a), Operand::Constant(b)) => Box::new(move |s| apply(s, a, b)),
        // A variable on the left is read first: a call on the right cannot change it, for it has a frame of its own.
        (Operand::Local(a), Operand::Any(b)) => Box::new(move |s| {
            let b = b(s)?;
            apply(s, read(s, a), b)
        }),
        (Operand::Constant(a), Operand::Any(b)) => Box::new(move |s| {
            let b = b(s)?;
            apply(s, a, b)
        }),
        (Operand::Any(a), Operand::Local(b)) => Box::new(move |s| {
            let a = a(s)?;
            apply(s, a, read(s, b))
        }),
        (Operand::Any(a), Operand::Constant(b)) => Box::new(move |s| {
            let a = a(s)?;
            apply(s, a, b)
        }),
        (Operand::Any(a), Operand::Any(b)) => Box::new(move |s| {
            let a = a(s)?;
            let b = b(s)?;
            apply(s, a, b)
        }),
    }
}

/// A binary operation whose result goes straight into a variable.
fn store_binary(
    index: usize,
    left: Operand<i64>,
    right: Operand<i64>,
    apply: impl for<'a> Fn(&mut State<'a>, i64, i64) -> Result<i64, Halt> + Send + Sync + 'static,
) -> Step {
    fn stored(state: &mut State<'_>, index: usize, result: Result<i64, Halt>) -> Flow {
        match result {
            Ok(value) => {
                state.store(index, value as u64);
                Flow::Next
            }
            Err(Halt) => Flow::Halt,
        }
    }
    match (left, right) {
        (Operand::Local(a), Operand::Constant(b)) => Box::new(move |s| {
            let result = apply(s, s.load(a) as i64, b);
            stored(s, index, result)
        }),
        (Operand::Local(a), Operand::Local(b)) => Box::new(move |s| {
            let result = apply(s, s.load(a) as i64, s.load(b) as i64);
            stored(s, index, result)
        }),
        (left, right) => store_word(index, binary(left, right, apply)),
    }
}

fn compare<T: Word + PartialOrd>(op: BinaryOp, left: Operand<T>, right: Operand<T>) -> Run<bool> {
    match op {
        BinaryOp::Equal => binary(left, right, |_, a, b| Ok(a == b)),
        BinaryOp::NotEqual => binary(left, right, |_, a, b| Ok(a != b)),
        BinaryOp::Less => binary(left, right, |_, a, b| Ok(a < b)),
        BinaryOp::LessEqual => binary(left, right, |_, a, b| Ok(a <= b)),
        BinaryOp::Greater => binary(left, right, |_, a, b| Ok(a > b)),
        _ => binary(left, right, |_, a, b| Ok(a >= b)),
    }
}

/// The operators of a row that take and give a `T`, the last first: each with its left and right side.
fn row<T: Typed>(expr: &Expr) -> impl Iterator<Item = (BinaryOp, &Expr, &Expr, Span)> {
    fn step<T: Typed>(expr: &Expr) -> Option<(BinaryOp, &Expr, &Expr, Span)> {
        match &expr.kind {
            ExprKind::Binary(op, left, right) if T::IN_ROWS.contains(op) => Some((*op, left, right, expr.span)),
            _ => None,
        }
    }
    std::iter::successors(step::<T>(expr), |(_, left, ..)| step::<T>(left))
}

const ARITHMETIC: &[BinaryOp] = &[BinaryOp::Add, BinaryOp::Subtract, BinaryOp::Multiply, BinaryOp::Divide, BinaryOp::Remainder];

/// The operations of a scalar type.
trait Typed: Word {
    /// Operators that take and give this type.
    const IN_ROWS: &'static [BinaryOp];
    /// One of them with its right side.
    fn link(op: BinaryOp, right: Run<Self>, span: Span) -> Link<Self>;
    /// Operators and scalar builtins that give this type.
    fn operation(compiler: &Compiler<'_>, expr: &Expr) -> Run<Self>;
}

impl Typed for i64 {
    const IN_ROWS: &'static [BinaryOp] = ARITHMETIC;

    fn link(op: BinaryOp, right: Run<i64>, span: Span) -> Link<i64> {
        Box::new(move |state, left| {
            let right = right(state)?;
            scalar::int_binary(op, left, right).map_err(|trap| state.fail(trap, span))
        })
    }

    fn operation(compiler: &Compiler<'_>, expr: &Expr) -> Run<i64> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Binary(op, left, right) => {
                let (left, right) = (compiler.operand::<i64>(left), compiler.operand::<i64>(right));
                match *op {
                    BinaryOp::Add => binary(left, right, move |state, a: i64, b| match a.checked_add(b) {
                        Some(sum) => Ok(sum),
                        None => Err(overflow(state, a, "+", b, span)),
                    }),
                    BinaryOp::Subtract => binary(left, right, move |state, a: i64, b| match a.checked_sub(b) {
                        Some(difference) => Ok(difference),
                        None => Err(overflow(state, a, "-", b, span)),
                    }),
                    op => binary(left, right, move |state, a, b| scalar::int_binary(op, a, b).map_err(|trap| state.fail(trap, span))),
                }
            }
            ExprKind::Unary(_, operand) => {
                let operand = compiler.word::<i64>(operand);
                Box::new(move |state| operand(state).and_then(|a| scalar::negate(a).map_err(|trap| state.fail(trap, span))))
            }
            ExprKind::Scalar(Builtin::Int, args) => {
                let value = compiler.word::<f64>(&args[0]);
                Box::new(move |state| value(state).and_then(|v| scalar::to_int(v).map_err(|trap| state.fail(trap, span))))
            }
            ExprKind::Scalar(Builtin::Abs, args) => {
                let value = compiler.word::<i64>(&args[0]);
                Box::new(move |state| value(state).and_then(|v| scalar::int_abs(v).map_err(|trap| state.fail(trap, span))))
            }
            ExprKind::Scalar(builtin, args) => {
                let (left, right) = (compiler.operand::<i64>(&args[0]), compiler.operand::<i64>(&args[1]));
                match builtin {
                    Builtin::Min => binary(left, right, |_, a: i64, b| Ok(a.min(b))),
                    _ => binary(left, right, |_, a: i64, b| Ok(a.max(b))),
                }
            }
            _ => unreachable!("the checker gives no other int"),
        }
    }
}

impl Typed for f64 {
    const IN_ROWS: &'static [BinaryOp] = ARITHMETIC;

    fn link(op: BinaryOp, right: Run<f64>, _: Span) -> Link<f64> {
        Box::new(move |state, left| right(state).map(|right| scalar::float_binary(op, left, right)))
    }

    fn operation(compiler: &Compiler<'_>, expr: &Expr) -> Run<f64> {
        let two = |left, right| (compiler.operand::<f64>(left), compiler.operand::<f64>(right));
        match &expr.kind {
            ExprKind::Binary(op, left, right) => {
                let (left, right) = two(left, right);
                match *op {
                    BinaryOp::Add => binary(left, right, |_, a: f64, b| Ok(a + b)),
                    BinaryOp::Subtract => binary(left, right, |_, a: f64, b| Ok(a - b)),
                    BinaryOp::Multiply => binary(left, right, |_, a: f64, b| Ok(a * b)),
                    op => binary(left, right, move |_, a, b| Ok(scalar::float_binary(op, a, b))),
                }
            }
            ExprKind::Unary(_, operand) => {
                let operand = compiler.word::<f64>(operand);
                Box::new(move |state| operand(state).map(|a| -a))
            }
            ExprKind::Scalar(Builtin::Float, args) => {
                let value = compiler.word::<i64>(&args[0]);
                Box::new(move |state| value(state).map(|v| v as f64))
            }
            ExprKind::Scalar(builtin @ (Builtin::Min | Builtin::Max | Builtin::Pow), args) => {
                let (left, right) = two(&args[0], &args[1]);
                match builtin {
                    Builtin::Min => binary(left, right, |_, a, b| Ok(scalar::float_min(a, b))),
                    Builtin::Max => binary(left, right, |_, a, b| Ok(scalar::float_max(a, b))),
                    _ => binary(left, right, |_, a: f64, b| Ok(a.powf(b))),
                }
            }
            ExprKind::Scalar(builtin, args) => {
                let (value, apply) = (compiler.word::<f64>(&args[0]), scalar::float_function(*builtin));
                Box::new(move |state| value(state).map(apply))
            }
            _ => unreachable!("the checker gives no other float"),
        }
    }
}

impl Typed for bool {
    const IN_ROWS: &'static [BinaryOp] = &[BinaryOp::And, BinaryOp::Or];

    fn link(op: BinaryOp, right: Run<bool>, _: Span) -> Link<bool> {
        Box::new(move |state, left| if left == (op == BinaryOp::Or) { Ok(left) } else { right(state) })
    }

    fn operation(compiler: &Compiler<'_>, expr: &Expr) -> Run<bool> {
        match &expr.kind {
            ExprKind::Binary(BinaryOp::And, left, right) => {
                let (left, right) = (compiler.word::<bool>(left), compiler.word::<bool>(right));
                Box::new(move |state| if left(state)? { right(state) } else { Ok(false) })
            }
            ExprKind::Binary(BinaryOp::Or, left, right) => {
                let (left, right) = (compiler.word::<bool>(left), compiler.word::<bool>(right));
                Box::new(move |state| if left(state)? { Ok(true) } else { right(state) })
            }
            ExprKind::Binary(op, left, right) => compiler.comparison(*op, left, right),
            ExprKind::Unary(UnaryOp::Not | UnaryOp::Negate, operand) => {
                let operand = compiler.word::<bool>(operand);
                Box::new(move |state| operand(state).map(|value| !value))
            }
            _ => unreachable!("the checker gives no other bool"),
        }
    }
}
