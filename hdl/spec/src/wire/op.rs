//! Operations of the device.

/// Operations of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    /// Start of a session: `arg` is the protocol version, `addr` a nonce that `aux` returns. Forgets the last job.
    Sync = 0x01,
    /// A 64-byte page that says what the device is: at an odd `addr` its token machine's, if it has one.
    Ident = 0x02,
    /// Tile words from word `addr` on; whole words only. Unseals the pages it touches. `aux` returns `addr`.
    Write = 0x10,
    /// Reads page `addr` back; seals it if its CRC-32 is the payload's, else unseals it. `aux` is the CRC found.
    Seal = 0x11,
    /// Runs a job: descriptor and activation words in the payload, `addr` = result words to return at once. `aux` = run cycles.
    Run = 0x20,
    /// Result words of the last job: `addr` = job id << 16 | first word, payload = count. `aux` returns `addr`.
    Read = 0x30,
    /// The counters.
    Stat = 0x40,
    /// Begins to make tokens, which are asked for with `TOKENS`; see [`super::Generate`].
    Generate = 0x50,
    /// Tokens made, as many as are there or are waited for; see [`super::TokensRequest`]. `arg` 1 ends the making. `aux` returns
    /// `addr`.
    Tokens = 0x51,
    /// Takes one token and gives the head's row: `addr` = result words to return at once. `aux` = cycles; see [`super::Generate`].
    Step = 0x52,
    /// An element operation of the articles, on what the payload holds; see [`super::SeedHead`]. `aux` = the result's scale.
    Seed = 0x60,
}

impl Op {
    /// Every operation.
    pub const ALL: [Op; 11] =
        [Op::Sync, Op::Ident, Op::Write, Op::Seal, Op::Run, Op::Read, Op::Stat, Op::Generate, Op::Tokens, Op::Step, Op::Seed];

    /// The operation of a request's first byte.
    pub fn from_byte(byte: u8) -> Option<Op> {
        Op::ALL.into_iter().find(|&op| op as u8 == byte)
    }
}
