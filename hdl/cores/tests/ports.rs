//! What the ports of the cores mean (the sources, and hdl/cores/ports for netlists) is said of exactly the ports that there are.

use nda_cores::bus::{BusKind, emit_bus};
use nda_cores::emit::units::BUS_ARRAY;
use nda_cores::{Port, emit};
use nda_spec::Config;
use std::path::Path;
use std::process::{Command, Output};

const CORES: &str = env!("CARGO_MANIFEST_DIR");

/// Writes the Verilog that docs/ports.py shows cores in, under the names that it has there.
fn write(folder: &Path) {
    for (name, port) in [
        ("nano16", Port::Parallel),
        ("nano16", Port::Uart),
        ("token1024", Port::Parallel),
        ("token1024", Port::Uart),
        ("seed64", Port::Parallel),
    ] {
        let emitted = emit(&Config::named(name).unwrap(), port).unwrap();
        std::fs::write(folder.join(format!("{name}_{}.v", port.name())), emitted.verilog).unwrap();
    }
    for kind in [BusKind::AxiStream, BusKind::Wishbone] {
        let verilog = emit_bus(kind, BUS_ARRAY.0, BUS_ARRAY.1).unwrap();
        std::fs::write(folder.join(format!("{}.v", kind.top())), verilog).unwrap();
    }
}

fn judged(folder: &Path, meanings: &Path) -> Output {
    Command::new("python3").arg(Path::new(CORES).join("../../docs/ports.py")).args([folder, meanings]).output().unwrap()
}

#[test]
fn every_port_of_every_core_has_a_meaning_and_no_other_name_has_one() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let output = judged(folder.path(), &Path::new(CORES).join("ports"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_port_without_a_meaning_and_a_meaning_without_a_port_are_found() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let meanings = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(Path::new(CORES).join("ports")).unwrap().flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let text = text.replace("\nscore = ", "\nsore = ").replace("\nturn_address = ", "\nreturn_address = ");
        let more = if entry.file_name() == "buses.toml" { "\n[no_core]\nport = \"None.\"\n" } else { "" };
        std::fs::write(meanings.path().join(entry.file_name()), text + more).unwrap();
    }
    let said = String::from_utf8_lossy(&judged(folder.path(), meanings.path()).stderr).into_owned();
    for fault in [
        "token_attention_scale: what does score mean?",
        "token_attention_scale: there is no port sore",
        "token_walker: the machine has no signal return_address",
        "there is no core no_core",
    ] {
        assert!(said.contains(fault), "{fault}: {said}");
    }
}
