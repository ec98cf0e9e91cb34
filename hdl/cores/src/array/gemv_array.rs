//! The GEMV array: a row group of weights against activations, by bit planes or by tables.
//!
//! Function, for every row r of a group: `y[r] = init + sum_j sum_k a_j b_k popcount(W[r][j] & X[k])`, summed over
//! the beats of a row; `nda_spec::job::array_golden` by loops. Weights: quaternary (a = 3, 1) or ternary (-1, 2);
//! activations: two's complement, or A2 (b = 1, 3). One function, all codes; `ArrayKind` says how it is summed.
//! Shapes: `w` = plane 0 of all rows, then plane 1, `array_cols` bits each; `x` = `planes` planes, lightest first.
//! Handshake: flags stand with `issue`, `x` two cycles later (the store's latency), `w` `cycles::tile_delay` cycles
//! after `x`; `result_valid` for one cycle with `result`. Interval 1. Latency, from the issue of a row group's last
//! beat to its result (`cycles::drain_cycles`): of planes 7 and the registers of the trees, 9 for 16 columns and one plane; of tables 10
//! and the levels of a tree of `array_cols / 4`, 15 for 128 columns. An array of tables has 16 issues with `is_load` before each beat
//! of columns, for which `x` keeps standing, and then one issue per row group.
//! Cost: in `planes.rs` and `tables.rs`.
//!
//! The datapath is a netlist described from the geometry: its loops depend on one another, which `#[hdl_gen]` cannot
//! express, and its enables keep the wide registers still. A row is a module of its own, so that a tool works on it once.

mod planes;
mod tables;

use crate::evaluate;
use crate::netlist::{Circuit, Netlist};
use nda_spec::config::{ArrayKind, Geometry};
use nda_spec::width::ACC_BITS;
use rust_hdl_core::prelude::*;
use std::sync::Arc;

/// `W`, `X`, `Y`: bits of a tile word, an activation word and a result word.
#[derive(LogicBlock)]
pub struct GemvArray<const W: usize, const X: usize, const Y: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// An issue of the sequencer.
    pub issue: Signal<In, Bit>,
    /// It loads tables and is no beat.
    pub is_load: Signal<In, Bit>,
    /// First of its rows.
    pub is_first: Signal<In, Bit>,
    /// First of a lighter plane group; planes only.
    pub is_shift: Signal<In, Bit>,
    /// Of the heaviest plane group; planes only.
    pub is_heavy: Signal<In, Bit>,
    /// Last of its rows.
    pub is_last: Signal<In, Bit>,
    /// Weights are ternary; stands for the whole job.
    pub ternary: Signal<In, Bit>,
    /// Activations are A2; stands for the whole job.
    pub a2: Signal<In, Bit>,
    /// Added to every sum; stands for the whole job.
    pub init: Signal<In, Bits<24>>,
    /// Tile word.
    pub w: Signal<In, Bits<W>>,
    /// Activation word.
    pub x: Signal<In, Bits<X>>,
    /// The sums of a row group stand.
    pub result_valid: Signal<Out, Bit>,
    /// The sums, row 0 lightest, 24 bits each.
    pub result: Signal<Out, Bits<Y>>,
    _circuit: Circuit,
}

impl<const W: usize, const X: usize, const Y: usize> GemvArray<W, X, Y> {
    /// The array of this geometry.
    pub fn new(g: &Geometry) -> Self {
        assert_eq!(W, g.tile_word_bytes() * 8, "a tile word holds two planes of {} lanes", g.lanes());
        assert_eq!(X, g.act_word_bytes() * 8, "an activation word holds {} planes of {} columns", g.planes, g.array_cols);
        assert_eq!(Y, g.array_rows * ACC_BITS, "a result word holds {} sums", g.array_rows);
        Self {
            clock: Default::default(),
            issue: Default::default(),
            is_load: Default::default(),
            is_first: Default::default(),
            is_shift: Default::default(),
            is_heavy: Default::default(),
            is_last: Default::default(),
            ternary: Default::default(),
            a2: Default::default(),
            init: Default::default(),
            w: Default::default(),
            x: Default::default(),
            result_valid: Default::default(),
            result: Default::default(),
            _circuit: Circuit::new(netlist(g)),
        }
    }
}

impl<const W: usize, const X: usize, const Y: usize> Logic for GemvArray<W, X, Y> {
    fn update(&mut self) {
        evaluate!(
            self,
            self.clock.pos_edge(),
            { issue, is_load, is_first, is_shift, is_heavy, is_last, ternary, a2, init, w, x } { result_valid, result }
        );
    }

    fn connect(&mut self) {
        self.result_valid.connect();
        self.result.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl_inside("gemv_array")
    }
}

/// The array of a geometry, with those ports of [`GemvArray`] that it reads.
pub fn netlist(g: &Geometry) -> Arc<Netlist> {
    match g.array {
        ArrayKind::Planes => planes::array(g),
        ArrayKind::Tables => tables::array(g, tables::Sums::Within),
    }
}

/// The array of tables whose sums between beats lie beside it: [`TokenArray`]'s.
///
/// # Panics
/// If the geometry is of an array of planes.
pub fn token_netlist(g: &Geometry) -> Arc<Netlist> {
    assert_eq!(g.array, ArrayKind::Tables, "an array of planes keeps no sums");
    tables::array(g, tables::Sums::Beside)
}

/// The array of tables of a token machine's board: as [`GemvArray`], but its sums between beats lie in the results' memory, each
/// where its row group's result will be, because nobody looks at results while a job runs.
#[derive(LogicBlock)]
pub struct TokenArray<const W: usize, const Y: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// An issue of the sequencer.
    pub issue: Signal<In, Bit>,
    /// It loads tables and is no beat.
    pub is_load: Signal<In, Bit>,
    /// First of its rows.
    pub is_first: Signal<In, Bit>,
    /// Last of its rows.
    pub is_last: Signal<In, Bit>,
    /// The issue's weights are ternary.
    pub ternary: Signal<In, Bit>,
    /// Activations are A2; stands for the whole job.
    pub a2: Signal<In, Bit>,
    /// Added to the sums whose result stands two cycles later.
    pub init: Signal<In, Bits<24>>,
    /// Tile word.
    pub w: Signal<In, Bits<W>>,
    /// Activation word.
    pub x: Signal<In, Bits<1024>>,
    /// The sums of a row group stand.
    pub result_valid: Signal<Out, Bit>,
    /// The sums, row 0 lightest, 24 bits each.
    pub result: Signal<Out, Bits<Y>>,
    /// A word of sums is wanted.
    pub sums_read: Signal<Out, Bit>,
    /// Which row group's.
    pub sums_read_address: Signal<Out, Bits<9>>,
    /// The word asked for a cycle ago.
    pub fetched: Signal<In, Bits<Y>>,
    /// A word of sums is to be kept.
    pub sums_write: Signal<Out, Bit>,
    /// Which row group's.
    pub sums_write_address: Signal<Out, Bits<9>>,
    /// The word.
    pub sums_data: Signal<Out, Bits<Y>>,
    _circuit: Circuit,
}

impl<const W: usize, const Y: usize> TokenArray<W, Y> {
    /// The array of this geometry: rows of 128 columns, 512 words of results.
    pub fn new(g: &Geometry) -> Self {
        assert_eq!((g.array, g.array_cols, g.result_words), (ArrayKind::Tables, 128, 512));
        assert_eq!(W, g.tile_word_bytes() * 8, "a tile word holds two planes of {} lanes", g.lanes());
        assert_eq!(Y, g.array_rows * ACC_BITS, "a result word holds {} sums", g.array_rows);
        Self {
            clock: Default::default(),
            issue: Default::default(),
            is_load: Default::default(),
            is_first: Default::default(),
            is_last: Default::default(),
            ternary: Default::default(),
            a2: Default::default(),
            init: Default::default(),
            w: Default::default(),
            x: Default::default(),
            result_valid: Default::default(),
            result: Default::default(),
            sums_read: Default::default(),
            sums_read_address: Default::default(),
            fetched: Default::default(),
            sums_write: Default::default(),
            sums_write_address: Default::default(),
            sums_data: Default::default(),
            _circuit: Circuit::new(token_netlist(g)),
        }
    }
}

impl<const W: usize, const Y: usize> Logic for TokenArray<W, Y> {
    fn update(&mut self) {
        evaluate!(
            self,
            self.clock.pos_edge(),
            { issue, is_load, is_first, is_last, ternary, a2, init, w, x, fetched }
            { result_valid, result, sums_read, sums_read_address, sums_write, sums_write_address, sums_data }
        );
    }

    fn connect(&mut self) {
        self.result_valid.connect();
        self.result.connect();
        self.sums_read.connect();
        self.sums_read_address.connect();
        self.sums_write.connect();
        self.sums_write_address.connect();
        self.sums_data.connect();
    }

    fn hdl(&self) -> Verilog {
        self._circuit.hdl_inside("gemv_array")
    }
}
