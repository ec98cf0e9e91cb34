// Codes of `work`: value * 127 / largest by a reciprocal from a table, one scale per group. A workgroup per token.

@group(0) @binding(3) var<storage, read_write> x: array<u32>;
@group(0) @binding(4) var<storage, read_write> x_sum: array<u32>;

var<workgroup> sums: array<i32, 64>;

// The largest magnitude, rounded up to 9 bits.
struct Coder { mantissa: u32, exponent: i32 }

fn coder(group: i32) -> Coder {
  let most = max(u32(state[own + LARGEST + group]), 1u);
  let exponent = 23 - i32(countLeadingZeros(most));
  if (exponent <= 0) { return Coder(most << u32(-exponent), exponent); }
  let mantissa = (most + (1u << u32(exponent)) - 1u) >> u32(exponent);
  if (mantissa == 512u) { return Coder(256u, exponent + 1); }
  return Coder(mantissa, exponent);
}

fn code(i: i32) -> i32 {
  let by = coder(i / job.group);
  return i32(round_shift(i64(state[own + WORK + i]) * i64(reciprocal(by.mantissa)), 18 + by.exponent));
}

fn scale(group: i32) -> Scale {
  let by = coder(group);
  if (job.floor_at < 0) { return Scale(i32(by.mantissa) << 8u, 8 - by.exponent); }
  let root = inverse_root(group, job.floor_at);
  let product = i64(by.mantissa) * i64(root.mantissa);
  let lift = select(8, 9, product >= (i64(1) << 25u));
  return Scale(i32(product >> u32(lift)), root.exponent - by.exponent - lift);
}

fn plane_bits(first: i32, len: i32, plane: u32) -> u32 {
  var bits = 0u;
  for (var bit = 0; bit < len; bit++) { bits |= ((bitcast<u32>(code(first + bit)) >> plane) & 1u) << u32(bit); }
  return bits;
}

fn four_codes(first: i32, len: i32) -> u32 {
  var four = 0u;
  for (var k = 0; k < min(len, 4); k++) { four |= (bitcast<u32>(code(first + k)) & 255u) << u32(8 * k); }
  return four;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group_id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  enter(group_id.z);
  let groups = job.values / job.group;
  if (job.heads > 0) {
    // The query: planes of every 32 channels of a head, a scale per head.
    for (var at = i32(local); at < job.heads * HEAD_WORDS * 8; at += 64) {
      let word = at / 8;
      let within_head = 32 * (word % HEAD_WORDS);
      let first = word / HEAD_WORDS * HEAD_DIM + within_head;
      state[own + QUERY + at] = bitcast<i32>(plane_bits(first, min(32, HEAD_DIM - within_head), u32(at % 8)));
    }
    for (var group = i32(local); group < groups; group += 64) {
      let found = scale(group);
      state[own + QUERY_SCALES + 2 * group] = found.mantissa;
      state[own + QUERY_SCALES + 2 * group + 1] = found.exponent;
    }
    return;
  }
  for (var at = i32(local); at < job.words * 8; at += 64) {
    let first = 32 * (at / 8);
    if (BYTES) {
      let from_word = first + 4 * (at % 8);
      x[lane * job.words * 8 + at] = four_codes(from_word, job.values - from_word);
    } else {
      x[lane * job.words * 8 + at] = plane_bits(first, clamp(job.values - first, 0, 32), u32(at % 8));
    }
  }
  var sum = 0;
  for (var i = i32(local); i < job.values; i += 64) { sum += code(i); }
  sums[local] = sum;
  workgroupBarrier();
  if (local != 0u) { return; }
  for (var k = 1; k < 64; k++) { sum += sums[k]; }
  x_sum[lane] = bitcast<u32>(sum);
  let found = scale(0);
  state[own + ARRAY_SCALE] = found.mantissa;
  state[own + ARRAY_SCALE + 1] = found.exponent;
}
