//! Pin files of four tools, read as strictly as the tools should.
//!
//! nextpnr drops what stands behind the first statement of a line of a `.cst` without a word, so here a second
//! statement is an error; so is a statement that this reader does not know, because a tool might not know it either.

use crate::{BoardError, Family};
use std::collections::BTreeSet;

/// One port's pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The port; a bit of a vector as `led[0]`.
    pub port: String,
    /// The ball, pin number or pad.
    pub site: String,
    /// I/O standard; empty where the family has none to say.
    pub io_type: String,
}

/// A pin file, parsed.
///
/// # Example
///
/// ```
/// use nda_boards::{Board, Family};
///
/// let board = Board::named("ulx3s-85f")?;
/// assert_eq!(board.family, Family::Ecp5);
/// assert!(board.pin_file().is_ok() && board.config().is_ok());
/// # Ok::<(), nda_boards::BoardError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinFile {
    /// Its name.
    pub name: String,
    /// Its text, as the tools get it.
    pub text: String,
    /// Its pins, in order.
    pub pins: Vec<Pin>,
}

/// One statement: a port's place, or its attributes.
enum Statement {
    Place {
        port: String,
        site: String,
    },
    Attributes {
        port: String,
        io_type: String,
    },
    /// A statement that is about no port.
    Global,
}

impl PinFile {
    /// Reads a pin file of that family.
    ///
    /// # Errors
    /// [`BoardError::Pins`] with the line: an unknown statement, a port or pin named twice, a missing I/O standard.
    pub fn parse(family: Family, name: &str, text: &str) -> Result<PinFile, BoardError> {
        let mut file = PinFile { name: name.into(), text: text.into(), pins: Vec::new() };
        let mut sites = BTreeSet::new();
        for (number, line) in text.lines().enumerate() {
            let error = |problem: String| BoardError::Pins { file: name.into(), line: number + 1, problem };
            for statement in statements(family, line).map_err(error)? {
                let (port, site) = match statement {
                    Statement::Global => continue,
                    Statement::Place { port, site } => (port, site),
                    Statement::Attributes { port, io_type } => {
                        let pin = file.pins.iter_mut().find(|p| p.port == port);
                        let pin = pin.ok_or_else(|| error(format!("'{port}' gets attributes before it gets a pin")))?;
                        if !std::mem::replace(&mut pin.io_type, io_type).is_empty() {
                            return Err(error(format!("'{port}' gets attributes twice")));
                        }
                        continue;
                    }
                };
                if file.pin(&port).is_some() {
                    return Err(error(format!("port '{port}' gets a second pin")));
                }
                if !sites.insert(site.clone()) {
                    return Err(error(format!("pin {site} gets a second port, '{port}'")));
                }
                file.pins.push(Pin { port, site, io_type: String::new() });
            }
        }
        let needs_type = matches!(family, Family::Ecp5 | Family::Gowin);
        match file.pins.iter().find(|p| needs_type && p.io_type.is_empty()) {
            Some(pin) => {
                let line = text.lines().position(|l| l.contains(&format!("\"{}\"", pin.port))).map_or(0, |at| at + 1);
                Err(BoardError::Pins { file: name.into(), line, problem: format!("port '{}' has no IO_TYPE", pin.port) })
            }
            None => Ok(file),
        }
    }

    /// A port's pin.
    pub fn pin(&self, port: &str) -> Option<&Pin> {
        self.pins.iter().find(|p| p.port == port)
    }
}

fn statements(family: Family, line: &str) -> Result<Vec<Statement>, String> {
    let code = line.split("//").next().unwrap_or_default().split('#').next().unwrap_or_default().trim();
    if code.is_empty() {
        return Ok(Vec::new());
    }
    match family {
        Family::Ice40 => pcf(code).map(|s| vec![s]),
        Family::Ecp5 => terminated(code)?.into_iter().map(lpf).collect(),
        Family::Gowin => match terminated(code)?[..] {
            [one] => cst(one).map(|s| vec![s]),
            _ => Err("one statement a line: the tools drop the second one without a word".into()),
        },
        Family::Gatemate => match terminated(code)?[..] {
            [one] => ccf(one).map(|s| vec![s]),
            _ => Err("one statement a line".into()),
        },
    }
}

/// The statements of a line, each of which must end with a semicolon.
fn terminated(code: &str) -> Result<Vec<&str>, String> {
    let inner = code.strip_suffix(';').ok_or_else(|| format!("'{code}' does not end with a semicolon"))?;
    Ok(inner.split(';').map(str::trim).filter(|s| !s.is_empty()).collect())
}

fn quoted(word: &str) -> Result<String, String> {
    let inner = word.strip_prefix('"').and_then(|w| w.strip_suffix('"'));
    inner.filter(|w| !w.is_empty()).map(str::to_string).ok_or_else(|| format!("'{word}' should stand in quotation marks"))
}

/// The value of `IO_TYPE=` among attributes.
fn io_type(attributes: &[&str]) -> Result<String, String> {
    if let Some(odd) = attributes.iter().find(|a| !a.contains('=')) {
        return Err(format!("'{odd}' is not an attribute; attributes are NAME=VALUE"));
    }
    attributes.iter().find_map(|a| a.strip_prefix("IO_TYPE=")).map(str::to_string).ok_or_else(|| "IO_TYPE is missing".into())
}

fn pcf(code: &str) -> Result<Statement, String> {
    match code.split_whitespace().collect::<Vec<_>>()[..] {
        ["set_io", port, site] => Ok(Statement::Place { port: port.into(), site: site.into() }),
        ["set_io", option, value, port, site] if option.starts_with('-') && !value.starts_with('-') => {
            Ok(Statement::Place { port: port.into(), site: site.into() })
        }
        _ => Err(format!("'{code}' is not 'set_io [-option value] PORT PIN'")),
    }
}

fn lpf(code: &str) -> Result<Statement, String> {
    match code.split_whitespace().collect::<Vec<_>>()[..] {
        ["LOCATE", "COMP", port, "SITE", site] => Ok(Statement::Place { port: quoted(port)?, site: quoted(site)? }),
        ["IOBUF", "PORT", port, ref attributes @ ..] => Ok(Statement::Attributes { port: quoted(port)?, io_type: io_type(attributes)? }),
        ["SYSCONFIG", ..] | ["BLOCK", ..] => Ok(Statement::Global),
        _ => Err(format!("'{code}' is not LOCATE COMP, IOBUF PORT, SYSCONFIG or BLOCK")),
    }
}

fn cst(code: &str) -> Result<Statement, String> {
    match code.split_whitespace().collect::<Vec<_>>()[..] {
        ["IO_LOC", port, site] => Ok(Statement::Place { port: quoted(port)?, site: site.into() }),
        ["IO_PORT", port, ref attributes @ ..] => Ok(Statement::Attributes { port: quoted(port)?, io_type: io_type(attributes)? }),
        _ => Err(format!("'{code}' is not IO_LOC or IO_PORT")),
    }
}

/// `Pin_in "clk" Loc = "IO_SB_A8" | SCHMITT_TRIGGER=true`
fn ccf(code: &str) -> Result<Statement, String> {
    let place = code.split('|').next().unwrap_or_default();
    match place.split_whitespace().collect::<Vec<_>>()[..] {
        ["Pin_in" | "Pin_out", port, "Loc", "=", site] => Ok(Statement::Place { port: quoted(port)?, site: quoted(site)? }),
        _ => Err(format!("'{code}' is not Pin_in or Pin_out \"PORT\" Loc = \"PAD\"")),
    }
}
