//! The wire: frames, operations, register pages. PROTOCOL.md is this file in words.
//!
//! On the wire a frame is `0x00 COBS(header payload crc32) 0x00`. There is no length field: the
//! delimiter is the length. Everything is little endian.

use crate::code::ArrayCoefficients;
use crate::config::{ArrayKind, Geometry};
use crate::{ActivationCode, WeightCode};

/// Version that `SYNC` carries and `IDENT` returns.
pub const PROTOCOL_VERSION: u8 = 1;
/// Bytes of a frame's header, both ways.
pub const HEADER_BYTES: usize = 8;
/// Bytes of a frame's CRC-32.
pub const CRC_BYTES: usize = 4;
/// Bytes of a job's descriptor.
pub const JOB_BYTES: usize = 16;
/// Bytes of `IDENT`'s page.
pub const IDENT_BYTES: usize = 64;
/// Bytes of `STAT`'s page.
pub const STAT_BYTES: usize = 40;
/// Bytes of a `READ` request's payload: how many result words.
pub const READ_BYTES: usize = 4;
/// Bytes of a `SEAL` request's payload: the expected CRC-32.
pub const SEAL_BYTES: usize = 4;
/// Bytes that stand first in the payload of a `PROGRAM` request: its job id and the id of the program that it goes on from.
pub const PROGRAM_BYTES: usize = 4;
/// First bytes of the `IDENT` page.
pub const IDENT_MAGIC: [u8; 4] = *b"2BPG";
/// Set in the operation byte of every response.
pub const RESPONSE_BIT: u8 = 0x80;

/// Operations of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    /// Start of a session: `arg` is the protocol version, `addr` a nonce that `aux` returns. Forgets the last job.
    Sync = 0x01,
    /// The 64-byte page that says what the device is.
    Ident = 0x02,
    /// Tile words from word `addr` on; whole words only. Unseals the pages it touches. `aux` returns `addr`.
    Write = 0x10,
    /// Reads page `addr` back; seals it if its CRC-32 is the payload's, else unseals it. `aux` is the CRC found.
    Seal = 0x11,
    /// Runs a job: descriptor and activation words in the payload, `addr` = result words to return at once. `aux` = run cycles.
    Run = 0x20,
    /// Runs a program of the vector unit: `addr` = its words << 16 | its first tile word; job id, the id before, and the
    /// program's input in the payload. `aux` = cycles.
    Program = 0x21,
    /// Result words of the last job: `addr` = job id << 16 | first word, payload = count. `aux` returns `addr`.
    Read = 0x30,
    /// The counters.
    Stat = 0x40,
}

impl Op {
    /// Every operation.
    pub const ALL: [Op; 8] = [Op::Sync, Op::Ident, Op::Write, Op::Seal, Op::Run, Op::Program, Op::Read, Op::Stat];

    /// The operation of a request's first byte.
    pub fn from_byte(byte: u8) -> Option<Op> {
        Op::ALL.into_iter().find(|&op| op as u8 == byte)
    }
}

/// What the device says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Status {
    /// Done.
    Ok = 0x00,
    /// This job was run before; its results (still there) are returned.
    Dup = 0x03,
    /// No such operation.
    BadOp = 0x80,
    /// The payload's length does not fit the operation.
    BadLen = 0x81,
    /// An address or a count outside the device's memories.
    Range = 0x82,
    /// The job needs a page that is not sealed; `aux` is the page.
    TileDirty = 0x83,
    /// `SEAL` found another CRC-32; `aux` is the one found.
    CrcMismatch = 0x85,
    /// `SYNC` of another protocol version.
    Version = 0x87,
    /// `RUN` of an older job, or `READ` of another than the last; `aux` is the last job's id.
    StaleJob = 0x88,
    /// What stands where a program should be is none.
    BadProgram = 0x89,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 10] = [
        Status::Ok,
        Status::Dup,
        Status::BadOp,
        Status::BadLen,
        Status::Range,
        Status::TileDirty,
        Status::CrcMismatch,
        Status::Version,
        Status::StaleJob,
        Status::BadProgram,
    ];

    /// The status of a response's second byte.
    pub fn from_byte(byte: u8) -> Option<Status> {
        Status::ALL.into_iter().find(|&s| s as u8 == byte)
    }
}

/// Codes of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobFlags {
    /// The array's weight planes have ternary's coefficients (bit 0); else quaternary's.
    pub ternary: bool,
    /// Activations are A2 (bit 1); else two's complement.
    pub a2: bool,
}

impl JobFlags {
    /// The flags of a pair of codes.
    pub const fn new(code: WeightCode, x_code: ActivationCode) -> JobFlags {
        JobFlags { ternary: matches!(code.row().array.coefficients, ArrayCoefficients::Ternary), a2: matches!(x_code, ActivationCode::A2) }
    }

    /// What the array's weight planes weigh.
    pub const fn coefficients(self) -> ArrayCoefficients {
        if self.ternary { ArrayCoefficients::Ternary } else { ArrayCoefficients::Quaternary }
    }

    /// The flags' byte.
    pub const fn to_byte(self) -> u8 {
        self.ternary as u8 | (self.a2 as u8) << 1
    }

    /// The flags of a byte; other bits are ignored, as the device does.
    pub const fn from_byte(byte: u8) -> JobFlags {
        JobFlags { ternary: byte & 1 != 0, a2: byte & 2 != 0 }
    }
}

/// Header of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Operation byte; see [`Op`].
    pub op: u8,
    /// Argument: the protocol version for `SYNC`, else 0.
    pub arg: u8,
    /// Sequence number; the response returns it.
    pub seq: u16,
    /// Address; see [`Op`].
    pub addr: u32,
}

impl Request {
    /// The header's bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        header(self.op, self.arg, self.seq, self.addr)
    }

    /// The header that these bytes spell.
    pub fn from_bytes(b: &[u8; HEADER_BYTES]) -> Request {
        Request { op: b[0], arg: b[1], seq: u16::from_le_bytes([b[2], b[3]]), addr: u32::from_le_bytes([b[4], b[5], b[6], b[7]]) }
    }
}

/// Header of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response {
    /// Operation byte of the request, with [`RESPONSE_BIT`].
    pub op: u8,
    /// Status byte; see [`Status`].
    pub status: u8,
    /// The request's sequence number.
    pub seq: u16,
    /// See [`Op`] and [`Status`].
    pub aux: u32,
}

impl Response {
    /// The header's bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        header(self.op, self.status, self.seq, self.aux)
    }

    /// The header that these bytes spell.
    pub fn from_bytes(b: &[u8; HEADER_BYTES]) -> Response {
        Response { op: b[0], status: b[1], seq: u16::from_le_bytes([b[2], b[3]]), aux: u32::from_le_bytes([b[4], b[5], b[6], b[7]]) }
    }
}

fn header(op: u8, second: u8, seq: u16, last: u32) -> [u8; HEADER_BYTES] {
    let mut out = [op, second, 0, 0, 0, 0, 0, 0];
    out[2..4].copy_from_slice(&seq.to_le_bytes());
    out[4..8].copy_from_slice(&last.to_le_bytes());
    out
}

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
        out[36..38].copy_from_slice(&small(g.vector_words));
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
                vector_words: small(36),
            },
            mtu: small(24) as u16,
            slots: b[26],
            clk_hz: long(28),
            baud: long(32),
            config: std::str::from_utf8(name).map_err(|_| IdentError::Geometry)?.into(),
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
        "the device speaks protocol {protocol} with engine {engine}; this host speaks protocol {PROTOCOL_VERSION} with engine {ENGINE_VERSION}; load an image of this version or use the host tools of that one"
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

/// The device's counters: what `STAT` returns. All wrap at 2^32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stat {
    /// Frames acted on.
    pub frames_ok: u32,
    /// Frames whose CRC-32 was wrong, or shorter than a header.
    pub bad_crc: u32,
    /// Frames that were not COBS or had a framing error in a byte.
    pub bad_frame: u32,
    /// Frames longer than a slot, or that found no free slot.
    pub overrun: u32,
    /// Jobs run.
    pub jobs: u32,
    /// Cycles in run phases.
    pub run_cycles: u32,
    /// Beats of the array.
    pub beats: u32,
    /// Cycles in which a response byte waited for the link.
    pub tx_wait: u32,
    /// Cycles in which a received byte waited for a free slot (parallel port only).
    pub rx_wait: u32,
    /// Cycles since reset.
    pub uptime: u32,
}

impl Stat {
    /// The counters in page order.
    pub const fn to_words(self) -> [u32; STAT_BYTES / 4] {
        let Stat { frames_ok, bad_crc, bad_frame, overrun, jobs, run_cycles, beats, tx_wait, rx_wait, uptime } = self;
        [frames_ok, bad_crc, bad_frame, overrun, jobs, run_cycles, beats, tx_wait, rx_wait, uptime]
    }

    /// The counters of a page, or `None` if it has another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Stat> {
        let bytes: &[u8; STAT_BYTES] = bytes.try_into().ok()?;
        let word = |i: usize| u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]]);
        Some(Stat {
            frames_ok: word(0),
            bad_crc: word(1),
            bad_frame: word(2),
            overrun: word(3),
            jobs: word(4),
            run_cycles: word(5),
            beats: word(6),
            tx_wait: word(7),
            rx_wait: word(8),
            uptime: word(9),
        })
    }
}

/// CRC-32 (IEEE 802.3, reflected, polynomial 0xEDB88320), bit by bit: the golden model of the core
/// and of the host's faster one.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| crc32_step(crc, byte))
}

/// The running CRC register after one more byte; starts as all ones, is inverted at the end.
pub fn crc32_step(crc: u32, byte: u8) -> u32 {
    let mut crc = crc ^ u32::from(byte);
    for _ in 0..8 {
        crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    }
    crc
}

/// What the CRC register holds after a frame and its own CRC, if both are whole.
pub const CRC_RESIDUE: u32 = 0xDEBB_20E3;

/// COBS of a frame's bytes, without delimiters (Cheshire and Baker, 1999).
pub fn cobs_encode(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0];
    let mut code_at = 0;
    for &byte in bytes {
        if out.len() - code_at == 255 {
            // A full block has no zero of its own behind it.
            out[code_at] = 255;
            code_at = out.len();
            out.push(0);
        }
        if byte == 0 {
            out[code_at] = (out.len() - code_at) as u8;
            code_at = out.len();
            out.push(0);
        } else {
            out.push(byte);
        }
    }
    out[code_at] = (out.len() - code_at) as u8;
    out
}

/// The bytes that a COBS block without delimiters spells, or `None` if it is not COBS.
pub fn cobs_decode(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(encoded.len());
    let mut at = 0;
    while at < encoded.len() {
        let code = usize::from(encoded[at]);
        if code == 0 || at + code > encoded.len() || encoded[at + 1..at + code].contains(&0) {
            return None;
        }
        out.extend_from_slice(&encoded[at + 1..at + code]);
        at += code;
        if code != 255 && at < encoded.len() {
            out.push(0);
        }
    }
    Some(out)
}

/// A whole frame as it goes over the wire: leading and trailing delimiter included. The leading one
/// flushes whatever a dead host left behind.
pub fn encode_frame(header: &[u8; HEADER_BYTES], payload: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(HEADER_BYTES + payload.len() + CRC_BYTES);
    raw.extend_from_slice(header);
    raw.extend_from_slice(payload);
    let crc = crc32(&raw);
    raw.extend_from_slice(&crc.to_le_bytes());
    let mut out = vec![0];
    out.extend_from_slice(&cobs_encode(&raw));
    out.push(0);
    out
}

/// Most bytes that a frame of `payload` bytes takes on the wire.
pub const fn max_wire_bytes(payload: usize) -> usize {
    let raw = HEADER_BYTES + payload + CRC_BYTES;
    raw + raw / 254 + 1 + 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cobs_returns_what_it_was_given_and_holds_no_zero(bytes in prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>(), 1_u8..=255], 0..1200)) {
            let encoded = cobs_encode(&bytes);
            prop_assert!(!encoded.contains(&0));
            prop_assert!(encoded.len() <= bytes.len() + bytes.len() / 254 + 1);
            prop_assert_eq!(cobs_decode(&encoded), Some(bytes));
        }
    }

    #[test]
    fn cobs_at_the_block_borders() {
        for n in [0, 1, 253, 254, 255, 508, 509] {
            for tail in [&[][..], &[0], &[0, 0], &[7]] {
                let bytes = [&vec![1_u8; n][..], tail].concat();
                assert_eq!(cobs_decode(&cobs_encode(&bytes)), Some(bytes), "{n} ones and {tail:?}");
            }
        }
        assert_eq!(cobs_encode(&[1; 254]).len(), 255, "a full last block needs no empty one behind it");
        assert_eq!(cobs_decode(&[5, 1, 2]), None);
        assert_eq!(cobs_decode(&[0]), None);
    }

    #[test]
    fn crc_of_the_check_string_and_residue() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        let mut framed = b"123456789".to_vec();
        framed.extend_from_slice(&crc32(b"123456789").to_le_bytes());
        assert_eq!(framed.iter().fold(u32::MAX, |crc, &b| crc32_step(crc, b)), CRC_RESIDUE);
    }

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

    #[test]
    fn headers_ops_and_statuses_survive_their_bytes() {
        let request = Request { op: Op::Run as u8, arg: 5, seq: 0x1234, addr: 0x89ab_cdef };
        assert_eq!(Request::from_bytes(&request.to_bytes()), request);
        let response = Response { op: Op::Run as u8 | RESPONSE_BIT, status: Status::Dup as u8, seq: 7, aux: 99 };
        assert_eq!(Response::from_bytes(&response.to_bytes()), response);
        for op in Op::ALL {
            assert_eq!(Op::from_byte(op as u8), Some(op));
        }
        for status in Status::ALL {
            assert_eq!(Status::from_byte(status as u8), Some(status));
        }
        assert_eq!((Op::from_byte(0), Status::from_byte(1)), (None, None));
    }
}
