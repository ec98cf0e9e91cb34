//! `nda wave --read`: how the values of a wave change.

use crate::failure::{Exit, Failure, Outcome, Stop};
use crate::output;
use nda_agent::{Waves, read_waves};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Bytes of a file at most.
const FILE_BYTES: u64 = 1 << 30;
/// Address space of this process from then on, beyond the file: a damaged FST may ask for any amount.
const MEMORY_BYTES: u64 = 4 << 30;
/// Seconds of a processor: a damaged FST may be read for ever.
const PROCESSOR_S: u64 = 120;

/// What to do about a file that cannot be read.
const ANEW: &str = "write the waves anew, as VCD or FST ('nda wave', or the simulator's own option)";

/// Reads waves in place of making some.
#[derive(clap::Args)]
pub struct Arguments {
    /// Runs nothing: reads the waves of this VCD or FST ('-': standard input) and prints how values change.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "out", "format", "uart"])]
    read: Option<PathBuf>,
    /// Variables whose scope and name contain this text.
    #[arg(long, requires = "read", default_value = "", hide_default_value = true)]
    signal: String,
    /// From this time on, in the file's unit.
    #[arg(long, requires = "read", default_value_t = 0, value_name = "TIME")]
    from: u64,
    /// Up to this time.
    #[arg(long, requires = "read", default_value_t = u64::MAX, hide_default_value = true, value_name = "TIME")]
    to: u64,
    /// Print a JSON object instead of text.
    #[arg(long, requires = "read")]
    json: bool,
    /// Reads here, within limits.
    #[arg(long, requires = "read", hide = true)]
    held: bool,
}

impl Arguments {
    /// Whether a wave is to be read.
    pub fn is_asked(&self) -> bool {
        self.read.is_some()
    }
}

/// Runs the command. An FST is read in a process of its own: what a damaged one makes its reader do ends that process alone.
pub fn run(arguments: &Arguments) -> Outcome {
    let path = arguments.read.as_deref().unwrap_or(Path::new("-"));
    let bytes = bytes(path).map_err(|e| Failure::io("read", path, &e))?;
    if Waves::is_fst(&bytes) && !arguments.held { apart(arguments, path, &bytes) } else { read(arguments, path, &bytes) }
}

/// Reads an FST in another process, which prints what it finds.
fn apart(arguments: &Arguments, path: &Path, bytes: &[u8]) -> Outcome {
    let own = std::env::current_exe().map_err(|e| Failure::io("find", Path::new("nda"), &e))?;
    let Arguments { signal, from, to, json, .. } = arguments;
    let mut command = Command::new(own);
    command.args(["wave", "--held", "--read=-", &format!("--signal={signal}"), &format!("--from={from}"), &format!("--to={to}")]);
    command.args(json.then_some("--json")).stdin(Stdio::piped());
    let failed = |e: io::Error| Failure::io("read", path, &e);
    let mut child = command.spawn().map_err(failed)?;
    // It may end before it has read everything, and says why.
    let _ = child.stdin.take().map(|mut pipe| pipe.write_all(bytes));
    let status = child.wait().map_err(failed)?;
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(Stop::Code(u8::try_from(code).unwrap_or(1))),
        (None, signal) => {
            let why = format!("the FST is damaged: its reader was ended by signal {}", signal.unwrap_or(0));
            Err(Failure::new(Exit::BadFile, why, path.display(), ANEW).into())
        }
    }
}

fn read(arguments: &Arguments, path: &Path, bytes: &[u8]) -> Outcome {
    if arguments.held {
        hold(bytes.len() as u64)
            .map_err(|e| Failure::new(Exit::Failed, e, "limits of this process", "raise the hard limits (ulimit -H)"))?;
    }
    let failed = |e| Failure::new(Exit::BadFile, e, path.display(), ANEW);
    let mut waves = Waves::open(bytes).map_err(failed)?;
    let answer = read_waves(&mut waves, &arguments.signal, arguments.from, arguments.to).map_err(failed)?;
    if arguments.json {
        return output::json(&answer);
    }
    let array = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    output::line(format_args!("{} variables; times in {}", array("variables").len(), text(&answer["unit"])))?;
    for change in array("changes") {
        output::line(format_args!("{:>12} {} = {}", change["time"].as_u64().unwrap_or(0), text(&change["name"]), text(&change["value"])))?;
    }
    if answer["more"] == true { output::line("... and more; narrow it by --signal, --from and --to") } else { Ok(()) }
}

/// Limits this process, in which the reader's panics come back as errors.
fn hold(file_bytes: u64) -> rustix::io::Result<()> {
    std::panic::set_hook(Box::new(|_| {}));
    for (resource, most) in [(Resource::As, MEMORY_BYTES + file_bytes), (Resource::Cpu, PROCESSOR_S), (Resource::Core, 0)] {
        let hard = rustix::process::getrlimit(resource).maximum;
        let most = Some(hard.map_or(most, |hard| hard.min(most)));
        setrlimit(resource, Rlimit { current: most, maximum: most })?;
    }
    Ok(())
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let count = if path == Path::new("-") {
        io::stdin().lock().take(FILE_BYTES + 1).read_to_end(&mut bytes)?
    } else {
        std::fs::File::open(path)?.take(FILE_BYTES + 1).read_to_end(&mut bytes)?
    };
    if count as u64 > FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {FILE_BYTES} bytes")));
    }
    Ok(bytes)
}
