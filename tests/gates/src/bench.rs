//! A core's netlist, driven by its ports: batches of cycles.

use crate::GateError;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The program of a core's netlist, as after power-up.
pub struct GateBench {
    child: Child,
    batches: Option<ChildStdin>,
    answers: ChildStdout,
    name: String,
}

impl GateBench {
    /// Starts the program that [`crate::build`] made of a core's netlist; `arguments` are Verilog's plusargs.
    ///
    /// # Errors
    /// [`GateError::Missing`] if it cannot be started.
    pub fn start(program: &Path, seed: u32, arguments: &[String]) -> Result<GateBench, GateError> {
        let name = program.display().to_string();
        let failed = |reason: String| GateError::Missing { tool: name.clone(), reason };
        let mut child = Command::new(program)
            .arg(seed.to_string())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| failed(e.to_string()))?;
        let (batches, answers) = (child.stdin.take(), child.stdout.take());
        let answers = answers.ok_or_else(|| failed("it has no output".into()))?;
        Ok(GateBench { child, batches, answers, name })
    }

    /// Runs as many cycles as `inputs` holds: all input ports of a cycle, cycle after cycle, each port in whole bytes.
    /// Returns all output ports of each cycle, `output_bytes` a cycle, as they stand after its clock edge.
    ///
    /// # Errors
    /// [`GateError::Ended`] if the program is gone: a cell met what its model does not know, and said so.
    pub fn run(&mut self, cycles: usize, inputs: &[u8], output_bytes: usize) -> Result<Vec<u8>, GateError> {
        let mut outputs = vec![0; cycles * output_bytes];
        let mut exchange = || {
            let pipe = self.batches.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
            pipe.write_all(&(cycles as u64).to_le_bytes())?;
            pipe.write_all(inputs)?;
            pipe.flush()?;
            self.answers.read_exact(&mut outputs)
        };
        exchange().map_err(|e: std::io::Error| GateError::Ended { what: self.name.clone(), reason: e.to_string() })?;
        Ok(outputs)
    }
}

impl Drop for GateBench {
    fn drop(&mut self) {
        // The end of its input ends the program.
        self.batches = None;
        let _ = self.child.wait();
    }
}
