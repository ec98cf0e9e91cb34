//! The boards' rows and their records: where they are, and which records are of other Verilog than today's.

use crate::error::{FlowError, read};
use crate::record::{Record, hash};
use nda_boards::{Board, Status};
use nda_cores::{Port, emit_as};
use std::path::{Path, PathBuf};

/// The boards' rows, from the project's root.
pub const ROWS: &str = "constraints/boards.toml";
/// The records' folder, from the project's root.
pub const RECORDS: &str = "firmware/records";

/// The committed record of a board.
pub fn record_path(root: &Path, board: &Board) -> PathBuf {
    root.join(RECORDS).join(format!("{}.json", board.name))
}

/// Whether a board's record is of other Verilog than is emitted now.
///
/// # Errors
/// A configuration that cannot be emitted.
pub fn is_stale(board: &Board, record: &Record) -> Result<bool, FlowError> {
    let config = board.config()?;
    let emitted = emit_as(&config, Port::Uart, board.id, 0);
    let emitted = emitted.map_err(|source| FlowError::Emit { config: config.name.clone(), source })?;
    Ok(hash(emitted.verilog.as_bytes()) != record.inputs.verilog)
}

/// The rows of [`ROWS`] with the status that their records have: `routed`, or `stale` if the cores have changed since.
///
/// # Errors
/// A record that cannot be read, a configuration that cannot be emitted.
pub fn rows(root: &Path) -> Result<String, FlowError> {
    let mut rows = read(&root.join(ROWS))?;
    for board in Board::all()?.iter().filter(|board| board.status.is_routed() && record_path(root, board).is_file()) {
        let record = Record::read(&record_path(root, board))?;
        let status = if is_stale(board, &record)? { Status::Stale } else { Status::Routed };
        let row = rows.find(&format!("\nname = \"{}\"\n", board.name)).unwrap_or(rows.len());
        let (before, its) = rows.split_at(row);
        rows = format!("{before}{}", its.replacen(&status_line(board.status), &status_line(status), 1));
    }
    Ok(rows)
}

fn status_line(status: Status) -> String {
    format!("\nstatus = \"{}\"\n", status.name())
}
