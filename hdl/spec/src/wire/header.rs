//! Headers of requests and responses.

use super::HEADER_BYTES;

/// Header of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Operation byte; see [`Op`](crate::wire::Op).
    pub op: u8,
    /// Argument: the protocol version for `SYNC`, else 0.
    pub arg: u8,
    /// Sequence number; the response returns it.
    pub seq: u16,
    /// Address; see [`Op`](crate::wire::Op).
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
    /// Operation byte of the request, with [`RESPONSE_BIT`](crate::wire::RESPONSE_BIT).
    pub op: u8,
    /// Status byte; see [`Status`](crate::wire::Status).
    pub status: u8,
    /// The request's sequence number.
    pub seq: u16,
    /// See [`Op`](crate::wire::Op) and [`Status`](crate::wire::Status).
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Op, RESPONSE_BIT, Status};

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
