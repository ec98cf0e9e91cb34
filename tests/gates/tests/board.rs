//! Netlists of whole boards behind the shipping driver, against the golden model.

use nda_cores::{Port, emit};
use nda_device::testing::{RandomMatrix, golden_stack, random_vector};
use nda_device::{Driver, DriverOptions, FabricGemv};
use nda_gates::{Family, GateBoard, Netlist, Shim, Tools, build, cell_models, synthesise};
use nda_gemv::{Activations, Gemv, MatrixId};
use nda_spec::random::Random;
use nda_spec::{ActivationCode, Config, WeightCode, cycles};
use std::path::{Path, PathBuf};

/// What the first content of memories and the words of colliding reads are drawn from.
const SEED: u32 = 7;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("gates").join(name)
}

/// The netlist of a configuration's board with the parallel port.
fn netlist(tools: &Tools, config: &Config, family: Family, name: &str) -> Netlist {
    let emitted = emit(config, Port::Parallel).unwrap();
    synthesise(tools, &emitted.verilog, emitted.top, family, &folder(name)).unwrap()
}

fn open<'m>(program: &Path, config: &Config) -> FabricGemv<'m, GateBoard> {
    let board = GateBoard::start(program, config, SEED).unwrap();
    FabricGemv::new(Driver::open(board, DriverOptions { seed: 1, ..DriverOptions::default() }).unwrap())
}

/// Shapes at every boundary of a board, then both extremes of the weights.
fn matrices(config: &Config) -> Vec<RandomMatrix> {
    let (r, c) = (config.geometry.array_rows, config.geometry.array_cols);
    let mut random = Random::new(21);
    let shapes = [(1, 1), (r, c), (r + 1, c - 1), (3 * r - 1, c + 1), (2, 2 * c + 7), (5, 1)];
    let all_random = shapes.iter().flat_map(|&(rows, cols)| WeightCode::ALL.map(|code| (rows, cols, code)));
    let mut all: Vec<RandomMatrix> = all_random.map(|(rows, cols, code)| RandomMatrix::new(rows, cols, code, &mut random)).collect();
    for code in WeightCode::ALL {
        for extreme in [code.values()[0], code.highest()] {
            all.push(RandomMatrix::from_values(r + 1, c + 3, code, vec![extreme; (r + 1) * (c + 3)]));
        }
    }
    all
}

/// One product on the netlist: what it gave, if it ended well.
fn product(fabric: &mut FabricGemv<'_, GateBoard>, id: MatrixId, rows: usize, code: ActivationCode, x: &[i8]) -> Result<Vec<i32>, String> {
    let mut y = vec![i32::MAX; rows];
    fabric.run(id, Activations { code, values: x }, &mut y).map_err(|e| e.to_string())?;
    Ok(y)
}

/// Runs every vector; how many there were, or the first that is not golden.
fn check(program: &Path, config: &Config) -> Result<usize, String> {
    let all = matrices(config);
    let mut fabric = open(program, config);
    let mut random = Random::new(22);
    let mut count = 0;
    for matrix in &all {
        let id = fabric.prepare(&[matrix.view()]).map_err(|e| e.to_string())?;
        for code in ActivationCode::ALL {
            let extremes = [code.range().0, code.range().1].map(|value| vec![value; matrix.cols]);
            for x in [random_vector(matrix.cols, code, &mut random)].into_iter().chain(extremes) {
                let place = format!("{} rows x {} cols, {}, {}", matrix.rows, matrix.cols, matrix.code.name(), code.name());
                let y = product(&mut fabric, id, matrix.rows, code, &x).map_err(|e| format!("{place}: {e}"))?;
                let expected = golden_stack(std::slice::from_ref(matrix), &x);
                if y != expected {
                    return Err(format!("{place}: {y:?} instead of {expected:?}"));
                }
                count += 1;
            }
        }
    }
    Ok(count)
}

/// The device's own counters and the spec's cycle model agree on the netlist.
fn check_cycles(program: &Path, config: &Config) {
    let g = config.geometry;
    let mut random = Random::new(33);
    for (rows, cols) in [(1, 1), (g.array_rows + 1, g.array_cols + 1), (3, 2 * g.array_cols)] {
        let matrix = RandomMatrix::new(rows, cols, WeightCode::Ternary, &mut random);
        let mut fabric = open(program, config);
        let id = fabric.prepare(&[matrix.view()]).unwrap();
        for code in ActivationCode::ALL {
            let before = fabric.driver_mut().stat().unwrap();
            let x = random_vector(cols, code, &mut random);
            let cost = fabric.run(id, Activations { code, values: &x }, &mut vec![0; rows]).unwrap();
            let after = fabric.driver_mut().stat().unwrap();
            let expected = cycles::job_cost(&g, rows, cols, code);
            let place = format!("{}, {rows} x {cols}, {}", config.name, code.name());
            assert_eq!((cost.jobs, cost.run_cycles, cost.beats), (1, expected.run_cycles(), expected.beats), "{place}");
            let counted = [after.jobs - before.jobs, after.run_cycles - before.run_cycles, after.beats - before.beats];
            assert_eq!(counted.map(u64::from), [1, expected.run_cycles(), expected.beats], "{place}: the device's own counters");
        }
    }
}

fn whole_board(config: &str, family: Family) {
    let tools = Tools::find().unwrap();
    let config = Config::named(config).unwrap();
    let name = format!("{}_{}", config.name, family.name());
    let netlist = netlist(&tools, &config, family, &name);
    println!("{name}: {:?}", netlist.cells());
    let program = build(&netlist, &cell_models(&tools, family).unwrap(), &Shim::Board, &folder(&name)).unwrap();
    let fabric = open(&program, &config);
    let ident = fabric.driver().ident();
    let expected = emit(&config, Port::Parallel).unwrap().ident;
    assert_eq!(*ident, expected, "IDENT of the netlist");
    drop(fabric);
    let products = check(&program, &config).unwrap();
    println!("{name}: {products} products equal golden");
    check_cycles(&program, &config);
}

#[test]
fn the_ice40_netlist_of_nano16_answers_the_driver_and_equals_golden() {
    whole_board("nano16", Family::Ice40);
}

#[test]
fn the_ecp5_netlist_of_small64_answers_the_driver_and_equals_golden() {
    whole_board("small64", Family::Ecp5);
}
