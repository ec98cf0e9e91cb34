// Scores by AND and popcount of the query's planes and the keys' bitmaps: an invocation per head, position and token.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  enter(id.z);
  let j = i32(id.x);
  let head = i32(id.y);
  if (j >= span()) { return; }
  let keys = bitmaps(job.row, slot_of(j), head / (job.heads / KV_HEADS));
  var dot = 0;
  for (var word = 0; word < HEAD_WORDS; word++) {
    for (var k = 0; k < 8; k++) {
      let q = bitcast<u32>(state[own + QUERY + (head * HEAD_WORDS + word) * 8 + k]);
      // A stack's code is 3 * sign + extra - 2.
      var sum = -2 * COEFFICIENTS_SUM * i32(countOneBits(q));
      for (var stack = 0; stack < KV_PLANES / 2; stack++) {
        let at = keys + word * KV_PLANES + 2 * stack;
        let sign = i32(countOneBits(q & bitcast<u32>(state[at])));
        let extra = i32(countOneBits(q & bitcast<u32>(state[at + 1])));
        sum += COEFFICIENTS[stack] * (3 * sign + extra);
      }
      dot += select(sum << u32(k), -(sum << 7u), k == 7);
    }
  }
  let scale = scale_at(QUERY_SCALES + 2 * head);
  let score = round_shift(i64(dot) * i64(times(scale, job.constant)), job.shift + scale.exponent);
  state[own + SCORES + head * RING + j] = within(score, i64(32767));
}
