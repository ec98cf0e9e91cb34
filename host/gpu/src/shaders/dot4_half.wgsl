// Half a word of a row by one vector after another: the planes' bits spread to bytes once, four products at a time. Planes that count
// negatively come complemented, so that no byte borrows from its neighbour; the vector's offset pays for it.

const X_WORDS: u32 = 8u;

var<private> fours: array<u32, 8>;

fn spread(nibble: u32) -> u32 { return (nibble * 0x00204081u) & 0x01010101u; }

fn take_weights(at: u32) {
  for (var q = 0u; q < 8u; q++) {
    var four = 0u;
    for (var j = 0u; j < W_PLANES; j++) {
      four += W_FACTORS[j] * spread(((weights[at + 16u * j] ^ W_FLIPS[j]) >> (4u * q)) & 15u);
    }
    fours[q] = four;
  }
}

fn times_vector(start: u32) -> i32 {
  var sum = 0;
  for (var q = 0u; q < 8u; q++) { sum += dot4I8Packed(fours[q], held[start + q]); }
  return sum;
}
