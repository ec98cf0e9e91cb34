//! The element operations of the articles over the link: the golden models', whatever the link does.

use nda_device::testing::SeedOperands;
use nda_device::{DeviceError, Driver, DriverOptions, FabricGemv, FaultInjector, Faults, Loopback, ModelDevice, ModelPort};
use nda_gemv::Gemv;
use nda_spec::Config;
use nda_spec::random::Random;
use nda_spec::seed::{Call, Comparison, Operation};
use nda_spec::wire::seed_elements;
use std::time::Duration;

fn options(seed: u64) -> DriverOptions {
    DriverOptions { seed, ..DriverOptions::default() }
}

fn model(name: &str) -> Loopback<ModelDevice> {
    Loopback::new(ModelDevice::new(&Config::named(name).unwrap(), ModelPort::Uart))
}

#[test]
fn every_operation_is_the_golden_models_at_every_tail_and_in_as_many_requests_as_it_takes() {
    let mut driver = Driver::open(model("seed64"), options(1)).unwrap();
    let mtu = Config::named("seed64").unwrap().mtu();
    let mut random = Random::new(7);
    let most = seed_elements(Operation::Add, mtu);
    for len in (1..=20).chain([63, 64, 65, most - 1, most, most + 1, 3 * most + 5]) {
        for operands in SeedOperands::of_length(len, &mut random) {
            for call in operands.calls() {
                let fits = !call.operation().is_of_whole() || len <= seed_elements(call.operation(), mtu);
                assert_eq!(driver.takes_seed(&call), fits, "{:?} of {len}", call.operation());
                match driver.seed(&call) {
                    Ok(answer) => assert!(fits && answer == call.golden(), "{:?} of {len}", call.operation()),
                    Err(error) => assert!(!fits && matches!(error, DeviceError::SeedOperands { .. }), "{error}"),
                }
            }
        }
    }
}

#[test]
fn a_faulty_link_changes_no_result() {
    let mut wanted = 0;
    for seed in 1..=6 {
        let link = FaultInjector::new(model("seed64"), Faults::all(200, Duration::from_millis(1)), seed);
        let mut driver = Driver::open(link, options(seed)).unwrap();
        let mut random = Random::new(seed);
        for len in [1, 8, 9, 200, 3000] {
            for operands in SeedOperands::of_length(len, &mut random) {
                for call in operands.calls().into_iter().filter(|call| driver.takes_seed(call)).collect::<Vec<_>>() {
                    assert_eq!(driver.seed(&call).unwrap(), call.golden(), "seed {seed}: {:?} of {len}", call.operation());
                }
            }
        }
        wanted += driver.stats().retransmits;
    }
    assert!(wanted > 50, "{wanted} frames were sent again: the link was not faulty");
}

#[test]
fn a_device_without_them_refuses_by_name_and_its_back_end_offers_none() {
    let mut driver = Driver::open(model("nano16"), options(1)).unwrap();
    let error = driver.seed(&Call::Silu(&[1])).unwrap_err().to_string();
    assert!(error.contains("has no seed_silu: its image, 'nano16'") && error.contains("seed64"), "{error}");
    assert!(FabricGemv::new(driver).seeds().is_none());
}

#[test]
fn a_back_end_leaves_to_its_caller_what_its_device_does_not_take() {
    let mut fabric = FabricGemv::new(Driver::open(model("seed64"), options(1)).unwrap());
    let seeds = fabric.seeds().expect("a device with seed operations");
    let long = vec![1; 20_000];
    let left = [Call::Silu(&[]), Call::Truthy(&long), Call::RmsNorm { x: &[1], weight: &[2], eps_shift: 13 }];
    for call in left {
        assert_eq!(seeds.seed(&call).unwrap(), None, "{:?}", call.operation());
    }
    let call = Call::Compare(Comparison::NotLess, &long, &long);
    let (answer, cost) = seeds.seed(&call).unwrap().expect("what goes element by element");
    assert_eq!((answer, cost.bytes_out > 10_000, cost.jobs), (call.golden(), true, 0));
}
