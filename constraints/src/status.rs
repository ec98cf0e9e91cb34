//! How far a board is.

use serde::Deserialize;

/// Whether a board is taken to a bitstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Routed by the flow from today's cores; its record is in `firmware/records/`.
    Routed,
    /// Routed by the flow from earlier cores: its record is there, but of other Verilog than is emitted now.
    Stale,
    /// Row and pins are here; the note says what is missing.
    Constraints,
}

impl Status {
    /// Whether the flow has routed an image.
    pub const fn is_routed(self) -> bool {
        matches!(self, Status::Routed | Status::Stale)
    }

    /// In a table.
    pub const fn text(self) -> &'static str {
        match self {
            Status::Routed => "routed",
            Status::Stale => "routed (stale)",
            Status::Constraints => "not routed",
        }
    }

    /// In JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Routed => "routed",
            Status::Stale => "stale",
            Status::Constraints => "not routed",
        }
    }
}
