//! The states of a request, in the order in which one meets them.

/// Waits for a frame.
pub const IDLE: u64 = 0;
/// Waits for its length.
pub const SETTLE: u64 = 1;
/// Reads its head.
pub const HEAD: u64 = 2;
/// Waits for sums over its fields.
pub const SUMS: u64 = 3;
/// Waits for comparisons of those.
pub const FLAGS: u64 = 4;
/// Waits for what follows from them.
pub const VERDICT: u64 = 5;
/// Looks at that.
pub const DECIDE: u64 = 6;
/// The command processor has the frame.
pub const PASS: u64 = 7;
/// A page's seal is asked for.
pub const WALK_READ: u64 = 8;
/// It stands.
pub const WALK_LOOK: u64 = 9;
/// Its CRC-32 goes into the digest.
pub const WALK_CRC: u64 = 10;
/// The digest is compared.
pub const WALK_COMPARE: u64 = 11;
/// Looks at that.
pub const WALK_END: u64 = 12;
/// Waits for a machine that is idle.
pub const QUIET: u64 = 13;
/// Stops and prompt come in.
pub const STREAM: u64 = 14;
/// The request becomes the sequence's.
pub const COMMIT: u64 = 15;
/// Waits for a row.
pub const STEP: u64 = 16;
/// Gives the frame's slot back before the answer.
pub const RELEASE: u64 = 17;
/// Waits for that.
pub const RELEASED: u64 = 18;
/// Waits for tokens.
pub const WAIT: u64 = 19;
/// Bytes go to the program memory.
pub const WRITE: u64 = 20;
/// A unit of the program memory is asked for.
pub const SEAL_PEEK: u64 = 21;
/// Its bytes go into the CRC.
pub const SEAL_BYTES: u64 = 22;
/// The CRC is compared.
pub const SEAL_COMPARE: u64 = 23;
/// Looks at that.
pub const SEAL_END: u64 = 24;
/// Loads the response's header.
pub const REPLY: u64 = 25;
/// Sends it.
pub const SEND_HEAD: u64 = 26;
/// Asks for a byte of its payload.
pub const FETCH: u64 = 27;
/// Waits for it.
pub const FETCHED: u64 = 28;
/// Sends it.
pub const SEND: u64 = 29;
/// Gives the frame's slot back.
pub const DONE: u64 = 30;

/// Bits of a state.
pub const BITS: usize = 5;
