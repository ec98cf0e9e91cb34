//! Devices that lie or forget, and a link that keeps and replays what it carries.

use nda_device::{ByteDevice, ModelDevice, Transport, TransportError};
use nda_spec::wire::{self, Op, Response};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Changes or replaces what a model sends.
pub struct Liar(pub ModelDevice, pub fn(Response, &mut Vec<u8>) -> Response);

impl ByteDevice for Liar {
    fn describe(&self) -> String {
        "liar".into()
    }
    fn feed(&mut self, bytes: &[u8]) {
        self.0.feed(bytes);
    }
    fn drain(&mut self, out: &mut Vec<u8>) -> bool {
        let mut honest = Vec::new();
        let busy = self.0.drain(&mut honest);
        if !honest.is_empty() {
            let raw = wire::cobs_decode(&honest[1..honest.len() - 1]).unwrap();
            let mut payload = raw[8..raw.len() - 4].to_vec();
            let header = (self.1)(Response::from_bytes(raw.first_chunk().unwrap()), &mut payload);
            out.extend(wire::encode_frame(&header.to_bytes(), &payload));
        }
        busy
    }
    fn cycles(&self) -> u64 {
        self.0.cycles()
    }
    fn clk_hz(&self) -> u32 {
        self.0.clk_hz()
    }
}

/// Every write to word 3 loses a bit.
pub struct Broken(pub ModelDevice);
impl ByteDevice for Broken {
    fn describe(&self) -> String {
        "broken".into()
    }
    fn feed(&mut self, bytes: &[u8]) {
        self.0.feed(bytes);
    }
    fn drain(&mut self, out: &mut Vec<u8>) -> bool {
        if self.0.tiles()[13] & 1 == 0 {
            self.0.flip_tile_bit(13, 0);
        }
        self.0.drain(out)
    }
    fn cycles(&self) -> u64 {
        self.0.cycles()
    }
    fn clk_hz(&self) -> u32 {
        self.0.clk_hz()
    }
}

/// Keeps every frame that went out, and every chunk that came in.
pub struct Recorder<T> {
    pub inner: T,
    pub sent: Arc<Mutex<Vec<Vec<u8>>>>,
    pub received: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Chunks to hand to the host before anything else.
    pub ahead: Arc<Mutex<Vec<Vec<u8>>>>,
    /// How many of the next frames pass, and how many behind them are lost on their way to the device.
    pub lose: Arc<Mutex<(usize, usize)>>,
    /// A frame that follows the next RUN at once.
    pub behind_run: Arc<Mutex<Option<Vec<u8>>>>,
}

impl<T: Transport> Transport for Recorder<T> {
    fn describe(&self) -> String {
        self.inner.describe()
    }
    fn now(&self) -> Duration {
        self.inner.now()
    }
    fn send(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), TransportError> {
        self.sent.lock().unwrap().push(bytes.to_vec());
        let mut lose = self.lose.lock().unwrap();
        match *lose {
            (0, 0) => {}
            (0, n) => {
                *lose = (0, n - 1);
                return Ok(());
            }
            (skip, n) => *lose = (skip - 1, n),
        }
        self.inner.send(bytes, deadline)?;
        // Behind the delimiter and COBS's first byte stands the operation.
        let is_run = bytes.get(2) == Some(&(Op::Run as u8));
        match self.behind_run.lock().unwrap().take_if(|_| is_run) {
            Some(frame) => self.inner.send(&frame, deadline),
            None => Ok(()),
        }
    }
    fn receive(&mut self, buffer: &mut [u8], deadline: Duration) -> Result<usize, TransportError> {
        if let Some(stale) = self.ahead.lock().unwrap().pop() {
            buffer[..stale.len()].copy_from_slice(&stale);
            return Ok(stale.len());
        }
        let n = self.inner.receive(buffer, deadline)?;
        if n > 0 {
            self.received.lock().unwrap().push(buffer[..n].to_vec());
        }
        Ok(n)
    }
    fn latency(&self) -> Duration {
        self.inner.latency()
    }
    fn bytes_per_second(&self) -> u64 {
        self.inner.bytes_per_second()
    }
}

pub fn recorder<T: Transport>(inner: T) -> Recorder<T> {
    Recorder {
        inner,
        sent: Arc::default(),
        received: Arc::default(),
        ahead: Arc::default(),
        lose: Arc::default(),
        behind_run: Arc::default(),
    }
}
