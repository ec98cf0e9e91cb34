//! `nda gemv`: one exact matrix-vector product between files.

use crate::backend::{self, BackendName};
use crate::failure::{Exit, Failure, Outcome};
use crate::files::{self, Kind};
use crate::npy;
use nda_gemv::Activations;
use nda_ndf::Document;
use nda_spec::{ActivationCode, TileMatrix};
use std::path::{Path, PathBuf};

/// Multiplies a matrix by an int8 vector: exact int32 results, no scale applied.
///
/// Both vectors are NumPy files: int8 of shape (cols,) in, int32 of shape (rows,) out.
#[derive(clap::Args)]
pub struct Arguments {
    /// A matrix file of the articles, or FILE:TENSOR of a document (recognised by their first bytes).
    #[arg(long, value_name = "FILE[:TENSOR]")]
    weights: String,
    /// The vector, int8 of shape (cols,); - is standard input.
    #[arg(long, value_name = "X.npy")]
    input: PathBuf,
    /// Where the results go, int32 of shape (rows,); - is standard output.
    #[arg(long, value_name = "Y.npy")]
    output: PathBuf,
    /// Which of a tensor's stacked planes, from 0; needed only if it has several.
    #[arg(long)]
    stack: Option<usize>,
    /// How the vector's values are spelled: A8 (any int8), A4 (-8 to 7) or A2 (-2, -1, 1, 2).
    #[arg(long, default_value = "A8")]
    activation: String,
    /// Who multiplies.
    #[arg(long, default_value = "cpu")]
    backend: String,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let name: BackendName = backend::parse(&arguments.backend)?;
    let code = ActivationCode::ALL.into_iter().find(|c| c.name().eq_ignore_ascii_case(&arguments.activation)).ok_or_else(|| {
        Failure::usage(format_args!("unknown activation code '{}'", arguments.activation), "--activation", "use A8, A4 or A2")
    })?;
    let (file, tensor) = split_weights(&arguments.weights);
    let reads = [file.as_path(), &arguments.input];
    files::judge_result(&arguments.output, &reads)?;
    let x = read_vector(&arguments.input)?;
    match files::kind(&file)? {
        Kind::Legacy => {
            if let Some(tensor) = tensor {
                let help = "give the file's name alone";
                return Err(
                    Failure::usage("a matrix file of the articles has no tensors", format_args!("--weights, ':{tensor}'"), help).into()
                );
            }
            let help = "the matrix is too large for this machine";
            let tiles = files::open_legacy(&file)?.to_tiles().map_err(|e| Failure::new(Exit::BadFile, e, file.display(), help))?;
            multiply(arguments, &reads, &name, tiles.matrix(), (&x, code))
        }
        _ => {
            let mapped = files::open_document(&file)?;
            let matrix = find_matrix(&file, &mapped.document(), tensor.as_deref(), arguments.stack)?;
            multiply(arguments, &reads, &name, matrix, (&x, code))
        }
    }
}

fn read_vector(path: &Path) -> Outcome<Vec<i8>> {
    let help = "write it with numpy: np.save('x.npy', x.astype(np.int8)), x of one dimension";
    npy::read_i8(&files::read(path)?)
        .map_err(|e| Failure::new(Exit::BadFile, format_args!("not a vector of int8: {e}"), path.display(), help).into())
}

/// The file and the tensor: the text behind the last colon is a tensor only if the whole is no file.
fn split_weights(text: &str) -> (PathBuf, Option<String>) {
    let whole = PathBuf::from(text);
    match text.rsplit_once(':') {
        Some((file, tensor)) if !whole.exists() => (file.into(), Some(tensor.into())),
        _ => (whole, None),
    }
}

fn find_matrix<'d>(path: &Path, document: &Document<'d>, tensor: Option<&str>, stack: Option<usize>) -> Outcome<TileMatrix<'d>> {
    let names: Vec<&str> = document.matrices().map(|m| m.name()).collect();
    let name = match (tensor, names.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, _) => {
            let help = format!("name one as FILE:TENSOR; 'nda info {}' lists them", path.display());
            return Err(Failure::usage(format_args!("the document has {} matrices", names.len()), path.display(), help).into());
        }
    };
    let frame = document.matrix(name).map_err(|e| files::ndf_failure(path, &e))?;
    match (stack, frame.stacks()) {
        (None, 1) => Ok(frame.stack(0)),
        (Some(stack), stacks) if stack < stacks => Ok(frame.stack(stack)),
        (_, stacks) => {
            let (at, help) =
                (format!("{}, tensor '{name}'", path.display()), format!("choose one with --stack 0 to --stack {}", stacks - 1));
            Err(Failure::usage(format_args!("the tensor has {stacks} stacks; integers of one are multiplied"), at, help).into())
        }
    }
}

fn multiply(
    arguments: &Arguments,
    reads: &[&Path],
    name: &BackendName,
    matrix: TileMatrix<'_>,
    (x, code): (&[i8], ActivationCode),
) -> Outcome {
    if x.len() != matrix.cols() {
        let error = format!("the vector has {} values, but the matrix is {} x {}", x.len(), matrix.rows(), matrix.cols());
        return Err(Failure::new(Exit::BadFile, error, arguments.input.display(), format_args!("give {} values", matrix.cols())).into());
    }
    if let Some(index) = x.iter().position(|&v| !code.contains(v)) {
        let error = format!("x[{index}] = {} is not an {} activation", x[index], code.name());
        return Err(Failure::new(Exit::BadFile, error, arguments.input.display(), "use --activation A8, or another vector").into());
    }
    let mut backend = backend::open(name)?;
    let mut y = vec![0; matrix.rows()];
    let at = || arguments.weights.clone();
    let id = backend.gemv().prepare(&[matrix]).map_err(|e| files::gemv_failure(&e, at()))?;
    let cost = backend.gemv().run(id, Activations { code, values: x }, &mut y).map_err(|e| files::gemv_failure(&e, at()))?;
    files::write(&arguments.output, reads, &npy::write_i32(&y))?;
    let cycles = if cost.cycles > 0 { format!(", {} cycles, {} of them busy", cost.cycles, cost.beats) } else { String::new() };
    let place = arguments.output.display();
    files::report(&arguments.output, format_args!("{} x {} on {}{cycles}: {place}", matrix.rows(), matrix.cols(), backend.name()))
}
