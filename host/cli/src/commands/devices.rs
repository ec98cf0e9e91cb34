//! `nda devices`: what can multiply here.

use crate::backend::{BackendName, option_name};
use crate::failure::{Exit, Failure, Outcome};
use crate::output;
use nda_backends::{Adapter, BackendError};
use nda_boards::Board;
use nda_device::{BAUD_RATES, DeviceError, SerialDevice};
use nda_kernels::Variant;
use nda_spec::Config;
use nda_spec::config::DEFAULT_CONFIG;
use nda_spec::wire::Ident;
use serde_json::{Value, json};

/// Lists this machine's back ends: CPU kernels, GPUs, simulated boards, serial ports.
///
/// With --probe the serial ports are asked who is behind them: board, configuration, clock and the bitstream id of
/// the image. Without a port every USB bridge is asked, which sends it a few bytes; leave it if another device
/// must not be disturbed.
#[derive(clap::Args)]
pub struct Arguments {
    /// Ask who is behind a port (PORT or PORT@BAUD), or behind every USB bridge.
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "")]
    probe: Option<String>,
    /// Print a JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let best = Variant::available().last().copied();
    let configs = Config::all().map_err(|e| Failure::new(Exit::Failed, e, "hdl/spec/configs.toml", "correct the file and build again"))?;
    let simulator = nda_backends::simulator_available().map_err(Failure::from);
    let adapters = nda_backends::adapters();
    let (ports, found) = ask(arguments.probe.as_deref())?;
    if arguments.json {
        let variants: Vec<Value> = Variant::available()
            .into_iter()
            .map(|v| json!({ "backend": format!("cpu:{}", option_name(v)), "best": Some(v) == best }))
            .collect();
        let simulated: Vec<Value> = configs.iter().map(config_json).collect();
        let serial: Vec<Value> = ports
            .iter()
            .zip(&found)
            .map(|(p, found)| json!({ "backend": format!("serial:{}", p.path), "what": p.what, "board": found.as_ref().map(found_json) }))
            .collect();
        let simulator = match &simulator {
            Ok(()) => json!({ "available": true }),
            Err(failure) => json!({ "available": false, "reason": failure.error, "help": failure.help }),
        };
        return output::json(&json!({
            "cpu": variants, "gpu": gpu_json(&adapters), "simulator": simulator, "configurations": simulated, "boards": boards_json()?,
            "serial_ports": serial,
        }));
    }
    for variant in Variant::available() {
        let remark = if Some(variant) == best { "  (what 'cpu' uses)" } else { "" };
        output::line(format_args!("cpu:{}{remark}", option_name(variant)))?;
    }
    gpu_lines(&adapters)?;
    let missing = simulator.as_ref().map_or_else(|failure| failure.help.as_str(), |()| "build nda-cli with the feature 'configurations'");
    for config in &configs {
        let g = &config.geometry;
        let default = if config.name == DEFAULT_CONFIG { ", the default" } else { "" };
        let facts =
            format!("{} lanes, {} weights, {} MHz, {} baud{default}", g.lanes(), g.capacity(), config.clk_hz / 1_000_000, config.baud);
        match doors(config).join(", ").as_str() {
            "" => output::line(format_args!("{}  {facts}  (not simulated by this build: {missing})", config.name))?,
            doors => output::line(format_args!("{doors}  {facts}"))?,
        }
    }
    for (port, found) in ports.iter().zip(&found) {
        output::line(format_args!("serial:{}  {}", port.path, port.what))?;
        match found {
            Some(Ok((baud, ident))) => output::line(format_args!("  {} at {baud} baud", image(ident)))?,
            Some(Err(error)) => output::line(format_args!("  {error}"))?,
            None => {}
        }
    }
    if ports.is_empty() {
        output::line("no serial port found")?;
    }
    Ok(())
}

/// What this build calls a configuration's simulated boards.
fn doors(config: &Config) -> Vec<String> {
    nda_backends::simulated_ports(config).into_iter().map(|port| BackendName::Sim(config.clone(), port).to_string()).collect()
}

fn config_json(config: &Config) -> Value {
    let g = &config.geometry;
    json!({
        "name": config.name, "default": config.name == DEFAULT_CONFIG, "lanes": g.lanes(), "array_rows": g.array_rows, "array_cols": g.array_cols,
        "planes": g.planes, "weights": g.capacity(), "clk_hz": config.clk_hz, "baud": config.baud, "simulated": doors(config),
    })
}

/// The boards that there are images for, or constraints alone: the rows of constraints/boards.toml.
fn boards_json() -> Outcome<Vec<Value>> {
    let rows = Board::all().map_err(|e| Failure::new(Exit::Failed, e, "constraints/boards.toml", "correct the row and build again"))?;
    let row =
        |b: Board| json!({ "name": b.name, "title": b.title, "part": b.part, "configuration": b.configuration, "status": b.status.name() });
    Ok(rows.into_iter().map(row).collect())
}

/// The baud rate at which a board answered, and what it is; or why none did.
type Found = Result<(u32, Ident), DeviceError>;

/// The ports that there are, or the one that was named, and who is behind those that were asked.
///
/// # Errors
/// Nobody behind the port that was named: whoever names one expects a board there.
fn ask(probe: Option<&str>) -> Outcome<(Vec<SerialDevice>, Vec<Option<Found>>)> {
    let Some(named) = probe.filter(|named| !named.is_empty()) else {
        let ports = nda_device::devices();
        let asks = |port: &SerialDevice| probe.is_some() && port.what.starts_with("USB");
        let found = ports.iter().map(|port| asks(port).then(|| found_on(&port.path, &BAUD_RATES))).collect();
        return Ok((ports, found));
    };
    let (path, baud) = nda_backends::port_and_baud(named).map_err(|error| Failure::usage(error, "--probe", "use PORT or PORT@1000000"))?;
    let found = match baud {
        Some(baud) => found_on(path, &[baud]),
        None => found_on(path, &BAUD_RATES),
    };
    match found {
        Ok(found) => Ok((vec![SerialDevice { path: path.into(), what: String::new() }], vec![Some(Ok(found))])),
        Err(error) => Err(BackendError::device(format_args!("--probe {named}"), error).into()),
    }
}

/// Asks a port, and says what a person should know of it.
fn found_on(path: &str, rates: &[u32]) -> Found {
    let probe = nda_device::probe(path, rates);
    probe.notes.iter().for_each(output::note);
    probe.found
}

/// An image in words: board, configuration, size, clock and bitstream id.
fn image(ident: &Ident) -> String {
    let g = &ident.geometry;
    format!(
        "{}, configuration {}, {} lanes, {} weights, {} MHz, bitstream {:016x}",
        board_name(ident.board),
        ident.config,
        g.lanes(),
        g.capacity(),
        ident.clk_hz / 1_000_000,
        ident.build
    )
}

fn board_name(id: u16) -> String {
    if id == 0 {
        return "a simulated board".into();
    }
    let rows = Board::all().unwrap_or_default();
    rows.into_iter().find(|b| b.id == id).map_or_else(|| format!("a board with the unknown id {id}"), |b| b.title)
}

fn found_json(found: &Found) -> Value {
    match found {
        Ok((baud, ident)) => json!({
            "baud": baud, "id": ident.board, "name": board_name(ident.board), "configuration": ident.config, "lanes": ident.geometry.lanes(),
            "weights": ident.geometry.capacity(), "clk_hz": ident.clk_hz, "protocol": ident.protocol, "engine": ident.engine,
            "bitstream": format!("{:016x}", ident.build),
        }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

/// A line for each adapter; the number is what `gpu:NUMBER` takes.
fn gpu_lines(adapters: &Result<Vec<Adapter>, BackendError>) -> Outcome {
    match adapters {
        Err(error) => output::line(format_args!("gpu  ({error}: {})", error.help())),
        Ok(all) if all.is_empty() => output::line("no GPU adapter found"),
        Ok(all) => all.iter().enumerate().try_for_each(|(number, adapter)| {
            let Adapter { name, kind, driver, binding_bytes, can } = adapter;
            let can = can.iter().map(|what| format!(", {what}")).collect::<String>();
            output::line(format_args!("gpu:{number}  {name}, {kind} ({driver}), buffers of {} MB{can}", binding_bytes >> 20))
        }),
    }
}

fn gpu_json(adapters: &Result<Vec<Adapter>, BackendError>) -> Value {
    match adapters {
        Err(error) => json!({ "available": false, "reason": error.to_string(), "help": error.help() }),
        Ok(all) => {
            let adapter = |(number, a): (usize, &Adapter)| json!({ "backend": format!("gpu:{number}"), "name": a.name, "kind": a.kind, "driver": a.driver, "binding_bytes": a.binding_bytes, "can": a.can });
            json!({ "available": true, "adapters": all.iter().enumerate().map(adapter).collect::<Vec<Value>>() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_boards_image_is_found_by_whoever_does_not_know_its_baud_rate() {
        for board in Board::all().unwrap() {
            let baud = board.config().unwrap().baud;
            assert!(BAUD_RATES.contains(&baud), "{}: {baud} baud", board.name);
        }
    }
}
