//! What a model costs in whole tokens on a configuration with a token machine: part of `nda plan`.

use crate::failure::Outcome;
use crate::output;
use nda_engine::{Weights, token_program};
use nda_spec::Config;
use nda_spec::token::cycles::{Fabric, token};
use nda_spec::token::text::{FRAME_TOKENS, Link, request_bytes, response_bytes};
use serde_json::{Map, Value, json};

/// Positions that a token's cycles are told at, besides a full ring.
const POSITION: u64 = 64;

/// A token of a long text.
pub struct WholeToken {
    /// Cycles of the machine with 64 positions in its ring, and with as many as it has.
    at_64: u64,
    most: u64,
    /// Bytes from the device and to it, in frames of 64 tokens.
    bytes_in: f64,
    bytes_out: f64,
    /// Cycles of the link from the device.
    link_cycles: f64,
    clk_hz: u32,
}

impl WholeToken {
    /// The cost, or why there is none; `None` on a configuration without a token machine.
    pub fn of(weights: &Weights<'_>, config: &Config, link: Link) -> Option<Result<WholeToken, String>> {
        let sizes = config.token?;
        Some(token_program(weights).map_err(|e| e.to_string()).and_then(|found| {
            let (program, g) = (found.program, &config.geometry);
            sizes.fit(&program, g).map_err(|e| e.to_string())?;
            let fabric = Fabric { rows: g.array_rows, cols: g.array_cols, ..Fabric::TOKEN_1024 };
            let cycles = |position: u64| token(&program, &fabric, position).1;
            let each = |bytes: usize| bytes as f64 / f64::from(FRAME_TOKENS);
            let bytes_in = response_bytes(FRAME_TOKENS, sizes.token_bytes);
            Ok(WholeToken {
                at_64: cycles(POSITION),
                most: cycles(program.kv.ring as u64),
                bytes_in: each(bytes_in),
                bytes_out: each(request_bytes()),
                link_cycles: each(link.cycles(bytes_in) as usize),
                clk_hz: config.clk_hz,
            })
        }))
    }

    /// Tokens are made while those before are on the link.
    fn limit(&self) -> &'static str {
        if self.link_cycles > self.most as f64 { "link" } else { "array" }
    }

    fn tokens_per_second(&self) -> f64 {
        f64::from(self.clk_hz) / self.link_cycles.max(self.most as f64)
    }

    /// For `--json`.
    pub fn json(&self) -> Value {
        json!({
            "cycles_at_64": self.at_64, "cycles_at_most": self.most, "bytes_in": self.bytes_in, "bytes_out": self.bytes_out, "link_cycles": self.link_cycles,
            "limit": self.limit(), "tokens_per_second": self.tokens_per_second(), "evidence": "derived",
        })
    }

    /// Puts the figures of whole tokens in front of those of a board's products, which then stand below `products`.
    pub fn on_board(&self, board: &mut Value) {
        let Some(fields) = board.as_object_mut() else { return };
        let names = ["array_s", "link_s", "turnaround_s", "limit", "tokens_per_second", "cycles_per_token"];
        let products: Map<String, Value> = names.iter().filter_map(|name| fields.remove_entry(*name)).collect();
        let own = [
            ("products", Value::Object(products)),
            ("tokens_per_second", json!(self.tokens_per_second())),
            ("cycles_per_token", json!(self.most)),
            ("limit", json!(self.limit())),
            ("evidence", json!("projected")),
        ];
        fields.extend(own.map(|(name, value)| (name.to_string(), value)));
    }

    /// For people.
    pub fn text(&self) -> Outcome {
        output::line(format_args!(
            "\nin whole tokens: {} cycles per token with {POSITION} positions, {} with a full ring; {:.2} bytes in, {:.2} out, {:.0} link cycles per token in frames of {FRAME_TOKENS}",
            self.at_64, self.most, self.bytes_in, self.bytes_out, self.link_cycles
        ))?;
        output::line(format_args!(
            "limit: the {}; {:.0} tokens/s at {} MHz (derived)",
            self.limit(),
            self.tokens_per_second(),
            self.clk_hz / 1_000_000
        ))
    }
}
