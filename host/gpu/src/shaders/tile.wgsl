// Where things are, for all kernels. A workgroup takes one tile: 32 rows of both halves of a word are 64 invocations that read
// 64 consecutive words of a plane and its neighbours.

struct Shape { rows: u32, col_words: u32, first_row: u32, y_rows: u32, cols: u32, in_word: u32, stack_words: u32, unused: u32 }

@group(0) @binding(0) var<storage, read> weights: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> x_sums: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<uniform> shape: Shape;

const TILE_ROWS: u32 = 32u;

// The place of plane 0 of a row's half of a word; plane 1 stands 16 further.
fn weight_at(tile: u32, col_word: u32, row: u32, half: u32) -> u32 {
  let block = (tile * shape.col_words + col_word) * 4u + row / 8u;
  return (block * W_PLANES * 8u + row % 8u) * 2u + half;
}
