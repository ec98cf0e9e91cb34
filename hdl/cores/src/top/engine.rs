//! The engine: everything between the link's bytes and the array, the same on every board.
//!
//! Function: wire bytes in, wire bytes out; PROTOCOL.md says which. Handshake: ready/valid on both sides; `rx_bad`
//! marks a byte with a framing error. Latency: a job's cycles are
//! `nda_spec::cycles::run_cycles`, exactly. It knows no pin, board or frequency.
//! Cost (yosys, `synth_ecp5`, in seed64; held by firmware/tests/parts.rs): 6,701 LUT4, 3,563 FF, 24 DP16KD with all
//! that is in it, the array of 64 lanes and the seed unit among that; 20 LUT4 are its own. What routed images take: docs/boards.md.

use crate::array::gemv_array::GemvArray;
use crate::array::gemv_sequencer::GemvSequencer;
use crate::command::command_processor::CommandProcessor;
use crate::command::counters::Counters;
use crate::command::identity::Identity;
use crate::link::cobs_decoder::CobsDecoder;
use crate::link::frame_buffer::{FrameBuffer, WhenFull};
use crate::link::frame_encoder::FrameEncoder;
use crate::seed::seed_unit::SeedUnit;
use crate::store::block_ram::BlockRam;
use crate::store::packed_store::{MemoryStyle, PackedStore, read_cycles};
use crate::store::read_delay::ReadDelay;
use nda_spec::config::{ArrayKind, Geometry, WeightMemory};
use nda_spec::wire::IDENT_BYTES;
use nda_spec::{Config, cycles};
use rust_hdl_core::prelude::*;

/// An engine: its type, the parts between the frame buffer, the command processor and the encoder, and how they are wired.
/// What is between is all that engines differ in.
macro_rules! engine {
    ($(#[$meta:meta])* $name:ident { $($part:ident: $part_type:ident)* }
     { $($frame:ident.$frame_in:ident = $frame_from:ident.$frame_out:ident;)* }
     { $($answer:ident.$answer_in:ident = $answer_from:ident.$answer_out:ident;)* }) => {
        $(#[$meta])*
        #[derive(LogicBlock)]
        pub struct $name<const W: usize, const X: usize, const Y: usize, const U: usize, const AW: usize> {
            /// System clock.
            pub clock: Signal<In, Clock>,
            /// A wire byte waits.
            pub rx_valid: Signal<In, Bit>,
            /// The wire byte.
            pub rx_data: Signal<In, Bits<8>>,
            /// It had a framing error.
            pub rx_bad: Signal<In, Bit>,
            /// It is taken.
            pub rx_ready: Signal<Out, Bit>,
            /// A response byte waits.
            pub tx_valid: Signal<Out, Bit>,
            /// The response byte.
            pub tx_data: Signal<Out, Bits<8>>,
            /// It is taken.
            pub tx_ready: Signal<In, Bit>,
            /// A good frame came.
            pub frame_ok: Signal<Out, Bit>,
            /// A frame was refused.
            pub refused: Signal<Out, Bit>,
            /// A run phase is on.
            pub run_cycle: Signal<Out, Bit>,
            decoder: CobsDecoder,
            frames: FrameBuffer<AW>,
            command: CommandProcessor<W, Y, U>,
            encoder: FrameEncoder,
            tiles: PackedStore<W>,
            activations: PackedStore<X>,
            results: BlockRam<Y, 12>,
            sequencer: GemvSequencer,
            tile_request: ReadDelay,
            array: GemvArray<W, X, Y>,
            identity: Identity,
            counters: Counters,
            $($part: $part_type,)*
        }

        impl<const W: usize, const X: usize, const Y: usize, const U: usize, const AW: usize> $name<W, X, Y, U, AW> {
            /// An engine of this configuration that identifies itself with `page`. `when_full` says what
            /// becomes of a byte that finds no room.
            pub fn new(config: &Config, page: [u8; IDENT_BYTES], when_full: WhenFull) -> Self {
                let g = &config.geometry;
                Self {
                    clock: Default::default(),
                    rx_valid: Default::default(),
                    rx_data: Default::default(),
                    rx_bad: Default::default(),
                    rx_ready: Default::default(),
                    tx_valid: Default::default(),
                    tx_data: Default::default(),
                    tx_ready: Default::default(),
                    frame_ok: Default::default(),
                    refused: Default::default(),
                    run_cycle: Default::default(),
                    decoder: Default::default(),
                    frames: FrameBuffer::new(config.slots, config.slot_bytes, when_full),
                    command: CommandProcessor::new(g),
                    encoder: Default::default(),
                    tiles: PackedStore::new(g.tile_words, weight_style(config.weight_memory)),
                    activations: PackedStore::new(g.act_words, activation_style(g.array)),
                    results: BlockRam::new(g.result_words),
                    sequencer: GemvSequencer::new(g.array),
                    tile_request: ReadDelay::new(request_stages(g, W)),
                    array: GemvArray::new(g),
                    identity: Identity::new(page),
                    counters: Default::default(),
                    $($part: Default::default(),)*
                }
            }
        }

        impl<const W: usize, const X: usize, const Y: usize, const U: usize, const AW: usize> Logic for $name<W, X, Y, U, AW> {
            #[hdl_gen]
            fn update(&mut self) {
                clock!(self, clock, decoder, frames, command, encoder, tiles, activations, results, sequencer, tile_request, array, counters);
                $(clock!(self, clock, $part);)*
                // Wire to frames.
                self.decoder.valid.next = self.rx_valid.val();
                self.decoder.data.next = self.rx_data.val();
                self.decoder.bad.next = self.rx_bad.val();
                self.rx_ready.next = self.decoder.ready.val();
                self.decoder.out_ready.next = self.frames.ready.val();
                self.frames.data_valid.next = self.decoder.data_valid.val();
                self.frames.data.next = self.decoder.out_data.val();
                self.frames.frame_end.next = self.decoder.frame_end.val();
                self.frames.frame_good.next = self.decoder.frame_good.val();
                // Frames to commands.
                $(self.$frame.$frame_in.next = self.$frame_from.$frame_out.val();)*
                // Commands to stores.
                self.tiles.byte_enable.next = self.command.tile_byte_enable.val();
                self.tiles.byte_data.next = self.command.store_byte.val();
                self.tiles.write_enable.next = self.command.tile_write_enable.val();
                self.tiles.write_address.next = self.command.write_address.val();
                self.tile_request.enable.next = self.sequencer.is_beat.val();
                self.tile_request.address.next = self.sequencer.tile_address.val();
                self.tiles.read_enable.next = self.command.tile_read_enable.val() | self.tile_request.out_enable.val();
                self.tiles.read_address.next = self.command.tile_read_address.val();
                if self.tile_request.out_enable.val() {
                    self.tiles.read_address.next = self.tile_request.out_address.val();
                }
                self.command.tile_read_data.next = self.tiles.read_data.val();
                self.activations.byte_enable.next = self.command.act_byte_enable.val();
                self.activations.byte_data.next = self.command.store_byte.val();
                self.activations.write_enable.next = self.command.act_write_enable.val();
                self.activations.write_address.next = self.command.write_address.val();
                self.activations.read_enable.next = self.sequencer.act_read.val();
                self.activations.read_address.next = self.sequencer.act_address.val();
                // Commands to the array.
                self.sequencer.start.next = self.command.start.val();
                self.sequencer.base.next = self.command.base.val();
                self.sequencer.row_groups.next = self.command.row_groups.val();
                self.sequencer.col_beats.next = self.command.col_beats.val();
                self.sequencer.plane_groups.next = self.command.plane_groups.val();
                self.array.issue.next = self.sequencer.running.val();
                self.array.is_load.next = self.sequencer.is_load.val();
                self.array.is_first.next = self.sequencer.is_first.val();
                self.array.is_shift.next = self.sequencer.is_shift.val();
                self.array.is_heavy.next = self.sequencer.is_heavy.val();
                self.array.is_last.next = self.sequencer.is_last.val();
                self.array.ternary.next = self.command.ternary.val();
                self.array.a2.next = self.command.a2.val();
                self.array.init.next = self.command.init.val();
                self.array.w.next = self.tiles.read_data.val();
                self.array.x.next = self.activations.read_data.val();
                // Results to responses.
                self.results.write_enable.next = self.array.result_valid.val();
                self.results.write_address.next = self.command.result_write_address.val();
                self.results.write_data.next = self.array.result.val();
                self.results.read_enable.next = true;
                self.results.read_address.next = self.command.result_read_address.val();
                self.command.result_valid.next = self.array.result_valid.val();
                self.command.result_read_data.next = self.results.read_data.val();
                self.identity.address.next = self.command.page_address.val();
                self.command.identity_data.next = self.identity.data.val();
                self.counters.address.next = self.command.page_address.val();
                self.command.counter_data.next = self.counters.data.val();
                $(self.$answer.$answer_in.next = self.$answer_from.$answer_out.val();)*
                self.tx_valid.next = self.encoder.out_valid.val();
                self.tx_data.next = self.encoder.out_data.val();
                self.encoder.out_ready.next = self.tx_ready.val();
                // What a person sees.
                self.frame_ok.next = self.frames.count_ok.val();
                self.refused.next = self.frames.count_crc.val() | self.frames.count_frame.val() | self.frames.count_overrun.val();
                self.run_cycle.next = self.command.run_cycle.val();
                // What is counted.
                self.counters.frame_ok.next = self.frames.count_ok.val();
                self.counters.bad_crc.next = self.frames.count_crc.val();
                self.counters.bad_frame.next = self.frames.count_frame.val();
                self.counters.overrun.next = self.frames.count_overrun.val();
                self.counters.job.next = self.command.start.val();
                self.counters.run_cycle.next = self.command.run_cycle.val();
                self.counters.beat.next = self.sequencer.is_beat.val();
                self.counters.tx_wait.next = self.encoder.out_valid.val() & !self.tx_ready.val();
                self.counters.rx_wait.next = self.rx_valid.val() & !self.decoder.ready.val();
            }
        }
    };
}

engine! {
    /// `W`, `X`, `Y`: bits of a tile, activation and result word; `U`: of a response word; `AW`: frame buffer address.
    Engine {}
    {
        command.frame_valid = frames.frame_valid;
        command.frame_bytes = frames.frame_bytes;
        frames.frame_done = command.frame_done;
        frames.read_enable = command.read_enable;
        frames.read_address = command.read_address;
        command.read_data = frames.read_data;
    }
    {
        encoder.valid = command.out_valid;
        encoder.data = command.out_data;
        encoder.last = command.out_last;
        command.out_ready = encoder.ready;
    }
}

engine! {
    /// The engine with the element operations of the articles: what asks for them, the command processor never sees.
    SeedEngine { seeds: SeedUnit }
    {
        seeds.frame_valid = frames.frame_valid;
        seeds.frame_bytes = frames.frame_bytes;
        seeds.read_data = frames.read_data;
        frames.frame_done = seeds.frame_done;
        frames.read_enable = seeds.read_enable;
        frames.read_address = seeds.read_address;
        command.frame_valid = seeds.command_frame;
        command.frame_bytes = frames.frame_bytes;
        command.read_data = frames.read_data;
        seeds.command_done = command.frame_done;
        seeds.command_read = command.read_enable;
        seeds.command_address = command.read_address;
    }
    {
        seeds.command_valid = command.out_valid;
        seeds.command_data = command.out_data;
        seeds.command_last = command.out_last;
        command.out_ready = seeds.command_ready;
        encoder.valid = seeds.out_valid;
        encoder.data = seeds.out_data;
        encoder.last = seeds.out_last;
        seeds.out_ready = encoder.ready;
    }
}

/// A table array's activation words are few and wide: block RAM would be wasted on them.
pub(crate) fn activation_style(array: ArrayKind) -> MemoryStyle {
    match array {
        ArrayKind::Planes => MemoryStyle::Block,
        ArrayKind::Tables => MemoryStyle::Distributed,
    }
}

/// Stages of a beat's tile request before it comes to the store: what the array's delay leaves of the store's own.
pub(crate) fn request_stages(g: &Geometry, word_bits: usize) -> usize {
    let (wanted, read) = (cycles::MEMORY_STAGES + cycles::tile_delay(g), read_cycles(word_bits));
    assert!(wanted >= read, "an array of planes wants its words in {wanted} cycles, banks give them in {read}");
    wanted - read
}

pub(crate) fn weight_style(memory: WeightMemory) -> MemoryStyle {
    match memory {
        WeightMemory::Block => MemoryStyle::Block,
        WeightMemory::Spram => MemoryStyle::SinglePort,
    }
}
