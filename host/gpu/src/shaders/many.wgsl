// y = W x for sixteen vectors: a few words of columns of all of them lie in workgroup memory while the 32 rows of a tile meet them. 64
// invocations have the halves of the rows, and each of four such groups a quarter of the vectors.

// Words of columns that are held.
const HELD: u32 = 4u;
// Vectors of an invocation.
const OWN: u32 = KEPT;
// What is held of a vector's word of columns.
const HELD_WORDS: u32 = 2u * X_WORDS;

var<workgroup> held: array<u32, VECTORS * HELD * HELD_WORDS>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = local % 64u / 2u;
  let half = local % 2u;
  let quarter = local / 64u;
  let first_vector = group.y * VECTORS;
  let vector_words = shape.col_words * HELD_WORDS;
  var sums: array<i32, OWN>;
  for (var first = 0u; first < shape.col_words; first += HELD) {
    let count = min(HELD, shape.col_words - first);
    for (var at = local; at < VECTORS * count * HELD_WORDS; at += 256u) {
      let vector = at / (count * HELD_WORDS);
      let word = at % (count * HELD_WORDS);
      held[vector * HELD * HELD_WORDS + word] = x[(first_vector + vector) * vector_words + first * HELD_WORDS + word];
    }
    workgroupBarrier();
    for (var word = 0u; word < count; word++) {
      take_weights(weight_at(group.x, first + word, row, half));
      for (var v = 0u; v < OWN; v++) {
        sums[v] += times_vector((quarter * OWN + v) * HELD * HELD_WORDS + word * HELD_WORDS + half * X_WORDS);
      }
    }
    workgroupBarrier();
  }
  for (var v = 0u; v < OWN; v++) { keep(local, v, sums[v]); }
  workgroupBarrier();
  for (var at = local; at < VECTORS * TILE_ROWS; at += 256u) {
    let of_tile = at % TILE_ROWS;
    let v = at / TILE_ROWS;
    if (group.x * TILE_ROWS + of_tile < shape.rows) {
      let sum = W_OFFSET * bitcast<i32>(x_sums[first_vector + v]) + kept(v / OWN, of_tile, v % OWN);
      y[(first_vector + v) * shape.y_rows + shape.first_row + group.x * TILE_ROWS + of_tile] = bitcast<u32>(sum);
    }
  }
}
