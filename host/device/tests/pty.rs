//! The shipping driver and the shipping serial transport, over a pseudo-terminal.
#![cfg(unix)]

use nda_device::testing::{RandomMatrix, golden_stack, random_vector};
use nda_device::{
    ByteFaults, DeviceError, Driver, DriverOptions, FabricGemv, ModelDevice, ModelPort, NoisyDevice, PtyBridge, SerialTransport,
    TransportError,
};
use nda_gemv::{Activations, Gemv};
use nda_spec::random::Random;
use nda_spec::{ActivationCode, Config, WeightCode};
use std::time::{Duration, Instant};

fn bridge() -> PtyBridge<ModelDevice> {
    // A terminal is no wire: it hands over at once what a UART would spread over time, so nothing may be dropped.
    PtyBridge::start(ModelDevice::new(&Config::named("wide256").unwrap(), ModelPort::Parallel)).unwrap()
}

fn open(path: &str) -> Driver<SerialTransport> {
    Driver::open(SerialTransport::open(path, 3_000_000).unwrap(), DriverOptions::default()).unwrap()
}

#[test]
fn the_shipping_driver_multiplies_over_a_pseudo_terminal_session_after_session() {
    let bridge = bridge();
    let mut random = Random::new(1);
    let stack =
        [RandomMatrix::new(130, 300, WeightCode::Quaternary, &mut random), RandomMatrix::new(3, 300, WeightCode::Quaternary, &mut random)];
    for session in 0..3 {
        let mut fabric = FabricGemv::new(open(bridge.path()));
        let id = fabric.prepare(&[stack[0].view(), stack[1].view()]).unwrap();
        for code in ActivationCode::ALL {
            let x = random_vector(300, code, &mut random);
            let mut y = vec![0; 133];
            fabric.run(id, Activations { code, values: &x }, &mut y).unwrap();
            assert_eq!(y, golden_stack(&stack, &x), "session {session}");
        }
        let stats = fabric.driver().stats();
        assert_eq!((stats.bad_frames, stats.syncs), (0, 1), "{stats:?}");
    }
}

#[test]
fn a_second_host_is_refused_with_the_next_step() {
    let bridge = bridge();
    let _first = open(bridge.path());
    let error = SerialTransport::open(bridge.path(), 3_000_000).unwrap_err().to_string();
    assert!(error.contains("another program has it open"), "{error}");
}

#[test]
fn a_device_that_ends_is_a_lost_link_at_once() {
    let bridge = bridge();
    let mut driver = open(bridge.path());
    driver.stat().unwrap();
    let device = bridge.stop().unwrap();
    assert_eq!(device.stat().frames_ok, 3);
    let started = Instant::now();
    let error = driver.stat().unwrap_err();
    assert!(matches!(&error, DeviceError::Transport(TransportError::Lost { reason, .. }) if reason.contains("link lost")), "{error}");
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// A device that takes everything and says nothing.
struct Silent;
impl nda_device::ByteDevice for Silent {
    fn describe(&self) -> String {
        "silent".into()
    }
    fn feed(&mut self, _: &[u8]) {}
    fn drain(&mut self, _: &mut Vec<u8>) -> bool {
        false
    }
    fn cycles(&self) -> u64 {
        0
    }
    fn clk_hz(&self) -> u32 {
        1
    }
}

#[test]
fn a_silent_port_is_a_clear_error_within_its_deadline() {
    let bridge = PtyBridge::start(Silent).unwrap();
    let started = Instant::now();
    let options = DriverOptions { max_tries: 3, ..DriverOptions::default() };
    let error = Driver::open(SerialTransport::open(bridge.path(), 3_000_000).unwrap(), options).unwrap_err();
    assert!(matches!(error, DeviceError::NoAnswer { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_board_is_found_without_its_baud_rate_and_a_silent_port_is_said_with_the_rates_tried() {
    let config = Config::named("nano16").unwrap();
    let board = PtyBridge::start(ModelDevice::new(&config, ModelPort::Uart)).unwrap();
    let (baud, ident) = nda_device::find_baud(board.path(), &nda_device::BAUD_RATES).unwrap();
    assert_eq!((baud, ident.config.as_str()), (nda_device::BAUD_RATES[0], "nano16"));
    drop(board);
    let silent = PtyBridge::start(Silent).unwrap();
    let error = nda_device::find_baud(silent.path(), &[1_000_000, 115_200]).unwrap_err().to_string();
    assert!(error.contains("no board answered at 1000000, 115200 baud"), "{error}");
    let error = nda_device::find_baud("/dev/nda-no-such-port", &nda_device::BAUD_RATES).unwrap_err().to_string();
    assert!(error.contains("'nda devices' lists"), "{error}");
}

/// Works on a request for a while without a byte in either direction, and takes what comes meanwhile.
struct Slow {
    device: ModelDevice,
    waits: u32,
}
impl nda_device::ByteDevice for Slow {
    fn describe(&self) -> String {
        "slow".into()
    }
    fn feed(&mut self, bytes: &[u8]) {
        self.device.feed(bytes);
        self.waits = 50;
    }
    fn drain(&mut self, out: &mut Vec<u8>) -> bool {
        if self.waits > 0 {
            self.waits -= 1;
            std::thread::sleep(Duration::from_micros(50));
            return true;
        }
        self.device.drain(out)
    }
    fn cycles(&self) -> u64 {
        self.device.cycles()
    }
    fn clk_hz(&self) -> u32 {
        self.device.clk_hz()
    }
}

#[test]
fn a_device_that_works_without_a_byte_is_run_until_it_answers() {
    let device = ModelDevice::new(&Config::named("nano16").unwrap(), ModelPort::Parallel);
    let bridge = PtyBridge::start(Slow { device, waits: 0 }).unwrap();
    assert!(bridge.is_alive());
    let driver = open(bridge.path());
    assert_eq!(driver.stats().retransmits, 0, "{:?}", driver.stats());
}

#[test]
fn products_are_right_over_a_noisy_pseudo_terminal() {
    for (per_million, seed) in [(1_000, 1), (10_000, 2)] {
        let device = ModelDevice::new(&Config::named("wide256").unwrap(), ModelPort::Parallel);
        let bridge = PtyBridge::start(NoisyDevice::new(device, ByteFaults::new(per_million, seed))).unwrap();
        let started = Instant::now();
        let mut random = Random::new(seed);
        let stack = [RandomMatrix::new(60, 200, WeightCode::Quaternary, &mut random)];
        let mut fabric = FabricGemv::new(open(bridge.path()));
        let id = fabric.prepare(&[stack[0].view()]).unwrap();
        for code in ActivationCode::ALL {
            let x = random_vector(200, code, &mut random);
            let mut y = vec![0; 60];
            fabric.run(id, Activations { code, values: &x }, &mut y).unwrap();
            assert_eq!(y, golden_stack(&stack, &x), "{per_million}");
        }
        println!("{per_million} of a million bytes: {:?}, {:?}", started.elapsed(), fabric.driver().stats());
        assert!(started.elapsed() < Duration::from_secs(60));
        drop(fabric);
        assert!(bridge.stop().unwrap().faults() > 0);
    }
}
