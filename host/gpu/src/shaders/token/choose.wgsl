// The token to follow: the first largest logit, or the largest of logit over temperature plus Gumbel noise. A workgroup per text.

@group(0) @binding(3) var<storage, read_write> feed: array<u32>;
@group(0) @binding(4) var<storage, read_write> results: array<i32>;

var<workgroup> scores: array<i32, 64>;
var<workgroup> tokens: array<i32, 64>;

fn mixed(seed: u32) -> u32 {
  var h = seed;
  h ^= h >> 16u;
  h *= 0x7feb352du;
  h ^= h >> 15u;
  h *= 0x846ca68bu;
  return h ^ (h >> 16u);
}

// A number of how the text's token is chosen.
fn choice(number: u32) -> u32 { return feed[FEED_CHOICES + CHOICE_WORDS * u32(lane) + number]; }

fn logit(token: i32) -> i32 { return results[LOGITS + lane * job.values + token]; }

// The generator of tokens `lane`, `lane + 8`, ...
fn generator(lane: u32) -> u32 {
  let hash = mixed(mixed(mixed(choice(CHOICE_SEED)) ^ choice(CHOICE_SEED + 1u)) + u32(state[own + POSITION]));
  return max(mixed(hash + (lane + 1u) * 0x9e3779b9u), 1u);
}

fn next(before: u32) -> u32 {
  var s = before;
  s ^= s << 13u;
  s ^= s >> 17u;
  return s ^ (s << 5u);
}

fn gumbel(s: u32) -> i32 {
  let bits = s + ((s << 9u) | (s >> 23u));
  let first = bits >> 23u;
  let second = (bits >> 14u) & 511u;
  return data[NOISE + i32(select(first, 512u + second, first == 511u))];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  enter(group.z);
  let inverse = i64(choice(CHOICE_INVERSE));
  var best = -2147483647;
  var token = -1;
  if (inverse == i64(0)) {
    for (var t = i32(local); t < job.values; t += 64) {
      if (token < 0 || logit(t) > best) { best = logit(t); token = t; }
    }
  } else if (local < 8u) {
    var s = generator(local);
    for (var t = i32(local); t < job.values; t += 8) {
      s = next(s);
      let short = narrow(round_shift(i64(logit(t)), 2));
      let score = i32(round_shift(i64(short) * inverse, 8)) + gumbel(s);
      if (token < 0 || score > best) { best = score; token = t; }
    }
  }
  scores[local] = best;
  tokens[local] = token;
  workgroupBarrier();
  if (local != 0u) { return; }
  for (var k = 1; k < 64; k++) {
    let is_better = tokens[k] >= 0 && (token < 0 || scores[k] > best || (scores[k] == best && tokens[k] < token));
    if (is_better) { best = scores[k]; token = tokens[k]; }
  }
  results[lane] = max(token, 0);
}
