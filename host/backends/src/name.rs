//! The grammar of names: what a person writes for a back end, and how it is printed in full.

use crate::error::BackendError;
use nda_kernels::Variant;
use nda_spec::Config;
use nda_spec::config::{DEFAULT_CONFIG, DEFAULT_UART_CONFIG};
use std::fmt;
use std::path::Path;

/// How a simulated board is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimPort {
    /// Bytes with ready and valid: one a cycle at best.
    Parallel,
    /// Bits on a line, at the configuration's baud rate.
    Uart,
}

/// Most boards that one name stands for: a slip of the finger should not fill the memory.
const MAX_BOARDS: usize = 256;

/// A back end as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendName {
    /// This machine, with the best or a chosen set of kernels.
    Cpu(Option<Variant>),
    /// A GPU: a number or a part of its name; without one the best there is.
    Gpu(Option<String>),
    /// The simulated board of a configuration.
    Sim(Config, SimPort),
    /// The software model of a board behind the same driver and link: no Verilog.
    Loopback(Config, SimPort),
    /// A board on a serial port.
    Serial {
        /// The port.
        port: String,
        /// Its speed; found by trying if it is not named.
        baud: Option<u32>,
    },
    /// A board of the default configuration, or as many deep ones as a model takes that is too large for it.
    Fitting(Box<BackendName>),
    /// Several boards, each with the weights of some rows.
    Boards(Vec<BackendName>),
}

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackendName::Fitting(board) => board.fmt(f),
            BackendName::Boards(boards) => {
                for (i, run) in boards.chunk_by(|a, b| a == b).enumerate() {
                    write!(f, "{}{}", if i > 0 { "+" } else { "" }, run[0])?;
                    if run.len() > 1 {
                        write!(f, "*{}", run.len())?;
                    }
                }
                Ok(())
            }
            BackendName::Cpu(None) => write!(f, "cpu"),
            BackendName::Cpu(Some(variant)) => write!(f, "cpu:{}", option_name(*variant)),
            BackendName::Gpu(None) => write!(f, "gpu"),
            BackendName::Gpu(Some(adapter)) => write!(f, "gpu:{adapter}"),
            BackendName::Sim(config, SimPort::Parallel) => write!(f, "sim:{}", config.name),
            BackendName::Sim(config, SimPort::Uart) => write!(f, "sim-uart:{}", config.name),
            BackendName::Loopback(config, SimPort::Parallel) => write!(f, "loopback:{}", config.name),
            BackendName::Loopback(config, SimPort::Uart) => write!(f, "loopback-uart:{}", config.name),
            BackendName::Serial { port, baud: Some(baud) } => write!(f, "serial:{port}@{baud}"),
            BackendName::Serial { port, baud: None } => write!(f, "serial:{port}"),
        }
    }
}

/// A variant as options spell it: `avx512`.
pub fn option_name(variant: Variant) -> String {
    variant.name().to_ascii_lowercase().replace('-', "")
}

/// Joins boards, for messages.
const JOINED: &str = "join boards as in sim:wide256*3+sim:nano16";

impl BackendName {
    /// The back end of a name: one of its own, or boards joined by `+`, each with `*N` if there are several like it.
    ///
    /// # Errors
    /// [`BackendError::Name`] with what is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<BackendName, BackendError> {
        let refuse = |reason: String| Err(refusal(text, reason, JOINED));
        let mut boards = Vec::new();
        for part in joined(text) {
            let (one, count) = match part.rsplit_once('*') {
                None => (part, 1),
                Some((one, count)) => match count.parse() {
                    Ok(count) if (1..=MAX_BOARDS).contains(&count) => (one, count),
                    _ => return refuse(format!("board count must be 1 to {MAX_BOARDS}, got '{count}'")),
                },
            };
            let board = parse_one(one)?;
            if one == text {
                return Ok(board);
            }
            let board = match board {
                BackendName::Cpu(_) => return refuse("the CPU is not a board and cannot be joined to one".into()),
                BackendName::Gpu(_) => return refuse("a GPU is not a board and cannot be joined to one".into()),
                BackendName::Serial { .. } if count > 1 => return refuse("a port leads to one board".into()),
                BackendName::Fitting(board) => *board,
                board => board,
            };
            boards.extend(std::iter::repeat_n(board, count));
        }
        Ok(BackendName::Boards(boards))
    }
}

fn refusal(text: &str, reason: String, help: impl Into<String>) -> BackendError {
    BackendError::Name { text: text.into(), reason, help: help.into() }
}

fn parse_one(text: &str) -> Result<BackendName, BackendError> {
    let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
    let fitting = |board| BackendName::Fitting(Box::new(board));
    match (kind, rest) {
        ("cpu", None) => Ok(BackendName::Cpu(None)),
        ("cpu", Some(rest)) => match Variant::ALL.into_iter().find(|v| option_name(*v) == rest) {
            Some(variant) => Ok(BackendName::Cpu(Some(variant))),
            None => {
                let all = Variant::ALL.map(|v| format!("cpu:{}", option_name(v))).join(", ");
                Err(refusal(text, format!("unknown kernels '{rest}'"), format!("use {all}")))
            }
        },
        ("gpu", None) => Ok(BackendName::Gpu(None)),
        ("gpu", Some(adapter)) if !adapter.is_empty() => Ok(BackendName::Gpu(Some(adapter.into()))),
        ("gpu", _) => Err(refusal(
            text,
            "the adapter's number or name is missing".into(),
            "use gpu, gpu:NUMBER or gpu:NAME; 'nda devices' lists adapters",
        )),
        ("sim", None) => Ok(fitting(BackendName::Sim(config(DEFAULT_CONFIG)?, SimPort::Parallel))),
        ("sim", Some(rest)) => Ok(BackendName::Sim(config(rest)?, SimPort::Parallel)),
        ("sim-uart", rest) => Ok(BackendName::Sim(config(rest.unwrap_or(DEFAULT_UART_CONFIG))?, SimPort::Uart)),
        ("loopback", None) => Ok(fitting(BackendName::Loopback(config(DEFAULT_CONFIG)?, SimPort::Parallel))),
        ("loopback", Some(rest)) => Ok(BackendName::Loopback(config(rest)?, SimPort::Parallel)),
        ("loopback-uart", rest) => Ok(BackendName::Loopback(config(rest.unwrap_or(DEFAULT_CONFIG))?, SimPort::Uart)),
        ("serial", Some(rest)) if !rest.is_empty() => match port_and_baud(rest) {
            Ok((port, baud)) => Ok(BackendName::Serial { port: port.into(), baud }),
            Err(reason) => Err(refusal(text, reason, "use serial:PORT@1000000, or serial:PORT to have it found")),
        },
        ("serial", _) => Err(refusal(
            text,
            "a serial back end needs a port".into(),
            "use serial:PORT, such as serial:/dev/ttyUSB0; 'nda devices' lists ports",
        )),
        _ => Err(refusal(text, format!("unknown back end '{kind}'"), "use cpu, gpu, sim, sim-uart or serial:PORT; see 'nda --help'")),
    }
}

/// A port and its baud rate. A port that exists under the whole name has no rate behind it, whatever `@` is in its name.
pub fn port_and_baud(text: &str) -> Result<(&str, Option<u32>), String> {
    let Some((port, baud)) = text.rsplit_once('@').filter(|_| !Path::new(text).exists()) else { return Ok((text, None)) };
    match baud.parse() {
        Ok(number) if number > 0 && !port.is_empty() => Ok((port, Some(number))),
        _ => Err(format!("baud rate must be a whole number above 0, got '{baud}'")),
    }
}

/// What `+` joins. It joins only in front of a back end's name: ports have it in theirs too, and one that exists is taken whole.
fn joined(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices('+') {
        let is_port = text[start..].strip_prefix("serial:").is_some_and(|port| Path::new(port).exists());
        if begins_a_name(&text[at + 1..]) && !is_port {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Whether a back end's name begins here.
fn begins_a_name(text: &str) -> bool {
    let end = text.find([':', '*', '+']).unwrap_or(text.len());
    ["cpu", "gpu", "sim", "sim-uart", "loopback", "loopback-uart", "serial"].contains(&&text[..end])
}

/// The configuration of a name.
///
/// # Errors
/// [`BackendError::Config`] names those there are.
pub fn config(name: &str) -> Result<Config, BackendError> {
    Ok(Config::named(name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_with_plus_and_at_in_their_names_are_ports() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("usb-Dev+sim@home@9600");
        let odd = odd.to_str().unwrap();
        let serial = |port: &str, baud| BackendName::Serial { port: port.into(), baud };
        for (text, parts) in [
            ("serial:/dev/usb-A+B-if00".to_string(), vec![serial("/dev/usb-A+B-if00", None)]),
            ("serial:/dev/a+b@115200".into(), vec![serial("/dev/a+b", Some(115_200))]),
            ("serial:/dev/a+b@115200+serial:/dev/c+d".into(), vec![serial("/dev/a+b", Some(115_200)), serial("/dev/c+d", None)]),
            ("serial:/dev/home@x@9600".into(), vec![serial("/dev/home@x", Some(9_600))]),
        ] {
            let found = match BackendName::parse(&text).unwrap() {
                BackendName::Boards(boards) => boards,
                one => vec![one],
            };
            assert_eq!(found, parts, "{text}");
        }
        // A port that exists wins over what its name could mean otherwise.
        assert!(BackendName::parse(&format!("serial:{odd}")).unwrap() != serial(odd, None));
        std::fs::write(odd, "").unwrap();
        assert_eq!(BackendName::parse(&format!("serial:{odd}")).unwrap(), serial(odd, None));
        assert!(BackendName::parse("serial:/dev/a@x").is_err() && BackendName::parse("serial:@9600").is_err());
    }

    #[test]
    fn every_name_is_parsed_and_printed_in_full() {
        for (text, printed) in [
            ("cpu", "cpu"),
            ("cpu:avx512", "cpu:avx512"),
            ("cpu:portable", "cpu:portable"),
            ("gpu", "gpu"),
            ("gpu:1", "gpu:1"),
            ("gpu:Iris Xe", "gpu:Iris Xe"),
            ("sim", "sim:token1024"),
            ("sim:nano16", "sim:nano16"),
            ("sim:wide256*3+sim-uart:nano16", "sim:wide256*3+sim-uart:nano16"),
            ("sim:nano16+sim:nano16*2", "sim:nano16*3"),
            ("sim*2", "sim:token1024*2"),
            ("serial:/dev/ttyUSB0+serial:/dev/ttyUSB1@115200", "serial:/dev/ttyUSB0+serial:/dev/ttyUSB1@115200"),
            ("sim-uart", "sim-uart:wide256"),
            ("loopback", "loopback:token1024"),
            ("loopback-uart:small64", "loopback-uart:small64"),
            ("serial:/dev/ttyUSB0", "serial:/dev/ttyUSB0"),
            ("serial:COM3@115200", "serial:COM3@115200"),
        ] {
            assert_eq!(BackendName::parse(text).unwrap().to_string(), printed);
        }
        for bad in [
            "",
            "gpu:",
            "gpu*2",
            "gpu+sim",
            "cpu:mmx",
            "sim:",
            "sim:huge",
            "serial",
            "serial:",
            "serial:p@x",
            "serial:p@0",
            "cpu+sim",
            "sim*0",
            "sim*9999",
            "sim*x",
            "serial:p*2",
            "sim+",
        ] {
            assert!(BackendName::parse(bad).is_err(), "{bad}");
        }
    }
}
