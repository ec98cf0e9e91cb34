//! What a program means: the golden model of the vector unit, by loops.

use super::program::{Op, Program, Step, StepWord, part};
use super::{CODE_MAX, Quantizer, Root, Scale, WIDE_BYTES, multiply, saturate, silu};

/// Why a program stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// More bytes were taken than the request has.
    Input,
}

/// The unit's memory and registers. What a program leaves in `wide` the next one finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Wide values; a power of two of them, at which addresses wrap.
    pub wide: Vec<i32>,
    /// Codes; as many as there are wide values.
    pub codes: Vec<i8>,
    /// The codes' scale.
    pub scale: Scale,
    /// Sum of the codes that were last made or taken.
    pub sum: i32,
    largest: u32,
    /// What the last codes were made by, sent ones too.
    quantizer: Quantizer,
    root: Root,
}

/// A request's bytes as they are taken, and the answer's.
#[derive(Debug, Default)]
pub(crate) struct Wire<'b> {
    input: &'b [u8],
    output: Vec<u8>,
}

impl Wire<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (first, rest) = self.input.split_first_chunk().ok_or(Fault::Input)?;
        self.input = rest;
        Ok(*first)
    }
}

impl Machine {
    /// A unit of `words` wide values, a power of two.
    pub fn new(words: usize) -> Machine {
        assert!(words.is_power_of_two(), "{words} words: addresses wrap at a power of two");
        Machine {
            wide: vec![0; words],
            codes: vec![0; words],
            scale: Scale::default(),
            sum: 0,
            largest: 0,
            quantizer: Quantizer::default(),
            root: Root { value: 0, shift: 0 },
        }
    }

    /// Runs a program on a request's bytes; returns the answer's. `gemv` gives the sums of a matrix, by its number, times
    /// the codes, which it gets as many of as there are.
    ///
    /// # Errors
    /// What `gemv` returns; [`Fault::Input`] if the request is too short.
    pub fn run<E: From<Fault>>(
        &mut self,
        program: &Program,
        input: &[u8],
        mut gemv: impl FnMut(usize, &[i8], &mut [i32]) -> Result<(), E>,
    ) -> Result<Vec<u8>, E> {
        let mut wire = Wire { input, output: Vec::with_capacity(program.output_bytes()) };
        let mut sums = Vec::new();
        for step in &program.steps {
            if step.word.op == Op::Product {
                sums.resize(usize::from(step.word.count), 0);
                gemv(usize::from(step.word.with), &self.codes, &mut sums)?;
            }
            self.step(step, &sums, &mut wire)?;
        }
        Ok(wire.output)
    }

    /// One step of a device: what [`Self::run`] does, step by step. `input` is what is left of the request and is moved on.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn device_step(&mut self, step: &Step, sums: &[i32], input: &mut &[u8], output: &mut Vec<u8>) -> Result<(), Fault> {
        let mut wire = Wire { input, output: std::mem::take(output) };
        let done = self.step(step, sums, &mut wire);
        *input = wire.input;
        *output = wire.output;
        done
    }

    fn read(&self, first: u16, i: usize) -> i32 {
        self.wide[(usize::from(first) + i) & (self.wide.len() - 1)]
    }

    fn write(&mut self, first: u16, i: usize, value: i32) {
        let at = (usize::from(first) + i) & (self.wide.len() - 1);
        self.wide[at] = value;
        self.largest = self.largest.max(value.unsigned_abs());
    }

    fn step(&mut self, step: &Step, sums: &[i32], wire: &mut Wire<'_>) -> Result<(), Fault> {
        let w = &step.word;
        let elements = 0..usize::from(w.count);
        let shift = i32::from(w.shift);
        if matches!(w.op, Op::TakeWide | Op::Product | Op::Scale | Op::Weight | Op::Silu | Op::Multiply) {
            self.largest = 0;
        }
        match w.op {
            Op::End | Op::Begin => {}
            Op::TakeWide => {
                for i in elements {
                    let [a, b, c] = wire.take::<WIDE_BYTES>()?;
                    self.write(w.dst, i, multiply(i32::from_le_bytes([0, a, b, c]) >> 8, 1, 0));
                }
            }
            Op::TakeCodes => {
                self.scale = Scale::from_bytes(wire.take()?);
                self.sum = 0;
                for i in elements {
                    let [code] = wire.take()?;
                    self.set_code(i, code as i8);
                }
            }
            Op::Product => {
                for (i, (sum, constant)) in sums.iter().zip(&step.constants).enumerate() {
                    self.write(w.dst, i, multiply(*sum, *constant, shift));
                }
            }
            Op::Scale => {
                let shift = i32::from(w.bias) + self.scale.exponent;
                for i in elements {
                    let value = multiply(self.read(w.src, i), self.scale.largest as i32, shift);
                    let before = if w.flag { self.read(w.dst, i) } else { 0 };
                    self.write(w.dst, i, saturate(i64::from(before) + i64::from(value)));
                }
            }
            Op::Weight => {
                for (i, constant) in elements.zip(&step.constants) {
                    self.write(w.dst, i, multiply(self.read(w.src, i), *constant, shift));
                }
            }
            Op::Squares => {
                let square = |i| i64::from(self.read(w.src, i)).pow(2) as u64;
                self.root = Root::inverse(elements.fold(step.floor, |sum, i| sum.wrapping_add(square(i))));
            }
            Op::Codes => {
                let code = match w.with {
                    with if with & part::LOWER != 0 => Quantizer::lower,
                    with if with & part::UPPER != 0 => Quantizer::upper,
                    _ => Quantizer::code,
                };
                if w.with & part::LOWER == 0 {
                    self.scale = self.new_scale(w);
                }
                self.sum = 0;
                for i in elements {
                    let code = code(&self.quantizer, self.read(w.src, i));
                    self.set_code(i, code);
                }
            }
            Op::SendCodes => {
                wire.output.extend_from_slice(&self.new_scale(w).to_bytes());
                wire.output.extend(elements.map(|i| self.quantizer.code(self.read(w.src, i)) as u8));
            }
            Op::Silu => {
                for i in elements {
                    self.write(w.dst, i, silu(self.read(w.src, i)));
                }
            }
            Op::Multiply => {
                for i in elements {
                    self.write(w.dst, i, multiply(self.read(w.src, i), self.read(w.with, i), shift));
                }
            }
            Op::SendWide => {
                for i in elements {
                    wire.output.extend_from_slice(&self.read(w.src, i).to_le_bytes()[..WIDE_BYTES]);
                }
            }
            Op::SendLargest => {
                let mut places: Vec<usize> = elements.collect();
                places.sort_by_key(|&i| (std::cmp::Reverse(self.read(w.src, i)), i));
                for k in 0..usize::from(w.with) {
                    // Where there are no more: a place that no vector has, and 0.
                    let (i, value) = places.get(k).map_or((u16::MAX, 0), |&i| (i as u16, self.read(w.src, i)));
                    wire.output.extend_from_slice(&i.to_le_bytes());
                    wire.output.extend_from_slice(&value.to_le_bytes()[..WIDE_BYTES]);
                }
            }
        }
        Ok(())
    }

    fn set_code(&mut self, i: usize, code: i8) {
        // A code that is never made is the one next to it.
        let code = code.max(-CODE_MAX as i8);
        let at = i & (self.codes.len() - 1);
        self.codes[at] = code;
        self.sum += i32::from(code);
    }

    /// The scale of codes of what was written last, which from now on make codes.
    fn new_scale(&mut self, w: &StepWord) -> Scale {
        self.quantizer = Quantizer::new(self.largest);
        let quantizer = &self.quantizer;
        let exponent = i32::from(w.bias) + quantizer.lift;
        if !w.flag {
            return Scale { largest: quantizer.normalised, exponent };
        }
        let largest = multiply(quantizer.normalised as i32, self.root.value as i32, 23);
        Scale { largest: largest as u32, exponent: exponent - self.root.shift }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SILU_BITS, codes_of, constants_of, floats_of, wide_of};
    use super::*;
    use std::convert::Infallible;

    impl From<Fault> for Infallible {
        fn from(fault: Fault) -> Infallible {
            panic!("{fault:?}")
        }
    }

    fn words(op: Op, count: usize) -> StepWord {
        StepWord { count: count as u16, ..StepWord::new(op) }
    }

    fn bytes(wide: &[i32]) -> Vec<u8> {
        wide.iter().flat_map(|v| v.to_le_bytes().into_iter().take(WIDE_BYTES)).collect()
    }

    fn run(steps: Vec<Step>, input: &[u8]) -> Vec<u8> {
        Machine::new(1024).run::<Infallible>(&Program { steps }, input, |_, _, _| Ok(())).unwrap()
    }

    /// Numbers between -1 and 1, most of them small: what activations look like.
    fn noise(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed | 1;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 16_777_216.0 - 0.5
        };
        (0..n).map(|_| next() + next() + next()).collect()
    }

    fn relative(found: &[f32], exact: &[f64]) -> f64 {
        let error: f64 = found.iter().zip(exact).map(|(f, e)| (f64::from(*f) - e).powi(2)).sum();
        (error / exact.iter().map(|e| e * e).sum::<f64>()).sqrt()
    }

    #[test]
    fn a_norm_is_the_real_one_to_the_precision_of_its_codes() {
        // Below a tenth, 12 bits behind the point are what limits it.
        for (n, size) in [(1, 1.0), (128, 0.1), (128, 3.0), (384, 100.0), (1024, 0.5)] {
            let x: Vec<f32> = noise(n, n as u64).iter().map(|v| v * size).collect();
            let weight: Vec<f32> = noise(n, 7).iter().map(|v| 1.0 + v).collect();
            let bits = 12_i32;
            let eps = 1e-5;
            let folded: Vec<f64> = weight.iter().map(|w| f64::from(*w) * (n as f64).sqrt()).collect();
            let (constants, constant_bits) = constants_of(&folded);
            // y = x w sqrt(n) 2^bits, and the inverse root is of a sum of squares with 2 bits behind the point.
            let bias = (31 + constant_bits - 22) as i8;
            let floor = (n as f64 * eps * 4_f64.powi(bits)).round() as u64;
            let answer = run(
                vec![
                    Step::new(words(Op::TakeWide, n)),
                    Step { floor, ..Step::new(words(Op::Squares, n)) },
                    Step::with(StepWord { dst: 0, shift: 22, ..words(Op::Weight, n) }, constants),
                    Step::new(StepWord { bias, flag: true, ..words(Op::Codes, n) }),
                    Step::new(StepWord { bias, flag: true, ..words(Op::SendCodes, n) }),
                ],
                &bytes(&wide_of(&x, bits as u32)),
            );
            let scale = Scale::from_bytes(answer[..4].try_into().unwrap());
            let found: Vec<f32> = answer[4..].iter().map(|c| f32::from(*c as i8) * scale.step() as f32).collect();
            let mean = x.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n as f64;
            let exact: Vec<f64> = x.iter().zip(&weight).map(|(x, w)| f64::from(*x) * f64::from(*w) / (mean + eps).sqrt()).collect();
            let error = relative(&found, &exact);
            assert!(error < 0.02, "{n} of size {size}: {error}");
        }
    }

    #[test]
    fn swiglu_is_the_real_one_to_the_precision_of_its_codes() {
        let n = 384;
        let (gate, up): (Vec<f32>, Vec<f32>) = (noise(n, 3).iter().map(|v| v * 6.0).collect(), noise(n, 4));
        let input = [bytes(&wide_of(&gate, SILU_BITS)), bytes(&wide_of(&up, 14))].concat();
        let answer = run(
            vec![
                Step::new(words(Op::TakeWide, n)),
                Step::new(StepWord { dst: 512, ..words(Op::TakeWide, n) }),
                Step::new(words(Op::Silu, n)),
                Step::new(StepWord { with: 512, dst: 512, shift: 12, ..words(Op::Multiply, n) }),
                Step::new(StepWord { src: 512, ..words(Op::SendWide, n) }),
                Step::new(StepWord { src: 512, bias: 14, ..words(Op::SendCodes, n) }),
            ],
            &input,
        );
        let exact: Vec<f64> = gate.iter().zip(&up).map(|(g, u)| f64::from(*g) / (1.0 + (-f64::from(*g)).exp()) * f64::from(*u)).collect();
        let wide: Vec<i32> = answer[..3 * n].chunks_exact(3).map(|b| i32::from_le_bytes([0, b[0], b[1], b[2]]) >> 8).collect();
        assert!(relative(&floats_of(&wide, 14), &exact) < 2e-4);
        let scale = Scale::from_bytes(answer[3 * n..3 * n + 4].try_into().unwrap());
        let codes: Vec<f32> = answer[3 * n + 4..].iter().map(|c| f32::from(*c as i8) * scale.step() as f32).collect();
        assert!(relative(&codes, &exact) < 0.015, "{}", relative(&codes, &exact));
    }

    #[test]
    fn a_product_is_scaled_and_added() {
        let (scale, codes) = codes_of(&noise(64, 9));
        let input =
            [&scale.to_bytes()[..], &codes.iter().map(|c| *c as u8).collect::<Vec<_>>(), &bytes(&wide_of(&[0.5, -2.0], 12))].concat();
        let factor = 0.03;
        // constant = factor / 127 * 2^29, shift 8, so bias = 29 - 8 - 12.
        let constant = (factor / 127.0 * 2_f64.powi(29)).round() as i32;
        let steps = vec![
            Step::new(words(Op::TakeCodes, 64)),
            Step::new(words(Op::TakeWide, 2)),
            Step::with(StepWord { dst: 100, shift: 8, ..words(Op::Product, 2) }, vec![constant, -constant]),
            Step::new(StepWord { src: 100, bias: 29 - 8 - 12, flag: true, ..words(Op::Scale, 2) }),
            Step::new(words(Op::SendWide, 2)),
        ];
        let mut machine = Machine::new(256);
        let answer = machine
            .run::<Infallible>(&Program { steps }, &input, |matrix, x, y| {
                assert_eq!((matrix, &x[..64]), (0, &codes[..]));
                y.copy_from_slice(&[1000, 3000]);
                Ok(())
            })
            .unwrap();
        let wide: Vec<i32> = answer.chunks_exact(3).map(|b| i32::from_le_bytes([0, b[0], b[1], b[2]]) >> 8).collect();
        let unit = factor * scale.step();
        let exact = [0.5 + 1000.0 * unit, -2.0 - 3000.0 * unit];
        assert!(relative(&floats_of(&wide, 12), &exact) < 2e-4, "{wide:?} for {exact:?}");
        assert_eq!(machine.sum, codes.iter().map(|c| i32::from(*c)).sum::<i32>());
    }

    #[test]
    fn the_largest_come_first_and_of_equal_ones_the_first() {
        let input = bytes(&[3, -5, 9, 9, 0, -super::super::WIDE_MAX]);
        let answer = run(vec![Step::new(words(Op::TakeWide, 6)), Step::new(StepWord { with: 7, ..words(Op::SendLargest, 6) })], &input);
        let found: Vec<u16> = answer.chunks_exact(5).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
        assert_eq!(found, [2, 3, 0, 4, 1, 5, u16::MAX]);
    }
}
