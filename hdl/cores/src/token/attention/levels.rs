//! Eight values to eight levels, as planes.
//!
//! Function: the level next to a value with 8 bits behind the point, -6 to 6, halves up, spelled by two quaternary codes
//! of coefficients 2 and 1: four bits, sign and extra of either. A value beyond the levels becomes the last one.
//! Streams: a beat per cycle. Latency: `planes` of a beat stand 2 cycles later with `planes_valid`. Nothing waits.
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 175 LUT4 for eight lanes.
//! Golden model: `KvForm::level`, `KvForm::spell`.

use super::{PLANES, planes_of};
use crate::netlist::{Module, Netlist};
use nda_spec::token::{KvForm, LEVEL_POINT, WORD};
use std::sync::Arc;

/// Bits of a value.
const VALUE_BITS: usize = 24;
/// Of a value only these bits above the half count: five, from -8 to 7 1/2.
const SHORT_BITS: usize = 5;

/// The core.
pub fn levels(name: &str) -> Arc<Netlist> {
    let m = Module::new(name);
    let valid = m.input("values_valid", 1);
    let values = m.input("values", WORD * VALUE_BITS);
    let half = LEVEL_POINT as usize - 1;
    let valids = m.delay_line("valid", valid, 1, 2);
    let stage = m.stage("nearest of -8 to 7 1/2", valid);
    let shorts: Vec<_> = (0..WORD)
        .map(|lane| {
            let value = values.slice(lane * VALUE_BITS, VALUE_BITS);
            let high = value.slice(half + SHORT_BITS - 1, VALUE_BITS - half - SHORT_BITS + 1);
            let sign = value.bit(VALUE_BITS - 1);
            let most = m.concat(&[sign, (!sign).repeat(SHORT_BITS - 1)]);
            stage.register(&format!("short_{lane}"), (high.all() | !high.any()).mux(value.slice(half, SHORT_BITS), most))
        })
        .collect();
    let form = KvForm::four_bits();
    let spelled: Vec<_> = (0..1 << SHORT_BITS)
        .map(|bits: i32| {
            let signed = if bits >> (SHORT_BITS - 1) == 1 { bits - (1 << SHORT_BITS) } else { bits };
            m.constant(planes_of(&form, form.level(signed << half)), PLANES)
        })
        .collect();
    let stage = m.stage("planes of the level", valids.at(1));
    let lanes: Vec<_> =
        shorts.iter().enumerate().map(|(lane, short)| stage.register(&format!("planes_{lane}"), m.select(*short, &spelled))).collect();
    let planes: Vec<_> = lanes.iter().rev().copied().collect();
    m.output("planes_valid", valids.at(2));
    m.output("planes", m.concat(&planes));
    m.finish()
}
