//! Netlists in blocks of Rust-HDL, ports by name, and on the road to Verilog.

pub use nda_netlist::*;

use crate::emit::{EmitError, finish};
use rust_hdl_core::prelude::*;

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

    /// A block's `hdl`: an instance of the netlist's module, below a stem that is this block's alone.
    fn hdl(&self, stem: &str) -> Verilog;
}

impl Emit for Netlist {
    fn emit(&self, top: &str) -> Result<String, EmitError> {
        finish(&self.top_verilog("top"), top)
    }

    fn hdl(&self, stem: &str) -> Verilog {
        Verilog::Wrapper(Wrapper { code: self.instance_text(stem, "core"), cores: self.verilog(stem) })
    }
}

/// A block of Rust-HDL around a netlist: `netlist_block! { /// doc  Name, "stem", { in_port: Bit } { out_port: Bits<8> } }`.
///
/// rust-hdl's simulator is not used, so `update` is empty; the emitted Verilog is the netlist's.
#[macro_export]
macro_rules! netlist_block {
    ($(#[$meta:meta])* $name:ident $(<$width:ident>)?, $stem:literal, { $($in:ident: $in_type:ty),* $(,)? } { $($out:ident: $out_type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(LogicBlock)]
        pub struct $name $(<const $width: usize>)? {
            /// System clock.
            pub clock: Signal<In, Clock>,
            $(#[allow(missing_docs, reason = "the netlist says what it is")] pub $in: Signal<In, $in_type>,)*
            $(#[allow(missing_docs, reason = "the netlist says what it is")] pub $out: Signal<Out, $out_type>,)*
            _netlist: std::sync::Arc<$crate::netlist::Netlist>,
        }

        impl $(<const $width: usize>)? $name $(<$width>)? {
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
                    _netlist: netlist,
                }
            }
        }

        impl $(<const $width: usize>)? Logic for $name $(<$width>)? {
            fn update(&mut self) {}

            fn connect(&mut self) {
                $(self.$out.connect();)*
            }

            fn hdl(&self) -> Verilog {
                $crate::netlist::Emit::hdl(&*self._netlist, $stem)
            }
        }
    };
}
