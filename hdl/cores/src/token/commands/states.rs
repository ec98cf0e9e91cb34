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
/// Looks at them.
pub const DECIDE: u64 = 5;
/// The command processor has the frame.
pub const PASS: u64 = 6;
/// A page's seal is asked for.
pub const WALK_READ: u64 = 7;
/// It stands.
pub const WALK_LOOK: u64 = 8;
/// Its CRC-32 goes into the digest.
pub const WALK_CRC: u64 = 9;
/// The digest is compared.
pub const WALK_COMPARE: u64 = 10;
/// Looks at that.
pub const WALK_END: u64 = 11;
/// Waits for a machine that is idle.
pub const QUIET: u64 = 12;
/// Stops and prompt come in.
pub const STREAM: u64 = 13;
/// The request becomes the sequence's.
pub const COMMIT: u64 = 14;
/// Waits for a row.
pub const STEP: u64 = 15;
/// Gives the frame's slot back before the answer.
pub const RELEASE: u64 = 16;
/// Waits for that.
pub const RELEASED: u64 = 17;
/// Waits for tokens.
pub const WAIT: u64 = 18;
/// Bytes go to the program memory.
pub const WRITE: u64 = 19;
/// A unit of the program memory is asked for.
pub const SEAL_PEEK: u64 = 20;
/// Its bytes go into the CRC.
pub const SEAL_BYTES: u64 = 21;
/// The CRC is compared.
pub const SEAL_COMPARE: u64 = 22;
/// Looks at that.
pub const SEAL_END: u64 = 23;
/// Loads the response's header.
pub const REPLY: u64 = 24;
/// Sends it.
pub const SEND_HEAD: u64 = 25;
/// Asks for a byte of its payload.
pub const FETCH: u64 = 26;
/// Waits for it.
pub const FETCHED: u64 = 27;
/// Sends it.
pub const SEND: u64 = 28;
/// Gives the frame's slot back.
pub const DONE: u64 = 29;

/// Bits of a state.
pub const BITS: usize = 5;
