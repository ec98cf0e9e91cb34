//! Statements and expressions to Cranelift's intermediate form.

use super::{Context, Entrance, EntryPoint, Fault, Native, Pages, STATUS_NEXT, STATUS_RETURN, STATUS_TRAP, Site};
use crate::ast::{BinaryOp, Span, Type, UnaryOp};
use crate::module::{Block, Expr, ExprKind, Function, Module, Slot, Statement};
use crate::scalar::INT_END;
use crate::signature::Builtin;
use cranelift_codegen::Context as FunctionContext;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{AbiParam, Block as CodeBlock, InstBuilder, MemFlags, Signature, Type as CodeType, UserFuncName, Value, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use cranelift_jit::JITModule;
use cranelift_module::{FuncId, Linkage, Module as _, ModuleError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem::{ManuallyDrop, offset_of};
use std::sync::Arc;

/// A function of the mathematics library, called by the code: the very function that the other tiers call.
pub(super) struct Helper {
    pub name: &'static str,
    builtin: Builtin,
    function: Mathematics,
}

enum Mathematics {
    One(extern "C" fn(f64) -> f64),
    Two(extern "C" fn(f64, f64) -> f64),
}

impl Helper {
    pub fn address(&self) -> *const u8 {
        match self.function {
            Mathematics::One(function) => function as *const u8,
            Mathematics::Two(function) => function as *const u8,
        }
    }
}

macro_rules! helper {
    ($name:ident($($arg:ident),*) $value:expr) => {
        extern "C" fn $name($($arg: f64),*) -> f64 {
            $value
        }
    };
}

helper!(nda_exp(x) x.exp());
helper!(nda_ln(x) x.ln());
helper!(nda_sin(x) x.sin());
helper!(nda_cos(x) x.cos());
helper!(nda_floor(x) x.floor());
helper!(nda_pow(x, y) x.powf(y));
helper!(nda_remainder(x, y) x % y);

const REMAINDER: usize = 6;

pub(super) const HELPERS: [Helper; 7] = [
    Helper { name: "nda_exp", builtin: Builtin::Exp, function: Mathematics::One(nda_exp) },
    Helper { name: "nda_ln", builtin: Builtin::Ln, function: Mathematics::One(nda_ln) },
    Helper { name: "nda_sin", builtin: Builtin::Sin, function: Mathematics::One(nda_sin) },
    Helper { name: "nda_cos", builtin: Builtin::Cos, function: Mathematics::One(nda_cos) },
    Helper { name: "nda_floor", builtin: Builtin::Floor, function: Mathematics::One(nda_floor) },
    Helper { name: "nda_pow", builtin: Builtin::Pow, function: Mathematics::Two(nda_pow) },
    // No builtin is called so: the operator % of floats.
    Helper { name: "nda_remainder", builtin: Builtin::Print, function: Mathematics::Two(nda_remainder) },
];

/// Bytes of a call besides its frame: the return address, saved registers, arguments on the stack.
const CALL_BYTES: usize = 256 + 8 * crate::check::MAX_PARAMS;

/// Compiles the marked functions and the given loops.
pub(super) fn compile(
    module: &Module,
    functions: &[bool],
    regions: &[(usize, &Statement)],
    mut jit: JITModule,
) -> Result<Native, Box<ModuleError>> {
    let mut unit = Unit { ids: HashMap::new(), helpers: Vec::new(), sites: Vec::new(), frame_bytes: 0 };
    for helper in &HELPERS {
        let params = if matches!(helper.function, Mathematics::One(_)) { 1 } else { 2 };
        let mut signature = jit.make_signature();
        signature.params = vec![AbiParam::new(types::F64); params];
        signature.returns = vec![AbiParam::new(types::F64)];
        unit.helpers.push(jit.declare_function(helper.name, Linkage::Import, &signature)?);
    }
    let chosen: Vec<usize> = (0..functions.len()).filter(|&index| functions[index]).collect();
    for &index in &chosen {
        let id = jit.declare_function(&format!("function {index}"), Linkage::Local, &inner_signature(&module.functions[index]))?;
        unit.ids.insert(index, id);
    }
    let entry = entry_signature(&jit);
    let mut entries: Vec<(Option<usize>, Option<(usize, Span)>, FuncId)> = Vec::new();
    for &index in &chosen {
        let function = &module.functions[index];
        let inner = unit.ids[&index];
        unit.define(&mut jit, inner, inner_signature(function), |code| code.function(function))?;
        let id = jit.declare_function(&format!("enter function {index}"), Linkage::Local, &entry)?;
        unit.define(&mut jit, id, entry.clone(), |code| code.enter_function(index, function))?;
        entries.push((Some(index), None, id));
    }
    for (number, (function, statement)) in regions.iter().enumerate() {
        let id = jit.declare_function(&format!("region {number}"), Linkage::Local, &entry)?;
        unit.define(&mut jit, id, entry.clone(), |code| code.region(statement))?;
        let span = match statement {
            Statement::While(_, _, span) | Statement::Loop { span, .. } => *span,
            _ => unreachable!("regions are loops"),
        };
        entries.push((None, Some((*function, span)), id));
    }
    jit.finalize_definitions()?;
    // Without a cycle no function is open twice.
    let open_calls = if is_recursive(module, functions) { None } else { Some(chosen.len() + 2) };
    let codes: Vec<*const u8> = entries.iter().map(|(_, _, id)| jit.get_finalized_function(*id)).collect();
    let (sites, pages) = (Arc::new(unit.sites), Arc::new(Pages(ManuallyDrop::new(jit))));
    let mut native = Native::default();
    for ((function, region, _), code) in entries.into_iter().zip(codes) {
        // SAFETY: the pointer is the finalized code of a function that was declared with `entry_signature`, which is
        // the signature of `EntryPoint`, and `_pages` keeps it in place.
        #[allow(unsafe_code)]
        let code = unsafe { std::mem::transmute::<*const u8, EntryPoint>(code) };
        let (sites, _pages, call_bytes) = (Arc::clone(&sites), Arc::clone(&pages), unit.frame_bytes + CALL_BYTES);
        let entrance = Entrance { code, sites, call_bytes, open_calls, _pages };
        match (function, region) {
            (Some(function), _) => drop(native.functions.insert(function, entrance)),
            (None, Some(region)) => drop(native.regions.insert(region, entrance)),
            (None, None) => {}
        }
    }
    Ok(native)
}

/// Whether one of the functions can call itself, perhaps through others.
fn is_recursive(module: &Module, functions: &[bool]) -> bool {
    let calls: Vec<Vec<usize>> = module.functions.iter().map(|f| calls_of(&f.body)).collect();
    let mut left: Vec<usize> = (0..functions.len()).filter(|&index| functions[index]).collect();
    // Functions that call none of those that are left are taken away; a cycle is what stays.
    loop {
        let stay: Vec<usize> = left.iter().copied().filter(|index| calls[*index].iter().any(|callee| left.contains(callee))).collect();
        if stay.len() == left.len() {
            return !left.is_empty();
        }
        left = stay;
    }
}

fn calls_of(block: &Block) -> Vec<usize> {
    let mut found = Vec::new();
    walk(block, &mut |expr| {
        if let ExprKind::Call { function, .. } = &expr.kind {
            found.push(*function);
        }
    });
    found
}

/// Every expression of a block, inner ones included.
fn walk<'m>(block: &'m Block, visit: &mut impl FnMut(&'m Expr)) {
    for statement in &block.statements {
        walk_statement(statement, visit);
    }
}

fn walk_statement<'m>(statement: &'m Statement, visit: &mut impl FnMut(&'m Expr)) {
    match statement {
        Statement::Store(_, value) | Statement::Return(Some(value)) | Statement::Run(value) => walk_expr(value, visit),
        Statement::StoreElement { index, value, .. } => {
            walk_expr(index, visit);
            walk_expr(value, visit);
        }
        Statement::If(condition, then, otherwise) => {
            walk_expr(condition, visit);
            walk(then, visit);
            otherwise.iter().for_each(|block| walk(block, visit));
        }
        Statement::While(head, body, _) | Statement::Loop { count: head, body, .. } => {
            walk_expr(head, visit);
            walk(body, visit);
        }
        Statement::Break | Statement::Return(None) => {}
    }
}

fn walk_expr<'m>(expr: &'m Expr, visit: &mut impl FnMut(&'m Expr)) {
    visit(expr);
    match &expr.kind {
        ExprKind::Unary(_, operand) => walk_expr(operand, visit),
        ExprKind::Binary(_, left, right) | ExprKind::Index(left, right) => {
            walk_expr(left, visit);
            walk_expr(right, visit);
        }
        ExprKind::Call { args, .. } | ExprKind::Scalar(_, args) | ExprKind::Vector { args, .. } => {
            args.iter().for_each(|arg| walk_expr(arg, visit));
        }
        ExprKind::Constant(_) | ExprKind::Text(_) | ExprKind::Load(_) | ExprKind::Meta(_) => {}
    }
}

/// Variables that a statement assigns.
fn stores_of(statement: &Statement, found: &mut BTreeMap<usize, Type>) {
    let mut block = |block: &Block| block.statements.iter().for_each(|s| stores_of(s, found));
    match statement {
        Statement::If(_, then, otherwise) => {
            block(then);
            otherwise.iter().for_each(block);
        }
        Statement::While(_, body, _) => block(body),
        Statement::Loop { index, body, .. } => {
            block(body);
            found.extend(index.map(|slot| (slot.index, slot.of)));
        }
        Statement::Store(slot, _) => drop(found.insert(slot.index, slot.of)),
        _ => {}
    }
}

/// The context, the calls that may still be opened, and the parameters; back come the value, if any, and the status.
fn inner_signature(function: &Function) -> Signature {
    let mut signature = Signature::new(CallConv::Fast);
    signature.params = vec![AbiParam::new(types::I64); 2];
    signature.params.extend(function.params.iter().map(|p| AbiParam::new(code_type(p.of))));
    if function.result != Type::Unit {
        signature.returns.push(AbiParam::new(code_type(function.result)));
    }
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

/// [`EntryPoint`]'s.
fn entry_signature(jit: &JITModule) -> Signature {
    let mut signature = jit.make_signature();
    signature.params = vec![AbiParam::new(types::I64); 2];
    signature.returns = vec![AbiParam::new(types::I64)];
    signature
}

fn code_type(of: Type) -> CodeType {
    if of == Type::Float { types::F64 } else { types::I64 }
}

struct Unit {
    ids: HashMap<usize, FuncId>,
    helpers: Vec<FuncId>,
    sites: Vec<Site>,
    frame_bytes: usize,
}

impl Unit {
    fn define(
        &mut self,
        jit: &mut JITModule,
        id: FuncId,
        signature: Signature,
        body: impl FnOnce(&mut Code<'_, '_>),
    ) -> Result<(), Box<ModuleError>> {
        let mut context = FunctionContext::new();
        context.func.signature = signature;
        context.func.name = UserFuncName::user(0, id.as_u32());
        let mut builder_context = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        builder.seal_block(block);
        let context_pointer = builder.block_params(block)[0];
        let mut code = Code {
            unit: self,
            jit,
            builder,
            context: context_pointer,
            depth: context_pointer,
            steps: None,
            variables: HashMap::new(),
            declared: 0,
            breaks: Vec::new(),
            facts: Facts::default(),
            end: End::Function(Type::Unit),
        };
        body(&mut code);
        code.builder.finalize();
        jit.define_function(id, &mut context)?;
        let frame_bytes = context.compiled_code().map_or(0, |code| code.frame_size as usize);
        self.frame_bytes = self.frame_bytes.max(frame_bytes);
        Ok(())
    }
}

/// How the code at hand ends.
#[derive(Clone)]
enum End {
    /// A function returns its value and a status.
    Function(Type),
    /// A region returns a status; on leaving the loop its variables go back to the slots.
    Region { slots: Value, stores: BTreeMap<usize, Type> },
}

struct Code<'u, 'b> {
    unit: &'u mut Unit,
    jit: &'u mut JITModule,
    builder: FunctionBuilder<'b>,
    context: Value,
    /// Calls that may still be opened.
    depth: Value,
    /// Steps that are left, in a register while there are loops; else in the context.
    steps: Option<Variable>,
    variables: HashMap<usize, Variable>,
    declared: u32,
    /// Where `break` goes, innermost last.
    breaks: Vec<CodeBlock>,
    facts: Facts,
    end: End,
}

/// Variables that a condition has bounded since they were last assigned: their checks are decided already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Facts {
    /// Smaller than some int, so that one more is an int too.
    below: BTreeSet<usize>,
    /// Larger than some int, so that one less is an int too.
    above: BTreeSet<usize>,
}

impl Facts {
    fn forget(&mut self, slot: usize) {
        self.below.remove(&slot);
        self.above.remove(&slot);
    }

    /// What holds however the code came here.
    fn and(&self, other: &Facts) -> Facts {
        Facts { below: &self.below & &other.below, above: &self.above & &other.above }
    }

    /// What a condition says where it is true.
    fn learn(&mut self, condition: &Expr) {
        let ExprKind::Binary(op, left, right) = &condition.kind else { return };
        if *op == BinaryOp::And {
            self.learn(left);
            self.learn(right);
            return;
        }
        if left.of != Type::Int {
            return;
        }
        let (smaller, larger) = match op {
            BinaryOp::Less => (left, right),
            BinaryOp::Greater => (right, left),
            _ => return,
        };
        if let ExprKind::Load(slot @ Slot { is_global: false, .. }) = smaller.kind {
            self.below.insert(slot.index);
        }
        if let ExprKind::Load(slot @ Slot { is_global: false, .. }) = larger.kind {
            self.above.insert(slot.index);
        }
    }

    /// Whether `expr + constant` needs no check.
    fn allow(&self, expr: &Expr, constant: i64) -> bool {
        let ExprKind::Load(slot @ Slot { is_global: false, .. }) = expr.kind else { return false };
        constant == 0 || (constant == 1 && self.below.contains(&slot.index)) || (constant == -1 && self.above.contains(&slot.index))
    }
}

impl Code<'_, '_> {
    fn function(&mut self, function: &Function) {
        let entry = self.builder.current_block().expect("the entry is open");
        let params: Vec<Value> = self.builder.block_params(entry).to_vec();
        self.depth = params[1];
        self.end = End::Function(function.result);
        for (slot, value) in function.params.iter().zip(&params[2..]) {
            let variable = self.variable(slot.index, slot.of);
            self.builder.def_var(variable, *value);
        }
        if has_loop(&function.body) {
            self.steps_in_register();
        }
        if self.block(&function.body) {
            self.leave(None, STATUS_NEXT);
        }
    }

    /// Parameters from the slots, the call, the result into the context.
    fn enter_function(&mut self, index: usize, function: &Function) {
        let entry = self.builder.current_block().expect("the entry is open");
        let slots = self.builder.block_params(entry)[1];
        let depth = self.context_load(offset_of!(Context, depth_left));
        let mut args = vec![self.context, depth];
        for slot in &function.params {
            args.push(self.builder.ins().load(code_type(slot.of), MemFlags::trusted(), slots, offset(slot.index)));
        }
        let callee = self.jit.declare_func_in_func(self.unit.ids[&index], self.builder.func);
        let call = self.builder.ins().call(callee, &args);
        let results = self.builder.inst_results(call).to_vec();
        if let [value, _] = results.as_slice() {
            self.context_store(offset_of!(Context, result), *value);
        }
        let status = *results.last().expect("a status comes back");
        self.builder.ins().return_(&[status]);
    }

    fn region(&mut self, statement: &Statement) {
        let entry = self.builder.current_block().expect("the entry is open");
        let slots = self.builder.block_params(entry)[1];
        let mut stores = BTreeMap::new();
        stores_of(statement, &mut stores);
        let mut used = stores.clone();
        walk_statement(statement, &mut |expr| {
            if let ExprKind::Load(slot) = &expr.kind
                && !slot.is_global
            {
                used.insert(slot.index, slot.of);
            }
        });
        for (&index, &of) in &used {
            let value = self.builder.ins().load(code_type(of), MemFlags::trusted(), slots, offset(index));
            let variable = self.variable(index, of);
            self.builder.def_var(variable, value);
        }
        self.depth = self.context_load(offset_of!(Context, depth_left));
        self.steps_in_register();
        self.end = End::Region { slots, stores };
        if self.statement(statement) {
            self.leave(None, STATUS_NEXT);
        }
    }

    fn variable(&mut self, index: usize, of: Type) -> Variable {
        if let Some(known) = self.variables.get(&index) {
            return *known;
        }
        let variable = self.declare(code_type(of));
        self.variables.insert(index, variable);
        variable
    }

    fn declare(&mut self, of: CodeType) -> Variable {
        let variable = Variable::from_u32(self.declared);
        self.declared += 1;
        self.builder.declare_var(variable, of);
        variable
    }

    fn context_load(&mut self, offset: usize) -> Value {
        self.builder.ins().load(types::I64, MemFlags::trusted(), self.context, offset as i32)
    }

    fn context_store(&mut self, offset: usize, value: Value) {
        self.builder.ins().store(MemFlags::trusted(), value, self.context, offset as i32);
    }

    fn constant(&mut self, value: i64) -> Value {
        self.builder.ins().iconst(types::I64, value)
    }

    fn steps_in_register(&mut self) {
        let variable = self.declare(types::I64);
        let steps = self.context_load(offset_of!(Context, steps_left));
        self.builder.def_var(variable, steps);
        self.steps = Some(variable);
    }

    /// Puts the step counter where the caller or a callee finds it.
    fn flush_steps(&mut self) {
        if let Some(variable) = self.steps {
            let steps = self.builder.use_var(variable);
            self.context_store(offset_of!(Context, steps_left), steps);
        }
    }

    /// Counts a step, or ends the run.
    fn step(&mut self, span: Span) {
        let steps = match self.steps {
            Some(variable) => self.builder.use_var(variable),
            None => self.context_load(offset_of!(Context, steps_left)),
        };
        let is_zero = self.builder.ins().icmp_imm(IntCC::Equal, steps, 0);
        self.fault_if(is_zero, Fault::Steps, span, None, None);
        let left = self.builder.ins().iadd_imm(steps, -1);
        match self.steps {
            Some(variable) => self.builder.def_var(variable, left),
            None => self.context_store(offset_of!(Context, steps_left), left),
        }
    }

    /// Ends the code at hand with a status. A value is what a function returns.
    fn leave(&mut self, value: Option<Value>, status: i64) {
        self.flush_steps();
        let code = self.constant(status);
        match self.end.clone() {
            End::Function(Type::Unit) => drop(self.builder.ins().return_(&[code])),
            End::Function(of) => {
                let value = value.unwrap_or_else(|| self.zero(of));
                self.builder.ins().return_(&[value, code]);
            }
            End::Region { slots, stores } => {
                if let Some(value) = value {
                    self.context_store(offset_of!(Context, result), value);
                }
                if status == STATUS_NEXT {
                    for (index, of) in stores {
                        let variable = self.variable(index, of);
                        let value = self.builder.use_var(variable);
                        self.builder.ins().store(MemFlags::trusted(), value, slots, offset(index));
                    }
                }
                self.builder.ins().return_(&[code]);
            }
        }
    }

    fn zero(&mut self, of: Type) -> Value {
        if of == Type::Float { self.builder.ins().f64const(0.0) } else { self.constant(0) }
    }

    /// Goes on if the condition is zero; else the run ends here, with the operands.
    fn fault_if(&mut self, condition: Value, fault: Fault, span: Span, left: Option<Value>, right: Option<Value>) {
        let (cold, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(cold);
        self.builder.ins().brif(condition, cold, &[], next, &[]);
        self.builder.seal_block(cold);
        self.builder.seal_block(next);
        self.builder.switch_to_block(cold);
        for (value, offset) in [(left, offset_of!(Context, left)), (right, offset_of!(Context, right))] {
            if let Some(value) = value {
                self.context_store(offset, value);
            }
        }
        self.unit.sites.push(Site { fault, span });
        let status = STATUS_TRAP + self.unit.sites.len() as i64 - 1;
        self.leave(None, status);
        self.builder.switch_to_block(next);
    }

    /// Whether what follows the block can be reached.
    fn block(&mut self, block: &Block) -> bool {
        block.statements.iter().all(|statement| self.statement(statement))
    }

    /// Whether what follows the statement can be reached.
    fn statement(&mut self, statement: &Statement) -> bool {
        match statement {
            Statement::Store(slot, value) => {
                let value = self.expression(value);
                let variable = self.variable(slot.index, slot.of);
                self.builder.def_var(variable, value);
                self.facts.forget(slot.index);
                true
            }
            Statement::If(condition, then, otherwise) => self.if_else(condition, then, otherwise.as_ref()),
            Statement::While(condition, body, span) => self.while_loop(statement, condition, body, *span),
            Statement::Loop { count, index, body, span } => self.counted_loop(statement, count, *index, body, *span),
            Statement::Break => {
                let target = *self.breaks.last().expect("the checker has seen to it that a loop is open");
                self.builder.ins().jump(target, &[]);
                false
            }
            Statement::Return(value) => {
                let value = value.as_ref().map(|value| self.expression(value));
                let status = if matches!(self.end, End::Region { .. }) { STATUS_RETURN } else { STATUS_NEXT };
                self.leave(value, status);
                false
            }
            Statement::Run(call) => {
                self.call(call);
                true
            }
            Statement::StoreElement { .. } => unreachable!("only scalars come here"),
        }
    }

    fn if_else(&mut self, condition: &Expr, then: &Block, otherwise: Option<&Block>) -> bool {
        let (yes, no, end) = (self.builder.create_block(), self.builder.create_block(), self.builder.create_block());
        self.branch(condition, yes, no);
        let before = self.facts.clone();
        self.facts.learn(condition);
        let then_reaches = self.arm(yes, end, Some(then));
        let after_then = std::mem::replace(&mut self.facts, before);
        let otherwise_reaches = self.arm(no, end, otherwise);
        self.facts = match (then_reaches, otherwise_reaches) {
            (true, true) => self.facts.and(&after_then),
            (true, false) => after_then,
            _ => std::mem::take(&mut self.facts),
        };
        self.builder.seal_block(end);
        self.builder.switch_to_block(end);
        let is_reached = then_reaches || otherwise_reaches;
        if !is_reached {
            // Nobody comes here, but a block must end.
            self.builder.ins().trap(cranelift_codegen::ir::TrapCode::unwrap_user(1));
        }
        is_reached
    }

    fn arm(&mut self, start: CodeBlock, end: CodeBlock, block: Option<&Block>) -> bool {
        self.builder.seal_block(start);
        self.builder.switch_to_block(start);
        let is_reached = block.is_none_or(|block| self.block(block));
        if is_reached {
            self.builder.ins().jump(end, &[]);
        }
        is_reached
    }

    /// Forgets what the turns of a loop may change.
    fn forget_stores(&mut self, statement: &Statement) {
        let mut stores = BTreeMap::new();
        stores_of(statement, &mut stores);
        stores.keys().for_each(|slot| self.facts.forget(*slot));
    }

    /// The condition stands before the loop and again at its end, so that a turn takes one jump.
    fn while_loop(&mut self, statement: &Statement, condition: &Expr, body: &Block, span: Span) -> bool {
        self.forget_stores(statement);
        let outside = self.facts.clone();
        let (turn, end) = (self.builder.create_block(), self.builder.create_block());
        self.branch(condition, turn, end);
        self.builder.switch_to_block(turn);
        self.facts.learn(condition);
        self.step(span);
        self.breaks.push(end);
        if self.block(body) {
            self.facts = outside.clone();
            self.branch(condition, turn, end);
        }
        self.breaks.pop();
        self.facts = outside;
        self.builder.seal_block(turn);
        self.builder.seal_block(end);
        self.builder.switch_to_block(end);
        true
    }

    fn counted_loop(&mut self, statement: &Statement, count: &Expr, index: Option<Slot>, body: &Block, span: Span) -> bool {
        let count = self.expression(count);
        let is_negative = self.builder.ins().icmp_imm(IntCC::SignedLessThan, count, 0);
        self.fault_if(is_negative, Fault::NegativeCount, span, Some(count), None);
        self.forget_stores(statement);
        let outside = self.facts.clone();
        let (turn, end) = (self.builder.create_block(), self.builder.create_block());
        self.builder.append_block_param(turn, types::I64);
        let zero = self.constant(0);
        self.builder.ins().brif(count, turn, &[zero.into()], end, &[]);
        self.builder.switch_to_block(turn);
        let at = self.builder.block_params(turn)[0];
        self.step(span);
        if let Some(slot) = index {
            let variable = self.variable(slot.index, slot.of);
            self.builder.def_var(variable, at);
            self.facts.below.insert(slot.index);
        }
        self.breaks.push(end);
        if self.block(body) {
            // Below the count, so one more is in range.
            let next = self.builder.ins().iadd_imm(at, 1);
            let more = self.builder.ins().icmp(IntCC::SignedLessThan, next, count);
            self.builder.ins().brif(more, turn, &[next.into()], end, &[]);
        }
        self.breaks.pop();
        self.facts = outside;
        self.builder.seal_block(turn);
        self.builder.seal_block(end);
        self.builder.switch_to_block(end);
        true
    }

    /// Goes to one block or the other, without a bool in between where it can.
    fn branch(&mut self, condition: &Expr, yes: CodeBlock, no: CodeBlock) {
        match &condition.kind {
            ExprKind::Unary(UnaryOp::Not, operand) => self.branch(operand, no, yes),
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), left, right) => {
                let second = self.builder.create_block();
                if *op == BinaryOp::And {
                    self.branch(left, second, no)
                } else {
                    self.branch(left, yes, second)
                }
                self.builder.seal_block(second);
                self.builder.switch_to_block(second);
                self.branch(right, yes, no);
            }
            ExprKind::Binary(op, left, right) => {
                let flag = self.comparison(*op, left, right);
                self.builder.ins().brif(flag, yes, &[], no, &[]);
            }
            _ => {
                let value = self.expression(condition);
                self.builder.ins().brif(value, yes, &[], no, &[]);
            }
        }
    }

    fn comparison(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Value {
        let is_float = left.of == Type::Float;
        let (left, right) = (self.expression(left), self.expression(right));
        if is_float {
            let code = match op {
                BinaryOp::Equal => FloatCC::Equal,
                BinaryOp::NotEqual => FloatCC::NotEqual,
                BinaryOp::Less => FloatCC::LessThan,
                BinaryOp::LessEqual => FloatCC::LessThanOrEqual,
                BinaryOp::Greater => FloatCC::GreaterThan,
                _ => FloatCC::GreaterThanOrEqual,
            };
            return self.builder.ins().fcmp(code, left, right);
        }
        let code = match op {
            BinaryOp::Equal => IntCC::Equal,
            BinaryOp::NotEqual => IntCC::NotEqual,
            BinaryOp::Less => IntCC::SignedLessThan,
            BinaryOp::LessEqual => IntCC::SignedLessThanOrEqual,
            BinaryOp::Greater => IntCC::SignedGreaterThan,
            _ => IntCC::SignedGreaterThanOrEqual,
        };
        self.builder.ins().icmp(code, left, right)
    }

    fn expression(&mut self, expr: &Expr) -> Value {
        match &expr.kind {
            ExprKind::Constant(bits) if expr.of == Type::Float => self.builder.ins().f64const(f64::from_bits(*bits)),
            ExprKind::Constant(bits) => self.constant(*bits as i64),
            ExprKind::Load(slot) if slot.is_global => {
                let globals = self.context_load(offset_of!(Context, globals));
                self.builder.ins().load(code_type(slot.of), MemFlags::trusted(), globals, offset(slot.index))
            }
            ExprKind::Load(slot) => {
                let variable = self.variable(slot.index, slot.of);
                self.builder.use_var(variable)
            }
            ExprKind::Unary(op, operand) => self.unary(*op, operand, expr.span),
            ExprKind::Binary(BinaryOp::And | BinaryOp::Or, ..) => self.short_circuit(expr),
            ExprKind::Binary(op, left, right) if op.is_comparison() => {
                let flag = self.comparison(*op, left, right);
                self.builder.ins().uextend(types::I64, flag)
            }
            ExprKind::Binary(op, left, right) => {
                if expr.of == Type::Int {
                    return self.int_binary(*op, left, right, expr.span);
                }
                let (a, b) = (self.expression(left), self.expression(right));
                self.float_binary(*op, a, b)
            }
            ExprKind::Call { .. } => self.call(expr).expect("a call in an expression has a value"),
            ExprKind::Scalar(builtin, args) => self.builtin(*builtin, args, expr.of, expr.span),
            _ => unreachable!("only scalars come here"),
        }
    }

    fn short_circuit(&mut self, expr: &Expr) -> Value {
        let (yes, no, end) = (self.builder.create_block(), self.builder.create_block(), self.builder.create_block());
        self.builder.append_block_param(end, types::I64);
        self.branch(expr, yes, no);
        for (block, value) in [(yes, 1), (no, 0)] {
            self.builder.seal_block(block);
            self.builder.switch_to_block(block);
            let value = self.constant(value);
            self.builder.ins().jump(end, &[value.into()]);
        }
        self.builder.seal_block(end);
        self.builder.switch_to_block(end);
        self.builder.block_params(end)[0]
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr, span: Span) -> Value {
        let value = self.expression(operand);
        match (op, operand.of) {
            (UnaryOp::Negate, Type::Float) => self.builder.ins().fneg(value),
            (UnaryOp::Negate, _) => self.negate(value, span),
            (UnaryOp::Not, _) => self.builder.ins().bxor_imm(value, 1),
        }
    }

    fn negate(&mut self, value: Value, span: Span) -> Value {
        let is_smallest = self.builder.ins().icmp_imm(IntCC::Equal, value, i64::MIN);
        let zero = self.constant(0);
        self.fault_if(is_smallest, Fault::Overflow("-"), span, Some(zero), Some(value));
        self.builder.ins().ineg(value)
    }

    fn float_binary(&mut self, op: BinaryOp, a: Value, b: Value) -> Value {
        match op {
            BinaryOp::Add => self.builder.ins().fadd(a, b),
            BinaryOp::Subtract => self.builder.ins().fsub(a, b),
            BinaryOp::Multiply => self.builder.ins().fmul(a, b),
            BinaryOp::Divide => self.builder.ins().fdiv(a, b),
            _ => self.helper(REMAINDER, &[a, b]),
        }
    }

    /// Checks that a constant operand or a condition decides are left out.
    fn int_binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Value {
        let constant = if let ExprKind::Constant(bits) = right.kind { Some(bits as i64) } else { None };
        let facts = self.facts.clone();
        let is_safe = |c| facts.allow(left, c);
        let (a, b) = (self.expression(left), self.expression(right));
        let fault = Fault::Overflow(op.sign());
        match (op, constant) {
            // A sum with a constant has left the range if it went the wrong way: cheaper than the flag of an addition.
            (BinaryOp::Add | BinaryOp::Subtract, Some(c)) if c != i64::MIN => {
                let c = if op == BinaryOp::Add { c } else { -c };
                let sum = self.builder.ins().iadd_imm(a, c);
                if !is_safe(c) {
                    let wrong = if c >= 0 { IntCC::SignedLessThan } else { IntCC::SignedGreaterThan };
                    let overflows = self.builder.ins().icmp(wrong, sum, a);
                    self.fault_if(overflows, fault, span, Some(a), Some(b));
                }
                sum
            }
            (BinaryOp::Add, _) => {
                let (value, overflows) = self.builder.ins().sadd_overflow(a, b);
                self.fault_if(overflows, fault, span, Some(a), Some(b));
                value
            }
            (BinaryOp::Subtract, _) => {
                let (value, overflows) = self.builder.ins().ssub_overflow(a, b);
                self.fault_if(overflows, fault, span, Some(a), Some(b));
                value
            }
            (BinaryOp::Multiply, _) => {
                let (value, overflows) = self.builder.ins().smul_overflow(a, b);
                self.fault_if(overflows, fault, span, Some(a), Some(b));
                value
            }
            _ => self.divide(op, a, b, constant, span),
        }
    }

    fn divide(&mut self, op: BinaryOp, a: Value, b: Value, constant: Option<i64>, span: Span) -> Value {
        if let Some(power) = constant.filter(|c| *c > 1 && c.count_ones() == 1) {
            return self.divide_by_power(op, a, power.trailing_zeros());
        }
        if constant.is_none_or(|c| c == 0) {
            let is_zero = self.builder.ins().icmp_imm(IntCC::Equal, b, 0);
            self.fault_if(is_zero, Fault::DivisionByZero(op.sign()), span, Some(a), None);
        }
        if constant.is_none_or(|c| c == -1) {
            let is_smallest = self.builder.ins().icmp_imm(IntCC::Equal, a, i64::MIN);
            let is_minus_one = self.builder.ins().icmp_imm(IntCC::Equal, b, -1);
            let overflows = self.builder.ins().band(is_smallest, is_minus_one);
            self.fault_if(overflows, Fault::Overflow(op.sign()), span, Some(a), Some(b));
        }
        if op == BinaryOp::Divide { self.builder.ins().sdiv(a, b) } else { self.builder.ins().srem(a, b) }
    }

    /// Shifts round down; adding `power - 1` to a negative dividend first makes them cut off.
    fn divide_by_power(&mut self, op: BinaryOp, a: Value, bits: u32) -> Value {
        let sign = self.builder.ins().sshr_imm(a, 63);
        let bias = self.builder.ins().ushr_imm(sign, i64::from(64 - bits));
        // Wraps for no dividend: only negative ones get a bias.
        let biased = self.builder.ins().iadd(a, bias);
        if op == BinaryOp::Divide {
            return self.builder.ins().sshr_imm(biased, i64::from(bits));
        }
        let whole = self.builder.ins().band_imm(biased, -1 << bits);
        self.builder.ins().isub(a, whole)
    }

    fn helper(&mut self, helper: usize, args: &[Value]) -> Value {
        let callee = self.jit.declare_func_in_func(self.unit.helpers[helper], self.builder.func);
        let call = self.builder.ins().call(callee, args);
        self.builder.inst_results(call)[0]
    }

    fn builtin(&mut self, builtin: Builtin, args: &[Expr], of: Type, span: Span) -> Value {
        let values: Vec<Value> = args.iter().map(|arg| self.expression(arg)).collect();
        let a = values[0];
        match (builtin, of) {
            (Builtin::Float, _) => self.builder.ins().fcvt_from_sint(types::F64, a),
            (Builtin::Int, _) => self.as_int(a, span),
            (Builtin::Sqrt, _) => self.builder.ins().sqrt(a),
            (Builtin::Abs, Type::Float) => self.builder.ins().fabs(a),
            (Builtin::Abs, _) => self.int_abs(a, span),
            (Builtin::Min | Builtin::Max, Type::Float) => {
                let code = if builtin == Builtin::Min { FloatCC::LessThan } else { FloatCC::GreaterThan };
                let first = self.builder.ins().fcmp(code, a, values[1]);
                self.builder.ins().select(first, a, values[1])
            }
            (Builtin::Min | Builtin::Max, _) => {
                let code = if builtin == Builtin::Min { IntCC::SignedLessThan } else { IntCC::SignedGreaterThan };
                let first = self.builder.ins().icmp(code, a, values[1]);
                self.builder.ins().select(first, a, values[1])
            }
            _ => {
                let helper = HELPERS.iter().position(|h| h.builtin == builtin).expect("every function has its helper");
                self.helper(helper, &values)
            }
        }
    }

    fn as_int(&mut self, value: Value, span: Span) -> Value {
        let (first, end) = (self.builder.ins().f64const(-INT_END), self.builder.ins().f64const(INT_END));
        // NaN is neither, and so is no int.
        let above = self.builder.ins().fcmp(FloatCC::GreaterThanOrEqual, value, first);
        let below = self.builder.ins().fcmp(FloatCC::LessThan, value, end);
        let fits = self.builder.ins().band(above, below);
        let fails = self.builder.ins().icmp_imm(IntCC::Equal, fits, 0);
        let bits = self.builder.ins().bitcast(types::I64, MemFlags::new(), value);
        self.fault_if(fails, Fault::NotAnInt, span, Some(bits), None);
        self.builder.ins().fcvt_to_sint(types::I64, value)
    }

    fn int_abs(&mut self, value: Value, span: Span) -> Value {
        let is_smallest = self.builder.ins().icmp_imm(IntCC::Equal, value, i64::MIN);
        let zero = self.constant(0);
        self.fault_if(is_smallest, Fault::Overflow("-"), span, Some(zero), Some(value));
        self.builder.ins().iabs(value)
    }

    /// Arguments, depth, step, the call, and out if it ended in an error.
    fn call(&mut self, expr: &Expr) -> Option<Value> {
        let ExprKind::Call { function, args, .. } = &expr.kind else { unreachable!("only calls come here") };
        let args: Vec<Value> = args.iter().map(|arg| self.expression(arg)).collect();
        let is_full = self.builder.ins().icmp_imm(IntCC::Equal, self.depth, 0);
        self.fault_if(is_full, Fault::Depth, expr.span, None, None);
        self.step(expr.span);
        self.flush_steps();
        let depth = self.builder.ins().iadd_imm(self.depth, -1);
        let passed: Vec<Value> = [self.context, depth].into_iter().chain(args).collect();
        let callee = self.jit.declare_func_in_func(self.unit.ids[function], self.builder.func);
        let call = self.builder.ins().call(callee, &passed);
        let results = self.builder.inst_results(call).to_vec();
        if let Some(variable) = self.steps {
            let steps = self.context_load(offset_of!(Context, steps_left));
            self.builder.def_var(variable, steps);
        }
        let (status, value) = (*results.last().expect("a status comes back"), results[0]);
        self.pass_on(status);
        (expr.of != Type::Unit).then_some(value)
    }

    /// Leaves with a callee's status if it is an error's.
    fn pass_on(&mut self, status: Value) {
        let (cold, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(cold);
        self.builder.ins().brif(status, cold, &[], next, &[]);
        self.builder.seal_block(cold);
        self.builder.seal_block(next);
        self.builder.switch_to_block(cold);
        match self.end.clone() {
            End::Function(Type::Unit) | End::Region { .. } => drop(self.builder.ins().return_(&[status])),
            End::Function(of) => {
                let zero = self.zero(of);
                self.builder.ins().return_(&[zero, status]);
            }
        }
        self.builder.switch_to_block(next);
    }
}

fn has_loop(block: &Block) -> bool {
    block.statements.iter().any(|statement| match statement {
        Statement::While(..) | Statement::Loop { .. } => true,
        Statement::If(_, then, otherwise) => has_loop(then) || otherwise.as_ref().is_some_and(has_loop),
        _ => false,
    })
}

fn offset(slot: usize) -> i32 {
    (slot * 8) as i32
}
