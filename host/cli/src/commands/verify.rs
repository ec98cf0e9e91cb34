//! `nda verify`: a back end against the golden model, bit for bit.

use crate::backend::{self, BackendName};
use crate::failure::{Exit, Failure, Outcome};
use crate::files;
use crate::output::{self, Progress};
use nda_gemv::{Activations, GemvError};
use nda_spec::random::Random;
use nda_spec::{ActivationCode, TileMatrix, WeightCode, golden, tile};
use serde_json::json;

/// Multiplies random and extreme matrices on a back end, against the golden model.
#[derive(clap::Args)]
pub struct Arguments {
    /// Who is verified; see 'nda --help'.
    #[arg(long, default_value = "cpu")]
    backend: String,
    /// Seed of shapes and values; shown, so that a difference can be replayed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Random shapes for each pair of codes, besides the fixed ones.
    #[arg(long, default_value_t = 8, value_name = "N")]
    shapes: usize,
    /// Print a JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Shapes at the borders of words, tiles and arrays.
const BORDER_SHAPES: [(usize, usize); 9] = [(1, 1), (1, 64), (2, 15), (3, 17), (31, 63), (32, 64), (33, 65), (7, 130), (65, 256)];
/// Shapes that are also multiplied at both extremes of both codes: all-max finds what random misses.
const EXTREME_SHAPES: [(usize, usize); 2] = [(5, 65), (33, 256)];
/// Most random shapes for a pair of codes: all cases are drawn before the first is multiplied.
const MAX_SHAPES: usize = 1000;
/// Largest random shape.
const MAX_RANDOM: (usize, usize) = (96, 300);

/// One product: everything that is needed to repeat it.
struct Case {
    what: String,
    rows: usize,
    cols: usize,
    code: WeightCode,
    x_code: ActivationCode,
    values: Vec<i8>,
    words: Vec<u64>,
    x: Vec<i8>,
}

impl Case {
    fn new(what: String, (rows, cols): (usize, usize), code: WeightCode, x_code: ActivationCode, values: Vec<i8>, x: Vec<i8>) -> Case {
        let words = tile::pack(rows, cols, code, &values).expect("values are drawn from the code");
        Case { what, rows, cols, code, x_code, values, words, x }
    }

    fn matrix(&self) -> TileMatrix<'_> {
        TileMatrix::new(self.rows, self.cols, self.code, &self.words).expect("packed to this shape")
    }
}

fn cases(seed: u64, shapes: usize) -> Vec<Case> {
    let mut random = Random::new(seed);
    let mut cases = Vec::new();
    for code in WeightCode::ALL {
        for x_code in ActivationCode::ALL {
            let pair = format!("{} x {}", code.name(), x_code.name());
            let activations: Vec<i8> = (i8::MIN..=i8::MAX).filter(|&v| x_code.contains(v)).collect();
            let drawn: Vec<(usize, usize)> =
                (0..shapes).map(|_| (1 + random.below(MAX_RANDOM.0), 1 + random.below(MAX_RANDOM.1))).collect();
            for shape in BORDER_SHAPES.into_iter().chain(drawn) {
                let values = (0..shape.0 * shape.1).map(|_| code.values()[random.below(code.values().len())]).collect();
                let x = (0..shape.1).map(|_| activations[random.below(activations.len())]).collect();
                cases.push(Case::new(format!("{pair}, {} x {}, random", shape.0, shape.1), shape, code, x_code, values, x));
            }
            for shape in EXTREME_SHAPES {
                for w in [code.values()[0], code.values()[code.values().len() - 1]] {
                    for v in [x_code.range().0, x_code.range().1] {
                        let what = format!("{pair}, {} x {}, all weights {w}, all activations {v}", shape.0, shape.1);
                        cases.push(Case::new(what, shape, code, x_code, vec![w; shape.0 * shape.1], vec![v; shape.1]));
                    }
                }
            }
        }
    }
    cases
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let name = backend::parse(&arguments.backend)?;
    if arguments.shapes > MAX_SHAPES {
        let error = format!("{} shapes do not fit into memory together", arguments.shapes);
        return Err(Failure::usage(error, "--shapes", format_args!("use at most {MAX_SHAPES}, and other seeds for more")).into());
    }
    let cases = cases(arguments.seed, arguments.shapes);
    let found = verify(&name, &cases)?;
    let (backend, products, rows) = (&found.backend, found.products, found.rows);
    if arguments.json {
        output::json(&json!({
            "backend": backend, "seed": arguments.seed, "products": products, "results": rows, "mismatches": found.mismatches, "refused": found.refused,
        }))?;
    } else {
        found.refused.iter().for_each(output::note);
        output::line(format_args!(
            "{backend}: {products} products, {rows} results, {} mismatches, seed {}",
            found.mismatches.len(),
            arguments.seed
        ))?;
    }
    match found.mismatches.first() {
        None if products == 0 => {
            let help = "see the notes above for its limits; 'nda devices' lists other back ends";
            Err(Failure::new(Exit::Failed, "nothing was verified: every product was refused", backend, help).into())
        }
        None => Ok(()),
        Some(first) => {
            let help = format!("replay with 'nda verify --backend {name} --seed {} --shapes {}'", arguments.seed, arguments.shapes);
            Err(Failure::new(Exit::Failed, format_args!("{} products differ from the golden model", found.mismatches.len()), first, help)
                .into())
        }
    }
}

struct Found {
    backend: String,
    products: usize,
    rows: usize,
    mismatches: Vec<String>,
    refused: Vec<String>,
}

fn verify(name: &BackendName, cases: &[Case]) -> Outcome<Found> {
    let mut backend = backend::open(name)?;
    let mut found = Found { backend: backend.name(), products: 0, rows: 0, mismatches: Vec::new(), refused: Vec::new() };
    let mut bar = Progress::new("verifying");
    let mut is_fresh = true;
    for (index, case) in cases.iter().enumerate() {
        let mut prepared = backend.gemv().prepare(&[case.matrix()]);
        if matches!(prepared, Err(GemvError::Unsupported { .. })) && !is_fresh {
            // Its memory may be full of earlier cases: only an empty one's refusal counts.
            backend = backend::open(name)?;
            prepared = backend.gemv().prepare(&[case.matrix()]);
        }
        is_fresh = false;
        let id = match prepared {
            Ok(id) => id,
            Err(refusal @ GemvError::Unsupported { .. }) => {
                found.refused.push(refusal.to_string());
                continue;
            }
            Err(other) => return Err(files::gemv_failure(&other, &case.what).into()),
        };
        let mut y = vec![i32::MIN; case.rows];
        backend
            .gemv()
            .run(id, Activations { code: case.x_code, values: &case.x }, &mut y)
            .map_err(|e| files::gemv_failure(&e, &case.what))?;
        let expected = golden::gemv(case.rows, case.cols, &case.values, &case.x);
        if let Some(row) = (0..case.rows).find(|&row| y[row] != expected[row]) {
            found.mismatches.push(format!("{}: row {row} is {}, not {}", case.what, y[row], expected[row]));
        }
        found.products += 1;
        found.rows += case.rows;
        bar.set(index + 1, cases.len());
    }
    Ok(found)
}
