// A position's keys or values become bitmaps: sign and extra plane of every stack, 32 channels of a head a word.

// The bits that spell the level next to a value with 8 bits behind the point.
fn spelled(value: i32) -> u32 {
  var above = 0;
  for (var t = 0; t < LEVELS - 1; t++) { above += select(0, 1, (value << 1u) >= (data[THRESHOLDS + t] << 8u)); }
  return u32(data[SPELLINGS + above]);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  enter(id.z);
  let head = i32(id.x) / HEAD_WORDS;
  let word = i32(id.x) % HEAD_WORDS;
  if (head >= KV_HEADS) { return; }
  var planes: array<u32, KV_PLANES>;
  for (var k = 0; k < KV_PLANES; k++) { planes[k] = 0u; }
  for (var bit = 0; bit < min(32, HEAD_DIM - 32 * word); bit++) {
    let bits = spelled(state[own + READ + head * HEAD_DIM + 32 * word + bit]);
    for (var k = 0; k < KV_PLANES; k++) { planes[k] |= ((bits >> u32(k)) & 1u) << u32(bit); }
  }
  let at = bitmaps(job.row, state[own + SLOT], head) + word * KV_PLANES;
  for (var k = 0; k < KV_PLANES; k++) { state[at + k] = bitcast<i32>(planes[k]); }
}
