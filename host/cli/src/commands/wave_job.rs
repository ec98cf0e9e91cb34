//! `nda wave MODEL`: the waves of one job of one token of a model.

use super::wave::Wanted;
use crate::backend::SimPort;
use crate::failure::{Exit, Failure, Outcome};
use crate::files;
use nda_backends::{TapHandle, Watched, WaveFormat, WaveTap};
use nda_device::FabricGemv;
use nda_engine::{Model, Sampler, Sampling, Session, Weights};
use nda_gemv::{Activations, Cost, Gemv, GemvError, MatrixId, Shape};
use nda_spec::job::Job;
use nda_spec::{ActivationCode, Config, TileMatrix};
use std::cell::Cell;
use std::fs::File;
use std::ops::Range;
use std::rc::Rc;

/// A traced board, and which product it was at when the waves began.
struct Watch<'m> {
    fabric: FabricGemv<'m, WaveTap>,
    handle: TapHandle,
    shapes: Vec<Shape>,
    prepared: Rc<Cell<usize>>,
    at: Option<MatrixId>,
}

impl<'m> Gemv<'m> for Watch<'m> {
    fn name(&self) -> String {
        self.fabric.name()
    }

    fn supports(&self, shape: Shape) -> Result<(), GemvError> {
        self.fabric.supports(shape)
    }

    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError> {
        let id = self.fabric.prepare(parts)?;
        let rows = parts.iter().map(TileMatrix::rows).sum();
        self.shapes.extend(parts.first().map(|part| Shape { rows, ..Shape::of(part) }));
        self.prepared.set(self.shapes.len());
        Ok(id)
    }

    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        let cost = self.fabric.run(id, x, y)?;
        if self.at.is_none() && self.handle.traced().is_some() {
            self.at = Some(id);
        }
        Ok(cost)
    }
}

/// Writes the waves and says what they are.
pub(super) fn run(wanted: &Wanted<'_>, config: &Config, port: SimPort, sink: File, format: WaveFormat) -> Outcome<String> {
    if wanted.prompt.is_empty() {
        return Err(Failure::usage("the prompt is empty", "--prompt", "give at least one character").into());
    }
    let mapped = files::open_document(wanted.model)?;
    let weights = files::weights(wanted.model, &mapped.document())?;
    let context = weights.hyper().context;
    if wanted.token >= context {
        let error = format!("token must be below the context of {context}, got {}", wanted.token);
        return Err(Failure::usage(error, "--token", "count from 0: the prompt's first token is 0").into());
    }
    let (fabric, handle) = nda_backends::tap(config, port, Watched::Job(wanted.job), sink, format)?;
    let mut watch = Watch { fabric, handle, shapes: Vec::new(), prepared: Rc::default(), at: None };
    let product = trace(wanted, &weights, &mut watch)?;
    let Watch { fabric, handle, .. } = watch;
    nda_backends::end_tap(fabric)?;
    let traced = handle.traced().and_then(|traced| Some((traced.job?, traced.first_cycle..traced.end_cycle)));
    match (product, traced) {
        (Some(product), Some((job, cycles))) => Ok(product.text(wanted, handle.jobs(), &job, cycles, config)),
        _ => Err(no_such_job(wanted, handle.jobs()).into()),
    }
}

fn no_such_job(wanted: &Wanted<'_>, jobs: usize) -> Failure {
    let (error, help) = match jobs {
        0 => (format!("token {} has no job on the board", wanted.token), "its weights are floats; convert with --weights k2".to_string()),
        n => (format!("job must be below {n}, the jobs of token {}, got {}", wanted.token, wanted.job), "count from 0".into()),
    };
    Failure::new(Exit::Usage, error, format_args!("{}, --job {}", wanted.model.display(), wanted.job), help)
}

/// The product that was traced.
struct Product {
    layer: String,
    shape: Shape,
    token: String,
}

impl Product {
    fn text(&self, wanted: &Wanted<'_>, jobs: usize, job: &Job, cycles: Range<u64>, config: &Config) -> String {
        let g = &config.geometry;
        let x_code = if job.flags.a2 { ActivationCode::A2 } else { ActivationCode::A8 };
        let (rows, cols) = (usize::from(job.row_groups) * g.array_rows, usize::from(job.col_beats) * g.array_cols);
        format!(
            "token {} ({:?}), job {} of {jobs}: {}, {} x {}; {rows} x {cols} on the array of {}, {} weights, {} activations, cycles {} to {}",
            wanted.token,
            self.token,
            wanted.job,
            self.layer,
            self.shape.rows,
            self.shape.cols,
            config.name,
            self.shape.code.name(),
            x_code.name(),
            cycles.start,
            cycles.end,
        )
    }
}

/// Takes tokens up to the wanted one, each by itself; what follows the prompt is the likeliest token.
fn trace<'m>(wanted: &Wanted<'_>, weights: &'m Weights<'_>, watch: &mut Watch<'m>) -> Outcome<Option<Product>> {
    let in_file = |error: nda_engine::EngineError| files::in_file(wanted.model, error.into());
    let (prepared, mut ends) = (Rc::clone(&watch.prepared), Vec::new());
    let handle = watch.handle.clone();
    let model = Model::prepare_with(weights, watch, |_, _| ends.push(prepared.get())).map_err(in_file)?;
    let prompt = model.tokenizer().encode(wanted.prompt.as_bytes()).map_err(in_file)?;
    let prompt = model.bounds().plain(prompt);
    let mut session = Session::new(&model, watch);
    let mut sampler = Sampler::new(Sampling::GREEDY);
    let (mut next, mut token) = (None, 0);
    for position in 0..=wanted.token {
        let Some(id) = prompt.get(position).copied().or(next) else { break };
        token = id;
        if position == wanted.token {
            handle.start_counting();
        }
        if position + 1 < prompt.len() {
            session.feed(id).map_err(in_file)?;
        } else {
            next = Some(sampler.choose(session.predict(id).map_err(in_file)?));
        }
    }
    drop(session);
    let Some(MatrixId(matrix)) = watch.at else { return Ok(None) };
    let names: Vec<String> = weights.fused_layers().into_iter().map(|(name, _)| name).collect();
    let layer = ends.iter().position(|&end| matrix < end).and_then(|layer| names.get(layer).cloned()).unwrap_or_default();
    let mut bytes = Vec::new();
    model.tokenizer().decode_into(token, &mut bytes);
    Ok(Some(Product { layer, shape: watch.shapes[matrix], token: String::from_utf8_lossy(&bytes).into_owned() }))
}
