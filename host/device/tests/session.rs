//! Sessions: wrong devices, killed hosts, reset boards, and frames that come later than they should.

#[path = "session/links.rs"]
mod links;

use links::{Broken, Liar, recorder};
use nda_device::testing::{RandomMatrix, golden_stack, random_vector};
use nda_device::{
    DeviceError, Driver, DriverOptions, FabricGemv, FaultInjector, Faults, JobRequest, Loopback, ModelDevice, ModelPort, RunOutcome,
    Transport, TransportError,
};
use nda_gemv::{Activations, Gemv};
use nda_spec::config::{ArrayKind, Geometry};
use nda_spec::random::Random;
use nda_spec::wire::{self, IdentError, JobFlags, Op, Request, Response, Status};
use nda_spec::{ActivationCode, Config, WeightCode};
use std::sync::Arc;
use std::time::Duration;

fn options(seed: u64) -> DriverOptions {
    DriverOptions { seed, ..DriverOptions::default() }
}

fn model(name: &str) -> Loopback<ModelDevice> {
    Loopback::new(ModelDevice::new(&Config::named(name).unwrap(), ModelPort::Uart))
}

/// Eight pages of 4 words, of which one is the ring: everything is streamed after the first matrices.
fn tiny() -> Loopback<ModelDevice> {
    let geometry = Geometry {
        array: ArrayKind::Planes,
        array_rows: 1,
        array_cols: 16,
        planes: 1,
        tile_words: 32,
        page_words: 4,
        act_words: 16,
        result_words: 8,
    };
    let config = config("tiny", geometry);
    Loopback::new(ModelDevice::new(&config, ModelPort::Uart))
}

fn config(name: &str, geometry: Geometry) -> Config {
    Config { name: name.into(), geometry, slot_bytes: 256, ..Config::named("nano16").unwrap() }
}

fn one_product<T: Transport>(fabric: &mut FabricGemv<'_, T>, id: nda_gemv::MatrixId, stack: &[RandomMatrix], random: &mut Random) {
    let x = random_vector(stack[0].cols, ActivationCode::A8, random);
    let expected = golden_stack(stack, &x);
    let mut y = vec![0; expected.len()];
    fabric.run(id, Activations { code: ActivationCode::A8, values: &x }, &mut y).unwrap();
    assert_eq!(y, expected);
}

fn open_liar(lie: fn(Response, &mut Vec<u8>) -> Response) -> Result<Driver<Loopback<Liar>>, DeviceError> {
    Driver::open(Loopback::new(Liar(ModelDevice::new(&Config::named("nano16").unwrap(), ModelPort::Uart), lie)), options(1))
}

fn on(op: Op, header: Response) -> bool {
    header.op == op as u8 | wire::RESPONSE_BIT
}

#[test]
fn devices_that_this_host_does_not_speak_to_are_refused_by_what_they_say() {
    let open = |lie| open_liar(lie).map(|_| ()).unwrap_err();
    let magic = open(|h, p| {
        if on(Op::Ident, h) {
            p[0] = b'X';
        }
        h
    });
    assert!(matches!(magic, DeviceError::Ident { source: IdentError::Magic(_), .. }), "{magic}");
    let version = open(|h, p| {
        if on(Op::Ident, h) {
            p[4] = 1;
        }
        let status = if on(Op::Sync, h) { Status::Version as u8 } else { h.status };
        Response { status, ..h }
    });
    assert!(version.to_string().contains("speaks protocol 1 with engine 1; this host speaks protocol 2"), "{version}");
    let planes = open(|h, p| {
        if on(Op::Ident, h) {
            p[12] = 3;
        }
        h
    });
    assert!(matches!(planes, DeviceError::Ident { source: IdentError::Geometry, .. }), "{planes}");
    // 2^31 tile words: the host must not try to keep an image of them.
    let huge = open(|h, p| {
        if on(Op::Ident, h) {
            p[16..20].copy_from_slice(&0x8000_0000_u32.to_le_bytes());
        }
        h
    });
    assert!(huge.to_string().contains("tile_words is 2147483648, but must be"), "{huge}");
    let short = open(|h, p| {
        if on(Op::Ident, h) {
            p.pop();
        }
        h
    });
    assert!(short.to_string().contains("answered IDENT with 63 payload bytes, not 64"), "{short}");
    let deaf = open(|h, _| Response { seq: h.seq.wrapping_add(1), ..h });
    assert!(matches!(deaf, DeviceError::NoAnswer { .. }), "{deaf}");
}

#[test]
fn a_device_that_says_no_without_reason_is_named_with_its_status() {
    let mut driver = open_liar(|h, p| {
        if on(Op::Stat, h) {
            p.clear();
            return Response { status: Status::Range as u8, aux: 7, ..h };
        }
        h
    })
    .unwrap();
    let error = driver.stat().unwrap_err().to_string();
    assert!(error.starts_with("liar refused STAT with status 0x82, aux 0x7; "), "{error}");
}

#[test]
fn a_memory_that_does_not_hold_what_is_written_is_an_error_and_no_wrong_number() {
    let link = Loopback::new(Broken(ModelDevice::new(&Config::named("nano16").unwrap(), ModelPort::Uart)));
    let mut fabric = FabricGemv::new(Driver::open(link, options(1)).unwrap());
    // All zero planes, so that the bit that is stuck at one is wrong.
    let matrix = RandomMatrix::from_values(40, 40, WeightCode::Ternary, vec![0; 1600]);
    let id = fabric.prepare(&[matrix.view()]).unwrap();
    let error = fabric.run(id, Activations { code: ActivationCode::A8, values: &[1; 40] }, &mut [0; 40]).unwrap_err().to_string();
    assert!(error.starts_with("broken: sealing pages 0 to 1 did not settle in 16 tries"), "{error}");
}

#[test]
fn a_host_killed_after_any_byte_leaves_a_device_that_the_next_host_can_use() {
    let mut random = Random::new(2);
    let stack = [RandomMatrix::new(5, 20, WeightCode::Quaternary, &mut random)];
    let mut link = model("nano16");
    let mut whole = false;
    for offset in 0.. {
        // Another matrix for each dead host: what it left must not be taken for this one's.
        let other = [RandomMatrix::new(5, 20, WeightCode::Quaternary, &mut random)];
        let faults = Faults { kill_after_bytes: Some(offset), ..Faults::NONE };
        let killed = Driver::open(FaultInjector::new(&mut link, faults, 1), options(offset)).and_then(|driver| {
            let mut fabric = FabricGemv::new(driver);
            let id = fabric.prepare(&[other[0].view()]).unwrap();
            let outcome = fabric.run(id, Activations { code: ActivationCode::A8, values: &[3; 20] }, &mut [0; 5]);
            whole = outcome.is_ok();
            outcome.map(|_| ()).map_err(|_| TransportError::Lost { device: String::new(), reason: String::new() }.into())
        });
        assert!(whole || matches!(killed, Err(DeviceError::Transport(TransportError::Lost { .. }))), "{killed:?}");
        let mut fabric = FabricGemv::new(Driver::open(&mut link, options(offset + 100_000)).unwrap());
        let id = fabric.prepare(&[stack[0].view()]).unwrap();
        one_product(&mut fabric, id, &stack, &mut random);
        if whole {
            assert!(offset > 300, "{offset} bytes are too few for a session");
            return;
        }
    }
}

#[test]
fn a_board_reset_at_any_time_gets_its_tiles_again() {
    let mut random = Random::new(3);
    let stack = [RandomMatrix::new(50, 200, WeightCode::Ternary, &mut random)];
    let mut fabric = FabricGemv::new(Driver::open(model("nano16"), options(3)).unwrap());
    let id = fabric.prepare(&[stack[0].view()]).unwrap();
    for _ in 0..5 {
        one_product(&mut fabric, id, &stack, &mut random);
        fabric.driver_mut().transport_mut().device_mut().reset();
    }
    one_product(&mut fabric, id, &stack, &mut random);
    assert_eq!(fabric.driver().stats().syncs, 1, "TileDirty is enough, no new session is needed");
}

#[test]
fn silence_in_the_middle_is_named_by_the_request_that_was_waited_for() {
    let mut random = Random::new(4);
    let stack = [RandomMatrix::new(5, 20, WeightCode::Quaternary, &mut random)];
    let link = FaultInjector::new(model("nano16"), Faults::NONE, 1);
    let mut fabric = FabricGemv::new(Driver::open(link, options(4)).unwrap());
    let id = fabric.prepare(&[stack[0].view()]).unwrap();
    one_product(&mut fabric, id, &stack, &mut random);
    fabric.driver_mut().transport_mut().set_faults(Faults { lose: 10_000, ..Faults::NONE });
    let since = fabric.driver().transport().now();
    let error = fabric.run(id, Activations { code: ActivationCode::A8, values: &[1; 20] }, &mut [0; 5]).unwrap_err().to_string();
    assert!(error.contains("did not answer RUN of job ") && error.contains("8 tries and 3 SYNCs"), "{error}");
    assert!(fabric.driver().transport().now() - since < Duration::from_secs(2));
    // The cable is plugged in again: the same session goes on.
    fabric.driver_mut().transport_mut().set_faults(Faults::NONE);
    one_product(&mut fabric, id, &stack, &mut random);
}

#[test]
fn another_image_after_a_recovery_is_refused() {
    let link = recorder(model("nano16"));
    let lose = Arc::clone(&link.lose);
    let mut driver = Driver::open(link, options(5)).unwrap();
    // All tries of one frame are lost; the SYNC behind them is not.
    *lose.lock().unwrap() = (0, 8);
    driver.stat().unwrap();
    assert_eq!(driver.stats().syncs, 2);
    driver.transport_mut().inner.device_mut().ident_mut().build = 9;
    *lose.lock().unwrap() = (0, 8);
    let error = driver.stat().unwrap_err().to_string();
    assert!(error.contains("build 0000006d6f64656c") && error.contains("is 'nano16, build 0000000000000009' now"), "{error}");
}

/// The SYNC that ends the silence makes the device forget the job, so its results cannot be read any more.
#[test]
fn a_job_whose_results_cannot_be_read_is_run_again_under_a_new_id() {
    let mut random = Random::new(10);
    let geometry = Geometry {
        array: ArrayKind::Planes,
        array_rows: 64,
        array_cols: 8,
        planes: 1,
        tile_words: 128,
        page_words: 8,
        act_words: 64,
        result_words: 64,
    };
    let config = config("tall", geometry);
    let stack = [RandomMatrix::new(64 * 60, 9, WeightCode::Quaternary, &mut random)];
    let link = recorder(Loopback::new(ModelDevice::new(&config, ModelPort::Uart)));
    let (lose, sent, behind_run) = (Arc::clone(&link.lose), Arc::clone(&link.sent), Arc::clone(&link.behind_run));
    let mut fabric = FabricGemv::new(Driver::open(link, options(10)).unwrap());
    let id = fabric.prepare(&[stack[0].view()]).unwrap();
    one_product(&mut fabric, id, &stack, &mut random);
    assert_eq!(fabric.driver().stats().reissued_jobs, 0);
    // The RUN passes; two READs are on their way, each with eight tries.
    *lose.lock().unwrap() = (1, 16);
    one_product(&mut fabric, id, &stack, &mut random);
    let stats = fabric.driver().stats();
    assert_eq!((stats.reissued_jobs, stats.syncs), (1, 2), "{stats:?}");
    // This session's first SYNC, late, between the RUN and its READs.
    let sync = sent.lock().unwrap().iter().find(|frame| frame.get(2) == Some(&(Op::Sync as u8))).unwrap().clone();
    *behind_run.lock().unwrap() = Some(sync);
    one_product(&mut fabric, id, &stack, &mut random);
    assert_eq!((fabric.driver().stats().reissued_jobs, fabric.driver().stats().syncs), (2, 2));
}

/// Old WRITEs and the SEAL that belongs to them bring back what a page held before, seal and all; old
/// RUNs and READs come again as well. This is what digests are for: without them this test fails.
#[test]
fn every_old_request_replayed_at_any_time_changes_no_number() {
    let mut random = Random::new(6);
    let stacks: Vec<[RandomMatrix; 1]> = (0..6).map(|_| [RandomMatrix::new(6, 32, WeightCode::Quaternary, &mut random)]).collect();
    let link = recorder(FaultInjector::new(tiny(), Faults::NONE, 1));
    let sent = Arc::clone(&link.sent);
    let mut fabric = FabricGemv::new(Driver::open(link, options(6)).unwrap());
    let ids: Vec<_> = stacks.iter().map(|stack| fabric.prepare(&[stack[0].view()]).unwrap()).collect();
    assert!(!fabric.resident());
    for product in 0..400 {
        let which = random.below(stacks.len());
        let old = sent.lock().unwrap().clone();
        // Runs of old frames, each in its order: at best an old upload of the ring's page, and its seal.
        for _ in 0..if product > 5 { 3 } else { 0 } {
            let first = random.below(old.len());
            let delay = Duration::from_micros(random.below(4_000) as u64);
            for (i, frame) in old[first..(first + 1 + random.below(6)).min(old.len())].iter().enumerate() {
                fabric.driver_mut().transport_mut().inner.inject(frame, delay + Duration::from_micros(i as u64));
            }
        }
        one_product(&mut fabric, ids[which], &stacks[which], &mut random);
    }
    assert!(fabric.driver().stats().stray_frames > 1_000);
}

#[test]
fn every_old_response_replayed_ahead_of_the_new_one_is_dropped() {
    let mut random = Random::new(7);
    let stack = [RandomMatrix::new(6, 32, WeightCode::Ternary, &mut random)];
    let link = recorder(model("nano16"));
    let (received, ahead) = (Arc::clone(&link.received), Arc::clone(&link.ahead));
    let mut fabric = FabricGemv::new(Driver::open(link, options(7)).unwrap());
    let id = fabric.prepare(&[stack[0].view()]).unwrap();
    for _ in 0..20 {
        *ahead.lock().unwrap() = received.lock().unwrap().clone();
        one_product(&mut fabric, id, &stack, &mut random);
    }
    let stats = fabric.driver().stats();
    assert!(stats.stray_frames > 100 && stats.retransmits == 0, "{stats:?}");
}

/// A frame of an earlier session with the very id that this session is about to use.
#[test]
fn results_of_a_job_that_this_host_did_not_run_are_not_taken_for_its_own() {
    let mut link = FaultInjector::new(model("nano16"), Faults::NONE, 1);
    let g = Config::named("nano16").unwrap().geometry;
    let page = vec![0xa5; g.page_words * g.tile_word_bytes()];
    let (flags, digest) = (JobFlags { ternary: false, a2: false }, wire::PageDigest::of([crc32fast::hash(&page)]));
    let job = JobRequest { flags, plane_groups: 8, base: 0, row_groups: 2, col_beats: 1, init: 0, digest };
    let run = |driver: &mut Driver<&mut FaultInjector<Loopback<ModelDevice>>>, act: u8| match driver.run(&job, &[act; 16]).unwrap() {
        RunOutcome::Done(result) => result.results,
        other => panic!("{other:?}"),
    };
    let mut driver = Driver::open(&mut link, options(8)).unwrap();
    driver.write(0, &page, |_| ()).unwrap();
    assert_eq!(driver.seal(&[(0, crc32fast::hash(&page))]).unwrap(), [true]);
    let right = run(&mut driver, 0x0f);
    let other = run(&mut driver, 0x77);
    assert_ne!(right, other);
    drop(driver);
    // The same seed: the same ids again. An old RUN of the first id, or of a later one, with other
    // activations, comes after this SYNC: the one would answer Dup, the other makes the first id stale.
    for ahead in [0, 5] {
        run_after_an_old_one(&mut link, &job, ahead, &right);
    }
}

fn run_after_an_old_one(link: &mut FaultInjector<Loopback<ModelDevice>>, job: &JobRequest, ahead: u16, right: &[u8]) {
    let mut driver = Driver::open(link, options(8)).unwrap();
    let mut first_id = Random::new(8);
    first_id.next_u64();
    let id = (first_id.next_u64() as u16).wrapping_add(1 + ahead);
    let JobRequest { flags, plane_groups, base, row_groups, col_beats, init, digest } = *job;
    let old = nda_spec::job::Job { id, flags, plane_groups, base, row_groups, col_beats, init, digest };
    let header = Request { op: Op::Run as u8, arg: 0, seq: 1, addr: 0 }.to_bytes();
    driver.transport_mut().inject(&wire::encode_frame(&header, &[&old.to_bytes()[..], &[0x77; 16]].concat()), Duration::ZERO);
    let RunOutcome::Done(result) = driver.run(job, &[0x0f; 16]).unwrap() else { panic!("the page is sealed") };
    assert_eq!(result.results, right);
    assert_eq!(driver.stats().reissued_jobs, 1, "{ahead} ahead");
}

#[test]
fn a_clean_session_sends_nothing_twice_and_overruns_nothing() {
    let mut random = Random::new(9);
    let stack = [RandomMatrix::new(100, 300, WeightCode::Ternary, &mut random)];
    for name in ["nano16", "small64", "wide256"] {
        let mut fabric = FabricGemv::new(Driver::open(model(name), options(9)).unwrap());
        let id = fabric.prepare(&[stack[0].view()]).unwrap();
        one_product(&mut fabric, id, &stack, &mut random);
        let stats = fabric.driver().stats();
        assert_eq!((stats.retransmits, stats.bad_frames, stats.stray_frames, stats.syncs), (0, 0, 0, 1), "{name}");
        let device = fabric.driver().transport().device().stat();
        assert_eq!((device.overrun, device.bad_crc, device.bad_frame), (0, 0, 0), "{name}");
        assert_eq!(u64::from(device.frames_ok), stats.frames_sent, "{name}");
    }
}
