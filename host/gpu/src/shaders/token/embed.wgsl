// The token's row: code * scale / 2^shift.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  enter(id.z);
  let i = i32(id.x);
  if (i >= job.values) { return; }
  let at = state[own + TOKEN] * job.values + i;
  let four = u32(data[EMBEDDING + at / 4]);
  let code = bitcast<i32>(four << (24u - 8u * u32(at % 4))) >> 24u;
  let scale = data[EMBEDDING_SCALES + at / job.group];
  let value = widen(round_shift(i64(code) * i64(scale), job.shift));
  state[own + WIDE + job.into_at + i] = value;
  state[own + READ + i] = value;
}
