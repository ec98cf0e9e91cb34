//! What a device is: the page that `IDENT` returns.

use super::{IDENT_BYTES, IDENT_MAGIC, JOB_BYTES, PROTOCOL_VERSION};
use crate::config::{ArrayKind, Geometry};

/// What a device is: the page that `IDENT` returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// Protocol version.
    pub protocol: u8,
    /// Version of the cores, raised when a job's meaning changes.
    pub engine: u8,
    /// Board row of constraints/boards.toml; 0 for a simulated board.
    pub board: u16,
    /// The array and its memories.
    pub geometry: Geometry,
    /// Longest request payload in bytes.
    pub mtu: u16,
    /// Received frames that the device can hold.
    pub slots: u8,
    /// System clock in Hz.
    pub clk_hz: u32,
    /// UART speed in baud; 0 for a parallel port.
    pub baud: u32,
    /// Configuration name, at most 16 ASCII bytes.
    pub config: String,
    /// Positions of the token machine's ring; 0 if there is no token machine. Page 1 has the rest of it.
    pub ring: u16,
    /// Whether it does the element operations of the articles (`SEED`).
    pub seed: bool,
    /// First 8 bytes of the emitted Verilog's hash, taken with this field as 0.
    pub build: u64,
}

/// Version of the cores.
pub const ENGINE_VERSION: u8 = 1;

impl Ident {
    /// The page's bytes.
    ///
    /// # Panics
    /// If a number does not fit its field; `Config::check` keeps those of a configuration within.
    pub fn to_bytes(&self) -> [u8; IDENT_BYTES] {
        let small = |value: usize| u16::try_from(value).expect("checked by Config::check").to_le_bytes();
        let mut out = [0; IDENT_BYTES];
        let g = &self.geometry;
        out[0..4].copy_from_slice(&IDENT_MAGIC);
        out[4] = self.protocol;
        out[5] = self.engine;
        out[6..8].copy_from_slice(&self.board.to_le_bytes());
        out[8..10].copy_from_slice(&small(g.array_rows));
        out[10..12].copy_from_slice(&small(g.array_cols));
        out[12..14].copy_from_slice(&small(g.planes));
        out[14..16].copy_from_slice(&small(g.page_words));
        out[16..20].copy_from_slice(&u32::try_from(g.tile_words).expect("checked by Config::check").to_le_bytes());
        out[20..22].copy_from_slice(&small(g.act_words));
        out[22..24].copy_from_slice(&small(g.result_words));
        out[24..26].copy_from_slice(&self.mtu.to_le_bytes());
        out[26] = self.slots;
        out[27] = g.array.to_byte();
        out[28..32].copy_from_slice(&self.clk_hz.to_le_bytes());
        out[32..36].copy_from_slice(&self.baud.to_le_bytes());
        out[36] = self.seed.into();
        out[38..40].copy_from_slice(&self.ring.to_le_bytes());
        out[40..40 + self.config.len()].copy_from_slice(self.config.as_bytes());
        out[56..64].copy_from_slice(&self.build.to_le_bytes());
        out
    }

    /// The page that these bytes spell, or why they are none that we speak.
    ///
    /// # Errors
    /// [`IdentError`] says what was found and what is spoken here.
    pub fn from_bytes(b: &[u8]) -> Result<Ident, IdentError> {
        let b: &[u8; IDENT_BYTES] = b.try_into().map_err(|_| IdentError::Length(b.len()))?;
        if b[0..4] != IDENT_MAGIC {
            return Err(IdentError::Magic([b[0], b[1], b[2], b[3]]));
        }
        if b[4] != PROTOCOL_VERSION || b[5] != ENGINE_VERSION {
            return Err(IdentError::Version { protocol: b[4], engine: b[5] });
        }
        let small = |at: usize| usize::from(u16::from_le_bytes([b[at], b[at + 1]]));
        let long = |at: usize| u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]]);
        let name = &b[40..56];
        let name = &name[..name.iter().position(|&c| c == 0).unwrap_or(name.len())];
        let ident = Ident {
            protocol: b[4],
            engine: b[5],
            board: small(6) as u16,
            geometry: Geometry {
                array: ArrayKind::from_byte(b[27]).ok_or(IdentError::Geometry)?,
                array_rows: small(8),
                array_cols: small(10),
                planes: small(12),
                page_words: small(14),
                tile_words: long(16) as usize,
                act_words: small(20),
                result_words: small(22),
            },
            mtu: small(24) as u16,
            slots: b[26],
            clk_hz: long(28),
            baud: long(32),
            config: std::str::from_utf8(name).map_err(|_| IdentError::Geometry)?.into(),
            ring: small(38) as u16,
            seed: b[36] & 1 == 1,
            build: u64::from(long(56)) | u64::from(long(60)) << 32,
        };
        let g = &ident.geometry;
        let sane = (1..=64).contains(&g.array_rows)
            && g.array_cols.is_multiple_of(8)
            && (8..=512).contains(&g.array_cols)
            && matches!(g.planes, 1 | 2 | 4 | 8)
            && g.page_words > 0
            && g.tile_words > 0
            && g.tile_words.is_multiple_of(g.page_words)
            && g.act_words > 0
            && g.result_words > 0
            && usize::from(ident.mtu) >= g.tile_word_bytes().max(JOB_BYTES + g.act_word_bytes() * 8)
            && ident.slots > 0;
        if sane { Ok(ident) } else { Err(IdentError::Geometry) }
    }
}

/// Why an `IDENT` page is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentError {
    /// Not 64 bytes.
    #[error("the device's identification has {0} bytes, not {IDENT_BYTES}")]
    Length(usize),
    /// Something else answers on this port.
    #[error("the device's identification starts with {0:02x?}, not with '2BPG': something else answers on this port")]
    Magic([u8; 4]),
    /// Another version of the protocol or of the cores.
    #[error(
        "the device speaks protocol {protocol} with engine {engine}; this host speaks protocol {PROTOCOL_VERSION} with engine {ENGINE_VERSION}; make the board's image again with these tools ('make bitstream', 'make flash'), or use the host tools of the image's version"
    )]
    Version {
        /// The device's protocol.
        protocol: u8,
        /// The device's engine.
        engine: u8,
    },
    /// Numbers that no image can have.
    #[error("the device's identification describes an array that cannot be")]
    Geometry,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn ident_page_survives_the_wire_and_refuses_others() {
        let config = Config::named("wide256").unwrap();
        let ident = Ident {
            protocol: PROTOCOL_VERSION,
            engine: ENGINE_VERSION,
            board: 3,
            geometry: config.geometry,
            mtu: config.mtu() as u16,
            slots: 2,
            clk_hz: config.clk_hz,
            baud: config.baud,
            config: config.name,
            ring: 102,
            seed: true,
            build: 0x0123_4567_89ab_cdef,
        };
        let page = ident.to_bytes();
        assert_eq!(Ident::from_bytes(&page), Ok(ident));
        assert!(matches!(Ident::from_bytes(&page[1..]), Err(IdentError::Length(63))));
        for (at, value) in [(0, b'x'), (4, 9), (12, 3), (26, 0), (27, 2)] {
            let mut bad = page;
            bad[at] = value;
            assert!(Ident::from_bytes(&bad).is_err(), "byte {at} = {value}");
        }
    }
}
