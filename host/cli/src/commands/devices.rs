//! `nda devices`: what can multiply here.

use crate::backend::{self, option_name};
use crate::failure::{Exit, Failure, Outcome};
use crate::{output, simulator};
use nda_kernels::Variant;
use nda_spec::Config;
use nda_spec::config::DEFAULT_CONFIG;
use serde_json::{Value, json};

/// Lists the back ends of this machine: CPU kernels, simulated boards, serial ports.
#[derive(clap::Args)]
pub struct Arguments {
    /// Print a JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let best = Variant::available().last().copied();
    let configs = Config::all().map_err(|e| Failure::new(Exit::Failed, e, "hdl/spec/configs.toml", "correct the file and build again"))?;
    let simulator = simulator::available();
    let ports = backend::serial_ports();
    if arguments.json {
        let variants: Vec<Value> = Variant::available()
            .into_iter()
            .map(|v| json!({ "backend": format!("cpu:{}", option_name(v)), "best": Some(v) == best }))
            .collect();
        let simulated: Vec<Value> = configs.iter().map(config_json).collect();
        let serial: Vec<Value> = ports.iter().map(|p| json!({ "backend": format!("serial:{}", p.path), "what": p.what })).collect();
        let simulator = match &simulator {
            Ok(()) => json!({ "available": true }),
            Err(failure) => json!({ "available": false, "reason": failure.error, "help": failure.help }),
        };
        return output::json(&json!({ "cpu": variants, "simulator": simulator, "configurations": simulated, "serial_ports": serial }));
    }
    for variant in Variant::available() {
        let remark = if Some(variant) == best { "  (what 'cpu' uses)" } else { "" };
        output::line(format_args!("cpu:{}{remark}", option_name(variant)))?;
    }
    let state =
        simulator.as_ref().map_or_else(|failure| format!("  (not available: {}; {})", failure.error, failure.help), |()| String::new());
    for config in &configs {
        let g = &config.geometry;
        let default = if config.name == DEFAULT_CONFIG { ", the default" } else { "" };
        let facts =
            format!("{} lanes, {} weights, {} MHz, {} baud{default}", g.lanes(), g.capacity(), config.clk_hz / 1_000_000, config.baud);
        output::line(format_args!("sim:{}, sim-uart:{}  {facts}{state}", config.name, config.name))?;
    }
    for port in &ports {
        output::line(format_args!("serial:{}  {}", port.path, port.what))?;
    }
    if ports.is_empty() {
        output::line("no serial port is there")?;
    }
    Ok(())
}

fn config_json(config: &Config) -> Value {
    let g = &config.geometry;
    json!({
        "name": config.name, "default": config.name == DEFAULT_CONFIG, "lanes": g.lanes(), "array_rows": g.array_rows, "array_cols": g.array_cols,
        "planes": g.planes, "weights": g.capacity(), "clk_hz": config.clk_hz, "baud": config.baud,
    })
}
