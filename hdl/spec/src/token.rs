//! The token machine: a whole token of a language model in integers, from its number to the number that follows.
//!
//! A [`Program`] is data: steps of 128 bits, constants, tables and the shape of the cache. A [`Machine`] is what a program
//! means, bit for bit, for every back end; [`cycles`] is what it costs on the fabric; an [`Assembler`] turns a model's
//! floats into a program's integers, once, before the first token. NUMBERS.md, section "The token machine", defines all of
//! it without this code.
//!
//! Three rules keep it cheap in hardware. **Every multiplication is 18 by 18 bits, signed**: one DSP. **Every shift is
//! one per step or per vector**, never one per value. **Nothing is divided**: reciprocals, roots, powers, sines and noise
//! come out of tables of at most 1,024 entries of 18 bits, one block RAM each.

mod assemble;
mod attention;
mod check;
mod coder;
pub mod cycles;
mod encode;
mod gate;
mod generate;
mod image;
mod kv;
pub mod limits;
mod machine;
mod noise;
mod number;
mod program;
mod sizes;
mod step;
mod table;
pub mod text;
pub mod wired;

pub use assemble::{Assembler, AttentionShape, Folded, Norm, ROW_POINT, Unit};
pub use attention::{Attention, Span};
pub use check::{Bound, ProgramError};
pub use coder::{CODE_MAX, Coder, inverse_root, inverse_sum};
pub use encode::{STEP_BITS, decode, encode};
pub use gate::{Activation, GATE_ENTRIES, Gate, Range, VALUE_POINT};
pub use generate::{Finish, MAX_STOPS, Reply, Request, RequestError, generate};
pub use image::{Image, Place};
pub use kv::{KvForm, KvFormError, KvShape, KvStore, LEVEL_POINT, MAX_RING};
pub use machine::{Golden, Machine, Products};
pub use noise::{Choice, Chooser, INVERSE_TEMPERATURE_POINT, LANES, LOGIT_POINT, Noise};
pub use number::{NARROW_MAX, Scale, WIDE_MAX, WIDE_POINT, narrow, round_shift, widen};
pub use program::{Embedding, Matrix, Program, WORD, word_beats};
pub use sizes::{GATE_UNITS, Map, Misfit, Sizes};
pub use step::{CodesTo, Factor, Into, Pass, Reduce, Source, Step};
pub use table::{cosine, exp2_entry, noise_entry, reciprocal, root_entry, sine};
