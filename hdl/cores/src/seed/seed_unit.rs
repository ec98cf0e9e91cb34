//! The seed unit: [`crate::seed::seed_control`] with the element cores that it leads operands through.
//!
//! Function, handshake, latency and cycles: the control's. Its ports are those of the frame buffer's reader, of the command
//! processor (`command_*`) and of the encoder (`out_*`). Shapes: 8 codes or one float per beat.
//! Cost (yosys, `synth_ecp5`, in seed64; held by firmware/tests/parts.rs): 1,771 LUT4, 571 FF.

use crate::netlist_block;
use crate::seed::seed_add::SeedAdd;
use crate::seed::seed_aligned_add::SeedAlignedAdd;
use crate::seed::seed_compare::SeedCompare;
use crate::seed::seed_control::seed_control;
use crate::seed::seed_quantize::{FloatFormat, SeedQuantize};
use crate::seed::seed_rms_norm::SeedRmsNorm;
use crate::seed::seed_silu::SeedSilu;
use crate::seed::seed_swiglu::SeedSwiglu;
use crate::seed::seed_truthy::SeedTruthy;
use nda_spec::seed::DEVICE_EPS_SHIFT;
use rust_hdl_core::prelude::*;

netlist_block! {
    /// [`seed_control`].
    SeedControl, "seed_control_text", {
        frame_valid: Bit,
        frame_bytes: Bits<13>,
        read_data: Bits<8>,
        out_ready: Bit,
        command_done: Bit,
        command_read: Bit,
        command_address: Bits<13>,
        command_valid: Bit,
        command_data: Bits<8>,
        command_last: Bit,
        add_ready: Bit,
        aligned_add_ready: Bit,
        swiglu_ready: Bit,
        silu_ready: Bit,
        rms_norm_ready: Bit,
        compare_ready: Bit,
        truthy_ready: Bit,
        quantize_ready: Bit,
        add_valid: Bit,
        aligned_add_valid: Bit,
        swiglu_valid: Bit,
        silu_valid: Bit,
        rms_norm_valid: Bit,
        compare_valid: Bit,
        truthy_valid: Bit,
        quantize_valid: Bit,
        add_sign: Bits<8>,
        aligned_add_sign: Bits<8>,
        swiglu_sign: Bits<8>,
        silu_sign: Bits<8>,
        rms_norm_sign: Bits<8>,
        compare_sign: Bits<8>,
        quantize_sign: Bits<1>,
        add_extra: Bits<8>,
        aligned_add_extra: Bits<8>,
        swiglu_extra: Bits<8>,
        silu_extra: Bits<8>,
        rms_norm_extra: Bits<8>,
        compare_extra: Bits<8>,
        quantize_extra: Bits<1>,
        add_log2: Bits<8>,
        swiglu_log2: Bits<8>,
        truthy_is_true: Bit,
        quantize_scale: Bits<32>,
    } {
        frame_done: Bit,
        read_enable: Bit,
        read_address: Bits<13>,
        command_frame: Bit,
        command_ready: Bit,
        out_valid: Bit,
        out_data: Bits<8>,
        out_last: Bit,
        add_offer: Bit,
        aligned_add_offer: Bit,
        swiglu_offer: Bit,
        silu_offer: Bit,
        rms_norm_offer: Bit,
        compare_offer: Bit,
        truthy_offer: Bit,
        quantize_offer: Bit,
        x_sign: Bits<8>,
        x_extra: Bits<8>,
        y_sign: Bits<8>,
        y_extra: Bits<8>,
        float: Bits<32>,
        keep: Bits<8>,
        x_log2: Bits<8>,
        y_log2: Bits<8>,
        by: Bits<3>,
        last: Bit,
        take: Bit,
    }
}

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct SeedUnit {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// A checked frame is there.
    pub frame_valid: Signal<In, Bit>,
    /// Its bytes, header and CRC included.
    pub frame_bytes: Signal<In, Bits<13>>,
    /// The reader is done with it.
    pub frame_done: Signal<Out, Bit>,
    /// Read a byte in this cycle.
    pub read_enable: Signal<Out, Bit>,
    /// Which byte of the frame.
    pub read_address: Signal<Out, Bits<13>>,
    /// The byte.
    pub read_data: Signal<In, Bits<8>>,
    /// The frame is the command processor's.
    pub command_frame: Signal<Out, Bit>,
    /// The command processor is done with it.
    pub command_done: Signal<In, Bit>,
    /// It reads a byte in this cycle.
    pub command_read: Signal<In, Bit>,
    /// Which one.
    pub command_address: Signal<In, Bits<13>>,
    /// A byte of its response stands.
    pub command_valid: Signal<In, Bit>,
    /// The byte.
    pub command_data: Signal<In, Bits<8>>,
    /// It is the last.
    pub command_last: Signal<In, Bit>,
    /// It is taken.
    pub command_ready: Signal<Out, Bit>,
    /// A byte of a response stands.
    pub out_valid: Signal<Out, Bit>,
    /// The byte.
    pub out_data: Signal<Out, Bits<8>>,
    /// It is the last.
    pub out_last: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    control: SeedControl,
    add: SeedAdd<8>,
    aligned_add: SeedAlignedAdd<8>,
    swiglu: SeedSwiglu<8>,
    silu: SeedSilu<8>,
    rms_norm: SeedRmsNorm<8>,
    compare: SeedCompare<8>,
    truthy: SeedTruthy<8>,
    quantize: SeedQuantize<1, 32, 32>,
    one_lane: Constant<Bits<1>>,
}

impl Default for SeedUnit {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            frame_valid: Default::default(),
            frame_bytes: Default::default(),
            frame_done: Default::default(),
            read_enable: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            command_frame: Default::default(),
            command_done: Default::default(),
            command_read: Default::default(),
            command_address: Default::default(),
            command_valid: Default::default(),
            command_data: Default::default(),
            command_last: Default::default(),
            command_ready: Default::default(),
            out_valid: Default::default(),
            out_data: Default::default(),
            out_last: Default::default(),
            out_ready: Default::default(),
            control: SeedControl::around(seed_control("seed_control")),
            add: Default::default(),
            aligned_add: Default::default(),
            swiglu: Default::default(),
            silu: Default::default(),
            rms_norm: SeedRmsNorm::new(DEVICE_EPS_SHIFT.into()),
            compare: Default::default(),
            truthy: Default::default(),
            quantize: SeedQuantize::new(FloatFormat::binary32()),
            one_lane: Constant::new(1_u64.into()),
        }
    }
}

impl Logic for SeedUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, control, add, aligned_add, swiglu, silu, rms_norm, compare, truthy, quantize);
        // Frames, and responses.
        self.control.frame_valid.next = self.frame_valid.val();
        self.control.frame_bytes.next = self.frame_bytes.val();
        self.control.read_data.next = self.read_data.val();
        self.frame_done.next = self.control.frame_done.val();
        self.read_enable.next = self.control.read_enable.val();
        self.read_address.next = self.control.read_address.val();
        self.command_frame.next = self.control.command_frame.val();
        self.control.command_done.next = self.command_done.val();
        self.control.command_read.next = self.command_read.val();
        self.control.command_address.next = self.command_address.val();
        self.control.command_valid.next = self.command_valid.val();
        self.control.command_data.next = self.command_data.val();
        self.control.command_last.next = self.command_last.val();
        self.command_ready.next = self.control.command_ready.val();
        self.out_valid.next = self.control.out_valid.val();
        self.out_data.next = self.control.out_data.val();
        self.out_last.next = self.control.out_last.val();
        self.control.out_ready.next = self.out_ready.val();
        // A beat for every core; the one that it is offered to takes it.
        self.add.in_valid.next = self.control.add_offer.val();
        self.add.x_sign.next = self.control.x_sign.val();
        self.add.x_extra.next = self.control.x_extra.val();
        self.add.d_sign.next = self.control.y_sign.val();
        self.add.d_extra.next = self.control.y_extra.val();
        self.add.keep.next = self.control.keep.val();
        self.add.x_log2.next = self.control.x_log2.val();
        self.add.d_log2.next = self.control.y_log2.val();
        self.aligned_add.in_valid.next = self.control.aligned_add_offer.val();
        self.aligned_add.x_sign.next = self.control.x_sign.val();
        self.aligned_add.x_extra.next = self.control.x_extra.val();
        self.aligned_add.d_sign.next = self.control.y_sign.val();
        self.aligned_add.d_extra.next = self.control.y_extra.val();
        self.swiglu.in_valid.next = self.control.swiglu_offer.val();
        self.swiglu.gate_sign.next = self.control.x_sign.val();
        self.swiglu.gate_extra.next = self.control.x_extra.val();
        self.swiglu.up_sign.next = self.control.y_sign.val();
        self.swiglu.up_extra.next = self.control.y_extra.val();
        self.swiglu.keep.next = self.control.keep.val();
        self.swiglu.gate_log2.next = self.control.x_log2.val();
        self.swiglu.up_log2.next = self.control.y_log2.val();
        self.silu.in_valid.next = self.control.silu_offer.val();
        self.silu.x_sign.next = self.control.x_sign.val();
        self.silu.x_extra.next = self.control.x_extra.val();
        self.silu.keep.next = self.control.keep.val();
        self.rms_norm.in_valid.next = self.control.rms_norm_offer.val();
        self.rms_norm.in_last.next = self.control.last.val();
        self.rms_norm.x_sign.next = self.control.x_sign.val();
        self.rms_norm.x_extra.next = self.control.x_extra.val();
        self.rms_norm.w_sign.next = self.control.y_sign.val();
        self.rms_norm.w_extra.next = self.control.y_extra.val();
        self.rms_norm.keep.next = self.control.keep.val();
        self.compare.in_valid.next = self.control.compare_offer.val();
        self.compare.a_sign.next = self.control.x_sign.val();
        self.compare.a_extra.next = self.control.x_extra.val();
        self.compare.b_sign.next = self.control.y_sign.val();
        self.compare.b_extra.next = self.control.y_extra.val();
        self.compare.keep.next = self.control.keep.val();
        self.compare.by.next = self.control.by.val();
        self.truthy.in_valid.next = self.control.truthy_offer.val();
        self.truthy.in_last.next = self.control.last.val();
        self.truthy.x_sign.next = self.control.x_sign.val();
        self.truthy.x_extra.next = self.control.x_extra.val();
        self.truthy.keep.next = self.control.keep.val();
        self.quantize.in_valid.next = self.control.quantize_offer.val();
        self.quantize.in_last.next = self.control.last.val();
        self.quantize.x.next = self.control.float.val();
        self.quantize.keep.next = self.one_lane.val();
        // Results.
        self.control.add_ready.next = self.add.in_ready.val();
        self.control.add_valid.next = self.add.out_valid.val();
        self.add.out_ready.next = self.control.take.val();
        self.control.add_sign.next = self.add.sign.val();
        self.control.add_extra.next = self.add.extra.val();
        self.control.add_log2.next = self.add.log2.val();
        self.control.aligned_add_ready.next = self.aligned_add.in_ready.val();
        self.control.aligned_add_valid.next = self.aligned_add.out_valid.val();
        self.aligned_add.out_ready.next = self.control.take.val();
        self.control.aligned_add_sign.next = self.aligned_add.sign.val();
        self.control.aligned_add_extra.next = self.aligned_add.extra.val();
        self.control.swiglu_ready.next = self.swiglu.in_ready.val();
        self.control.swiglu_valid.next = self.swiglu.out_valid.val();
        self.swiglu.out_ready.next = self.control.take.val();
        self.control.swiglu_sign.next = self.swiglu.sign.val();
        self.control.swiglu_extra.next = self.swiglu.extra.val();
        self.control.swiglu_log2.next = self.swiglu.log2.val();
        self.control.silu_ready.next = self.silu.in_ready.val();
        self.control.silu_valid.next = self.silu.out_valid.val();
        self.silu.out_ready.next = self.control.take.val();
        self.control.silu_sign.next = self.silu.sign.val();
        self.control.silu_extra.next = self.silu.extra.val();
        self.control.rms_norm_ready.next = self.rms_norm.in_ready.val();
        self.control.rms_norm_valid.next = self.rms_norm.out_valid.val();
        self.rms_norm.out_ready.next = self.control.take.val();
        self.control.rms_norm_sign.next = self.rms_norm.sign.val();
        self.control.rms_norm_extra.next = self.rms_norm.extra.val();
        self.control.compare_ready.next = self.compare.in_ready.val();
        self.control.compare_valid.next = self.compare.out_valid.val();
        self.compare.out_ready.next = self.control.take.val();
        self.control.compare_sign.next = self.compare.sign.val();
        self.control.compare_extra.next = self.compare.extra.val();
        self.control.truthy_ready.next = self.truthy.in_ready.val();
        self.control.truthy_valid.next = self.truthy.out_valid.val();
        self.truthy.out_ready.next = self.control.take.val();
        self.control.quantize_ready.next = self.quantize.in_ready.val();
        self.control.quantize_valid.next = self.quantize.out_valid.val();
        self.quantize.out_ready.next = self.control.take.val();
        self.control.quantize_sign.next = self.quantize.sign.val();
        self.control.quantize_extra.next = self.quantize.extra.val();
        self.control.truthy_is_true.next = self.truthy.is_true.val();
        self.control.quantize_scale.next = self.quantize.scale.val();
    }
}
