//! A host with a few tensors, and one program on every tier.

use nda_lang::{Attention, Builtins, Document, HostError, Input, Instance, Limits, Program, Tier, Value};

/// Small limits, so that programs that do not end end soon.
pub const SMALL: Limits = Limits { steps: 3000, depth: 30, memory_bytes: 240 };

/// Tensors `t.0` to `t.3` are matrices of `4 x 4` that add up and shift; everything printed is kept.
#[derive(Default)]
pub struct Host {
    pub printed: Vec<String>,
}

pub fn names() -> Vec<String> {
    (0..4).map(|i| format!("t.{i}")).chain(["n".to_string()]).collect()
}

impl Document for Host {
    fn metadata_int(&self, key: &str) -> Option<i64> {
        (key == "four").then_some(4)
    }

    fn metadata_float(&self, key: &str) -> Option<f64> {
        (key == "half").then_some(0.5)
    }

    fn layer_shape(&self, _: usize) -> Result<(usize, usize), HostError> {
        Ok((4, 4))
    }

    fn part_rows(&self, _: usize) -> Result<Vec<usize>, HostError> {
        Ok(vec![4])
    }

    fn tensor(&self, _: usize) -> Result<&[f32], HostError> {
        Ok(&[1.0, -2.0, 3.0, 0.5])
    }

    fn shape(&self, _: usize) -> Result<(usize, usize), HostError> {
        Ok((5, 4))
    }

    fn row(&self, tensor: usize, row: i64, out: &mut [f32]) -> Result<(), HostError> {
        if !(0..4).contains(&row) {
            return Err(format!("tensor {tensor} has no row {row}").into());
        }
        out.fill(row as f32);
        Ok(())
    }
}

impl Builtins for Host {
    fn document(&self) -> &dyn Document {
        self
    }

    fn print(&mut self, line: &str) {
        self.printed.push(line.into());
    }

    fn gemv(&mut self, layer: usize, x: Input<'_>, y: &mut [f32]) -> Result<(), HostError> {
        if x.len() != 4 {
            return Err(format!("layer {layer} takes 4 elements, not {}", x.len()).into());
        }
        let x: Vec<f32> = match x {
            Input::Floats(x) => x.to_vec(),
            Input::Codes(codes) => codes.values.iter().map(|c| f32::from(*c) * codes.scale).collect(),
        };
        y.iter_mut().enumerate().for_each(|(i, y)| *y = x[(i + layer) % 4] + x[i]);
        Ok(())
    }

    fn attend(&mut self, block: i64, [q, k, _]: [&[f32]; 3], attention: Attention, out: &mut [f32]) -> Result<(), HostError> {
        out.iter_mut().enumerate().for_each(|(i, out)| *out = q[i] + k[i % k.len().max(1)] * block as f32 + attention.heads.keys as f32);
        Ok(())
    }
}

/// What a program did: every line that it printed, and what it returned or why it ended.
pub fn outcome(source: &str, tier: Tier, limits: Limits, args: &[Value]) -> Vec<String> {
    let program = Program::compile("test.nda", source, tier).unwrap_or_else(|e| panic!("{e}\n{source}"));
    let links = program.link(&names()).unwrap_or_else(|e| panic!("{e}\n{source}"));
    let mut host = Host::default();
    let result = Instance::new(&program, &links, limits, &mut host).map(|mut instance| {
        let entry = program.entry("main").expect("a main");
        // Twice: what a run leaves behind must not change the next one.
        let first = instance.call(&mut host, entry, args.to_vec()).map(|v| v.to_string()).map_err(|e| e.to_string());
        let second = instance.call(&mut host, entry, args.to_vec()).map(|v| v.to_string()).map_err(|e| e.to_string());
        [first, second]
    });
    let mut lines = host.printed;
    match result {
        Ok(both) => lines.extend(both.into_iter().map(|r| r.unwrap_or_else(|e| format!("error: {e}")))),
        Err(error) => lines.push(format!("error: {error}")),
    }
    lines
}

/// The outcome of a program, equal on every tier.
pub fn on_every_tier(source: &str, limits: Limits, args: &[Value]) -> Vec<String> {
    let reference = outcome(source, Tier::Interpreter, limits, args);
    for tier in [Tier::Closure, Tier::Native] {
        assert_eq!(outcome(source, tier, limits, args), reference, "{} against the interpreter:\n{source}", tier.name());
    }
    reference
}

/// What `main` returns, the same on every tier.
pub fn returned(source: &str) -> String {
    on_every_tier(source, Limits::default(), &[]).pop().expect("a result")
}
