//! No fault of the link gives a wrong number or a hang: right answers or clear errors, over 100,000 frames.

use nda_device::testing::{FaultReport, FaultScenario, fault_scenario};
use nda_device::{Faults, Loopback, ModelDevice, ModelPort};
use nda_spec::Config;
use nda_spec::config::{ArrayKind, Geometry};
use std::time::Duration;

/// nano16 with less memory, so that matrices share pages over time and frames are many.
const SMALL: Geometry = Geometry {
    array: ArrayKind::Planes,
    array_rows: 1,
    array_cols: 16,
    planes: 2,
    tile_words: 128,
    page_words: 8,
    act_words: 64,
    result_words: 64,
};
/// Results of a job are more than one response holds, so that they are read in several.
const TALL: Geometry = Geometry {
    array: ArrayKind::Planes,
    array_rows: 64,
    array_cols: 8,
    planes: 1,
    tile_words: 128,
    page_words: 8,
    act_words: 64,
    result_words: 64,
};

fn device(geometry: Geometry, port: ModelPort) -> Loopback<ModelDevice> {
    let config = Config {
        name: "faulty".into(),
        geometry,
        slot_bytes: 256,
        slots: 4,
        clk_hz: 24_000_000,
        token: None,
        seed: false,
        weight_memory: Default::default(),
        baud: 3_000_000,
    };
    config.check().unwrap();
    Loopback::new(ModelDevice::new(&config, port))
}

fn scenario(seed: u64, per_10k: u32, frames: u64) -> FaultScenario {
    FaultScenario {
        seed,
        // Up to ten times the latency: late enough to come after a retransmission, and after other work.
        // Outages last longer than eight tries now and then, so that sessions are started anew.
        faults: Faults { outage: 5, max_outage: Duration::from_millis(120), ..Faults::all(per_10k, Duration::from_millis(10)) },
        frames,
        products: 24,
        kills: 3_000,
        resets: 300,
        max_rows: 30,
        max_cols: 90,
        deadline: Duration::from_secs(20),
    }
}

fn run(geometry: Geometry, port: ModelPort, scenario: &FaultScenario) -> FaultReport {
    let report = fault_scenario(&mut device(geometry, port), scenario, |link| link.device_mut().reset());
    let FaultReport { sessions, kills, resets, right, errors, faults, stats, longest } = &report;
    println!(
        "seed {}: {sessions} sessions, {kills} kills, {resets} resets, {right} right, {} errors, longest {longest:?}",
        scenario.seed,
        errors.len()
    );
    println!("  {faults:?}\n  {stats:?}");
    errors.iter().take(5).for_each(|error| println!("  {error}"));
    report
}

/// At least 100,000 frames of a link with one fault of each kind in 100 to 1,000 chunks.
#[test]
fn a_hundred_thousand_frames_over_a_faulty_link_give_no_wrong_number_and_no_hang() {
    let mut frames = 0;
    for (seed, per_10k, port) in
        [(1, 100, ModelPort::Uart), (2, 30, ModelPort::Uart), (3, 100, ModelPort::Parallel), (4, 10, ModelPort::Uart)]
    {
        let report = run(SMALL, port, &scenario(seed, per_10k, 60_000));
        frames += report.stats.frames_sent;
        assert!(report.faults.total() > 300 && report.stats.retransmits > 100, "the link was faulty");
        assert!(report.kills > 10 && report.resets > 10, "hosts died and devices were reset");
        assert!(report.right > 1_000);
        assert!(report.stats.syncs > report.sessions, "sessions were started anew in the middle");
        // At these rates the retries nearly always suffice.
        assert!(report.errors.len() as u64 * 200 < report.right, "{} errors beside {} right answers", report.errors.len(), report.right);
    }
    assert!(frames >= 100_000, "{frames} frames");
}

/// One chunk in ten is hurt in each way: mostly errors are fine, wrong numbers are not.
#[test]
fn a_link_that_hardly_works_gives_errors_but_no_wrong_number() {
    let report = run(SMALL, ModelPort::Uart, &scenario(5, 1_000, 10_000));
    assert!(report.right > 10);
}

#[test]
fn results_of_several_responses_are_right_over_a_faulty_link() {
    let mut tall = scenario(8, 100, 30_000);
    (tall.max_rows, tall.max_cols) = (3_000, 16);
    let report = run(TALL, ModelPort::Uart, &tall);
    assert!(report.right > 500);
}

#[test]
fn a_dead_link_gives_a_clear_error_within_a_deadline() {
    let mut dead = scenario(6, 0, 1);
    dead.faults.lose = 10_000;
    dead.kills = 0;
    let report = run(SMALL, ModelPort::Uart, &dead);
    assert!(report.errors[0].contains("did not answer SYNC (the start of a session): 8 tries and 3 SYNCs in "), "{}", report.errors[0]);
}

/// Every byte is hurt with the same chance, as on a line that is too long or too fast. What one product may take then, on the
/// link's own clock of 300 kB per second: all of it, upload and retries included.
fn noisy(seed: u64, bytes_per_million: u32, frames: u64) -> FaultScenario {
    FaultScenario {
        faults: Faults { bytes_per_million, ..Faults::NONE },
        kills: 0,
        resets: 0,
        max_rows: 96,
        max_cols: 300,
        products: 12,
        deadline: Duration::from_secs(15),
        ..scenario(seed, 0, frames)
    }
}

#[test]
fn products_are_right_at_up_to_one_fault_in_a_hundred_bytes_and_end_in_time() {
    for (seed, per_million) in [(11, 100), (12, 1_000), (13, 3_000), (14, 10_000)] {
        for name in ["nano16", "wide256", "table1024"] {
            let config = Config::named(name).unwrap();
            let mut link = Loopback::new(ModelDevice::new(&config, ModelPort::Uart));
            let report = fault_scenario(&mut link, &noisy(seed, per_million, 4_000), |link| link.device_mut().reset());
            println!("{name}, {per_million}: {} right, longest {:?}, {:?}", report.right, report.longest, report.stats);
            assert!(report.faults.bytes > 0 && report.right > 10, "{name}, {per_million}: {report:?}");
            assert_eq!(report.errors, [""; 0], "{name}, {per_million} of a million bytes");
        }
    }
}
