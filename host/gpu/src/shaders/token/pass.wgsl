// value = source * (constant * factor) / 2^(shift + its exponent), turned or gated, to where it goes.

@group(0) @binding(3) var<storage, read> sums: array<u32>;
@group(0) @binding(4) var<storage, read_write> results: array<i32>;

fn source(i: i32) -> i32 {
  switch job.source {
    case 0: { return bitcast<i32>(sums[lane * job.rows + i]); }
    case 1: { return narrow(round_shift(i64(state[own + WIDE + job.at + i]), job.take)); }
    default: { return state[own + MIXED + i]; }
  }
}

fn factor(i: i32) -> Scale {
  switch job.factor {
    case 1: { return scale_at(ARRAY_SCALE); }
    case 2: { return inverse_root(i / job.group, job.floor_at); }
    case 3: { return scale_at(SUMS + 2 * (i / job.group)); }
    default: { return Scale(65536, 16); }
  }
}

fn multiplied(i: i32) -> i32 {
  let scale = factor(i);
  let by = i64(times(scale, data[job.constants + i]));
  return widen(round_shift(i64(source(i)) * by, job.shift + scale.exponent));
}

// `function(x) * up`: the function's factor by straight lines between 257 entries.
fn gated(x: i32, up: i32) -> i32 {
  let line = clamp((x >> u32(job.gate_step)) + 128, 0, 255);
  let inside = x - ((line - 128) << u32(job.gate_step));
  let here = data[job.gate + line];
  let rise = i64(data[job.gate + line + 1] - here) * i64(inside);
  let by = narrow(i64(here) + round_shift(rise, job.gate_step));
  let gate_value = narrow(round_shift(i64(x) * i64(by), job.gate_factor_shift));
  return narrow(round_shift(i64(gate_value) * i64(up), job.gate_shift));
}

// Pairs of channels half a head apart, turned by their phase.
fn turned(i: i32) -> i32 {
  let half = HEAD_DIM / 2;
  let within_head = i % HEAD_DIM;
  let channel = within_head % half;
  let low = i - within_head + channel;
  let phase = u32(state[own + POSITION]) * u32(data[job.turn + channel]);
  let at = i32((phase + (1u << 21u)) >> 22u) & 1023;
  let cosine = i64(data[COSINES + at]);
  let sine = i64(data[COSINES + ((at + 768) & 1023)]);
  let x = i64(narrow(i64(multiplied(low))));
  let y = i64(narrow(i64(multiplied(low + half))));
  if (within_head < half) { return narrow(round_shift(x * cosine - y * sine, 16)); }
  return narrow(round_shift(y * cosine + x * sine, 16));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  enter(id.z);
  let i = i32(id.x);
  if (i >= job.values) { return; }
  var value: i32;
  if (job.gate >= 0) {
    let up = multiplied(job.values + i);
    value = gated(narrow(i64(multiplied(i))), narrow(i64(up)));
  } else if (job.turn >= 0) {
    value = turned(i);
  } else {
    value = multiplied(i);
  }
  switch job.into {
    case 1: { state[own + WIDE + job.into_at + i] = value; }
    case 2: {
      value = widen(i64(state[own + WIDE + job.into_at + i]) + i64(value));
      state[own + WIDE + job.into_at + i] = value;
    }
    case 5: { results[LOGITS + lane * job.values + i] = value; }
    default: {}
  }
  state[own + READ + i] = value;
}
