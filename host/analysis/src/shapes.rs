//! Shapes of values, as the graph of a token has them (`nda plan MODEL --graph --json`): by the line that makes them.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// A value's shape for one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Rows per token.
    pub rows: u64,
    /// Values per row.
    pub values: u64,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = if self.rows == 1 { "1 row".into() } else { format!("{} rows", self.rows) };
        write!(f, "{rows} of {} values per token", self.values)
    }
}

/// The shapes of a program's lines, and that program: in another one, lines that are the same at its begin and end have them as well.
#[derive(Debug, Clone, Default)]
pub struct Shapes {
    program: Vec<String>,
    /// By line, from 1: the shape of the last value that it makes.
    lines: BTreeMap<usize, Shape>,
}

impl Shapes {
    /// The shapes of the command's JSON of this program.
    pub fn of_json(program: &str, graph: &Value) -> Shapes {
        let mut lines = BTreeMap::new();
        for node in graph["nodes"].as_array().into_iter().flatten() {
            let number = |key: &str| node[key].as_u64();
            if let (Some(line), Some(rows), Some(values)) = (number("line"), number("rows"), number("values")) {
                lines.insert(line as usize, Shape { rows, values });
            }
        }
        Shapes { program: program.lines().map(str::to_owned).collect(), lines }
    }

    /// The shape of what a line of a source makes, from 1.
    pub fn at(&self, source: &str, line: usize) -> Option<Shape> {
        let now: Vec<&str> = source.lines().collect();
        let same = self.program.iter().zip(&now).take_while(|(old, new)| old == new).count();
        if line <= same {
            return self.lines.get(&line).copied();
        }
        let most = self.program.len().min(now.len()) - same;
        let behind = self.program.iter().rev().zip(now.iter().rev()).take(most).take_while(|(old, new)| old == *new).count();
        let from_end = now.len().checked_sub(line)?;
        (from_end < behind).then(|| self.lines.get(&(self.program.len() - from_end)).copied()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_that_moved_keep_their_shapes_and_changed_ones_have_none() {
        let graph = json!({ "nodes": [
            { "line": 1, "rows": 1, "values": 8 }, { "line": 1, "rows": 1, "values": 4 }, { "line": 3, "rows": 2, "values": 3 } ] });
        let shapes = Shapes::of_json("a\nb\nc\n", &graph);
        let shape = |rows, values| Some(Shape { rows, values });
        assert_eq!((shapes.at("a\nb\nc\n", 1), shapes.at("a\nb\nc\n", 2), shapes.at("a\nb\nc\n", 3)), (shape(1, 4), None, shape(2, 3)));
        let moved = "a\nnew\nnew\nc\n";
        assert_eq!(
            (shapes.at(moved, 1), shapes.at(moved, 2), shapes.at(moved, 3), shapes.at(moved, 4)),
            (shape(1, 4), None, None, shape(2, 3))
        );
        assert_eq!(shapes.at("changed\n", 1), None);
        assert_eq!(Shapes::default().at("a", 1), None);
        assert_eq!(shape(1, 4).unwrap().to_string(), "1 row of 4 values per token");
    }
}
