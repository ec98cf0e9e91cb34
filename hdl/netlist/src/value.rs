//! Values and their operators.

use super::{Bitwise, Id, Item, Module, Op, Sign};
use std::ops::{Add, BitAnd, BitOr, BitXor, Not, Shl, Shr, Sub};

/// A signal or an expression.
#[derive(Clone, Copy)]
pub struct Value<'m> {
    pub(super) module: &'m Module,
    pub(super) id: Id,
    /// Its width.
    pub bits: usize,
    sign: Sign,
}

impl<'m> Value<'m> {
    pub(super) fn new(module: &'m Module, id: Id, bits: usize) -> Value<'m> {
        Value { module, id, bits, sign: Sign::Plain }
    }

    pub(super) fn as_signed_as(self, other: Value<'m>) -> Value<'m> {
        Value { sign: other.sign, ..self }
    }

    pub(super) fn is_signed(self) -> bool {
        self.sign == Sign::Signed
    }

    /// A wire with a number for a name, of an expression that has none. It is a node of its own: what used the expression
    /// before may stand above the wire's declaration.
    fn wire(self) -> Value<'m> {
        if self.is_named() {
            return self;
        }
        let alias = self.unary(Op::Extend(self.id, Sign::Plain), self.bits);
        alias.named(&format!("w{}", alias.id))
    }

    fn op(self) -> Op {
        self.module.0.borrow().nodes[self.id].op.clone()
    }

    fn is_named(self) -> bool {
        self.module.0.borrow().nodes[self.id].name.is_some()
    }

    /// The same signal with another node.
    fn with(self, id: Id) -> Value<'m> {
        let bits = self.module.0.borrow().nodes[id].bits;
        Value { id, bits, ..self }
    }

    #[track_caller]
    fn same(self, other: Value<'m>) {
        assert_eq!(self.bits, other.bits, "operands of {} and {} bits", self.bits, other.bits);
        assert_eq!(self.sign, other.sign, "one operand is signed and one is not");
    }

    fn unary(self, op: Op, bits: usize) -> Value<'m> {
        Value { sign: self.sign, ..self.module.value(op, bits) }
    }

    /// Gives it a name: a wire.
    #[track_caller]
    pub fn named(self, name: &str) -> Value<'m> {
        let value = if self.is_named() { self.unary(Op::Extend(self.id, Sign::Plain), self.bits) } else { self };
        self.module.name(value, name);
        self.module.0.borrow_mut().items.push(Item::Declare(value.id));
        value
    }

    /// The same bits as a two's complement number.
    pub fn signed(self) -> Value<'m> {
        Value { sign: Sign::Signed, ..self }
    }

    /// The same bits as a number without a sign.
    pub fn unsigned(self) -> Value<'m> {
        Value { sign: Sign::Plain, ..self }
    }

    /// One bit.
    #[track_caller]
    pub fn bit(self, at: usize) -> Value<'m> {
        self.slice(at, 1)
    }

    /// `bits` bits from bit `low` on.
    #[track_caller]
    pub fn slice(self, low: usize, bits: usize) -> Value<'m> {
        assert!(low + bits <= self.bits, "bits {low}..{} of {}", low + bits, self.bits);
        if bits == self.bits {
            return self.unsigned();
        }
        if let (Op::Slice(of, at), false) = (self.op(), self.is_named()) {
            return self.with(of).slice(at + low, bits);
        }
        let of = self.wire();
        of.unary(Op::Slice(of.id, low), bits).unsigned()
    }

    /// The lowest bits; of a sum, a sum of that many bits.
    #[track_caller]
    pub fn low(self, bits: usize) -> Value<'m> {
        assert!(bits <= self.bits, "{bits} bits of {}", self.bits);
        match self.op() {
            _ if bits == self.bits => self,
            Op::Add(a, b) if !self.is_named() => {
                let (a, b) = (self.with(a).low(bits), self.with(b).low(bits));
                self.unary(Op::Add(a.id, b.id), bits)
            }
            Op::Sub(a, b) if !self.is_named() => {
                let (a, b) = (self.with(a).low(bits), self.with(b).low(bits));
                self.unary(Op::Sub(a.id, b.id), bits)
            }
            Op::Extend(a, sign) if !self.is_named() => {
                let of = Value { sign, ..self.with(a) };
                let fit = if of.bits < bits { of.extend(bits) } else { of.low(bits) };
                Value { sign: self.sign, ..fit }
            }
            Op::Slice(of, at) if !self.is_named() => Value { sign: self.sign, ..self.with(of).slice(at, bits) },
            _ => Value { sign: self.sign, ..self.slice(0, bits) },
        }
    }

    /// The same number in more bits.
    #[track_caller]
    pub fn extend(self, bits: usize) -> Value<'m> {
        assert!(bits >= self.bits, "{} bits do not fit into {bits}", self.bits);
        if let (Op::Extend(of, sign), false) = (self.op(), self.is_named()) {
            return Value { sign: self.sign, ..Value { sign, ..self.with(of) }.extend(bits) };
        }
        if bits == self.bits {
            return self;
        }
        let of = if self.is_signed() { self.wire() } else { self };
        of.unary(Op::Extend(of.id, of.sign), bits)
    }

    /// So many copies.
    pub fn repeat(self, times: usize) -> Value<'m> {
        self.module.concat(&vec![self; times])
    }

    /// `then` if this bit is set.
    #[track_caller]
    pub fn mux(self, then: Value<'m>, otherwise: Value<'m>) -> Value<'m> {
        assert_eq!(self.bits, 1, "a choice of {} bits", self.bits);
        then.same(otherwise);
        then.unary(Op::Mux(self.id, then.id, otherwise.id), then.bits)
    }

    /// Whether both are the same.
    #[track_caller]
    pub fn equals(self, other: Value<'m>) -> Value<'m> {
        self.same(other);
        self.module.value(Op::Equal(self.id, other.id), 1)
    }

    /// Whether it is less.
    #[track_caller]
    pub fn less(self, other: Value<'m>) -> Value<'m> {
        self.same(other);
        self.module.value(Op::Less(self.id, other.id, self.sign), 1)
    }

    /// Whether all bits are set.
    pub fn all(self) -> Value<'m> {
        self.reduce(Bitwise::And)
    }

    /// Whether any bit is set.
    pub fn any(self) -> Value<'m> {
        self.reduce(Bitwise::Or)
    }

    /// Whether an odd number of bits is set.
    pub fn odd(self) -> Value<'m> {
        self.reduce(Bitwise::Xor)
    }

    fn reduce(self, how: Bitwise) -> Value<'m> {
        if self.bits == 1 { self.unsigned() } else { self.module.value(Op::Reduce(how, self.id), 1) }
    }

    /// The whole product of both.
    #[track_caller]
    pub fn times(self, other: Value<'m>) -> Value<'m> {
        let bits = self.bits + other.bits;
        assert!(bits <= 64, "a product of {bits} bits");
        let (a, b) = (self.extend(bits), other.extend(bits));
        a.same(b);
        a.unary(Op::Multiply(a.id, b.id), bits)
    }
}

impl<'m> Not for Value<'m> {
    type Output = Value<'m>;

    fn not(self) -> Value<'m> {
        self.unary(Op::Not(self.id), self.bits)
    }
}

macro_rules! bitwise {
    ($trait:ident, $method:ident) => {
        impl<'m> $trait for Value<'m> {
            type Output = Value<'m>;

            #[track_caller]
            fn $method(self, other: Value<'m>) -> Value<'m> {
                assert_eq!(self.bits, other.bits, "operands of {} and {} bits", self.bits, other.bits);
                self.unary(Op::Bitwise(bitwise!(@ $trait), self.id, other.id), self.bits)
            }
        }
    };
    (@ BitAnd) => { Bitwise::And };
    (@ BitOr) => { Bitwise::Or };
    (@ BitXor) => { Bitwise::Xor };
}

bitwise!(BitAnd, bitand);
bitwise!(BitOr, bitor);
bitwise!(BitXor, bitxor);

impl<'m> Add for Value<'m> {
    type Output = Value<'m>;

    /// The whole sum: one bit more than the wider one has.
    #[track_caller]
    fn add(self, other: Value<'m>) -> Value<'m> {
        let bits = self.bits.max(other.bits) + 1;
        let (a, b) = (self.extend(bits), other.extend(bits));
        a.same(b);
        a.unary(Op::Add(a.id, b.id), bits)
    }
}

impl<'m> Sub for Value<'m> {
    type Output = Value<'m>;

    /// The whole difference, signed: one bit more than the wider one has.
    #[allow(clippy::suspicious_arithmetic_impl, reason = "the bit more")]
    #[track_caller]
    fn sub(self, other: Value<'m>) -> Value<'m> {
        let bits = self.bits.max(other.bits) + 1;
        let (a, b) = (self.extend(bits), other.extend(bits));
        a.same(b);
        a.unary(Op::Sub(a.id, b.id), bits).signed()
    }
}

impl<'m> Shl<usize> for Value<'m> {
    type Output = Value<'m>;

    /// In as many bits: extend it before if what leaves counts.
    fn shl(self, by: usize) -> Value<'m> {
        if by == 0 { self } else { self.unary(Op::ShiftLeft(self.id, by), self.bits) }
    }
}

impl<'m> Shr<usize> for Value<'m> {
    type Output = Value<'m>;

    #[track_caller]
    fn shr(self, by: usize) -> Value<'m> {
        assert!(!self.is_signed(), "a slice, extended, shifts a signed number right");
        if by == 0 { self } else { self.unary(Op::ShiftRight(self.id, by), self.bits) }
    }
}
