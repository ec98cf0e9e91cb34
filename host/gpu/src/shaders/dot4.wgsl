// y = W x: the planes' bits spread to bytes, four products at a time. Planes that count negatively come complemented, so that no byte
// borrows from its neighbour; the vector's offset pays for it.

fn spread(nibble: u32) -> u32 { return (nibble * 0x00204081u) & 0x01010101u; }

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
    for (var q = 0u; q < 8u; q++) {
      var four = 0u;
      for (var j = 0u; j < W_PLANES; j++) {
        four += W_FACTORS[j] * spread(((weights[at + 16u * j] ^ W_FLIPS[j]) >> (4u * q)) & 15u);
      }
      for (var v = 0u; v < VECTORS; v++) {
        sums[v] += dot4I8Packed(four, x[((first_vector + v) * half_words + 2u * col_word + half) * 8u + q]);
      }
    }
  }
  for (var v = 0u; v < VECTORS; v++) { keep(local, v, sums[v]); }
  finish(group.x, first_vector, local);
}
