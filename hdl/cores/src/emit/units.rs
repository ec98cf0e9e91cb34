//! Single cores as tops of their own: what the simulator's tests drive one by one.

use crate::array::gemv_array::GemvArray;
use crate::array::gemv_sequencer::GemvSequencer;
use crate::bus::{BusKind, emit_bus};
use crate::command::counters::Counters;
use crate::command::header_register::HeaderRegister;
use crate::command::seal_table::SealTable;
use crate::emit::{EmitError, finish};
use crate::link::cobs_decoder::CobsDecoder;
use crate::link::crc32::Crc32;
use crate::link::frame_buffer::{FrameBuffer, WhenFull};
use crate::link::frame_encoder::FrameEncoder;
use crate::link::uart_rx::UartRx;
use crate::link::uart_tx::UartTx;
use crate::netlist::Emit;
use crate::seed::element_units::element_units;
use crate::store::block_ram::BlockRam;
use crate::store::packed_store::{MemoryStyle, PackedStore};
use crate::store::unpacker::Unpacker;
use crate::token::{attention, chooser::chooser};
use crate::top::status_lights::StatusLights;
use nda_spec::config::{ArrayKind, Geometry};
use rust_hdl_core::prelude::*;

/// Clock cycles a bit of the UART units.
pub const UART_DIVISOR: u32 = 8;
/// Slots and slot bytes of the frame buffer unit.
pub const FRAME_SLOTS: (usize, usize) = (2, 128);
/// System clock of the status light unit in Hz: a tick of eight cycles.
pub const LIGHTS_CLK_HZ: u32 = 64 * 8;
/// Pages of the seal table unit.
pub const SEAL_PAGES: usize = 24;
/// Words of the memory units: not a power of two.
pub const STORE_WORDS: usize = 24;

/// An array unit's geometry; its stores, which it does not have, hold 64 words.
const fn array(array: ArrayKind, array_rows: usize, array_cols: usize, planes: usize) -> Geometry {
    Geometry { array, array_rows, array_cols, planes, tile_words: 64, page_words: 8, act_words: 64, result_words: 64 }
}

/// Array units: name and geometry.
pub const ARRAYS: [(&str, Geometry); 11] = [
    ("plane_array_1x8x1", array(ArrayKind::Planes, 1, 8, 1)),
    ("plane_array_1x16x1", array(ArrayKind::Planes, 1, 16, 1)),
    ("plane_array_2x24x2", array(ArrayKind::Planes, 2, 24, 2)),
    ("plane_array_2x16x4", array(ArrayKind::Planes, 2, 16, 4)),
    ("plane_array_1x32x8", array(ArrayKind::Planes, 1, 32, 8)),
    ("plane_array_4x64x2", array(ArrayKind::Planes, 4, 64, 2)),
    ("table_array_1x8", array(ArrayKind::Tables, 1, 8, 8)),
    ("table_array_2x16", array(ArrayKind::Tables, 2, 16, 8)),
    ("table_array_3x24", array(ArrayKind::Tables, 3, 24, 8)),
    ("table_array_2x64", array(ArrayKind::Tables, 2, 64, 8)),
    ("table_array_1x128", array(ArrayKind::Tables, 1, 128, 8)),
];

/// Rows and columns of the arrays on buses: as small as their words' ports are read and written in one piece.
pub const BUS_ARRAY: (usize, usize) = (2, 8);

/// Sizes of the attention unit's unit: heads that share, and a ring whose sums pass the bound from which on values lose bits.
pub const ATTENTION: attention::Sizes =
    attention::Sizes { heads: 4, kv_heads: 2, head_dim: 8, ring: 70, rows: 420, makers: 16, positions: 2 };

/// Every unit's name and Verilog; a unit's top module bears its name.
///
/// # Errors
/// [`EmitError`] says what is refused and where.
pub fn units() -> Result<Vec<(&'static str, String)>, EmitError> {
    let mut all = vec![
        unit("crc32", &Crc32::default())?,
        unit("cobs_decoder", &CobsDecoder::default())?,
        unit("frame_encoder", &FrameEncoder::default())?,
        unit("frame_buffer", &FrameBuffer::<8>::new(FRAME_SLOTS.0, FRAME_SLOTS.1, WhenFull::Wait))?,
        unit("frame_buffer_dropping", &FrameBuffer::<8>::new(FRAME_SLOTS.0, FRAME_SLOTS.1, WhenFull::Drop))?,
        unit("uart_rx", &UartRx::new(UART_DIVISOR))?,
        unit("uart_tx", &UartTx::new(UART_DIVISOR))?,
        unit("block_ram", &BlockRam::<12, 5>::new(STORE_WORDS))?,
        unit("packed_store", &PackedStore::<32>::new(STORE_WORDS, MemoryStyle::Block))?,
        unit("packed_store_single", &PackedStore::<32>::new(STORE_WORDS, MemoryStyle::SinglePort))?,
        unit("packed_store_banked", &PackedStore::<32>::with_banks(STORE_WORDS, MemoryStyle::Block, 24))?,
        unit("unpacker", &Unpacker::<32>::new(32))?,
        unit("unpacker_banked", &Unpacker::<32>::new(24))?,
        unit("seal_table", &SealTable::new(SEAL_PAGES))?,
        unit("header_register", &HeaderRegister::default())?,
        unit("status_lights", &StatusLights::new(LIGHTS_CLK_HZ))?,
        unit("counters", &Counters::default())?,
        unit("plane_sequencer", &GemvSequencer::new(ArrayKind::Planes))?,
        unit("table_sequencer", &GemvSequencer::new(ArrayKind::Tables))?,
    ];
    all.push(unit(ARRAYS[0].0, &GemvArray::<16, 8, 24>::new(&ARRAYS[0].1))?);
    all.push(unit(ARRAYS[1].0, &GemvArray::<32, 16, 24>::new(&ARRAYS[1].1))?);
    all.push(unit(ARRAYS[2].0, &GemvArray::<96, 48, 48>::new(&ARRAYS[2].1))?);
    all.push(unit(ARRAYS[3].0, &GemvArray::<64, 64, 48>::new(&ARRAYS[3].1))?);
    all.push(unit(ARRAYS[4].0, &GemvArray::<64, 256, 24>::new(&ARRAYS[4].1))?);
    all.push(unit(ARRAYS[5].0, &GemvArray::<512, 128, 96>::new(&ARRAYS[5].1))?);
    all.push(unit(ARRAYS[6].0, &GemvArray::<16, 64, 24>::new(&ARRAYS[6].1))?);
    all.push(unit(ARRAYS[7].0, &GemvArray::<64, 128, 48>::new(&ARRAYS[7].1))?);
    all.push(unit(ARRAYS[8].0, &GemvArray::<144, 192, 72>::new(&ARRAYS[8].1))?);
    all.push(unit(ARRAYS[9].0, &GemvArray::<256, 512, 48>::new(&ARRAYS[9].1))?);
    all.push(unit(ARRAYS[10].0, &GemvArray::<256, 1024, 24>::new(&ARRAYS[10].1))?);
    all.extend(element_units()?);
    for kind in [BusKind::AxiStream, BusKind::Wishbone] {
        all.push((kind.top(), emit_bus(kind, BUS_ARRAY.0, BUS_ARRAY.1)?));
    }
    all.push(("attention_unit", attention::unit::unit("attention", &ATTENTION).emit("attention_unit")?));
    all.push(("chooser", chooser("choice").emit("chooser")?));
    Ok(all)
}

/// A core's Verilog. rust-hdl's check of connections is left to the boards: a top's inputs are open by nature.
pub(crate) fn unit<B: Block>(name: &'static str, block: &B) -> Result<(&'static str, String), EmitError> {
    Ok((name, finish(&generate_verilog_unchecked(block), name)?))
}
