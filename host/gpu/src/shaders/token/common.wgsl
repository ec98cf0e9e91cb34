// What all shaders of the token machine share: its memory, the numbers of a job, and the arithmetic of NUMBERS.md, "The token machine".

// All fields of the host's `Fields`, in its order.
struct Job {
  values: i32, source: i32, at: i32, take: i32,
  constants: i32, factor: i32, floor_at: i32, group: i32,
  shift: i32, turn: i32, gate: i32, gate_step: i32,
  gate_factor_shift: i32, gate_shift: i32, into: i32, into_at: i32,
  weights: i32, reduce_take: i32, heads: i32, window: i32,
  row: i32, words: i32, constant: i32, rows: i32,
}

@group(0) @binding(0) var<storage, read_write> state: array<i32>;
@group(0) @binding(1) var<storage, read> data: array<i32>;
@group(0) @binding(2) var<uniform> job: Job;

// The first words of a text's header, and of the part of the state that every token of a batch has for itself.
const POSITION: i32 = 0;
const SLOT: i32 = 1;
const FILLED: i32 = 2;
// Those that a token alone has: which it is, and where its text's cache begins.
const TOKEN: i32 = 3;
const CACHE: i32 = 4;

// Which token of the batch this is, and where its part of the state begins.
var<private> lane: i32;
var<private> own: i32;

fn enter(number: u32) {
  lane = i32(number);
  own = LANES_AT + lane * LANE_WORDS;
}

// A number that is found on the way: mantissa / 2^exponent.
struct Scale { mantissa: i32, exponent: i32 }

fn round_shift(value: i64, shift: i32) -> i64 {
  let by = u32(clamp(shift, 0, 47));
  return (value + ((i64(1) << by) >> 1u)) >> by;
}

fn within(value: i64, most: i64) -> i32 {
  let low = select(value, most, value > most);
  return i32(select(low, -most, low < -most));
}

fn narrow(value: i64) -> i32 { return within(value, i64(131071)); }

fn widen(value: i64) -> i32 { return within(value, i64(8388607)); }

fn times(scale: Scale, constant: i32) -> i32 {
  return narrow(round_shift(i64(constant) * i64(scale.mantissa), 17));
}

fn scale_at(at: i32) -> Scale { return Scale(state[own + at], state[own + at + 1]); }

fn reciprocal(mantissa: u32) -> i32 { return data[RECIPROCALS + i32(mantissa & 255u)]; }

// 1 / sqrt(squares + floor) of a group.
fn inverse_root(group: i32, floor_at: i32) -> Scale {
  let squares = pair(u32(state[own + SQUARES + 2 * group]), u32(state[own + SQUARES + 2 * group + 1]));
  let found = squares + pair(u32(data[floor_at]), u32(data[floor_at + 1]));
  let all = select(found, u64(1), found == u64(0));
  let high = u32(all >> 32u);
  let top = select(i32(firstLeadingBit(u32(all & u64(0xffffffffu)))), 32 + i32(firstLeadingBit(high)), high != 0u);
  let behind = select(u32(all << u32(max(9 - top, 0))), u32((all >> u32(max(top - 9, 0))) & u64(511)), top >= 9) & 511u;
  let odd = top & 1;
  return Scale(data[ROOTS + i32((u32(odd) << 9u) | behind)], 17 + (top - odd) / 2);
}

fn pair(low: u32, high: u32) -> u64 { return (u64(high) << 32u) | u64(low); }

// The positions that a step attends to: the newest ones.
fn span() -> i32 { return min(job.window, state[own + FILLED]); }

// Where the ring holds the position that is number `j` of the span, oldest first.
fn slot_of(j: i32) -> i32 { return (state[own + SLOT] + RING - (span() - 1 - j)) % RING; }

// First word of a head's bitmaps of a position: for every 32 channels the planes of all stacks.
fn bitmaps(row: i32, slot: i32, head: i32) -> i32 {
  return state[own + CACHE] + ((row * RING + slot) * KV_HEADS + head) * HEAD_WORDS * KV_PLANES;
}
