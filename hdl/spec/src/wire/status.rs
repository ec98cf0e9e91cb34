//! What a response says of its request.

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
    /// A page that the request needs is sealed with other contents than its digest names; `aux` is the digest found.
    OtherPages = 0x8a,
    /// Tokens are being made, and this request cannot stand beside that.
    Busy = 0x8b,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 12] = [
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
        Status::OtherPages,
        Status::Busy,
    ];

    /// The status of a response's second byte.
    pub fn from_byte(byte: u8) -> Option<Status> {
        Status::ALL.into_iter().find(|&s| s as u8 == byte)
    }
}
