//! The element operations of the articles over the link: `SEED`.

use crate::call::Call as Request;
use crate::error::DeviceError;
use crate::fabric::FabricGemv;
use crate::session::Driver;
use crate::spans::Spans;
use crate::transport::Transport;
use nda_gemv::{Cost, GemvError, Seeds};
use nda_spec::seed::{Answer, Call, DEVICE_EPS_SHIFT, Operation};
use nda_spec::wire::{Op, SEED_LANES, SeedHead, seed_codes, seed_elements, seed_payload};

/// Cycles that a device takes for a byte of a request's payload, at most; for the quantizer's divider besides.
const CYCLES_PER_BYTE: u64 = 5;
const DIVIDER_CYCLES: u64 = 64;

impl<T: Transport> Driver<T> {
    /// Whether the device does an operation on these operands, in one request or in several.
    pub fn takes_seed(&self, call: &Call<'_>) -> bool {
        let has_eps = !matches!(call, Call::RmsNorm { eps_shift, .. } if *eps_shift < DEVICE_EPS_SHIFT);
        let most = seed_elements(call.operation(), usize::from(self.ident.mtu));
        self.ident.seed && has_eps && !call.is_empty() && (!call.operation().is_of_whole() || call.len() <= most)
    }

    /// Does an operation on the device. What goes element by element goes in as many requests as it takes.
    ///
    /// # Errors
    /// The link's or the device's failure; a device without these operations, and operands that it does not take
    /// ([`Self::takes_seed`]).
    pub fn seed(&mut self, call: &Call<'_>) -> Result<Answer, DeviceError> {
        let operation = call.operation();
        if !self.ident.seed {
            let (device, config) = (self.link.device.clone(), self.ident.config.clone());
            return Err(DeviceError::NoSeeds { device, config, operation: operation.name() });
        }
        let mtu = usize::from(self.ident.mtu);
        if !self.takes_seed(call) {
            let most = seed_elements(operation, mtu);
            return Err(DeviceError::SeedOperands { device: self.link.device.clone(), operation: operation.name(), most });
        }
        // Beats are the units that requests are cut from.
        let beats = call.len().div_ceil(SEED_LANES);
        let mut todo = match operation.is_of_whole() {
            true => Spans::one_by_one(1),
            false => Spans::new(0..beats, seed_payload(&call.part(0..1)).len(), mtu),
        };
        let part = |units: &std::ops::Range<usize>| match operation.is_of_whole() {
            true => *call,
            false => call.part(units.start * SEED_LANES..(units.end * SEED_LANES).min(call.len())),
        };
        let codes = if operation == Operation::Truthy { 0 } else { call.len() };
        let mut found = Answer { codes: vec![0; codes], scale: 0 };
        let work = self.work(mtu as u64 * CYCLES_PER_BYTE + DIVIDER_CYCLES);
        self.exchange_all(
            &mut todo,
            |units| {
                let part = part(&units);
                let head = SeedHead::of(&part);
                let plain = Request::plain(Op::Seed, head.answer_bytes(), work);
                Request { arg: head.operation as u8, addr: head.addr(), payload: seed_payload(&part), ..plain }
            },
            |units, reply| {
                let part = part(&units);
                found.scale = reply.aux;
                if !found.codes.is_empty() {
                    let first = units.start * SEED_LANES;
                    found.codes[first..first + part.len()].copy_from_slice(&seed_codes(&reply.payload, part.len()));
                }
                Ok(())
            },
        )?;
        Ok(found)
    }
}

impl<T: Transport> Seeds for FabricGemv<'_, T> {
    fn seed(&mut self, call: &Call<'_>) -> Result<Option<(Answer, Cost)>, GemvError> {
        if !self.driver.takes_seed(call) {
            return Ok(None);
        }
        let before = (self.driver.stats(), self.driver.transport().cycles());
        let answer = self.driver.seed(call).map_err(|error| GemvError::Device(Box::new(error)))?;
        let mut cost = Cost::default();
        self.count(before, &mut cost);
        Ok(Some((answer, cost)))
    }
}
