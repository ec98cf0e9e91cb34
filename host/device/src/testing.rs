//! Test scenarios that are generic over the transport: run here against the software model, and
//! elsewhere against the simulated board.

mod seeds;
mod tokens;

use crate::fabric::FabricGemv;
use crate::fault::{FaultCounts, FaultInjector, Faults};
use crate::options::{DriverOptions, DriverStats};
use crate::session::Driver;
use crate::transport::Transport;
use nda_gemv::{Activations, Gemv, GemvError};
use nda_spec::random::Random;
use nda_spec::{ActivationCode, TileMatrix, WeightCode, golden, tile};
use std::time::Duration;

pub use seeds::SeedOperands;
pub use tokens::{TokenModel, TokenScenario, token_scenario};

/// A random matrix: its values and its words in the tile layout.
#[derive(Debug, Clone)]
pub struct RandomMatrix {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Code.
    pub code: WeightCode,
    /// Values, row by row.
    pub values: Vec<i8>,
    /// Words in the tile layout.
    pub words: Vec<u64>,
}

impl RandomMatrix {
    /// A matrix of random values of the code.
    pub fn new(rows: usize, cols: usize, code: WeightCode, random: &mut Random) -> RandomMatrix {
        let all = code.values();
        let values: Vec<i8> = (0..rows * cols).map(|_| all[random.below(all.len())]).collect();
        RandomMatrix::from_values(rows, cols, code, values)
    }

    /// A matrix of these values, which the code must have.
    pub fn from_values(rows: usize, cols: usize, code: WeightCode, values: Vec<i8>) -> RandomMatrix {
        let words = tile::pack(rows, cols, code, &values).expect("values of the code");
        RandomMatrix { rows, cols, code, values, words }
    }

    /// The matrix as back ends take it.
    pub fn view(&self) -> TileMatrix<'_> {
        TileMatrix::new(self.rows, self.cols, self.code, &self.words).expect("packed by the spec")
    }
}

/// Random activations of a code.
pub fn random_vector(cols: usize, code: ActivationCode, random: &mut Random) -> Vec<i8> {
    let all: Vec<i8> = (i8::MIN..=i8::MAX).filter(|&v| code.contains(v)).collect();
    (0..cols).map(|_| all[random.below(all.len())]).collect()
}

/// What `gemv` of stacked parts is.
pub fn golden_stack(parts: &[RandomMatrix], x: &[i8]) -> Vec<i32> {
    parts.iter().flat_map(|part| golden::gemv(part.rows, part.cols, &part.values, x)).collect()
}

/// A run of sessions over a faulty link.
#[derive(Debug, Clone, Copy)]
pub struct FaultScenario {
    /// Seed of everything: matrices, vectors, faults, kills and resets.
    pub seed: u64,
    /// Faults of the link in each session.
    pub faults: Faults,
    /// Sessions go on until that many frames were sent.
    pub frames: u64,
    /// Products of a session.
    pub products: usize,
    /// In 10,000 sessions, how many lose their host somewhere in the middle.
    pub kills: u32,
    /// In 10,000 products, before how many the device is reset.
    pub resets: u32,
    /// Largest matrices, in rows and columns.
    pub max_rows: usize,
    /// See `max_rows`.
    pub max_cols: usize,
    /// Longest time on the transport's clock that one call may take.
    pub deadline: Duration,
}

/// What came of a scenario; wrong numbers and missed deadlines do not come here, they panic.
#[derive(Debug, Clone, Default)]
pub struct FaultReport {
    /// Sessions tried.
    pub sessions: u64,
    /// Hosts killed.
    pub kills: u64,
    /// Devices reset.
    pub resets: u64,
    /// Products that were right.
    pub right: u64,
    /// Calls that ended in an error although nobody was killed, with the error.
    pub errors: Vec<String>,
    /// Faults of the link.
    pub faults: FaultCounts,
    /// All sessions' statistics.
    pub stats: DriverStats,
    /// Longest call on the transport's clock.
    pub longest: Duration,
}

/// Runs sessions of random products over a faulty link and compares every number with the golden model.
///
/// # Panics
/// On a wrong number, or a call that took longer than the deadline, with the seed that replays it.
pub fn fault_scenario<T: Transport>(transport: &mut T, scenario: &FaultScenario, mut reset: impl FnMut(&mut T)) -> FaultReport {
    let mut report = FaultReport::default();
    while report.stats.frames_sent < scenario.frames {
        session(transport, scenario, &mut reset, &mut report);
    }
    report
}

/// Refuses calls of a session that take too long, and keeps the longest.
struct Clock {
    place: String,
    deadline: Duration,
    longest: Duration,
}

impl Clock {
    fn check(&mut self, now: Duration, since: Duration) {
        let took = now.saturating_sub(since);
        let Clock { place, deadline, .. } = self;
        assert!(took <= *deadline, "{place}: a call took {took:?}, more than {deadline:?}");
        self.longest = self.longest.max(took);
    }
}

fn session<T: Transport>(transport: &mut T, scenario: &FaultScenario, reset: &mut impl FnMut(&mut T), report: &mut FaultReport) {
    let place = format!("replay: seed {}, session {}", scenario.seed, report.sessions);
    let mut clock = Clock { place: place.clone(), deadline: scenario.deadline, longest: report.longest };
    let seed = Random::new(scenario.seed ^ report.sessions << 32).next_u64();
    let mut random = Random::new(seed);
    report.sessions += 1;
    let mut faults = scenario.faults;
    if random.chance(scenario.kills) {
        faults.kill_after_bytes = Some(random.below(20_000) as u64);
        report.kills += 1;
    }
    let code = WeightCode::ALL[random.below(WeightCode::ALL.len())];
    let stacks: Vec<Vec<RandomMatrix>> = (0..1 + random.below(4)).map(|_| random_stack(code, scenario, &mut random)).collect();
    let started = transport.now();
    let injector = FaultInjector::new(&mut *transport, faults, random.next_u64());
    let options = DriverOptions { seed: random.next_u64(), ..DriverOptions::default() };
    let driver = match Driver::open(injector, options) {
        Ok(driver) => driver,
        Err(error) => {
            clock.check(transport.now(), started);
            report.longest = clock.longest;
            // The driver is gone with its statistics; one frame was sent at least, so that scenarios end.
            if faults.kill_after_bytes.is_none() {
                report.errors.push(format!("{place}: open: {error}"));
            }
            report.stats.frames_sent += 1;
            return;
        }
    };
    let mut fabric = FabricGemv::new(driver);
    clock.check(fabric.driver().transport().now(), started);
    products(&mut fabric, &stacks, scenario, &mut random, reset, &mut clock, report);
    report.longest = clock.longest;
    let driver = fabric.into_driver();
    add(&mut report.stats, driver.stats());
    report.faults += driver.transport().counts();
}

/// A session's products, up to the death of its host.
fn products<'m, T: Transport>(
    fabric: &mut FabricGemv<'m, FaultInjector<&mut T>>,
    stacks: &'m [Vec<RandomMatrix>],
    scenario: &FaultScenario,
    random: &mut Random,
    reset: &mut impl FnMut(&mut T),
    clock: &mut Clock,
    report: &mut FaultReport,
) {
    let place = clock.place.clone();
    let ids: Vec<_> = stacks
        .iter()
        .map(|stack| {
            let views: Vec<TileMatrix<'_>> = stack.iter().map(RandomMatrix::view).collect();
            fabric.prepare(&views).expect("any shape is supported")
        })
        .collect();
    for product in 0..scenario.products {
        if random.chance(scenario.resets) {
            reset(fabric.driver_mut().transport_mut().inner_mut());
            report.resets += 1;
        }
        let which = random.below(stacks.len());
        let x_code = ActivationCode::ALL[random.below(3)];
        let x = random_vector(stacks[which][0].cols, x_code, random);
        let expected = golden_stack(&stacks[which], &x);
        let mut y = vec![0; expected.len()];
        let since = fabric.driver().transport().now();
        let outcome = fabric.run(ids[which], Activations { code: x_code, values: &x }, &mut y);
        clock.check(fabric.driver().transport().now(), since);
        match outcome {
            Ok(_) => {
                assert_eq!(y, expected, "{place}, product {product}: WRONG NUMBER");
                report.right += 1;
            }
            Err(GemvError::Device(error)) => {
                if fabric.driver().transport().is_dead() {
                    break;
                }
                report.errors.push(format!("{place}, product {product}: {error}"));
            }
            Err(error) => panic!("{place}, product {product}: {error}"),
        }
    }
}

fn random_stack(code: WeightCode, scenario: &FaultScenario, random: &mut Random) -> Vec<RandomMatrix> {
    let cols = 1 + random.below(scenario.max_cols);
    let rows = 1 + random.below(scenario.max_rows);
    (0..1 + random.below(2)).map(|_| RandomMatrix::new(rows, cols, code, random)).collect()
}

fn add(sum: &mut DriverStats, one: DriverStats) {
    let DriverStats { frames_sent, frames_received, retransmits, bad_frames, stray_frames, syncs, reissued_jobs, bytes_out, bytes_in } =
        one;
    sum.frames_sent += frames_sent;
    sum.frames_received += frames_received;
    sum.retransmits += retransmits;
    sum.bad_frames += bad_frames;
    sum.stray_frames += stray_frames;
    sum.syncs += syncs;
    sum.reissued_jobs += reissued_jobs;
    sum.bytes_out += bytes_out;
    sum.bytes_in += bytes_in;
}
