//! The first 28 bytes of a request, as fields: header, then a job's descriptor.
//!
//! Function: `enable` shifts a byte in; after 28 bytes the fields are those of `nda_spec::wire::Request` and
//! `nda_spec::job::Job` (little endian). Latency 1, interval 1. Cost: 224 registers, no logic.

use crate::evaluate;
use crate::netlist::{Circuit, Module, Netlist};
use nda_spec::wire::{HEADER_BYTES, JOB_BYTES};
use rust_hdl_core::prelude::*;
use std::sync::Arc;

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct HeaderRegister {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Take a byte.
    pub enable: Signal<In, Bit>,
    /// The byte.
    pub byte_data: Signal<In, Bits<8>>,
    /// Operation.
    pub op: Signal<Out, Bits<8>>,
    /// Argument.
    pub arg: Signal<Out, Bits<8>>,
    /// Sequence number.
    pub seq: Signal<Out, Bits<16>>,
    /// Address.
    pub addr: Signal<Out, Bits<32>>,
    /// First four bytes of the payload: `SEAL`'s CRC, `READ`'s count.
    pub word: Signal<Out, Bits<32>>,
    /// Job id.
    pub job_id: Signal<Out, Bits<16>>,
    /// Weights are ternary.
    pub ternary: Signal<Out, Bit>,
    /// Activations are A2.
    pub a2: Signal<Out, Bit>,
    /// Plane groups.
    pub plane_groups: Signal<Out, Bits<8>>,
    /// First tile word.
    pub base: Signal<Out, Bits<32>>,
    /// Row groups.
    pub row_groups: Signal<Out, Bits<16>>,
    /// Beats of a row.
    pub col_beats: Signal<Out, Bits<16>>,
    /// Initial value of the sums.
    pub init: Signal<Out, Bits<24>>,
    /// Digest of the pages of the weights.
    pub digest: Signal<Out, Bits<32>>,
    _circuit: Circuit,
}

impl Default for HeaderRegister {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            enable: Default::default(),
            byte_data: Default::default(),
            op: Default::default(),
            arg: Default::default(),
            seq: Default::default(),
            addr: Default::default(),
            word: Default::default(),
            job_id: Default::default(),
            ternary: Default::default(),
            a2: Default::default(),
            plane_groups: Default::default(),
            base: Default::default(),
            row_groups: Default::default(),
            col_beats: Default::default(),
            init: Default::default(),
            digest: Default::default(),
            _circuit: Circuit::new(fields()),
        }
    }
}

impl Logic for HeaderRegister {
    fn update(&mut self) {
        evaluate!(
            self,
            self.clock.pos_edge(),
            { enable, byte_data }
            { op, arg, seq, addr, word, job_id, ternary, a2, plane_groups, base, row_groups, col_beats, init, digest }
        );
    }

    fn connect(&mut self) {
        self.op.connect();
        self.arg.connect();
        self.seq.connect();
        self.addr.connect();
        self.word.connect();
        self.job_id.connect();
        self.ternary.connect();
        self.a2.connect();
        self.plane_groups.connect();
        self.base.connect();
        self.row_groups.connect();
        self.col_beats.connect();
        self.init.connect();
        self.digest.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl("header_register_text")
    }
}

/// Fields: name, lowest bit, bits.
const FIELDS: [(&str, usize, usize); 14] = [
    ("op", 0, 8),
    ("arg", 8, 8),
    ("seq", 16, 16),
    ("addr", 32, 32),
    ("word", 64, 32),
    ("job_id", 64, 16),
    ("ternary", 80, 1),
    ("a2", 81, 1),
    ("plane_groups", 88, 8),
    ("base", 96, 32),
    ("row_groups", 128, 16),
    ("col_beats", 144, 16),
    ("init", 160, 24),
    ("digest", 192, 32),
];
/// Bits of header and descriptor.
const BITS: usize = 8 * (HEADER_BYTES + JOB_BYTES);

/// The register and its fields.
pub fn fields() -> Arc<Netlist> {
    let m = Module::new("fields");
    let (enable, byte) = (m.input("enable", 1), m.input("byte_data", 8));
    let held = m.stage("a byte comes", enable).feedback("held", BITS, |held| m.concat(&[byte, held.slice(8, BITS - 8)]));
    FIELDS.iter().for_each(|(field, low, bits)| m.output(field, held.slice(*low, *bits)));
    m.finish()
}
