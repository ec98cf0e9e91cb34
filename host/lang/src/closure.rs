//! The closure tier: every expression and statement becomes a closure over slot numbers.
//!
//! The closures are higher-ranked (`for<'a> Fn(&mut State<'a>)`): they know no lifetime, so a program is compiled
//! once and runs against any state. A variable is an index into a flat vector from here on; there is no name,
//! hash or text left in what runs. Operations on two variables, or on a variable and a constant, have closures of
//! their own, because most of the time in small loops goes into calling operands.

mod expression;
mod operator;
mod statement;
mod word;

use crate::ast::Span;
use crate::module::{Block, Frame, Function, Module, Statement};
use crate::native::Native;
use crate::state::{Flow, Halt, State, with_stack, with_tree_stack};
use statement::sequence;

/// An expression that gives a `T`.
type Run<T> = Box<dyn for<'a> Fn(&mut State<'a>) -> Result<T, Halt> + Send + Sync>;

/// A statement.
pub(crate) type Step = Box<dyn for<'a> Fn(&mut State<'a>) -> Flow + Send + Sync>;

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
}
