//! A token in blocks: the graph's programs on a vector unit, and the host's operations between them in floats.
//!
//! Programs run on the back end if it has a vector unit and room for all of them, else here around its products: to the
//! bit the same.

use crate::error::EngineError;
use crate::floats::evaluate;
use crate::host::Host;
use crate::layer::Prepared;
use crate::tensors::Tensors;
use crate::weights::Weights;
use nda_compile::{BlockPlan, Chain, Numbers, RowScales, Scores, Work, constant, plan_blocks};
use nda_gemv::{Activations, Gemv, GemvError, MatrixId, ProgramId, Start};
use nda_ir::{Graph, NodeId, Op, Product};
use nda_lang::Links;
use nda_lang::ops::Turns;
use nda_spec::ActivationCode;
use nda_spec::vector::{Fault, Machine};

/// A model's graph as programs of a vector unit.
#[derive(Debug)]
pub(crate) struct Blocks {
    graph: Graph,
    plan: BlockPlan,
    /// The programs on the back end; `None` if they run here.
    on_board: Option<Vec<ProgramId>>,
    /// The engine's layer of each product of the graph.
    layers: Vec<usize>,
    /// The engine's rows of each table of the graph.
    pub tables: Vec<usize>,
    /// The values of the graph's constants that the host's operations take; the others are empty.
    pub constants: Vec<Vec<f32>>,
}

/// What the compiler asks of a model that is prepared.
struct Prepare<'p, 'd> {
    tensors: &'p Tensors<'d>,
    links: &'p Links,
    layers: &'p [Option<Prepared>],
}

impl Prepare<'_, '_> {
    fn layer(&self, product: &Product) -> Result<usize, String> {
        let same = |names: &[String]| names.iter().eq(product.parts.iter().map(|part| &part.tensor));
        let found = self.tensors.layers.iter().position(|layer| same(&layer.names));
        found.ok_or_else(|| format!("layer {} is not one of the model's", product.name()))
    }
}

impl Numbers for Prepare<'_, '_> {
    fn tensor(&self, name: &str) -> Option<&[f32]> {
        let at = self.links.tensors.iter().position(|tensor| tensor == name)?;
        Some(self.tensors.vectors[at])
    }

    fn row_scales(&self, product: &Product) -> Result<RowScales<'_>, String> {
        let layer = self.layer(product)?;
        let name = &self.tensors.layers[layer].name;
        match &self.layers[layer] {
            Some(Prepared::Matrices(linear)) => Ok(RowScales(linear.single()?.parts)),
            Some(Prepared::Grids(_) | Prepared::Mixed(_)) => Err(format!("layer {name}: its weights are group-quantized")),
            None => Err(format!("layer {name}: its weights are floats")),
        }
    }
}

/// The matrix of a layer that is one product of A8 codes.
fn matrix(layers: &[Option<Prepared>], layer: usize) -> Option<MatrixId> {
    match layers.get(layer)?.as_ref()? {
        Prepared::Matrices(linear) => linear.single().ok().map(|single| single.id),
        Prepared::Grids(_) | Prepared::Mixed(_) => None,
    }
}

impl Blocks {
    /// Compiles a model's program, and has the back end prepare it if it can.
    ///
    /// # Errors
    /// Why the model has no blocks.
    pub fn prepare<'m>(
        weights: &Weights<'_>,
        layers: &[Option<Prepared>],
        scores: Scores,
        gemv: &mut dyn Gemv<'m>,
    ) -> Result<Blocks, String> {
        let graph = weights.graph().map_err(|e| e.to_string())?;
        let prepare = Prepare { tensors: weights.tensors(), links: weights.links(), layers };
        let plan = plan_blocks(&graph, &prepare, scores)?;
        let of_product: Vec<usize> = graph.products().iter().map(|product| prepare.layer(product)).collect::<Result<_, _>>()?;
        let table = |name: &String| weights.links().rows.iter().position(|row| row == name).ok_or(format!("no table '{name}'"));
        let tables = graph.tables().iter().map(|t| table(&t.tensor)).collect::<Result<_, _>>()?;
        let constants = constants_of_host(&graph, &prepare)?;
        let place = |product: usize| matrix(layers, *of_product.get(product)?);
        let on_board = prepared(&plan.chains, gemv, &place).map_err(|e| e.to_string())?;
        Ok(Blocks { graph, plan, on_board, layers: of_product, tables, constants })
    }

    /// Whether the back end runs the programs.
    pub fn on_board(&self) -> bool {
        self.on_board.is_some()
    }
}

/// The factors of ropes, by the numbers of the graph's constants.
fn constants_of_host(graph: &Graph, numbers: &dyn Numbers) -> Result<Vec<Vec<f32>>, String> {
    let mut constants = vec![Vec::new(); graph.constants().len()];
    for (_, node) in graph.nodes() {
        if let Op::Rope { factors: Some(factors), .. } = node.op {
            constants[factors.0] = constant(graph, numbers, factors)?.to_vec();
        }
    }
    Ok(constants)
}

/// The programs on a back end: in the order of use, so that its memory is laid out the same every time. All of them or
/// none, because each finds what the one before it left.
fn prepared<'m>(
    chains: &[Chain],
    gemv: &mut dyn Gemv<'m>,
    place: &dyn Fn(usize) -> Option<MatrixId>,
) -> Result<Option<Vec<ProgramId>>, GemvError> {
    let Some(programs) = gemv.programs() else { return Ok(None) };
    chains.iter().map(|chain| programs.prepare_program(&chain.program, place)).collect()
}

/// Why a program failed.
#[derive(Debug, thiserror::Error)]
enum BlockError {
    #[error("a program of the vector unit takes more than its request has")]
    Input,
    #[error("a program of the vector unit answered {found} bytes instead of {wanted}")]
    Answer { found: usize, wanted: usize },
    #[error("a program of the vector unit multiplies by a layer that is not prepared")]
    Layer,
    #[error(transparent)]
    Gemv(#[from] GemvError),
}

impl From<Fault> for BlockError {
    fn from(fault: Fault) -> BlockError {
        match fault {
            Fault::Input => BlockError::Input,
        }
    }
}

/// A text in blocks: what its last token left of every node.
pub(crate) struct BlockRun<'a> {
    pub blocks: &'a Blocks,
    machine: Machine,
    /// The value of each node that the host has.
    pub values: Vec<Vec<f32>>,
    pub turns: Turns,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl<'a> BlockRun<'a> {
    pub fn new(blocks: &'a Blocks) -> Self {
        BlockRun {
            blocks,
            machine: Machine::new(blocks.plan.wide_words),
            values: vec![Vec::new(); blocks.graph.len()],
            turns: Turns::default(),
            request: Vec::new(),
            answer: Vec::new(),
        }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// A value that is not finite, or the back end's failure.
    pub fn forward(&mut self, host: &mut Host<'_, '_>, token: u32) -> Result<(), EngineError> {
        let blocks = self.blocks;
        self.work(host, &blocks.plan.forward, token)
    }

    /// Computes what follows the last token.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn predict(&mut self, host: &mut Host<'_, '_>) -> Result<(), EngineError> {
        let blocks = self.blocks;
        self.work(host, &blocks.plan.logits, 0)
    }

    /// The logits of the last [`Self::predict`].
    pub fn logits(&self) -> &[f32] {
        &self.values[self.blocks.graph.logits().0]
    }

    fn work(&mut self, host: &mut Host<'_, '_>, work: &[Work], token: u32) -> Result<(), EngineError> {
        for part in work {
            match *part {
                Work::Host(node) => self.host(host, node, token)?,
                Work::Unit(chain) => self.unit(host, chain)?,
            }
        }
        Ok(())
    }

    fn host(&mut self, host: &mut Host<'_, '_>, id: NodeId, token: u32) -> Result<(), EngineError> {
        let blocks = self.blocks;
        let mut out = std::mem::take(&mut self.values[id.0]);
        let done = evaluate(self, host, &blocks.graph, id, token, &mut out);
        self.values[id.0] = out;
        done
    }

    /// Runs a program on its request; the answer's floats become its node's value.
    fn unit(&mut self, host: &mut Host<'_, '_>, chain: usize) -> Result<(), EngineError> {
        let blocks = self.blocks;
        let at = &blocks.plan.chains[chain];
        self.request.clear();
        for take in &at.takes {
            let x = &self.values[take.node().0];
            if let Some(index) = x.iter().position(|v| !v.is_finite()) {
                return Err(EngineError::NotFinite { layer: first_product(&blocks.graph, at), index, value: x[index] });
            }
            take.write(x, &mut self.request);
        }
        let done = match &blocks.on_board {
            Some(ids) => on_board(host, ids[chain], at, &self.request, &mut self.answer),
            None => here(host, &blocks.layers, at, &self.request, &mut self.machine).map(|bytes| self.answer = bytes),
        };
        let (found, wanted) = (self.answer.len(), at.program.output_bytes());
        let done = done.and_then(|()| if found == wanted { Ok(()) } else { Err(BlockError::Answer { found, wanted }) });
        done.map_err(|error| match error {
            BlockError::Gemv(source) => EngineError::Gemv { layer: first_product(&blocks.graph, at), source },
            other => EngineError::Program { place: "the vector unit's programs".into(), reason: other.to_string() },
        })?;
        at.answer.read(&self.answer, &mut self.values[at.gives.0]);
        Ok(())
    }
}

/// The first product of a program, for messages.
fn first_product(graph: &Graph, chain: &Chain) -> String {
    chain.program.matrices().next().map_or_else(String::new, |product| graph.products()[product].name())
}

/// Runs a program on the back end.
fn on_board(host: &mut Host<'_, '_>, id: ProgramId, chain: &Chain, request: &[u8], answer: &mut Vec<u8>) -> Result<(), BlockError> {
    let programs = host.gemv.programs().ok_or(GemvError::UnknownProgram { id })?;
    let start = if chain.continues() { Start::Continues } else { Start::Anew };
    answer.clear();
    host.cost += programs.run_program(id, start, request, answer)?;
    Ok(())
}

/// Runs a program on this machine, its products on the back end.
fn here(host: &mut Host<'_, '_>, layers: &[usize], chain: &Chain, request: &[u8], machine: &mut Machine) -> Result<Vec<u8>, BlockError> {
    machine.run::<BlockError>(&chain.program, request, |product, codes, sums| {
        let layer = *layers.get(product).ok_or(BlockError::Layer)?;
        let (Some(id), cols) = (matrix(host.layers, layer), host.view.tensors.layers[layer].cols) else {
            return Err(BlockError::Layer);
        };
        let x = Activations { code: ActivationCode::A8, values: &codes[..cols] };
        host.cost += host.gemv.run(id, x, sums)?;
        Ok(())
    })
}
