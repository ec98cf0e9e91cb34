//! The errors of this crate's border.

/// Why keys and values are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    /// A block attends twice at a position, left one out, or changed its shape.
    #[error(
        "attend: block {block} has taken {taken} keys of {width} values and gets one of {found} at position {position}; every block attends once a position"
    )]
    Turn {
        /// The block.
        block: usize,
        /// Positions that it has taken.
        taken: usize,
        /// Values of its keys.
        width: usize,
        /// Values of the key that comes.
        found: usize,
        /// Where the text is.
        position: usize,
    },
    /// A value that is not a number, or infinite: codes would hide it.
    #[error("attend: a {what} of block {block} is not finite")]
    NotFinite {
        /// The block.
        block: usize,
        /// Query, key or value.
        what: &'static str,
    },
}
