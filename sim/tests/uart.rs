//! The UART of every routed board's image at its two pins, beside hosts whose clocks are not the board's.

use nda_boards::Board;
use nda_device::testing::{RandomMatrix, golden_stack, random_vector};
use nda_device::{Driver, DriverOptions, FabricGemv};
use nda_gemv::{Activations, Gemv};
use nda_sim::{Port, SimBoard};
use nda_spec::random::Random;
use nda_spec::{ActivationCode, Config, WeightCode};
use std::collections::BTreeSet;

/// How much longer than the board's a host's bits are, in thousandths: what USB bridges and crystals can be off together. What is
/// between them is nearer to the middle of a bit.
const HOSTS: [i16; 2] = [-30, 30];
/// A host that is too slow for every board: at the stop bit it is a whole bit late.
const TOO_SLOW: i16 = 110;

/// The configurations of the routed boards.
fn images() -> BTreeSet<String> {
    let boards = Board::all().unwrap().into_iter().filter(|board| board.status.is_routed());
    boards.map(|board| board.configuration).collect()
}

/// Identifies itself and multiplies; what the driver saw of the link.
fn talk(config: &str, host: i16) {
    let board = SimBoard::new(config, Port::Uart).unwrap().with_host_clock(host);
    let driver = Driver::open(board, DriverOptions { seed: 1, ..DriverOptions::default() }).unwrap();
    assert_eq!(driver.ident().config, config);
    let mut fabric = FabricGemv::new(driver);
    let g = *fabric.driver().geometry();
    let mut random = Random::new(5);
    let (rows, cols) = (g.array_rows + 1, g.array_cols.min(64) - 1);
    let matrix = [RandomMatrix::new(rows, cols, WeightCode::Quaternary, &mut random)];
    let id = fabric.prepare(&[matrix[0].view()]).unwrap();
    let x = random_vector(cols, ActivationCode::A8, &mut random);
    let mut y = vec![0; rows];
    fabric.run(id, Activations { code: ActivationCode::A8, values: &x }, &mut y).unwrap();
    assert_eq!(y, golden_stack(&matrix, &x), "{config}, a host {host} thousandths slow");
    let stats = fabric.driver().stats();
    assert_eq!(stats.retransmits, 0, "{config}, a host {host} thousandths slow: {stats:?}");
    assert_eq!(fabric.driver_mut().transport_mut().framing_errors(), 0, "{config}, a host {host} thousandths slow");
}

#[test]
fn every_image_talks_at_its_pins_to_hosts_up_to_three_percent_off() {
    let images = images();
    assert!(images.len() >= 6, "{images:?}");
    std::thread::scope(|scope| {
        for config in &images {
            scope.spawn(move || HOSTS.iter().for_each(|&host| talk(config, host)));
        }
    });
}

#[test]
fn a_host_eleven_percent_off_is_not_understood() {
    let config = images().into_iter().min_by_key(|config| Config::named(config).unwrap().uart_divisor()).unwrap();
    let board = SimBoard::new(&config, Port::Uart).unwrap().with_host_clock(TOO_SLOW);
    assert!(Driver::open(board, DriverOptions { seed: 1, ..DriverOptions::default() }).is_err(), "{config}");
}
