//! Expressions to intermediate form.

use super::super::library::helper_of;
use super::super::unit::End;
use super::super::unit::code_type;
use super::super::{Context, Fault};
use super::{Code, offset};
use crate::ast::{BinaryOp, Span, Type, UnaryOp};
use crate::module::{Expr, ExprKind};
use crate::scalar::INT_END;
use crate::signature::Builtin;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{Block as CodeBlock, InstBuilder, MemFlags, Value, types};
use cranelift_module::Module as _;
use std::mem::offset_of;

impl Code<'_, '_> {
    /// Goes to one block or the other, without a bool in between where it can.
    pub(super) fn branch(&mut self, condition: &Expr, yes: CodeBlock, no: CodeBlock) {
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

    pub(super) fn comparison(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Value {
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

    pub(super) fn expression(&mut self, expr: &Expr) -> Value {
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

    pub(super) fn short_circuit(&mut self, expr: &Expr) -> Value {
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

    pub(super) fn unary(&mut self, op: UnaryOp, operand: &Expr, span: Span) -> Value {
        let value = self.expression(operand);
        match (op, operand.of) {
            (UnaryOp::Negate, Type::Float) => self.builder.ins().fneg(value),
            (UnaryOp::Negate, _) => self.negate(value, span),
            (UnaryOp::Not, _) => self.builder.ins().bxor_imm(value, 1),
        }
    }

    pub(super) fn negate(&mut self, value: Value, span: Span) -> Value {
        let is_smallest = self.builder.ins().icmp_imm(IntCC::Equal, value, i64::MIN);
        let zero = self.constant(0);
        self.fault_if(is_smallest, Fault::Overflow("-"), span, Some(zero), Some(value));
        self.builder.ins().ineg(value)
    }

    pub(super) fn float_binary(&mut self, op: BinaryOp, a: Value, b: Value) -> Value {
        match op {
            BinaryOp::Add => self.builder.ins().fadd(a, b),
            BinaryOp::Subtract => self.builder.ins().fsub(a, b),
            BinaryOp::Multiply => self.builder.ins().fmul(a, b),
            BinaryOp::Divide => self.builder.ins().fdiv(a, b),
            _ => self.helper(helper_of(None), &[a, b]),
        }
    }

    /// Checks that a constant operand or a condition decides are left out.
    pub(super) fn int_binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Value {
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

    pub(super) fn divide(&mut self, op: BinaryOp, a: Value, b: Value, constant: Option<i64>, span: Span) -> Value {
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
    pub(super) fn divide_by_power(&mut self, op: BinaryOp, a: Value, bits: u32) -> Value {
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

    pub(super) fn helper(&mut self, helper: usize, args: &[Value]) -> Value {
        let callee = self.jit.declare_func_in_func(self.unit.helpers[helper], self.builder.func);
        let call = self.builder.ins().call(callee, args);
        self.builder.inst_results(call)[0]
    }

    pub(super) fn builtin(&mut self, builtin: Builtin, args: &[Expr], of: Type, span: Span) -> Value {
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
            _ => self.helper(helper_of(Some(builtin)), &values),
        }
    }

    pub(super) fn as_int(&mut self, value: Value, span: Span) -> Value {
        let (first, end) = (self.builder.ins().f64const(-INT_END), self.builder.ins().f64const(INT_END));
        // NaN is neither, and is not an int.
        let above = self.builder.ins().fcmp(FloatCC::GreaterThanOrEqual, value, first);
        let below = self.builder.ins().fcmp(FloatCC::LessThan, value, end);
        let fits = self.builder.ins().band(above, below);
        let fails = self.builder.ins().icmp_imm(IntCC::Equal, fits, 0);
        let bits = self.builder.ins().bitcast(types::I64, MemFlags::new(), value);
        self.fault_if(fails, Fault::NotAnInt, span, Some(bits), None);
        self.builder.ins().fcvt_to_sint(types::I64, value)
    }

    pub(super) fn int_abs(&mut self, value: Value, span: Span) -> Value {
        let is_smallest = self.builder.ins().icmp_imm(IntCC::Equal, value, i64::MIN);
        let zero = self.constant(0);
        self.fault_if(is_smallest, Fault::Overflow("-"), span, Some(zero), Some(value));
        self.builder.ins().iabs(value)
    }

    /// Arguments, depth, step, the call, and out if it ended in an error.
    pub(super) fn call(&mut self, expr: &Expr) -> Option<Value> {
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
    pub(super) fn pass_on(&mut self, status: Value) {
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
