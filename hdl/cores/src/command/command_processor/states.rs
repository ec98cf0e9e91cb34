//! The states of a frame, in the order in which one meets them.

/// Waits for a frame.
pub const IDLE: u64 = 0;
/// Waits for the frame's length.
pub const SETTLE: u64 = 1;
/// Reads 28 bytes into the header register.
pub const HEADER: u64 = 2;
/// Waits for the sums over the header's fields.
pub const SUMS: u64 = 3;
/// Waits for the comparisons of those sums.
pub const FLAGS: u64 = 4;
/// Looks at the operation.
pub const DISPATCH: u64 = 5;
/// Writes the payload to the tile store.
pub const WRITE: u64 = 6;
/// Asks for a tile word.
pub const SEAL_READ: u64 = 7;
/// Waits for it.
pub const SEAL_WAIT: u64 = 8;
/// Loads it.
pub const SEAL_LOAD: u64 = 9;
/// Runs its bytes through the CRC.
pub const SEAL_BYTES: u64 = 10;
/// Waits for the comparison of the CRC.
pub const SEAL_COMPARE: u64 = 11;
/// Looks at it.
pub const SEAL_CHECK: u64 = 12;
/// Multiplies plane groups by beats.
pub const RUN_ACT_WORDS: u64 = 13;
/// Checks the length and the job id.
pub const RUN_IDENTIFY: u64 = 14;
/// Multiplies row groups by beats.
pub const RUN_TILE_WORDS: u64 = 15;
/// Waits for the comparison with the job's end.
pub const RUN_END: u64 = 16;
/// Waits for the ranges' common flag.
pub const RUN_OVER: u64 = 17;
/// Looks at it.
pub const RUN_RANGE: u64 = 18;
/// Asks whether a page is sealed.
pub const RUN_PAGES: u64 = 19;
/// Looks at the answer.
pub const RUN_SEALED: u64 = 20;
/// Takes the page's CRC-32 into the digest.
pub const RUN_DIGEST: u64 = 21;
/// Waits for the comparison of the digest.
pub const RUN_COMPARE: u64 = 22;
/// Looks at it.
pub const RUN_SAME: u64 = 23;
/// Copies the activations.
pub const RUN_ACTS: u64 = 24;
/// Starts the array.
pub const RUN_START: u64 = 25;
/// Waits for the last result.
pub const RUN_WAIT: u64 = 26;
/// Loads the response's header.
pub const ANSWER: u64 = 27;
/// Sends the response.
pub const SEND: u64 = 28;
/// Gives the frame's slot back.
pub const DONE: u64 = 29;

/// Bits of a state.
pub const BITS: usize = 5;
