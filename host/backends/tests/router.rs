//! The router: what boards have room for runs there, and the CPU does the rest with all that it can.

use nda_backends::{Backend, BackendName};
use nda_gemv::{Activations, Cost, GroupedVectors, Work, integer_layers};
use nda_spec::grid::{GridMatrix, GroupCols, HALF_COLS, gemv, scale_count};
use nda_spec::plan::Layer;
use nda_spec::tile::pack;
use nda_spec::{ActivationCode, TileMatrix, WeightCode, golden};

fn router<'m>(name: &str) -> Backend<'m> {
    Backend::open_for_model(&BackendName::parse(name).unwrap(), &[]).unwrap()
}

fn values(count: usize, seed: usize) -> Vec<i8> {
    (0..count).map(|i| [-2, -1, 1, 2][(i * 7 + i / 5 + seed) % 4]).collect()
}

fn codes(count: usize) -> Vec<i8> {
    (0..count).map(|i| (i * 53 % 255) as u8 as i8).map(|v| v.max(-127)).collect()
}

/// A matrix in two stacks that share a scale for each 32 columns.
struct Grid {
    shape: (usize, usize),
    scales: Vec<u16>,
    words: Vec<u64>,
}

impl Grid {
    fn new(rows: usize, cols: usize) -> Grid {
        let stack = |seed| pack(rows, cols, WeightCode::Quaternary, &values(rows * cols, seed)).unwrap();
        let scales = (0..scale_count(rows, cols, GroupCols::C32).unwrap()).map(|i| 0x2000 + i as u16 % 0x0fff).collect();
        Grid { shape: (rows, cols), scales, words: [stack(0), stack(3)].concat() }
    }

    fn matrix(&self) -> GridMatrix<'_> {
        GridMatrix::new(self.shape, WeightCode::Quaternary, GroupCols::C32, &[4, 7], &self.scales, &self.words).unwrap()
    }
}

#[test]
fn a_grid_without_room_on_the_board_runs_whole_on_the_cpu_for_all_vectors_at_once() {
    // nano16 holds 32,768 weights; two stacks of 200 x 128 are 51,200.
    let grid = Grid::new(200, 128);
    let mut backend = router("loopback:nano16");
    let grids = backend.gemv().grids().expect("the router passes the CPU's grids through");
    let id = grids.prepare_grid(&[grid.matrix()]).unwrap().expect("a grid that the board has no room for");
    let (vectors, cols) = (3, 128);
    let (codes, scales) = (codes(vectors * cols), vec![0.25; vectors * cols / HALF_COLS]);
    let x = GroupedVectors::new(cols, &codes, &scales).unwrap();
    let mut y = vec![f32::NAN; vectors * 200];
    let cost = grids.run_grid(id, &x, &mut y).unwrap();
    // Three products, not three for each half word and stack: the grid kernel ran.
    assert_eq!((cost.cpu, cost.device), (Work::of(3, 2 * 200 * 128), Work::default()));
    let mut expected = vec![0.0; vectors * 200];
    for ((codes, scales), y) in x.iter().zip(expected.chunks_mut(200)) {
        gemv(&grid.matrix(), codes, scales, y);
    }
    assert!(y.iter().zip(&expected).all(|(y, e)| y.to_bits() == e.to_bits()));
    assert_eq!(backend.refusals().len(), 1);
    assert!(
        backend.refusals()[0].contains("3200 tile words")
            && backend.name().starts_with("cpu (")
            && backend.name().contains("nothing on fabric (nano16"),
        "{}",
        backend.name()
    );
}

#[test]
fn a_grid_that_fits_the_board_goes_there_with_all_of_its_half_words() {
    // Exactly full: 2 stacks x 128 x 128 are 2,048 words of 16.
    let (fits, more) = (Grid::new(128, 128), Grid::new(1, 32));
    let columns = |stack: usize, half: usize| -> Vec<i8> {
        let all = fits.matrix().stack(stack).to_values();
        all.chunks(128).flat_map(|row| row[half * 32..][..32].to_vec()).collect()
    };
    let cut: Vec<Vec<Vec<u64>>> =
        (0..4).map(|half| (0..2).map(|stack| pack(128, 32, WeightCode::Quaternary, &columns(stack, half)).unwrap()).collect()).collect();
    let halves: Vec<Vec<TileMatrix<'_>>> = cut
        .iter()
        .map(|stacks| stacks.iter().map(|words| TileMatrix::new(128, 32, WeightCode::Quaternary, words).unwrap()).collect())
        .collect();
    let mut backend = router("loopback:nano16");
    assert_eq!(backend.gemv().grids().unwrap().prepare_grid(&[fits.matrix()]).unwrap(), None);
    for (half, parts) in halves.iter().enumerate() {
        let id = backend.gemv().prepare(parts).unwrap();
        let (x, mut y) = (codes(32), vec![0; 256]);
        let cost = backend.gemv().run(id, Activations { code: ActivationCode::A8, values: &x }, &mut y).unwrap();
        assert_eq!((cost.device, cost.cpu), (Work::of(1, 256 * 32), Work::default()), "half word {half}");
        let expected: Vec<i32> = (0..2).flat_map(|stack| golden::gemv(128, 32, &columns(stack, half), &x)).collect();
        assert_eq!(y, expected);
    }
    assert_eq!(backend.refusals().len(), 0);
    let id = backend.gemv().grids().unwrap().prepare_grid(&[more.matrix()]).unwrap();
    assert!(id.is_some(), "the board is full");
}

#[test]
fn the_room_for_half_words_is_that_for_one_after_another() {
    let grid = Grid::new(100, 130);
    let layers = integer_layers(&[grid.matrix()]);
    let cols: Vec<usize> = layers.iter().map(|layer| layer.cols).collect();
    assert_eq!(cols, [32, 32, 32, 32, 2]);
    assert!(layers.iter().all(|layer| layer.parts == [100, 100]));
    // What the pool says is what its boards then do: nothing is streamed.
    let (mut prepared, big) = (0, Layer { parts: vec![130], cols: 128 });
    let words = pack(130, 128, WeightCode::Ternary, &vec![1; 130 * 128]).unwrap();
    let matrix = TileMatrix::new(130, 128, WeightCode::Ternary, &words).unwrap();
    let mut backend = router("loopback:nano16*2");
    while backend.refusals().is_empty() {
        backend.gemv().prepare(&[matrix]).unwrap();
        prepared += 1;
    }
    assert_eq!(big.words(&nda_backends::config("nano16").unwrap().geometry), 1040);
    // One on each board, and the third is split by rows over what is left of both.
    assert_eq!(prepared, 4);
}

#[test]
fn several_vectors_reach_the_cpu_at_once_and_a_board_one_by_one() {
    let (small, large) = (values(4 * 16, 0), values(600 * 128, 1));
    let words = [pack(4, 16, WeightCode::Quaternary, &small).unwrap(), pack(600, 128, WeightCode::Quaternary, &large).unwrap()];
    let mut backend = router("loopback:nano16");
    for (index, (rows, cols, values)) in [(4, 16, &small), (600, 128, &large)].into_iter().enumerate() {
        let id = backend.gemv().prepare(&[TileMatrix::new(rows, cols, WeightCode::Quaternary, &words[index]).unwrap()]).unwrap();
        let x = codes(3 * cols);
        let mut y = vec![0; 3 * rows];
        let several = backend.gemv().vectors().expect("the router takes several vectors");
        let cost: Cost = several.run_vectors(id, 3, Activations { code: ActivationCode::A8, values: &x }, &mut y).unwrap();
        let expected: Vec<i32> = x.chunks(cols).flat_map(|x| golden::gemv(rows, cols, values, x)).collect();
        assert_eq!(y, expected);
        let (here, there) = if index == 0 { (cost.device, cost.cpu) } else { (cost.cpu, cost.device) };
        assert_eq!((here, there), (Work::of(3, rows * cols), Work::default()));
    }
}
