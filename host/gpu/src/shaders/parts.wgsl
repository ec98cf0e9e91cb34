// Sums of a row's invocations: both halves, and every fourth word of columns.

const SPLITS: u32 = 4u;

// Adds up what the invocations of a row have, and writes it.
fn finish(tile: u32, first_vector: u32, local: u32) {
  workgroupBarrier();
  let row = local % TILE_ROWS;
  if (tile * TILE_ROWS + row >= shape.rows) { return; }
  for (var v = local / TILE_ROWS; v < VECTORS; v += 256u / TILE_ROWS) {
    var sum = W_OFFSET * bitcast<i32>(x_sums[first_vector + v]);
    for (var split = 0u; split < SPLITS; split++) { sum += kept(split, row, v); }
    y[(first_vector + v) * shape.y_rows + shape.first_row + tile * TILE_ROWS + row] = bitcast<u32>(sum);
  }
}
