//! Reads tile words as a stream of bytes: the vector unit's programs and their constants.
//!
//! Function: after `start` the bytes of `words` words from `base` on, first byte lightest. A byte is taken in a cycle with `want` and
//! `valid`; a word is read when a byte of it is first wanted, so nothing is read while the array reads.
//! Handshake: `want`/`valid`; `exhausted` stands once every byte is taken. Interval 1 within a word; a word's first byte is valid
//! `cycles::WORD_CYCLES` after it is wanted. Cost: a word's register.

use crate::unpacker::Unpacker;
use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// See the module's documentation. `W` = bits of a tile word.
#[derive(LogicBlock)]
pub struct ConstantReader<const W: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Begin anew.
    pub start: Signal<In, Bit>,
    /// First word.
    pub base: Signal<In, Bits<16>>,
    /// Words.
    pub words: Signal<In, Bits<16>>,
    /// A byte is wanted.
    pub want: Signal<In, Bit>,
    /// It stands.
    pub valid: Signal<Out, Bit>,
    /// The byte.
    pub byte_data: Signal<Out, Bits<8>>,
    /// There are no more.
    pub exhausted: Signal<Out, Bit>,
    /// Read a tile word.
    pub tile_read_enable: Signal<Out, Bit>,
    /// Which.
    pub tile_read_address: Signal<Out, Bits<16>>,
    /// The tile word, two cycles later.
    pub tile_read_data: Signal<In, Bits<W>>,
    bytes: Unpacker<W>,
    left: DFF<Bits<9>>,
    at: DFF<Bits<16>>,
    words_left: DFF<Bits<16>>,
    waiting: DFF<Bits<2>>,
    word_bytes: Constant<Bits<9>>,
}

impl<const W: usize> Default for ConstantReader<W> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            start: Default::default(),
            base: Default::default(),
            words: Default::default(),
            want: Default::default(),
            valid: Default::default(),
            byte_data: Default::default(),
            exhausted: Default::default(),
            tile_read_enable: Default::default(),
            tile_read_address: Default::default(),
            tile_read_data: Default::default(),
            bytes: Unpacker::for_words(),
            left: Default::default(),
            at: Default::default(),
            words_left: Default::default(),
            waiting: Default::default(),
            word_bytes: Constant::new((W as u64 / 8).into()),
        }
    }
}

impl<const W: usize> Logic for ConstantReader<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, left, at, words_left, waiting);
        clock!(self, clock, bytes);
        self.valid.next = self.left.q.val() != 0;
        self.exhausted.next = (self.left.q.val() == 0) & (self.words_left.q.val() == 0) & (self.waiting.q.val() == 0);
        self.byte_data.next = self.bytes.byte_data.val();
        self.bytes.word.next = self.tile_read_data.val();
        self.bytes.load.next = false;
        self.bytes.shift.next = false;
        self.tile_read_enable.next = false;
        self.tile_read_address.next = self.at.q.val();
        if self.want.val() & (self.left.q.val() != 0) {
            self.bytes.shift.next = true;
            self.left.d.next = self.left.q.val() - 1;
        }
        if self.want.val() & (self.left.q.val() == 0) & (self.waiting.q.val() == 0) & (self.words_left.q.val() != 0) {
            self.tile_read_enable.next = true;
            self.at.d.next = self.at.q.val() + 1;
            self.words_left.d.next = self.words_left.q.val() - 1;
            self.waiting.d.next = 2.into();
        }
        if self.waiting.q.val() == 2 {
            self.waiting.d.next = 1.into();
        }
        if self.waiting.q.val() == 1 {
            self.waiting.d.next = 0.into();
            self.bytes.load.next = true;
            self.left.d.next = self.word_bytes.val();
        }
        if self.start.val() {
            self.left.d.next = 0.into();
            self.waiting.d.next = 0.into();
            self.at.d.next = self.base.val();
            self.words_left.d.next = self.words.val();
        }
    }
}
