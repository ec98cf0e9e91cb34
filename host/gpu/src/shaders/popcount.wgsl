// y = W x: sum over planes j and k of w_j x_k popcount(W_j & X_k), and what the offsets of both codes add.

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let lane = local % 64u;
  let row = lane / 2u;
  let half = lane % 2u;
  let first_vector = group.y * VECTORS;
  let half_words = 2u * shape.col_words;
  var sums: array<i32, VECTORS>;
  for (var col_word = local / 64u; col_word < shape.col_words; col_word += SPLITS) {
    let at = weight_at(group.x, col_word, row, half);
    for (var j = 0u; j < W_PLANES; j++) {
      let bits = weights[at + 16u * j];
      for (var v = 0u; v < VECTORS; v++) {
        var sum = X_OFFSET * i32(countOneBits(bits));
        let start = ((first_vector + v) * half_words + 2u * col_word + half) * X_PLANES;
        for (var k = 0u; k < X_PLANES; k++) {
          sum += X_COEFFICIENTS[k] * i32(countOneBits(bits & x[start + k]));
        }
        sums[v] += W_COEFFICIENTS[j] * sum;
      }
    }
  }
  for (var v = 0u; v < VECTORS; v++) { keep(local, v, sums[v]); }
  finish(group.x, first_vector, local);
}
