// y = W x of a group-quantized matrix. Each half word of a row is summed in integers over all stacks; its sum meets
// scale * x_scale in one fused multiplication and addition, ascending by columns, in a total for first and one for second halves.

struct Shape { rows: u32, col_words: u32, first_row: u32, y_rows: u32, cols: u32, in_word: u32, stack_words: u32, unused: u32 }

@group(0) @binding(0) var<storage, read> weights: array<u32>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<u32>;
@group(0) @binding(3) var<storage, read> x_scales: array<u32>;
@group(0) @binding(4) var<storage, read> x_sums: array<i32>;
@group(0) @binding(5) var<storage, read_write> y: array<u32>;
@group(0) @binding(6) var<uniform> shape: Shape;

var<workgroup> totals: array<u32, 64u * VECTORS>;

fn spread(nibble: u32) -> u32 { return (nibble * 0x00204081u) & 0x01010101u; }

fn scale_of(tile: u32, col_word: u32, row: u32, half: u32) -> u32 {
  let word = (tile * shape.col_words + col_word) * 32u + row;
  let at = select(word, 2u * word + half, shape.in_word == 2u);
  return widened((scales[at / 2u] >> (16u * (at % 2u))) & 0xffffu);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = local / 2u;
  let half = local % 2u;
  let first_vector = group.y * VECTORS;
  let half_words = 2u * shape.col_words;
  var own: array<u32, VECTORS>;
  for (var col_word = 0u; col_word < shape.col_words; col_word++) {
    let half_word = 2u * col_word + half;
    if (half_word * 32u >= shape.cols) { continue; }
    let block = (group.x * shape.col_words + col_word) * 4u + row / 8u;
    let at = (block * W_PLANES * 8u + row % 8u) * 2u + half;
    var sums: array<i32, VECTORS>;
    for (var v = 0u; v < VECTORS; v++) { sums[v] = x_sums[(first_vector + v) * half_words + half_word]; }
    for (var q = 0u; q < 8u; q++) {
      var four = 0u;
      for (var k = 0u; k < STACKS; k++) {
        var level = 0u;
        for (var j = 0u; j < W_PLANES; j++) {
          level += W_FACTORS[j] * spread(((weights[k * shape.stack_words + at + 16u * j] ^ W_FLIPS[j]) >> (4u * q)) & 15u);
        }
        four += COEFFICIENTS[k] * level;
      }
      for (var v = 0u; v < VECTORS; v++) {
        sums[v] += dot4I8Packed(four, x[((first_vector + v) * half_words + half_word) * 8u + q]);
      }
    }
    let scale = scale_of(group.x, col_word, row, half);
    for (var v = 0u; v < VECTORS; v++) {
      own[v] = fused(sums[v], multiplied(scale, x_scales[(first_vector + v) * half_words + half_word]), own[v]);
    }
  }
  for (var v = 0u; v < VECTORS; v++) { totals[local * VECTORS + v] = own[v]; }
  workgroupBarrier();
  if (half == 0u && group.x * 32u + row < shape.rows) {
    for (var v = 0u; v < VECTORS; v++) {
      let place = (first_vector + v) * shape.y_rows + shape.first_row + group.x * 32u + row;
      y[place] = fused(1, totals[(local + 1u) * VECTORS + v], own[v]);
    }
  }
}
