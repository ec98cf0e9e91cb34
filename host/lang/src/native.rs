//! The native tier: scalar functions and loops as machine code, through Cranelift.
//!
//! Functions that take, give and use scalars only are compiled whole; a loop that uses scalars only is compiled as a
//! region of a function that does not: it takes its variables from the slots and puts them back. Limits and errors
//! are those of the other tiers: every call and every turn of a loop counts a step, depth is passed down, and what
//! goes wrong is returned as the number of its place, with its operands in [`Context`].
//!
//! Memory for code is written first and made executable, and no longer writable, by `finalize_definitions`; no page is
//! ever both.

mod codegen;
mod facts;
mod library;
mod unit;
mod walk;

use crate::ast::Span;
use crate::closure::Step;
use crate::module::{Block, Expr, ExprKind, Function, Module, Statement};
use crate::state::{Flow, State, with_tree_stack};
use crate::trap::Trap;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_jit::{JITBuilder, JITModule};
use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::sync::Arc;

/// What machine code shares with its caller. Read and written at the offsets of its fields.
#[repr(C)]
pub(crate) struct Context {
    steps_left: u64,
    depth_left: u64,
    /// Operands of what went wrong.
    left: u64,
    right: u64,
    /// A scalar that is returned.
    result: u64,
    globals: *const u64,
}

/// The statement is done.
const STATUS_NEXT: i64 = 0;
/// A region returned from its function; the value is in the context.
const STATUS_RETURN: i64 = 1;
/// This and more: the number of the place where something went wrong.
const STATUS_TRAP: i64 = 2;

/// A function of the machine code that its caller enters: the context, and the slots of the frame.
type EntryPoint = unsafe extern "C" fn(*mut Context, *mut u64) -> i64;

/// What can go wrong at a place.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Overflow(&'static str),
    DivisionByZero(&'static str),
    NotAnInt,
    NegativeCount,
    Steps,
    Depth,
}

#[derive(Debug, Clone, Copy)]
struct Site {
    fault: Fault,
    span: Span,
}

impl Site {
    fn trap(&self, context: &Context, state: &State<'_>) -> Trap {
        let (left, right) = (context.left as i64, context.right as i64);
        match self.fault {
            Fault::Overflow(sign) => Trap::Overflow { left, sign, right },
            Fault::DivisionByZero(sign) => Trap::DivisionByZero { left, sign },
            Fault::NotAnInt => Trap::NotAnInt { value: f64::from_bits(context.left) },
            Fault::NegativeCount => Trap::NegativeCount { count: left },
            Fault::Steps => Trap::Steps { limit: state.limits.steps },
            Fault::Depth => Trap::Depth { limit: state.limits.depth },
        }
    }
}

/// The pages of the code; they are given back when the last closure that enters them is gone.
struct Pages(ManuallyDrop<JITModule>);

// SAFETY: after `finalize_definitions` nothing reads or writes the module but its drop, which has it alone.
#[allow(unsafe_code)]
unsafe impl Send for Pages {}
// SAFETY: as above: there is no method that takes `&Pages`.
#[allow(unsafe_code)]
unsafe impl Sync for Pages {}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the module is taken once, here. Every pointer into its code is in an `Entrance`, which holds these
        // pages, so the last of them is gone, and code that runs is held by the closure that entered it.
        #[allow(unsafe_code)]
        unsafe {
            ManuallyDrop::take(&mut self.0).free_memory();
        }
    }
}

/// The way into a piece of code.
#[derive(Clone)]
struct Entrance {
    code: EntryPoint,
    sites: Arc<Vec<Site>>,
    /// Stack that the code may take: of one call, and how many can be open.
    call_bytes: usize,
    open_calls: Option<usize>,
    _pages: Arc<Pages>,
}

/// The machine code of a program.
#[derive(Default)]
pub(crate) struct Native {
    functions: HashMap<usize, Entrance>,
    regions: HashMap<(usize, Span), Entrance>,
}

impl Native {
    /// Compiles every function and loop of a program that uses scalars only.
    pub fn compile(module: &Module) -> Result<Native, String> {
        with_tree_stack(|| Native::of(module))
    }

    fn of(module: &Module) -> Result<Native, String> {
        let functions = scalar_functions(module);
        let regions = regions(module, &functions);
        if functions.iter().all(|is| !is) && regions.is_empty() {
            return Ok(Native::default());
        }
        let failed = |e: &dyn std::fmt::Display| format!("the native tier cannot compile this program: {e}");
        let mut flags = settings::builder();
        for (name, value) in
            [("opt_level", "speed"), ("is_pic", "false"), ("use_colocated_libcalls", "false"), ("enable_verifier", "false")]
        {
            flags.set(name, value).map_err(|e| failed(&e))?;
        }
        let isa = cranelift_native::builder().map_err(|e| failed(&e))?;
        let isa = isa.finish(settings::Flags::new(flags)).map_err(|e| failed(&e))?;
        let mut builder = JITBuilder::with_isa(isa, cranelift_module::default_libcall_names());
        for (name, address) in library::HELPERS.iter().map(|h| (h.name, h.address())) {
            builder.symbol(name, address);
        }
        unit::compile(module, &functions, &regions, JITModule::new(builder)).map_err(|e| failed(&e))
    }

    /// How many functions and loops are machine code.
    pub fn parts(&self) -> (usize, usize) {
        (self.functions.len(), self.regions.len())
    }

    /// A function's body, if it is machine code.
    pub fn function_step(&self, function: usize, closures: impl FnOnce() -> Step) -> Option<Step> {
        self.functions.get(&function).map(|entrance| step(entrance.clone(), Flow::Return, closures()))
    }

    /// A loop, if it is machine code.
    pub fn region_step(&self, function: usize, span: Span, closures: impl FnOnce() -> Step) -> Option<Step> {
        self.regions.get(&(function, span)).map(|entrance| step(entrance.clone(), Flow::Next, closures()))
    }
}

/// Most stack that code is entered with.
const MAX_STACK_BYTES: usize = 1 << 30;

/// Enters the code with the running frame's slots. The code cannot ask for stack while it runs, so all that the depth
/// limit allows must be there before; where that would be too much, closures do the work.
fn step(entrance: Entrance, done: Flow, closures: Step) -> Step {
    Box::new(move |state| {
        let calls = entrance.open_calls.unwrap_or(state.depth_left as usize + 1);
        let stack = calls.saturating_mul(entrance.call_bytes) + MARGIN_BYTES;
        if stack > MAX_STACK_BYTES {
            return closures(state);
        }
        stacker::maybe_grow(stack, stack + MARGIN_BYTES, || enter(&entrance, state, done))
    })
}

/// Stack for what the code calls: functions of the mathematics library.
const MARGIN_BYTES: usize = 64 << 10;

fn enter(entrance: &Entrance, state: &mut State<'_>, done: Flow) -> Flow {
    let mut context = Context {
        steps_left: state.steps_left,
        depth_left: u64::from(state.depth_left),
        left: 0,
        right: 0,
        result: 0,
        globals: state.memory.globals.as_ptr(),
    };
    let slots = state.memory.slots[state.base..].as_mut_ptr();
    // SAFETY: the code was made for this program and the pages that hold it live as long as `entrance`. It takes a
    // context and slots. It touches the slots of the running function's variables alone, which `ensure_frame` made
    // room for before any statement runs, and reads the globals that the module counts, which `Instance` made room
    // for. Nobody else uses slots or globals meanwhile: the state is borrowed for this call, and the code calls no
    // Rust but functions of numbers. The stack is large enough for every call that the depth limit allows.
    #[allow(unsafe_code)]
    let status = unsafe { (entrance.code)(&mut context, slots) };
    state.steps_left = context.steps_left;
    state.returned = context.result;
    match status {
        STATUS_NEXT => done,
        STATUS_RETURN => Flow::Return,
        place => {
            let site = entrance.sites[(place - STATUS_TRAP) as usize];
            let trap = site.trap(&context, state);
            state.fail(trap, site.span);
            Flow::Halt
        }
    }
}

/// Which functions use scalars only, calls included.
fn scalar_functions(module: &Module) -> Vec<bool> {
    let shape = |f: &Function| f.params.iter().all(|p| p.of.is_scalar()) && (f.result.is_scalar() || f.result == crate::ast::Type::Unit);
    let mut is: Vec<bool> = module.functions.iter().map(shape).collect();
    loop {
        let next: Vec<bool> = module.functions.iter().zip(&is).map(|(f, was)| *was && scalar_block(&f.body, &is)).collect();
        if next == is {
            return is;
        }
        is = next;
    }
}

fn scalar_block(block: &Block, functions: &[bool]) -> bool {
    block.statements.iter().all(|statement| scalar_statement(statement, functions))
}

fn scalar_statement(statement: &Statement, functions: &[bool]) -> bool {
    let expr = |e: &Expr| scalar_expr(e, functions);
    let block = |b: &Block| scalar_block(b, functions);
    match statement {
        Statement::Store(slot, value) => slot.of.is_scalar() && expr(value),
        Statement::StoreElement { .. } => false,
        Statement::If(condition, then, otherwise) => expr(condition) && block(then) && otherwise.as_ref().is_none_or(block),
        Statement::While(condition, body, _) => expr(condition) && block(body),
        Statement::Loop { count, body, .. } => expr(count) && block(body),
        Statement::Break | Statement::Return(None) => true,
        Statement::Return(Some(value)) | Statement::Run(value) => expr(value),
    }
}

fn scalar_expr(expr: &Expr, functions: &[bool]) -> bool {
    let all = |args: &[Expr]| args.iter().all(|arg| scalar_expr(arg, functions));
    match &expr.kind {
        ExprKind::Constant(_) => true,
        ExprKind::Load(slot) => slot.of.is_scalar(),
        ExprKind::Unary(_, operand) => scalar_expr(operand, functions),
        ExprKind::Binary(_, left, right) => scalar_expr(left, functions) && scalar_expr(right, functions),
        ExprKind::Call { function, args, .. } => functions[*function] && all(args),
        ExprKind::Scalar(_, args) => all(args),
        ExprKind::Text(_) | ExprKind::Meta(_) | ExprKind::Vector { .. } | ExprKind::Index(..) => false,
    }
}

/// The outermost scalar loops of functions that are not scalar as a whole.
fn regions<'m>(module: &'m Module, functions: &[bool]) -> Vec<(usize, &'m Statement)> {
    let mut found = Vec::new();
    for (index, function) in module.functions.iter().enumerate().filter(|(index, _)| !functions[*index]) {
        regions_of(index, &function.body, functions, &mut found);
    }
    found
}

fn regions_of<'m>(function: usize, block: &'m Block, functions: &[bool], found: &mut Vec<(usize, &'m Statement)>) {
    for statement in &block.statements {
        let is_loop = matches!(statement, Statement::While(..) | Statement::Loop { .. });
        if is_loop && scalar_statement(statement, functions) {
            found.push((function, statement));
            continue;
        }
        match statement {
            Statement::If(_, then, otherwise) => {
                regions_of(function, then, functions, found);
                otherwise.iter().for_each(|block| regions_of(function, block, functions, found));
            }
            Statement::While(_, body, _) | Statement::Loop { body, .. } => regions_of(function, body, functions, found),
            _ => {}
        }
    }
}
