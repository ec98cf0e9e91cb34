//! The ten-line programs run, and every device gives the same integers.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// An example that was built beside this test; none if only the test was asked for.
fn example(name: &str) -> Option<PathBuf> {
    let folder = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples");
    let path = folder.join(name);
    path.exists().then_some(path)
}

fn printed(path: &Path, arguments: &[&str]) -> String {
    let output = Command::new(path).args(arguments).current_dir(ROOT).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{path:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_programs_give_the_same_integers_on_the_cpu_and_on_the_simulated_board() {
    let (Some(cpu), Some(simulated)) = (example("cpu"), example("simulated")) else {
        return nda_tests::skip("the ten-line programs", "they are not built; 'cargo test --release -p nda-backends' builds them");
    };
    let on_cpu = printed(&cpu, &[]);
    assert_eq!(on_cpu.matches(',').count() + 1, 128, "{on_cpu}");
    if nda_backends::simulator_available().is_ok() {
        assert_eq!(printed(&simulated, &[]), on_cpu);
    }
}

#[cfg(unix)]
#[test]
fn the_program_for_a_serial_port_gives_the_same_integers_behind_a_pseudoterminal() {
    use nda_device::{ModelDevice, ModelPort, PtyBridge};
    let (Some(cpu), Some(serial)) = (example("cpu"), example("serial")) else {
        return nda_tests::skip("the ten-line program for a port", "it is not built; 'cargo test --release -p nda-backends' builds it");
    };
    let config = nda_spec::Config::named("token1024").unwrap();
    let bridge = PtyBridge::start(ModelDevice::new(&config, ModelPort::Parallel)).unwrap();
    assert_eq!(printed(&serial, &[bridge.path()]), printed(&cpu, &[]));
}
