// A head's softmax in base 2 and the values it weighs: a workgroup per head and token.

var<workgroup> most: array<i32, 64>;
var<workgroup> totals: array<u32, 64>;

// A rounded shift of an entry of 15 bits; nothing of it is left beyond 30.
fn down(entry: u32, shift: i32) -> u32 {
  let by = u32(min(shift, 30));
  return (entry + ((1u << by) >> 1u)) >> by;
}

fn level(at: i32, bit: u32) -> i32 {
  var sum = -2 * COEFFICIENTS_SUM;
  for (var stack = 0; stack < KV_PLANES / 2; stack++) {
    let sign = (bitcast<u32>(state[at + 2 * stack]) >> bit) & 1u;
    let extra = (bitcast<u32>(state[at + 2 * stack + 1]) >> bit) & 1u;
    sum += COEFFICIENTS[stack] * i32(3u * sign + extra);
  }
  return sum;
}

// 127 / sum, the sum rounded to 9 bits.
fn inverse_sum(total: u32) -> Scale {
  let sum = max(total, 1u);
  let exponent = 23 - i32(countLeadingZeros(sum));
  let shifted = select((sum + ((1u << u32(max(exponent, 0))) >> 1u)) >> u32(max(exponent, 0)), sum << u32(max(-exponent, 0)), exponent <= 0);
  let carry = shifted >> 9u;
  return Scale(reciprocal(shifted >> carry), 18 + exponent + i32(carry));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  enter(group.z);
  let head = i32(group.x);
  let count = span();
  let scores = own + SCORES + head * RING;
  var high = -32768;
  for (var j = i32(local); j < count; j += 64) { high = max(high, state[scores + j]); }
  most[local] = high;
  workgroupBarrier();
  for (var k = 0; k < 64; k++) { high = max(high, most[k]); }
  var total = 0u;
  for (var j = i32(local); j < count; j += 64) {
    let below = high - state[scores + j];
    let entry = u32(data[EXP2 + (below & 255)]);
    total += down(entry, 3 + (below >> 8u));
    state[own + WEIGHTS + head * RING + j] = i32(down(entry, 7 + (below >> 8u)));
  }
  totals[local] = total;
  storageBarrier();
  workgroupBarrier();
  total = 0u;
  for (var k = 0; k < 64; k++) { total += totals[k]; }
  let lost = select(0, 4, total >= (1u << 18u));
  for (var d = i32(local); d < HEAD_DIM; d += 64) {
    var sum = 0;
    for (var j = 0; j < count; j++) {
      let values = bitmaps(job.row, slot_of(j), head / (job.heads / KV_HEADS));
      sum += state[own + WEIGHTS + head * RING + j] * level(values + d / 32 * KV_PLANES, u32(d % 32));
    }
    state[own + MIXED + head * HEAD_DIM + d] = narrow(round_shift(i64(sum), lost));
  }
  if (local == 0u) {
    let scale = inverse_sum(total);
    state[own + SUMS + 2 * head] = scale.mantissa;
    state[own + SUMS + 2 * head + 1] = scale.exponent - lost;
  }
}
