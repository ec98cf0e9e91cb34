//! Which checks are decided before the code runs.

use crate::ast::BinaryOp;
use crate::ast::Type;
use crate::module::{Expr, ExprKind, Slot};
use std::collections::BTreeSet;

/// Variables that a condition has bounded since they were last assigned: their checks are decided already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Smaller than some int, so that one more is an int too.
    pub(super) below: BTreeSet<usize>,
    /// Larger than some int, so that one less is an int too.
    pub(super) above: BTreeSet<usize>,
}

impl Facts {
    pub(super) fn forget(&mut self, slot: usize) {
        self.below.remove(&slot);
        self.above.remove(&slot);
    }

    /// What holds however the code came here.
    pub(super) fn and(&self, other: &Facts) -> Facts {
        Facts { below: &self.below & &other.below, above: &self.above & &other.above }
    }

    /// What a condition says where it is true.
    pub(super) fn learn(&mut self, condition: &Expr) {
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
    pub(super) fn allow(&self, expr: &Expr, constant: i64) -> bool {
        let ExprKind::Load(slot @ Slot { is_global: false, .. }) = expr.kind else { return false };
        constant == 0 || (constant == 1 && self.below.contains(&slot.index)) || (constant == -1 && self.above.contains(&slot.index))
    }
}
