//! A step as 128 bits, and back. Fields stand from the lowest bit up, in the order in which they are written here; what an
//! operation does not use is 0, and a word that breaks that is not a step.

use super::step::{CodesTo, Factor, Into, Pass, Reduce, Source, Step};

/// Bits of a step.
pub const STEP_BITS: usize = 128;

const OP: u32 = 3;
const AT: u32 = 10;
const COUNT: u32 = 10;
const CONSTANTS: u32 = 14;
const SHIFT: u32 = 7;
const TAKE: u32 = 3;
const GROUP: u32 = 7;
const SMALL: u32 = 3;
const FLOOR: u32 = 5;
const LAYER: u32 = 7;
const HEADS: u32 = 7;
const WINDOW: u32 = 11;

#[derive(Default)]
struct Writer {
    word: u128,
    at: u32,
    fits: bool,
}

impl Writer {
    fn put<T>(&mut self, value: T, bits: u32) -> &mut Self
    where
        u128: From<T>,
    {
        let value = u128::from(value);
        self.fits &= value >> bits == 0;
        self.word |= value << self.at;
        self.at += bits;
        self
    }

    /// 0 is nothing, so a number is one more.
    fn put_some<T>(&mut self, value: Option<T>, bits: u32) -> &mut Self
    where
        u128: From<T>,
    {
        self.put::<u128>(value.map_or(0, |v| u128::from(v) + 1), bits)
    }
}

struct Reader {
    word: u128,
}

impl Reader {
    fn take(&mut self, bits: u32) -> u16 {
        let value = self.word & ((1 << bits) - 1);
        self.word >>= bits;
        value as u16
    }

    fn byte(&mut self, bits: u32) -> u8 {
        self.take(bits) as u8
    }

    fn some(&mut self, bits: u32) -> Option<u16> {
        self.take(bits).checked_sub(1)
    }

    fn shift(&mut self) -> i8 {
        // The sign is the highest of 7 bits.
        ((self.take(SHIFT) as u8) << 1) as i8 >> 1
    }
}

fn shift_bits(shift: i8) -> Option<u8> {
    (-64..64).contains(&shift).then_some(shift as u8 & 127)
}

/// The 128 bits of a step; `None` if a field does not fit its bits.
pub fn encode(step: &Step) -> Option<u128> {
    let mut w = Writer { fits: true, ..Writer::default() };
    match *step {
        Step::Embed { at, reduce } => {
            w.put(1_u8, OP).put(at, AT);
            put_reduce(&mut w, Some(reduce));
        }
        Step::Pass(pass) => put_pass(&mut w, &pass)?,
        Step::Codes { count, norm, to } => {
            w.put(3_u8, OP).put(count, COUNT).put_some(norm, FLOOR + 1).put(u8::from(to == CodesTo::Query), 1);
        }
        Step::Scores { layer, heads, window, constant, shift } => {
            w.put(4_u8, OP).put(layer, LAYER).put(heads, HEADS).put(window, WINDOW).put(constant, CONSTANTS + 2);
            w.put(shift_bits(shift)?, SHIFT);
        }
        Step::Mix { layer, heads, window } => {
            w.put(5_u8, OP).put(layer, LAYER).put(heads, HEADS).put(window, WINDOW);
        }
    }
    w.fits.then_some(w.word)
}

fn put_pass(w: &mut Writer, pass: &Pass) -> Option<()> {
    w.put(2_u8, OP).put(pass.count, COUNT).put(pass.constants, CONSTANTS).put(shift_bits(pass.shift)?, SHIFT);
    match pass.source {
        Source::Product { matrix } => w.put(0_u8, 2).put(matrix, AT).put(0_u8, TAKE),
        Source::Wide { at, take } => w.put(1_u8, 2).put(at, AT).put(take, TAKE),
        Source::Mixed => w.put(2_u8, 2).put(0_u8, AT + TAKE),
    };
    match pass.factor {
        Factor::One => w.put(0_u8, 2 + FLOOR),
        Factor::Codes => w.put(1_u8, 2 + FLOOR),
        Factor::Root(floor) => w.put(2_u8, 2).put(floor, FLOOR),
        Factor::Sums => w.put(3_u8, 2 + FLOOR),
    };
    w.put_some(pass.turn, SMALL).put_some(pass.gate, SMALL);
    match pass.into {
        Into::Work => w.put(0_u8, SMALL + AT),
        Into::Wide(at) => w.put(1_u8, SMALL).put(at, AT),
        Into::Add(at) => w.put(2_u8, SMALL).put(at, AT),
        Into::Keys(layer) => w.put(3_u8, SMALL).put(layer, AT),
        Into::Values(layer) => w.put(4_u8, SMALL).put(layer, AT),
        Into::Choice => w.put(5_u8, SMALL + AT),
    };
    put_reduce(w, pass.reduce);
    Some(())
}

fn put_reduce(w: &mut Writer, reduce: Option<Reduce>) {
    w.put(u8::from(reduce.is_some()), 1);
    if let Some(Reduce { weights, take, group }) = reduce {
        w.put_some(weights.map(u32::from), CONSTANTS + 1).put(take, TAKE).put(group, GROUP);
    }
}

/// The step that 128 bits spell; `None` if they spell none.
pub fn decode(word: u128) -> Option<Step> {
    let mut r = Reader { word };
    let step = match r.take(OP) {
        1 => Step::Embed { at: r.take(AT), reduce: take_reduce(&mut r)? },
        2 => Step::Pass(take_pass(&mut r)?),
        3 => Step::Codes {
            count: r.take(COUNT),
            norm: r.some(FLOOR + 1).map(|v| v as u8),
            to: if r.take(1) == 1 { CodesTo::Query } else { CodesTo::Array },
        },
        4 => Step::Scores {
            layer: r.byte(LAYER),
            heads: r.byte(HEADS),
            window: r.take(WINDOW),
            constant: r.take(CONSTANTS + 2),
            shift: r.shift(),
        },
        5 => Step::Mix { layer: r.byte(LAYER), heads: r.byte(HEADS), window: r.take(WINDOW) },
        _ => return None,
    };
    // Whatever is left over, or was not as it is written, is not a step.
    (encode(&step) == Some(word)).then_some(step)
}

fn take_pass(r: &mut Reader) -> Option<Pass> {
    let (count, constants, shift) = (r.take(COUNT), r.take(CONSTANTS), r.shift());
    let (kind, at, take) = (r.take(2), r.take(AT), r.byte(TAKE));
    let source = match kind {
        0 => Source::Product { matrix: at },
        1 => Source::Wide { at, take },
        2 => Source::Mixed,
        _ => return None,
    };
    let (kind, floor) = (r.take(2), r.byte(FLOOR));
    let factor = [Factor::One, Factor::Codes, Factor::Root(floor), Factor::Sums][usize::from(kind)];
    let (turn, gate) = (r.some(SMALL).map(|v| v as u8), r.some(SMALL).map(|v| v as u8));
    let (kind, at) = (r.take(SMALL), r.take(AT));
    let into = match kind {
        0 => Into::Work,
        1 => Into::Wide(at),
        2 => Into::Add(at),
        3 => Into::Keys(u8::try_from(at).ok()?),
        4 => Into::Values(u8::try_from(at).ok()?),
        5 => Into::Choice,
        _ => return None,
    };
    Some(Pass { source, count, constants, factor, shift, turn, gate, into, reduce: take_reduce(r) })
}

fn take_reduce(r: &mut Reader) -> Option<Reduce> {
    if r.take(1) == 0 {
        return None;
    }
    Some(Reduce { weights: r.some(CONSTANTS + 1), take: r.byte(TAKE), group: r.byte(GROUP) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reduce() -> impl Strategy<Value = Reduce> {
        (prop::option::of(0_u16..1 << 14), 0_u8..8, 0_u8..128).prop_map(|(weights, take, group)| Reduce { weights, take, group })
    }

    fn pass() -> impl Strategy<Value = Pass> {
        let source = prop_oneof![
            (0_u16..1024).prop_map(|matrix| Source::Product { matrix }),
            (0_u16..1024, 0_u8..8).prop_map(|(at, take)| Source::Wide { at, take }),
            Just(Source::Mixed)
        ];
        let factor = prop_oneof![Just(Factor::One), Just(Factor::Codes), (0_u8..32).prop_map(Factor::Root), Just(Factor::Sums)];
        let into = prop_oneof![
            Just(Into::Work),
            (0_u16..1024).prop_map(Into::Wide),
            (0_u16..1024).prop_map(Into::Add),
            any::<u8>().prop_map(Into::Keys),
            any::<u8>().prop_map(Into::Values),
            Just(Into::Choice)
        ];
        let first = (source, 0_u16..1024, 0_u16..1 << 14, factor, -64_i8..64);
        let second = (prop::option::of(0_u8..7), prop::option::of(0_u8..7), into, prop::option::of(reduce()));
        (first, second).prop_map(|((source, count, constants, factor, shift), (turn, gate, into, reduce))| Pass {
            source,
            count,
            constants,
            factor,
            shift,
            turn,
            gate,
            into,
            reduce,
        })
    }

    fn step() -> impl Strategy<Value = Step> {
        let to = prop_oneof![Just(CodesTo::Array), Just(CodesTo::Query)];
        prop_oneof![
            (0_u16..1024, reduce()).prop_map(|(at, reduce)| Step::Embed { at, reduce }),
            pass().prop_map(Step::Pass),
            (0_u16..1024, prop::option::of(0_u8..32), to).prop_map(|(count, norm, to)| Step::Codes { count, norm, to }),
            (0_u8..128, 0_u8..128, 0_u16..2048, any::<u16>(), -64_i8..64)
                .prop_map(|(layer, heads, window, constant, shift)| { Step::Scores { layer, heads, window, constant, shift } }),
            (0_u8..128, 0_u8..128, 0_u16..2048).prop_map(|(layer, heads, window)| Step::Mix { layer, heads, window }),
        ]
    }

    proptest! {
        #[test]
        fn every_step_survives_its_128_bits(step in step()) {
            let word = encode(&step).expect("every field fits");
            prop_assert_eq!(decode(word), Some(step));
        }

        #[test]
        fn a_word_is_a_step_only_if_it_is_that_steps_word(word in any::<u128>(), step in step(), bit in 0_u32..128) {
            for word in [word, encode(&step).unwrap() ^ 1 << bit] {
                if let Some(step) = decode(word) {
                    prop_assert_eq!(encode(&step), Some(word));
                }
            }
        }
    }

    #[test]
    fn fields_that_do_not_fit_have_no_word() {
        let mix = |layer, window| Step::Mix { layer, heads: 1, window };
        assert!(encode(&mix(127, 2047)).is_some());
        assert_eq!([encode(&mix(128, 0)), encode(&mix(0, 2048))], [None, None]);
        let scores = Step::Scores { layer: 0, heads: 1, window: 0, constant: 0, shift: 64 };
        assert_eq!(encode(&scores), None);
        assert_eq!([decode(0), decode(7), decode(u128::MAX)], [None, None, None]);
    }
}
