//! The element operations of the articles: `SEED`.

use super::{Answer, ModelDevice};
use nda_spec::wire::{Request, SeedError, SeedHead, Status};

impl ModelDevice {
    pub(super) fn seed(&mut self, request: &Request, payload: &[u8]) -> Answer {
        match SeedHead::from_request(request).and_then(|head| head.golden(payload)) {
            Ok((aux, answer)) => {
                self.cycles += payload.len() as u64 * 2;
                (Status::Ok, aux, answer)
            }
            Err(SeedError::Range) => (Status::Range, 0, Vec::new()),
            Err(SeedError::Length) => (Status::BadLen, 0, Vec::new()),
        }
    }
}
