//! Statements and expressions to Cranelift's intermediate form.

mod expression;
mod statement;

use super::facts::Facts;
use super::unit::{End, Unit, code_type};
use super::walk::{has_loop, stores_of, walk_statement};
use super::{Context, Fault, STATUS_NEXT, STATUS_TRAP, Site};
use crate::ast::{Span, Type};
use crate::module::{ExprKind, Function, Statement};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block as CodeBlock, InstBuilder, MemFlags, Type as CodeType, Value, types};
use cranelift_frontend::{FunctionBuilder, Variable};
use cranelift_jit::JITModule;
use cranelift_module::Module as _;
use std::collections::{BTreeMap, HashMap};
use std::mem::offset_of;

pub(super) struct Code<'u, 'b> {
    pub(super) unit: &'u mut Unit,
    pub(super) jit: &'u mut JITModule,
    pub(super) builder: FunctionBuilder<'b>,
    pub(super) context: Value,
    /// Calls that may still be opened.
    pub(super) depth: Value,
    /// Steps that are left, in a register while there are loops; else in the context.
    pub(super) steps: Option<Variable>,
    pub(super) variables: HashMap<usize, Variable>,
    pub(super) declared: u32,
    /// Where `break` goes, innermost last.
    pub(super) breaks: Vec<CodeBlock>,
    pub(super) facts: Facts,
    pub(super) end: End,
}

impl Code<'_, '_> {
    pub(super) fn function(&mut self, function: &Function) {
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
    pub(super) fn enter_function(&mut self, index: usize, function: &Function) {
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

    pub(super) fn region(&mut self, statement: &Statement) {
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

    pub(super) fn variable(&mut self, index: usize, of: Type) -> Variable {
        if let Some(known) = self.variables.get(&index) {
            return *known;
        }
        let variable = self.declare(code_type(of));
        self.variables.insert(index, variable);
        variable
    }

    pub(super) fn declare(&mut self, of: CodeType) -> Variable {
        let variable = Variable::from_u32(self.declared);
        self.declared += 1;
        self.builder.declare_var(variable, of);
        variable
    }

    pub(super) fn context_load(&mut self, offset: usize) -> Value {
        self.builder.ins().load(types::I64, MemFlags::trusted(), self.context, offset as i32)
    }

    pub(super) fn context_store(&mut self, offset: usize, value: Value) {
        self.builder.ins().store(MemFlags::trusted(), value, self.context, offset as i32);
    }

    pub(super) fn constant(&mut self, value: i64) -> Value {
        self.builder.ins().iconst(types::I64, value)
    }

    pub(super) fn steps_in_register(&mut self) {
        let variable = self.declare(types::I64);
        let steps = self.context_load(offset_of!(Context, steps_left));
        self.builder.def_var(variable, steps);
        self.steps = Some(variable);
    }

    /// Puts the step counter where the caller or a callee finds it.
    pub(super) fn flush_steps(&mut self) {
        if let Some(variable) = self.steps {
            let steps = self.builder.use_var(variable);
            self.context_store(offset_of!(Context, steps_left), steps);
        }
    }

    /// Counts a step, or ends the run.
    pub(super) fn step(&mut self, span: Span) {
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
    pub(super) fn leave(&mut self, value: Option<Value>, status: i64) {
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

    pub(super) fn zero(&mut self, of: Type) -> Value {
        if of == Type::Float { self.builder.ins().f64const(0.0) } else { self.constant(0) }
    }

    /// Goes on if the condition is zero; else the run ends here, with the operands.
    pub(super) fn fault_if(&mut self, condition: Value, fault: Fault, span: Span, left: Option<Value>, right: Option<Value>) {
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
}

pub(super) fn offset(slot: usize) -> i32 {
    (slot * 8) as i32
}
