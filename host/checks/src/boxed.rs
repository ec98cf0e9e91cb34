//! Gates' commands in the sandbox.

use nda_guard::{Ran, Runner};
use nda_sandbox::{End, Order, run};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Runs commands in a scratch clone, without network; what they change is thrown away. Where a part of the sandbox is missing,
/// nothing runs, and the gate fails with what to install.
#[derive(Debug, Clone)]
pub struct Boxed {
    /// The program that enters the box, with its first arguments.
    pub helper: Vec<OsString>,
}

impl Runner for Boxed {
    fn run(&self, root: &Path, command: &[String], limit: Duration) -> Result<Ran, String> {
        let mut order = Order::new(root, command, self.helper.clone());
        order.limits.wall_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let mut output = Vec::new();
        let outcome = run(&order, &mut |_, bytes| output.extend_from_slice(bytes)).map_err(|error| format!("{error}; {}", error.help()))?;
        let mut output = String::from_utf8_lossy(&output).into_owned();
        let code = match outcome.end {
            End::Code(code) => Some(code),
            End::Signal(signal) => {
                output.push_str(&format!("\nended by signal {signal}"));
                None
            }
            End::Stopped => {
                output.push_str("\nstopped");
                None
            }
            End::Limit(exceeded) => {
                output.push_str(&format!("\n{}", exceeded.describe(&order.limits)));
                None
            }
        };
        Ok(Ran { code, output })
    }
}
