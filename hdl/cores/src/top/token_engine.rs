//! The engine with a token machine: its commands stand between the frame buffer and the command processor, and it shares the
//! array and the tile store with the products that a host asks for; everything else is [`crate::top::engine`]'s.
//!
//! Function: wire bytes in, wire bytes out; PROTOCOL.md says which. Handshake: ready/valid on both sides; `rx_bad`
//! marks a byte with a framing error. While the machine is busy the array is its own; commands see to it that no product
//! is asked for meanwhile. Latency: the cycles of `nda_spec::cycles` and
//! `nda_spec::token::cycles`. It knows no pin, board or frequency.
//! Cost (yosys, with a UART and the clock around it): beside eight rows (firmware/sizes/token1024.json) 80,988 LUT sites, 60,337 FF, 175
//! DP16KD, 139 MULT18X18D, more than an ECP5-85F; beside four rows (firmware/records/ulx3s-85f.json) 60,884, 45,887, 175 and 139.

use crate::array::gemv_array::TokenArray;
use crate::array::gemv_sequencer::GemvSequencer;
use crate::command::command_processor::CommandProcessor;
use crate::command::counters::Counters;
use crate::command::identity::Identity;
use crate::command::seal_table::SealTable;
use crate::emit::{EmitError, Port, text};
use crate::link::cobs_decoder::CobsDecoder;
use crate::link::frame_buffer::{FrameBuffer, WhenFull};
use crate::link::frame_encoder::FrameEncoder;
use crate::store::block_ram::BlockRam;
use crate::store::packed_store::PackedStore;
use crate::store::read_delay::ReadDelay;
use crate::token::attention;
use crate::token::commands::{Layout, commands};
use crate::token::token_machine;
use crate::top::engine::{request_stages, weight_style};
use crate::top::token_blocks::{TokenCommands, TokenMachine};
use crate::top::token_board_parallel::TokenBoardParallel;
use crate::top::token_board_uart::TokenBoardUart;
use nda_spec::Config;
use nda_spec::wire::IDENT_BYTES;
use rust_hdl_core::prelude::*;

/// Bits of a block RAM's word at its widest, which 512 words have.
const BLOCK_BITS: usize = 36;

/// Bits of a word of results that lie in LUT RAM: a few beyond whole block RAMs.
const fn low_bits(word: usize) -> usize {
    if word % BLOCK_BITS <= BLOCK_BITS / 3 { word % BLOCK_BITS } else { 0 }
}

/// Of 128 columns of tables and frames of 4 KB; `W`, `Y`: bits of a tile and of a result word, `U`: of a response word.
#[derive(LogicBlock)]
pub struct TokenEngine<const W: usize, const Y: usize, const U: usize> {
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
    frames: FrameBuffer<12>,
    commands: TokenCommands<Y>,
    machine: TokenMachine<Y>,
    command: CommandProcessor<W, Y, U>,
    encoder: FrameEncoder,
    tiles: PackedStore<W>,
    results: BlockRam<Y, 12>,
    sequencer: GemvSequencer,
    tile_request: ReadDelay,
    array: TokenArray<W, Y>,
    identity: Identity,
    counters: Counters,
}

impl<const W: usize, const Y: usize, const U: usize> TokenEngine<W, Y, U> {
    /// An engine of this configuration that identifies itself with `page`. `when_full` says what
    /// becomes of a byte that finds no room.
    pub fn new(config: &Config, page: [u8; IDENT_BYTES], when_full: WhenFull) -> Self {
        let g = &config.geometry;
        let layout = Layout::of(config).expect("a configuration with a token machine");
        let sizes = layout.sizes;
        let map = sizes.map(g.tile_word_bytes());
        let attention = attention::Sizes::of(&sizes, g.array_rows);
        let mut command = CommandProcessor::new(g);
        command.seals = SealTable::in_lut_ram(g.pages().max(2));
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
            commands: TokenCommands::around(commands("commands", &layout)),
            machine: TokenMachine::around(token_machine(&sizes, &map, &attention, g.array_rows)),
            command,
            encoder: FrameEncoder::in_lut_ram(),
            tiles: PackedStore::new(g.tile_words, weight_style(config.weight_memory)),
            results: BlockRam::with_lut_ram(g.result_words, low_bits(Y)),
            sequencer: GemvSequencer::new(g.array),
            tile_request: ReadDelay::new(request_stages(g, W)),
            array: TokenArray::new(g),
            identity: Identity::new(page),
            counters: Default::default(),
        }
    }
}

impl<const W: usize, const Y: usize, const U: usize> Logic for TokenEngine<W, Y, U> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, decoder, frames, commands, machine, command, encoder, tiles);
        clock!(self, clock, results, sequencer, tile_request, array, counters);
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
        // Frames to the token machine's commands, and from there to the command processor's.
        self.commands.frame_valid.next = self.frames.frame_valid.val();
        self.commands.frame_bytes.next = self.frames.frame_bytes.val();
        self.commands.read_data.next = self.frames.read_data.val();
        self.frames.frame_done.next = self.commands.frame_done.val();
        self.frames.read_enable.next = self.commands.read_enable.val();
        self.frames.read_address.next = self.commands.read_address.val();
        self.command.frame_valid.next = self.commands.command_frame.val();
        self.command.frame_bytes.next = self.frames.frame_bytes.val();
        self.command.read_data.next = self.frames.read_data.val();
        self.commands.command_done.next = self.command.frame_done.val();
        self.commands.command_read.next = self.command.read_enable.val();
        self.commands.command_address.next = self.command.read_address.val();
        self.commands.tile_write.next = self.command.tile_write_enable.val();
        self.commands.write_address.next = self.command.write_address.val();
        // Commands to the machine.
        self.machine.load_valid.next = self.commands.load_valid.val();
        self.machine.load_address.next = self.commands.load_address.val();
        self.machine.load_data.next = self.commands.load_data.val();
        self.machine.peek_valid.next = self.commands.peek_valid.val();
        self.machine.peek_address.next = self.commands.peek_address.val();
        self.machine.clear.next = self.commands.clear.val();
        self.machine.abort.next = self.commands.abort.val();
        self.machine.token_valid.next = self.commands.token_valid.val();
        self.machine.token.next = self.commands.token.val();
        self.machine.token_want.next = self.commands.token_want.val();
        self.machine.is_greedy.next = self.commands.greedy.val();
        self.machine.inverse_temperature.next = self.commands.inverse_temperature.val();
        self.machine.seed.next = self.commands.seed.val();
        self.commands.token_ready.next = self.machine.token_ready.val();
        self.commands.busy.next = self.machine.busy.val();
        self.commands.made_valid.next = self.machine.made_valid.val();
        self.commands.made_token.next = self.machine.made_token.val();
        self.commands.last_token.next = self.machine.last_token.val();
        self.commands.row_valid.next = self.machine.row_valid.val();
        self.commands.row_last.next = self.machine.row_last.val();
        self.commands.peek_data.next = self.machine.peek_data.val();
        self.commands.row_data.next = self.results.read_data.val();
        self.machine.result.next = self.array.result.val();
        // Commands to stores.
        self.tiles.byte_enable.next = self.command.tile_byte_enable.val();
        self.tiles.byte_data.next = self.command.store_byte.val();
        self.tiles.write_enable.next = self.command.tile_write_enable.val();
        self.tiles.write_address.next = self.command.write_address.val();
        self.tile_request.enable.next = self.sequencer.is_beat.val() | (self.machine.array_issue.val() & !self.machine.array_is_load.val());
        self.tile_request.address.next = self.sequencer.tile_address.val();
        self.tiles.read_enable.next = self.command.tile_read_enable.val() | self.tile_request.out_enable.val();
        self.tiles.read_address.next = self.command.tile_read_address.val();
        if self.tile_request.out_enable.val() {
            self.tiles.read_address.next = self.tile_request.out_address.val();
        }
        self.command.tile_read_data.next = self.tiles.read_data.val();
        self.machine.act_byte_enable.next = self.command.act_byte_enable.val();
        self.machine.act_byte.next = self.command.store_byte.val();
        self.machine.act_write_enable.next = self.command.act_write_enable.val();
        self.machine.act_word.next = self.command.write_address.val();
        self.machine.act_read.next = self.sequencer.act_read.val();
        self.machine.act_read_word.next = self.sequencer.act_address.val();
        // Commands to the array.
        self.sequencer.start.next = self.command.start.val();
        self.sequencer.base.next = self.command.base.val();
        self.sequencer.row_groups.next = self.command.row_groups.val();
        self.sequencer.col_beats.next = self.command.col_beats.val();
        self.sequencer.plane_groups.next = self.command.plane_groups.val();
        self.array.issue.next = self.sequencer.running.val();
        self.array.is_load.next = self.sequencer.is_load.val();
        self.array.is_first.next = self.sequencer.is_first.val();
        self.array.is_last.next = self.sequencer.is_last.val();
        self.array.ternary.next = self.command.ternary.val();
        self.array.a2.next = self.command.a2.val();
        self.array.init.next = self.command.init.val();
        self.array.w.next = self.tiles.read_data.val();
        self.array.x.next = self.machine.x.val();
        if self.machine.busy.val() {
            self.tile_request.address.next = bit_cast::<16, 12>(self.machine.tile_address.val());
            self.array.issue.next = self.machine.array_issue.val();
            self.array.is_load.next = self.machine.array_is_load.val();
            self.array.is_first.next = self.machine.array_is_first.val();
            self.array.is_last.next = self.machine.array_is_last.val();
            self.array.ternary.next = self.machine.array_ternary.val();
            self.array.a2.next = false;
            self.array.init.next = self.machine.array_init.val();
        }
        // Results to responses; while a job runs, sums between its beats where its results will be.
        self.results.write_enable.next =
            (self.array.result_valid.val() & !self.machine.busy.val()) | self.machine.row_valid.val() | self.array.sums_write.val();
        self.results.write_address.next = self.command.result_write_address.val();
        self.results.write_data.next = self.array.result.val();
        if self.machine.row_valid.val() {
            self.results.write_address.next = self.commands.row_write_address.val();
            self.results.write_data.next = self.machine.row_values.val();
        }
        if self.array.sums_write.val() {
            self.results.write_address.next = bit_cast::<12, 9>(self.array.sums_write_address.val());
            self.results.write_data.next = self.array.sums_data.val();
        }
        self.results.read_enable.next = true;
        self.results.read_address.next = self.command.result_read_address.val();
        if self.commands.row_reads.val() {
            self.results.read_address.next = self.commands.row_read_address.val();
        }
        if self.array.sums_read.val() {
            self.results.read_address.next = bit_cast::<12, 9>(self.array.sums_read_address.val());
        }
        self.array.fetched.next = self.results.read_data.val();
        self.command.result_valid.next = self.array.result_valid.val() & !self.machine.busy.val();
        self.command.result_read_data.next = self.results.read_data.val();
        self.identity.address.next = self.command.page_address.val();
        self.command.identity_data.next = self.identity.data.val();
        self.counters.address.next = self.command.page_address.val();
        self.command.counter_data.next = self.counters.data.val();
        self.commands.command_valid.next = self.command.out_valid.val();
        self.commands.command_data.next = self.command.out_data.val();
        self.commands.command_last.next = self.command.out_last.val();
        self.command.out_ready.next = self.commands.command_ready.val();
        self.encoder.valid.next = self.commands.out_valid.val();
        self.encoder.data.next = self.commands.out_data.val();
        self.encoder.last.next = self.commands.out_last.val();
        self.commands.out_ready.next = self.encoder.ready.val();
        self.tx_valid.next = self.encoder.out_valid.val();
        self.tx_data.next = self.encoder.out_data.val();
        self.encoder.out_ready.next = self.tx_ready.val();
        // What a person sees, and what is counted.
        self.frame_ok.next = self.frames.count_ok.val();
        self.refused.next = self.frames.count_crc.val() | self.frames.count_frame.val() | self.frames.count_overrun.val();
        self.run_cycle.next = self.command.run_cycle.val() | self.machine.busy.val();
        self.counters.frame_ok.next = self.frames.count_ok.val();
        self.counters.bad_crc.next = self.frames.count_crc.val();
        self.counters.bad_frame.next = self.frames.count_frame.val();
        self.counters.overrun.next = self.frames.count_overrun.val();
        self.counters.job.next = self.command.start.val();
        self.counters.run_cycle.next = self.command.run_cycle.val() | self.machine.busy.val();
        self.counters.beat.next = self.tile_request.enable.val();
        self.counters.tx_wait.next = self.encoder.out_valid.val() & !self.tx_ready.val();
        self.counters.rx_wait.next = self.rx_valid.val() & !self.decoder.ready.val();
    }
}

/// The text of a board with a token machine: of 128 columns, and rows that are compiled in.
///
/// # Errors
/// [`EmitError::Geometry`] of any other, and what rust-hdl finds.
pub(crate) fn board(config: &Config, page: [u8; IDENT_BYTES], port: Port) -> Result<String, EmitError> {
    let (g, frames) = (&config.geometry, config.slots * config.slot_bytes);
    match (g.array_rows, g.array_cols, g.planes, frames) {
        (8, 128, 8, 4096) => of_rows::<2048, 192, 192>(config, page, port),
        (4, 128, 8, 4096) => of_rows::<1024, 96, 96>(config, page, port),
        (rows, cols, planes, _) => Err(EmitError::Geometry { rows, cols, planes, slot_bytes: config.slot_bytes, slots: config.slots }),
    }
}

fn of_rows<const W: usize, const Y: usize, const U: usize>(
    config: &Config,
    page: [u8; IDENT_BYTES],
    port: Port,
) -> Result<String, EmitError> {
    match port {
        Port::Parallel => {
            let mut board = TokenBoardParallel::<W, Y, U>::new(config, page);
            board.clock.connect();
            board.rx_valid.connect();
            board.rx_data.connect();
            board.tx_ready.connect();
            board.connect_all();
            text(&board)
        }
        Port::Uart => {
            let mut board = TokenBoardUart::<W, Y, U>::new(config, page);
            board.clock.connect();
            board.rx.connect();
            board.connect_all();
            text(&board)
        }
    }
}
