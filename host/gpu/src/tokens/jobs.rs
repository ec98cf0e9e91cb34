//! A program's steps as jobs of shaders, each with its numbers.

use super::layout::{Layout, head_words};
use crate::input::HALF;
use nda_spec::token::{CodesTo, Factor, Into, Pass, Program, Reduce, Source, Step, WORD};

/// One shader of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Shader {
    Begin,
    Embed,
    Pass,
    Append,
    Reduce,
    Codes,
    Scores,
    Mix,
    Choose,
}

impl Shader {
    pub const ALL: [Shader; 9] = [
        Shader::Begin,
        Shader::Embed,
        Shader::Pass,
        Shader::Append,
        Shader::Reduce,
        Shader::Codes,
        Shader::Scores,
        Shader::Mix,
        Shader::Choose,
    ];

    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Shader::Begin => "token begin",
            Shader::Embed => "token embed",
            Shader::Pass => "token pass",
            Shader::Append => "token append",
            Shader::Reduce => "token reduce",
            Shader::Codes => "token codes",
            Shader::Scores => "token scores",
            Shader::Mix => "token mix",
            Shader::Choose => "token choose",
        }
    }

    /// Its text, without what all have in front.
    pub const fn wgsl(self) -> &'static str {
        match self {
            Shader::Begin => include_str!("../shaders/token/begin.wgsl"),
            Shader::Embed => include_str!("../shaders/token/embed.wgsl"),
            Shader::Pass => include_str!("../shaders/token/pass.wgsl"),
            Shader::Append => include_str!("../shaders/token/append.wgsl"),
            Shader::Reduce => include_str!("../shaders/token/reduce.wgsl"),
            Shader::Codes => include_str!("../shaders/token/codes.wgsl"),
            Shader::Scores => include_str!("../shaders/token/scores.wgsl"),
            Shader::Mix => include_str!("../shaders/token/mix.wgsl"),
            Shader::Choose => include_str!("../shaders/token/choose.wgsl"),
        }
    }
}

/// Invocations of a workgroup of every shader but the first.
const WORKGROUP: usize = 64;

/// The numbers of a job, in the order of the shaders' `Job`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fields {
    pub values: i32,
    pub source: i32,
    pub at: i32,
    pub take: i32,
    pub constants: i32,
    pub factor: i32,
    pub floor_at: i32,
    pub group: i32,
    pub shift: i32,
    pub turn: i32,
    pub gate: i32,
    pub gate_step: i32,
    pub gate_factor_shift: i32,
    pub gate_shift: i32,
    pub into: i32,
    pub into_at: i32,
    pub weights: i32,
    pub reduce_take: i32,
    pub heads: i32,
    pub window: i32,
    pub row: i32,
    pub words: i32,
    pub constant: i32,
    /// Rows of the product that is read: those of the next token of a batch follow.
    pub rows: i32,
}

impl Fields {
    /// As the shader reads them.
    pub fn words(&self) -> [u32; 24] {
        [
            self.values,
            self.source,
            self.at,
            self.take,
            self.constants,
            self.factor,
            self.floor_at,
            self.group,
            self.shift,
            self.turn,
            self.gate,
            self.gate_step,
            self.gate_factor_shift,
            self.gate_shift,
            self.into,
            self.into_at,
            self.weights,
            self.reduce_take,
            self.heads,
            self.window,
            self.row,
            self.words,
            self.constant,
            self.rows,
        ]
        .map(i32::cast_unsigned)
    }
}

/// What is dispatched.
#[derive(Debug, Clone, Copy)]
pub(super) enum Job {
    /// A shader over some workgroups.
    Shader { shader: Shader, fields: Fields, groups: (u32, u32) },
    /// The product of a matrix and the codes.
    Product { matrix: usize },
}

/// Jobs of a token: always, for the logits of what follows, for the choice.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    pub body: Vec<Job>,
    pub head: Vec<Job>,
    pub choice: Vec<Job>,
}

impl Jobs {
    /// The jobs of a checked program; `None` if a pass would write what another of its values is still read from.
    pub fn new(program: &Program, layout: &Layout) -> Option<Jobs> {
        let mut jobs = Jobs::default();
        let mut builder = Builder { program, layout, group: WORD, jobs: &mut jobs.body };
        builder.shader(Shader::Begin, Fields::default(), (1, 1));
        program.body.iter().try_for_each(|step| builder.step(step))?;
        builder.jobs = &mut jobs.head;
        program.head.iter().try_for_each(|step| builder.step(step))?;
        builder.jobs = &mut jobs.choice;
        builder.shader(Shader::Choose, Fields { values: program.tokens() as i32, ..Fields::default() }, (1, 1));
        Some(jobs)
    }
}

struct Builder<'p, 'j> {
    program: &'p Program,
    layout: &'p Layout,
    /// Values of a group of `work`.
    group: usize,
    jobs: &'j mut Vec<Job>,
}

impl Builder<'_, '_> {
    fn shader(&mut self, shader: Shader, fields: Fields, groups: (u32, u32)) {
        self.jobs.push(Job::Shader { shader, fields, groups });
    }

    fn over(&mut self, shader: Shader, fields: Fields, invocations: usize) {
        self.shader(shader, fields, (invocations.div_ceil(WORKGROUP) as u32, 1));
    }

    fn constant(&self, word: u16) -> i32 {
        (self.layout.program.constants + usize::from(word) * WORD) as i32
    }

    fn floor(&self, floor: Option<u8>) -> i32 {
        floor.map_or(-1, |floor| (self.layout.program.floors + 2 * usize::from(floor)) as i32)
    }

    fn step(&mut self, step: &Step) -> Option<()> {
        match *step {
            Step::Embed { at, reduce } => {
                let e = &self.program.embedding;
                let fields = Fields {
                    values: e.width as i32,
                    group: e.group as i32,
                    shift: e.shift.into(),
                    into_at: i32::from(at) * WORD as i32,
                    ..Fields::default()
                };
                self.over(Shader::Embed, fields, e.width);
                self.reduce(reduce, e.width);
            }
            Step::Pass(pass) => self.pass(&pass)?,
            Step::Codes { count, norm, to } => self.codes(usize::from(count) * WORD, norm, to),
            Step::Scores { layer, heads, window, constant, shift } => {
                let fields = Fields {
                    heads: heads.into(),
                    window: self.program.window(window) as i32,
                    row: 2 * i32::from(layer),
                    constant: *self.program.constants.get(usize::from(constant))?,
                    shift: shift.into(),
                    ..Fields::default()
                };
                self.shader(Shader::Scores, fields, (self.program.kv.ring.div_ceil(WORKGROUP) as u32, heads.into()));
            }
            Step::Mix { layer, heads, window } => {
                let window = self.program.window(window) as i32;
                let fields = Fields { heads: heads.into(), window, row: 2 * i32::from(layer) + 1, ..Fields::default() };
                self.shader(Shader::Mix, fields, (heads.into(), 1));
            }
        }
        Some(())
    }

    fn codes(&mut self, values: usize, norm: Option<u8>, to: CodesTo) {
        let heads = if to == CodesTo::Query { values / self.group } else { 0 };
        // Whole words of 64 columns, as matrices have them.
        let words = 2 * values.div_ceil(2 * HALF);
        let fields = Fields {
            values: values as i32,
            group: self.group as i32,
            floor_at: self.floor(norm),
            heads: heads as i32,
            words: words as i32,
            ..Fields::default()
        };
        self.shader(Shader::Codes, fields, (1, 1));
    }

    fn pass(&mut self, pass: &Pass) -> Option<()> {
        let mut fields = self.pass_fields(pass)?;
        if let Source::Product { matrix } = pass.source {
            self.jobs.push(Job::Product { matrix: matrix.into() });
        }
        if let Into::Choice = pass.into {
            fields.values = self.program.tokens() as i32;
        }
        self.over(Shader::Pass, fields, fields.values as usize);
        let kept = match pass.into {
            Into::Keys(layer) => Some(2 * i32::from(layer)),
            Into::Values(layer) => Some(2 * i32::from(layer) + 1),
            _ => None,
        };
        if let Some(row) = kept {
            let kv = &self.program.kv;
            self.over(Shader::Append, Fields { row, ..Fields::default() }, kv.heads * head_words(kv));
        }
        if let Some(reduce) = pass.reduce {
            self.reduce(reduce, usize::from(pass.count) * WORD);
        }
        Some(())
    }

    fn pass_fields(&self, pass: &Pass) -> Option<Fields> {
        let program = self.program;
        let values = usize::from(pass.count) * WORD;
        let (source, at, take, rows) = match pass.source {
            Source::Product { matrix } => (0, 0, 0, program.matrices.get(usize::from(matrix))?.rows),
            Source::Wide { at, take } => (1, i32::from(at) * WORD as i32, take.into(), 0),
            Source::Mixed => (2, 0, 0, 0),
        };
        let (factor, floor_at, group) = match pass.factor {
            Factor::One => (0, -1, 1),
            Factor::Codes => (1, -1, 1),
            Factor::Root(floor) => (2, self.floor(Some(floor)), self.group),
            Factor::Sums => (3, -1, program.kv.head_dim),
        };
        let (into, into_at) = match pass.into {
            Into::Wide(at) => (1, i32::from(at) * WORD as i32),
            Into::Add(at) => (2, i32::from(at) * WORD as i32),
            Into::Choice => (5, 0),
            Into::Work | Into::Keys(_) | Into::Values(_) => (0, 0),
        };
        let gate = pass.gate.and_then(|gate| Some((gate, program.gates.get(usize::from(gate))?)));
        // Values are read and written in any order: what is written must be no other value's source.
        let mixes = pass.gate.is_some() || pass.turn.is_some();
        let read = if pass.gate.is_some() { 2 * values } else { values } as i32;
        let overlaps = into != 0 && into != 5 && source == 1 && at < into_at + values as i32 && into_at < at + read;
        if overlaps && (mixes || at != into_at) {
            return None;
        }
        Some(Fields {
            values: values as i32,
            source,
            at,
            take,
            constants: self.constant(pass.constants),
            factor,
            floor_at,
            group: group as i32,
            shift: pass.shift.into(),
            turn: pass.turn.map_or(-1, |set| self.layout.program.turn(set, &program.kv) as i32),
            gate: pass.gate.map_or(-1, |gate| self.layout.program.gate(gate) as i32),
            gate_step: gate.map_or(0, |(_, gate)| gate.step_bits.into()),
            gate_factor_shift: gate.map_or(0, |(_, gate)| gate.factor_shift.into()),
            gate_shift: gate.map_or(0, |(_, gate)| gate.shift.into()),
            into,
            into_at,
            rows: rows as i32,
            ..Fields::default()
        })
    }

    /// What was read becomes `work`.
    fn reduce(&mut self, reduce: Reduce, len: usize) {
        self.group = if reduce.group == 0 { len } else { usize::from(reduce.group) * WORD };
        let fields = Fields {
            group: self.group as i32,
            weights: reduce.weights.map_or(-1, |word| self.constant(word)),
            reduce_take: reduce.take.into(),
            ..Fields::default()
        };
        self.shader(Shader::Reduce, fields, ((len / self.group.max(1)) as u32, 1));
    }
}
