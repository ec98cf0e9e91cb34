//! What can be wrong with a row, a pin file or a name.

/// What is wrong with a row or a pin file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoardError {
    /// The text is not what boards.toml should be.
    #[error("boards.toml cannot be read: {0}")]
    Syntax(String),
    /// No such board.
    #[error("no board is called '{name}'; there are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A field of a row.
    #[error("board '{board}': {field}: {problem}")]
    Field {
        /// The row.
        board: String,
        /// The field.
        field: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A line of a pin file or a memory file.
    #[error("{file}, line {line}: {problem}")]
    Pins {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what would be right.
        problem: String,
    },
}
