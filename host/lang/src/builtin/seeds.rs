//! The articles' element operations: what the language asks of their operands, and the host's answer as values.

use super::{codes, int, vector};
use crate::host::Builtins;
use crate::signature::Builtin;
use crate::trap::Trap;
use crate::value::{Codes, Heap, Value};
use nda_spec::ActivationCode;
use nda_spec::seed::{Answer, Call, Operand, Operation, exponent_of, scale_of};

/// `name` is what the program calls it.
fn operand<'x>(name: &'static str, x: &'x Codes) -> Result<Operand<'x>, Trap> {
    let log2_scale = exponent_of(x.scale).ok_or(Trap::Scale { name, scale: x.scale })?;
    Ok(Operand { codes: &x.values, log2_scale })
}

fn two<'x>(args: &'x [Value], what: &'static str) -> Result<(&'x Codes, &'x Codes), Trap> {
    let (x, y) = (codes(&args[0]), codes(&args[1]));
    let (left, right) = (x.values.len(), y.values.len());
    if left == right { Ok((x, y)) } else { Err(Trap::Length { what, left, right }) }
}

/// Calls an operation, and gives the codes a scale, which may depend on the answer's.
fn to_codes(host: &mut dyn Builtins, heap: &Heap, call: &Call<'_>, scale: impl FnOnce(&Answer) -> f32) -> Result<Value, Trap> {
    let answer = host.seed(call).map_err(Trap::Host)?;
    let fill = |values: &mut [i8]| {
        values.copy_from_slice(&answer.codes);
        scale(&answer)
    };
    Ok(Value::Object(heap.codes(ActivationCode::A2, call.len(), fill)?))
}

/// One of the operations.
pub(super) fn call(host: &mut dyn Builtins, heap: &Heap, builtin: Builtin, args: &[Value]) -> Result<Value, Trap> {
    let of_answer = |answer: &Answer| scale_of(answer.log2_scale());
    match builtin {
        Builtin::Seed(operation @ (Operation::Add | Operation::Swiglu)) => {
            let name = operation.name();
            let (needs, make): (_, fn(_, _) -> _) = match operation {
                Operation::Add => ("seed_add needs equal lengths", Call::Add),
                _ => ("seed_swiglu needs equal lengths", Call::Swiglu),
            };
            let (x, y) = two(args, needs)?;
            to_codes(host, heap, &make(operand(name, x)?, operand(name, y)?), of_answer)
        }
        Builtin::Seed(Operation::AlignedAdd) => {
            let (x, d) = two(args, "seed_aligned_add needs equal lengths")?;
            if x.scale.to_bits() != d.scale.to_bits() {
                return Err(Trap::Scales { left: x.scale, right: d.scale });
            }
            to_codes(host, heap, &Call::AlignedAdd(&x.values, &d.values), |_| x.scale)
        }
        Builtin::Seed(Operation::Silu) => {
            let x = codes(&args[0]);
            to_codes(host, heap, &Call::Silu(&x.values), |_| x.scale)
        }
        Builtin::Seed(Operation::RmsNorm) => {
            let (x, weight) = two(args, "seed_rms_norm needs as many weights as codes")?;
            let value = int(&args[2]);
            let wrong = Trap::Argument { what: "seed_rms_norm's shift of eps", value, rule: "0 to 255" };
            let eps_shift = u8::try_from(value).map_err(|_| wrong)?;
            let call = Call::RmsNorm { x: &x.values, weight: &weight.values, eps_shift };
            to_codes(host, heap, &call, |_| weight.scale)
        }
        Builtin::SeedCompare(by) => {
            let (x, y) = two(args, "seed_compare needs equal lengths")?;
            to_codes(host, heap, &Call::Compare(by, &x.values, &y.values), |_| 1.0)
        }
        Builtin::Seed(Operation::Truthy) => {
            let answer = host.seed(&Call::Truthy(&codes(&args[0]).values)).map_err(Trap::Host)?;
            Ok(Value::Bool(answer.scale != 0))
        }
        Builtin::Seed(Operation::Quantize) => {
            to_codes(host, heap, &Call::Quantize(vector(&args[0])), |answer| f32::from_bits(answer.scale))
        }
        Builtin::SeedScale => {
            let (x, value) = (codes(&args[0]), int(&args[1]));
            let wrong = Trap::Argument { what: "seed_scale's exponent", value, rule: "-128 to 127" };
            let scale = scale_of(i8::try_from(value).map_err(|_| wrong)?);
            let fill = |values: &mut [i8]| {
                values.copy_from_slice(&x.values);
                scale
            };
            Ok(Value::Object(heap.codes(ActivationCode::A2, x.values.len(), fill)?))
        }
        _ => unreachable!("scalars and metadata are operations of the tiers, and {builtin:?} is none of the articles'"),
    }
}
