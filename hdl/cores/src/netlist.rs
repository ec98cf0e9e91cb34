//! Netlists in blocks of Rust-HDL, ports by name, and on the road to Verilog.

pub(crate) mod kept;

pub use nda_netlist::*;

use crate::emit::{EmitError, finish};
use rust_hdl_core::prelude::*;
use std::sync::Arc;

/// A port of a block: its width.
pub trait PortBits {
    /// Bits.
    const BITS: usize;
}

impl<D: Direction> PortBits for Signal<D, Bit> {
    const BITS: usize = 1;
}

impl<D: Direction, const N: usize> PortBits for Signal<D, Bits<N>> {
    const BITS: usize = N;
}

/// A port's value as the words of an evaluation, lowest first.
pub trait Words {
    /// The words.
    fn words(&self) -> Vec<u64>;
    /// The value that has these.
    fn of_words(words: &[u64]) -> Self;
}

impl Words for Bit {
    fn words(&self) -> Vec<u64> {
        vec![u64::from(*self)]
    }

    fn of_words(words: &[u64]) -> Self {
        words[0] & 1 == 1
    }
}

impl<const N: usize> Words for Bits<N> {
    fn words(&self) -> Vec<u64> {
        let word = |at: usize| match N - at {
            64.. => self.get_bits::<64>(at).to_u64(),
            left => (0..left).fold(0, |word, bit| word | u64::from(self.get_bit(at + bit)) << bit),
        };
        (0..N).step_by(64).map(word).collect()
    }

    fn of_words(words: &[u64]) -> Self {
        let mut value = Bits::default();
        for (at, word) in (0..N).step_by(64).zip(words) {
            match N - at {
                64.. => value.set_bits::<64>(at, (*word).into()),
                left => value = (0..left).fold(value, |value, bit| value.replace_bit(at + bit, word >> bit & 1 == 1)),
            }
        }
        value
    }
}

/// A netlist within a block: what the emitted Verilog says, and what Rust-HDL's simulator runs.
pub struct Circuit {
    netlist: Arc<Netlist>,
    /// Made by the first update: what is only emitted has no use for it.
    state: Option<Evaluation>,
}

impl Circuit {
    /// The circuit of a netlist.
    pub fn new(netlist: Arc<Netlist>) -> Circuit {
        Circuit { netlist, state: None }
    }

    /// The netlist.
    pub fn netlist(&self) -> &Netlist {
        &self.netlist
    }

    /// Its state, at power-up the first time.
    pub fn state(&mut self) -> &mut Evaluation {
        self.state.get_or_insert_with(|| Evaluation::new(&self.netlist))
    }

    /// A block's `hdl`: an instance of the netlist's module, below a stem that blocks with this netlist alone have.
    pub fn hdl(&self, stem: &str) -> Verilog {
        let hash = blake3::hash(self.netlist.verilog(stem).as_bytes()).to_hex();
        let stem = format!("{stem}_{}", &hash[..16]);
        Verilog::Wrapper(Wrapper { code: self.netlist.instance_text(&stem, "core"), cores: self.netlist.verilog(&stem) })
    }

    /// The same without an instance: the block's module is the netlist's.
    pub fn hdl_inside(&self, stem: &str) -> Verilog {
        let (code, cores) = self.netlist.inside(stem);
        Verilog::Wrapper(Wrapper { code, cores })
    }

    /// Sets an input for [`evaluate`](crate::evaluate); a port that the netlist does not read is left alone.
    pub fn set(&mut self, name: &str, words: &[u64]) {
        let is_read = self.netlist.ports().0.iter().any(|(port, _)| port == name);
        if is_read {
            self.state().set(name, words);
        }
    }
}

/// A block's `update` by its circuit: the ports are taken, the state advances at the clock's edge, the outputs follow.
///
/// `evaluate!(self, self.clock.pos_edge(), { in_port, ... } { out_port, ... })`; `false` for a block without a clock.
#[macro_export]
macro_rules! evaluate {
    ($block:ident, $edge:expr, { $($in:ident),* $(,)? } { $($out:ident),* $(,)? }) => {{
        use $crate::netlist::Words;
        let is_edge: bool = $edge;
        $($block._circuit.set(stringify!($in), &$block.$in.val().words());)*
        let state = $block._circuit.state();
        if is_edge {
            state.clock();
        }
        $($block.$out.next = Words::of_words(state.output_of(stringify!($out)));)*
    }};
}

/// What a block says of its ports.
pub struct NetlistPorts {
    /// Names and widths.
    pub inputs: Vec<(&'static str, usize)>,
    /// Names and widths.
    pub outputs: Vec<(&'static str, usize)>,
}

impl NetlistPorts {
    /// That they are the netlist's.
    ///
    /// # Panics
    /// If one is not: the description and its block disagree.
    pub fn check(&self, netlist: &Netlist) {
        let (inputs, outputs) = netlist.ports();
        for (is, ports) in [(&self.inputs, inputs), (&self.outputs, outputs)] {
            let mut is: Vec<(String, usize)> = is.iter().map(|(name, bits)| ((*name).to_string(), *bits)).collect();
            let mut ports = ports;
            is.sort();
            ports.sort();
            assert_eq!(is, ports, "the ports of a block and of its netlist '{}'", netlist.name());
        }
    }
}

/// What the emitted Verilog needs of a netlist.
pub trait Emit {
    /// The netlist as a top of its own, through the same checks as every board.
    ///
    /// # Errors
    /// [`EmitError`] says what is refused and where.
    fn emit(&self, top: &str) -> Result<String, EmitError>;
}

impl Emit for Netlist {
    fn emit(&self, top: &str) -> Result<String, EmitError> {
        finish(&self.top_verilog("top"), top)
    }
}

/// A block of Rust-HDL around a netlist: `netlist_block! { /// doc  Name, "stem", { in_port: Bit } { out_port: Bits<8> } }`.
///
/// The emitted Verilog is the netlist's, and Rust-HDL's simulator runs the netlist.
#[macro_export]
macro_rules! netlist_block {
    ($(#[$meta:meta])* $name:ident $(<$($width:ident),+>)?, $stem:literal, { $($in:ident: $in_type:ty),* $(,)? } { $($out:ident: $out_type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(LogicBlock)]
        pub struct $name $(<$(const $width: usize),+>)? {
            /// System clock.
            pub clock: Signal<In, Clock>,
            $(#[allow(missing_docs, reason = "the netlist says what it is")] pub $in: Signal<In, $in_type>,)*
            $(#[allow(missing_docs, reason = "the netlist says what it is")] pub $out: Signal<Out, $out_type>,)*
            _circuit: $crate::netlist::Circuit,
        }

        impl $(<$(const $width: usize),+>)? $name $(<$($width),+>)? {
            /// The block around a netlist with these ports.
            pub fn around(netlist: std::sync::Arc<$crate::netlist::Netlist>) -> Self {
                use $crate::netlist::PortBits;
                $crate::netlist::NetlistPorts {
                    inputs: vec![$((stringify!($in), <Signal<In, $in_type>>::BITS)),*],
                    outputs: vec![$((stringify!($out), <Signal<Out, $out_type>>::BITS)),*],
                }
                .check(&netlist);
                Self {
                    clock: Default::default(),
                    $($in: Default::default(),)*
                    $($out: Default::default(),)*
                    _circuit: $crate::netlist::Circuit::new(netlist),
                }
            }
        }

        impl $(<$(const $width: usize),+>)? Logic for $name $(<$($width),+>)? {
            fn update(&mut self) {
                $crate::evaluate!(self, self.clock.pos_edge(), { $($in),* } { $($out),* });
            }

            fn connect(&mut self) {
                $(self.$out.connect();)*
            }

            fn hdl(&self) -> Verilog {
                self._circuit.hdl($stem)
            }
        }
    };
}
