//! Grids as layers: the same bits from a back end that multiplies them at once and from one of integers, as the contract says.

use nda_engine::{Grid, GridLinear, Scratch, quantize};
use nda_gemv::{Activations, Cost, Gemv, GemvError, MatrixId, Shape};
use nda_kernels::CpuGemv;
use nda_ndf::{AlignedBytes, Document, DocumentWriter, GridContent, TileBuffer};
use nda_spec::grid::{GroupCols, HALF_COLS, gemv, scale_count, scale_index};
use nda_spec::random::Random;
use nda_spec::{ActivationCode, TileMatrix, WeightCode};

/// A back end that multiplies integers alone, as a board does.
struct Integers<'m>(CpuGemv<'m>);

impl<'m> Gemv<'m> for Integers<'m> {
    fn name(&self) -> String {
        "integers".into()
    }

    fn supports(&self, shape: Shape) -> Result<(), GemvError> {
        self.0.supports(shape)
    }

    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError> {
        self.0.prepare(parts)
    }

    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        self.0.run(id, x, y)
    }
}

fn add(writer: &mut DocumentWriter, name: &str, (rows, cols): (usize, usize), group: GroupCols, coefficients: &[i8], random: &mut Random) {
    let values = [-2, -1, 1, 2];
    let tiles: Vec<TileBuffer> = coefficients
        .iter()
        .map(|_| {
            let codes: Vec<i8> = (0..rows * cols).map(|_| random.one_of(&values)).collect();
            TileBuffer::from_values(rows, cols, WeightCode::Quaternary, &codes).unwrap()
        })
        .collect();
    let mut scales = vec![0; scale_count(rows, cols, group).unwrap()];
    for row in 0..rows {
        for col in (0..cols).step_by(group.cols()) {
            scales[scale_index(row, col, cols, group)] = 0x2000 + (random.next_u64() as u16 & 0x0fff);
        }
    }
    let stacks: Vec<TileMatrix<'_>> = tiles.iter().map(TileBuffer::matrix).collect();
    writer.add_grid(&GridContent { name, group, coefficients, scales: &scales, stacks: &stacks }).unwrap();
}

#[test]
fn a_layer_of_grids_gives_the_same_bits_on_every_back_end() {
    let mut random = Random::new(17);
    for (cols, group) in [
        (576, GroupCols::C32),
        (100, GroupCols::C32),
        (160, GroupCols::C64),
        (31, GroupCols::C64),
        (300, GroupCols::C128),
        (520, GroupCols::C256),
    ] {
        let mut writer = DocumentWriter::new();
        add(&mut writer, "q", (70, cols), group, &[4, 7], &mut random);
        add(&mut writer, "k", (33, cols), group, &[5, 9, 13], &mut random);
        let bytes = AlignedBytes::from(writer.finish().unwrap().as_slice());
        let document = Document::open(&bytes).unwrap();
        let grids: Vec<Grid<'_>> = ["q", "k"].iter().map(|name| Grid::new(document.grid(name).unwrap())).collect();
        let refs: Vec<&Grid<'_>> = grids.iter().collect();
        let x: Vec<f32> = (0..2 * cols).map(|_| random.below(2001) as f32 / 100.0 - 10.0).collect();
        let expected: Vec<u32> = x.chunks_exact(cols).flat_map(|x| by_the_contract(&refs, x)).map(f32::to_bits).collect();
        let (mut whole, mut integers) = (CpuGemv::new(), Integers(CpuGemv::new()));
        for backend in [&mut whole as &mut dyn Gemv<'_>, &mut integers] {
            let layer = GridLinear::prepare("layer", &refs, backend).unwrap();
            let mut y = vec![0.0; expected.len()];
            layer.apply(backend, &x, &mut Scratch::default(), &mut y).unwrap();
            let found: Vec<u32> = y.into_iter().map(f32::to_bits).collect();
            assert_eq!(found, expected, "{} columns on {}", cols, backend.name());
        }
        let mut row = vec![0.0; cols];
        grids[1].row(32, &mut row);
        assert!((0..cols).all(|col| row[col] == grids[1].matrix().weight(32, col)));
    }
}

/// `nda_spec::grid::gemv` of activations that are quantized half word by half word.
fn by_the_contract(grids: &[&Grid<'_>], x: &[f32]) -> Vec<f32> {
    let mut codes = vec![0; x.len()];
    let halves = x.chunks(HALF_COLS).zip(codes.chunks_mut(HALF_COLS));
    let scales: Vec<f32> = halves.map(|(x, codes)| quantize(ActivationCode::A8, x, codes)).collect();
    let mut y = Vec::new();
    for grid in grids {
        let mut own = vec![0.0; grid.matrix().rows()];
        gemv(&grid.matrix(), &codes, &scales, &mut own);
        y.extend(own);
    }
    y
}

#[test]
fn numbers_that_are_not_finite_are_refused_with_their_place() {
    let mut writer = DocumentWriter::new();
    add(&mut writer, "q", (4, 40), GroupCols::C32, &[1], &mut Random::new(7));
    let bytes = AlignedBytes::from(writer.finish().unwrap().as_slice());
    let document = Document::open(&bytes).unwrap();
    let grid = Grid::new(document.grid("q").unwrap());
    let mut backend = CpuGemv::new();
    let layer = GridLinear::prepare("blk.0.q", &[&grid], &mut backend).unwrap();
    let mut x = [1.0; 40];
    x[33] = f32::INFINITY;
    let error = layer.apply(&mut backend, &x, &mut Scratch::default(), &mut [0.0; 4]).unwrap_err();
    assert!(error.to_string().contains("33"), "{error}");
}
