//! This command, started again for a question: what another part of it prints.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Command, Stdio};

/// The command's program.
#[derive(Debug, Clone)]
pub struct Own(OsString);

impl Own {
    /// The program at this path.
    pub fn at(path: OsString) -> Own {
        Own(path)
    }

    /// The running one.
    #[cfg(feature = "lsp")]
    pub fn running() -> io::Result<Own> {
        Ok(Own(std::env::current_exe()?.into()))
    }

    /// What it prints for these arguments, with these bytes as its standard input.
    pub fn ask(&self, arguments: &[&str], input: &[u8]) -> Result<String, String> {
        let mut command = Command::new(&self.0);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = self::output(command, input).map_err(|e| e.to_string())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn output(mut command: Command, input: &[u8]) -> io::Result<std::process::Output> {
    let mut child = command.spawn()?;
    let pipe = child.stdin.take();
    std::thread::scope(|scope| {
        // A child that does not read to the end has its reason, which it says.
        scope.spawn(move || pipe.map(|mut pipe| pipe.write_all(input)));
        child.wait_with_output()
    })
}
