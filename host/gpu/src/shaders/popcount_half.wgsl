// Half a word of a row by one vector after another: w_j x_k popcount(W_j & X_k) over planes j and k, and what the vector's offset adds.

const X_WORDS: u32 = X_PLANES;

var<private> planes: array<u32, W_PLANES>;
// X_OFFSET * sum of w_j popcount(W_j), which every vector adds.
var<private> offset: i32;

fn take_weights(at: u32) {
  offset = 0;
  for (var j = 0u; j < W_PLANES; j++) {
    planes[j] = weights[at + 16u * j];
    offset += X_OFFSET * W_COEFFICIENTS[j] * i32(countOneBits(planes[j]));
  }
}

fn times_vector(start: u32) -> i32 {
  var all = offset;
  for (var j = 0u; j < W_PLANES; j++) {
    var sum = 0;
    for (var k = 0u; k < X_PLANES; k++) { sum += X_COEFFICIENTS[k] * i32(countOneBits(planes[j] & held[start + k])); }
    all += W_COEFFICIENTS[j] * sum;
  }
  return all;
}
