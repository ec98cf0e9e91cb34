//! What a graph names in its document: tables of rows, vectors of constants, and stacked matrices.

/// Place of a [`Table`] in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(pub usize);

/// Place of a [`Constant`] in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConstantId(pub usize);

/// Place of a [`Product`] in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProductId(pub usize);

/// A matrix or table whose rows a token chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The tensor's name.
    pub tensor: String,
    /// Its rows.
    pub rows: usize,
    /// Values of a row.
    pub cols: usize,
}

/// A vector that is the same for every token.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    /// Where its values are.
    pub source: Source,
    /// How many there are.
    pub len: usize,
}

impl Constant {
    /// Its name in a listing: the tensor's, or how many values the program computed.
    pub fn name(&self) -> String {
        match &self.source {
            Source::Tensor(name) => name.clone(),
            Source::Values(values) => format!("{} computed values", values.len()),
        }
    }
}

/// Where a constant's values are.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A tensor of the document.
    Tensor(String),
    /// Values that the program computed from what it knows before the first token.
    Values(Vec<f32>),
}

/// Matrices of equal columns that are multiplied by one vector: one job of a back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The matrices, in the order of their rows in the result.
    pub parts: Vec<Part>,
    /// Columns of each.
    pub cols: usize,
}

/// One matrix of a [`Product`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The tensor's name.
    pub tensor: String,
    /// Its rows.
    pub rows: usize,
}

impl Product {
    /// Rows of all parts together: the length of the result.
    pub fn rows(&self) -> usize {
        self.parts.iter().map(|part| part.rows).sum()
    }

    /// The parts' names in one: `blk.0.q+k+v`.
    pub fn name(&self) -> String {
        fused_name(self.parts.iter().map(|part| part.tensor.as_str()))
    }

    /// The part whose rows are exactly these of the result.
    pub fn part_of_rows(&self, from: usize, to: usize) -> Option<usize> {
        let mut first = 0;
        self.parts.iter().position(|part| {
            let range = (first, first + part.rows);
            first += part.rows;
            range == (from, to)
        })
    }
}

/// The common name of tensors that are multiplied together: `blk.0.q`, `blk.0.k` are `blk.0.q+k`.
pub fn fused_name<'n>(names: impl Iterator<Item = &'n str> + Clone) -> String {
    let split = names.clone().map(|name| name.rsplit_once('.').unwrap_or(("", name)));
    let prefix = split.clone().next().map_or("", |(prefix, _)| prefix);
    if prefix.is_empty() || split.clone().any(|(other, _)| other != prefix) {
        return names.collect::<Vec<_>>().join("+");
    }
    format!("{prefix}.{}", split.map(|(_, part)| part).collect::<Vec<_>>().join("+"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fused_names_say_their_common_part_once() {
        let fused = |names: &[&'static str]| fused_name(names.iter().copied());
        assert_eq!(fused(&["blk.0.q", "blk.0.k", "blk.0.v"]), "blk.0.q+k+v");
        assert_eq!(fused(&["head"]), "head");
        assert_eq!(fused(&["a.b", "c.b"]), "a.b+c.b");
    }

    #[test]
    fn a_part_is_found_by_exactly_its_rows() {
        let part = |tensor: &str, rows| Part { tensor: tensor.into(), rows };
        let product = Product { parts: vec![part("gate", 8), part("up", 8), part("tail", 4)], cols: 3 };
        assert_eq!(product.rows(), 20);
        assert_eq!([product.part_of_rows(0, 8), product.part_of_rows(8, 16), product.part_of_rows(16, 20)], [Some(0), Some(1), Some(2)]);
        assert_eq!([product.part_of_rows(0, 16), product.part_of_rows(4, 8), product.part_of_rows(0, 0)], [None; 3]);
    }
}
