//! What is refused, and where.

use nda_spec::config::ConfigError;

/// Why no Verilog was emitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// The configuration itself is bad.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The geometry is none of those that are compiled in.
    #[error(
        "no image with {rows} x {cols} lanes, {planes} planes and frames of {slot_bytes} bytes in {slots} slots is compiled in; add a line to `geometries!` in hdl/cores/src/emit.rs"
    )]
    Geometry {
        /// Rows of the array.
        rows: usize,
        /// Columns of the array.
        cols: usize,
        /// Planes a beat.
        planes: usize,
        /// Bytes of a frame.
        slot_bytes: usize,
        /// Slots of the frame buffer.
        slots: usize,
    },
    /// No array of planes on a bus has this shape.
    #[error(
        "no array of {rows} x {cols} stands on a bus: rows must be 1 to 16, columns 8 to 128 in steps of 8, and rows times columns a multiple of 16"
    )]
    Bus {
        /// Rows of the array.
        rows: usize,
        /// Columns of the array.
        cols: usize,
    },
    /// rust-hdl's own check: an input that nothing is connected to, a loop of logic, a wrong direction.
    #[error("rust-hdl refuses the circuit: {0}")]
    Circuit(String),
    /// A module without a statement: a core whose `update` lacks `#[hdl_gen]`.
    #[error("module '{module}' is empty; its update() needs #[hdl_gen] or its hdl() a body")]
    Empty {
        /// The module.
        module: String,
    },
    /// Nothing drives a port or a wire.
    #[error("nothing drives '{signal}' in module '{module}'")]
    Undriven {
        /// The module.
        module: String,
        /// The signal.
        signal: String,
    },
    /// A name that is a keyword of Verilog or SystemVerilog.
    #[error("'{name}' in module '{module}' is a Verilog keyword; rename it")]
    Keyword {
        /// The module.
        module: String,
        /// The name.
        name: String,
    },
    /// A module below a core's own text has no place of its own to be named after.
    #[error("the modules called '{stem}$...' belong to {owners} cores; there must be one, or all must bring the same modules along")]
    Part {
        /// The name's first word.
        stem: String,
        /// Modules of rust-hdl's that use it.
        owners: usize,
    },
    /// A width that no signal should have.
    #[error("'{name}' in module '{module}' is {bits} bits wide; at most {MAX_BITS} are built")]
    Width {
        /// The module.
        module: String,
        /// The name.
        name: String,
        /// Its width.
        bits: usize,
    },
    /// An identifier that the module does not declare: a const generic used as a value becomes one.
    #[error("'{name}' is used in module '{module}' but not declared there; a const generic used as a value must be a Constant field")]
    Undeclared {
        /// The module.
        module: String,
        /// The name.
        name: String,
    },
}

/// Widest signal that is built.
pub const MAX_BITS: usize = 4096;
