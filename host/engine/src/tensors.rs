//! The tensors that a program names, found in a document.

use crate::error::EngineError;
use crate::grid::Grid;
use crate::projection::Projection;
use nda_ir::fused_name;
use nda_lang::Links;
use nda_ndf::Document;
use nda_spec::TileMatrix;
use std::collections::HashMap;

/// The metadata key that says that the head is the embedding.
const TIED_HEAD: &str = "tied_head";
/// Name of the embedding, which a tied head is.
const EMBEDDING: &str = "embed";
/// Name of the head; absent from a document if metadata `tied_head` is `true`.
const HEAD: &str = "head";

/// A matrix of codes, by its place among all of a model, or floats row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tensor<'d> {
    /// Codes, multiplied by the back end.
    Matrix(usize),
    /// Codes that share a scale a group, multiplied by the back end, by its place among all grids of a model.
    Grid(usize),
    /// Floats, multiplied on the CPU.
    Table { values: &'d [f32], rows: usize, cols: usize },
}

/// What one `gemv` multiplies.
#[derive(Debug)]
pub(crate) struct Layer<'d> {
    /// The tensors' names in one: `blk.0.q+k+v`.
    pub name: String,
    /// The tensors' names one by one.
    pub names: Vec<String>,
    /// Several matrices of equal columns, several grids, or several tables.
    pub parts: Vec<Tensor<'d>>,
    pub rows: usize,
    pub cols: usize,
}

/// Every tensor that a program names; the indexes are those of its [`Links`].
#[derive(Debug)]
pub(crate) struct Tensors<'d> {
    pub projections: Vec<Projection<'d>>,
    pub grids: Vec<Grid<'d>>,
    pub layers: Vec<Layer<'d>>,
    pub vectors: Vec<&'d [f32]>,
    pub rows: Vec<Tensor<'d>>,
}

/// The names that a program may use in a document. `head` stands for the embedding if the metadata say so.
pub(crate) fn names(document: &Document<'_>) -> Vec<String> {
    let mut names: Vec<String> = document.matrices().map(|m| m.name().to_string()).collect();
    names.extend(document.grids().map(|g| g.name().to_string()));
    names.extend(document.vectors().map(|v| v.name().to_string()));
    if is_tied(document) {
        names.push(HEAD.into());
    }
    names
}

fn is_tied(document: &Document<'_>) -> bool {
    let has_head = document.matrix(HEAD).is_ok() || document.grid(HEAD).is_ok() || document.vector(HEAD).is_ok();
    !has_head && document.metadata().get(TIED_HEAD) == Some("true")
}

impl<'d> Tensors<'d> {
    /// Finds what the links name.
    ///
    /// # Errors
    /// Tensors that are used together and do not go together.
    pub fn new(document: &Document<'d>, links: &Links) -> Result<Tensors<'d>, EngineError> {
        let mut finder = Finder { document, projections: Vec::new(), grids: Vec::new(), known: HashMap::new() };
        let layers = links.layers.iter().map(|names| finder.layer(names)).collect::<Result<_, _>>()?;
        let vectors = links.tensors.iter().map(|name| finder.vector(name)).collect::<Result<_, _>>()?;
        let rows = links.rows.iter().map(|name| finder.tensor(name)).collect::<Result<_, _>>()?;
        Ok(Tensors { projections: finder.projections, grids: finder.grids, layers, vectors, rows })
    }

    /// Rows and columns.
    pub fn shape(&self, tensor: Tensor<'d>) -> (usize, usize) {
        match tensor {
            Tensor::Matrix(at) => (self.projections[at].frame().rows(), self.projections[at].frame().cols()),
            Tensor::Grid(at) => (self.grids[at].matrix().rows(), self.grids[at].matrix().cols()),
            Tensor::Table { rows, cols, .. } => (rows, cols),
        }
    }

    /// One row as floats.
    pub fn row(&self, tensor: Tensor<'d>, row: i64, out: &mut [f32]) -> Result<(), EngineError> {
        let (rows, cols) = self.shape(tensor);
        let Some(row) = usize::try_from(row).ok().filter(|row| *row < rows) else {
            return Err(EngineError::Row { row, rows });
        };
        match tensor {
            Tensor::Matrix(at) => self.projections[at].row(row, out),
            Tensor::Grid(at) => self.grids[at].row(row, out),
            Tensor::Table { values, .. } => out.copy_from_slice(&values[row * cols..(row + 1) * cols]),
        }
        Ok(())
    }

    /// A matrix, grid or table of a product, by its name.
    pub fn part(&self, name: &str) -> Option<Tensor<'d>> {
        self.layers.iter().find_map(|layer| Some(layer.parts[layer.names.iter().position(|known| known == name)?]))
    }

    /// The codes of a matrix of one stack, by its name.
    pub fn codes(&self, name: &str) -> Option<TileMatrix<'d>> {
        match self.part(name)? {
            Tensor::Matrix(at) => Some(self.projections[at].frame().stack(0)),
            _ => None,
        }
    }

    /// What the back end multiplies in a layer; none if it is a table.
    pub fn products_of(&self, layer: usize) -> Option<Products<'_, 'd>> {
        let mut runs: Vec<Products<'_, 'd>> = Vec::new();
        for part in &self.layers[layer].parts {
            match (part, runs.last_mut()) {
                (Tensor::Table { .. }, _) => return None,
                (Tensor::Matrix(at), Some(Products::Matrices(matrices))) => matrices.push(&self.projections[*at]),
                (Tensor::Matrix(at), _) => runs.push(Products::Matrices(vec![&self.projections[*at]])),
                (Tensor::Grid(at), Some(Products::Grids(grids))) => grids.push(&self.grids[*at]),
                (Tensor::Grid(at), _) => runs.push(Products::Grids(vec![&self.grids[*at]])),
            }
        }
        if runs.len() > 1 { Some(Products::Mixed(runs)) } else { runs.pop() }
    }
}

/// What a layer multiplies by one vector.
#[derive(Debug, Clone)]
pub enum Products<'w, 'd> {
    /// Matrices with scales of their own a stack.
    Matrices(Vec<&'w Projection<'d>>),
    /// Grids.
    Grids(Vec<&'w Grid<'d>>),
    /// Both, in the order of their rows.
    Mixed(Vec<Products<'w, 'd>>),
}

struct Finder<'s, 'd> {
    document: &'s Document<'d>,
    projections: Vec<Projection<'d>>,
    grids: Vec<Grid<'d>>,
    known: HashMap<String, Tensor<'d>>,
}

impl<'d> Finder<'_, 'd> {
    fn tensor(&mut self, name: &str) -> Result<Tensor<'d>, EngineError> {
        let name = if name == HEAD && is_tied(self.document) { EMBEDDING } else { name };
        if let Some(known) = self.known.get(name) {
            return Ok(*known);
        }
        if let Ok(frame) = self.document.matrix(name) {
            self.projections.push(Projection::new(frame));
            return Ok(self.keep(name, Tensor::Matrix(self.projections.len() - 1)));
        }
        if let Ok(frame) = self.document.grid(name) {
            self.grids.push(Grid::new(frame));
            return Ok(self.keep(name, Tensor::Grid(self.grids.len() - 1)));
        }
        let Ok(frame) = self.document.vector(name) else {
            return Err(EngineError::MissingTensor { name: name.into() });
        };
        let (rows, cols) = frame.shape().rows_cols();
        Ok(Tensor::Table { values: frame.values(), rows, cols })
    }

    fn keep(&mut self, name: &str, tensor: Tensor<'d>) -> Tensor<'d> {
        self.known.insert(name.into(), tensor);
        tensor
    }

    fn vector(&mut self, name: &str) -> Result<&'d [f32], EngineError> {
        match self.tensor(name)? {
            Tensor::Table { values, .. } => Ok(values),
            Tensor::Matrix(_) | Tensor::Grid(_) => Err(EngineError::TensorShape {
                name: name.into(),
                found: "a matrix of codes".into(),
                wanted: "a vector of floats; take rows of a matrix with row(...)".into(),
            }),
        }
    }

    fn layer(&mut self, names: &[String]) -> Result<Layer<'d>, EngineError> {
        let mut layer =
            Layer { name: fused_name(names.iter().map(String::as_str)), names: names.to_vec(), parts: Vec::new(), rows: 0, cols: 0 };
        for name in names {
            let tensor = self.tensor(name)?;
            let (rows, cols) = match tensor {
                Tensor::Matrix(at) => (self.projections[at].frame().rows(), self.projections[at].frame().cols()),
                Tensor::Grid(at) => (self.grids[at].matrix().rows(), self.grids[at].matrix().cols()),
                Tensor::Table { rows, cols, .. } => (rows, cols),
            };
            let refuse = |found: String, wanted: String| Err(EngineError::TensorShape { name: name.clone(), found, wanted });
            let is_table = |tensor: &Tensor<'_>| matches!(tensor, Tensor::Table { .. });
            if layer.parts.first().is_some_and(|first| is_table(first) != is_table(&tensor)) {
                let kind = |table| if table { "a table of floats" } else { "a matrix of 2-bit weights" };
                let wanted = format!("{}, as '{}' is, to be multiplied together with it", kind(!is_table(&tensor)), names[0]);
                return refuse(kind(is_table(&tensor)).into(), wanted);
            }
            if !layer.parts.is_empty() && cols != layer.cols {
                return refuse(format!("{rows} x {cols}"), format!("of {} columns, as '{}' is", layer.cols, names[0]));
            }
            layer.cols = cols;
            layer.rows += rows;
            layer.parts.push(tensor);
        }
        Ok(layer)
    }
}
