// Rows are taken from the feed, each a text and its next token; the next positions of the text's ring are theirs, one after another. One
// invocation, whatever the batch.

@group(0) @binding(3) var<storage, read_write> feed: array<u32>;

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) batch: vec3<u32>) {
  if (group.z != 0u) { return; }
  let next = feed[FEED_NEXT];
  for (var number = 0u; number < batch.z; number++) {
    enter(number);
    let row = FEED_ROWS + 2u * (next + number);
    let text = i32(feed[row]);
    let header = text * TEXT_HEADER;
    state[header + POSITION] += 1;
    state[header + SLOT] = (state[header + SLOT] + 1) % RING;
    state[header + FILLED] = min(state[header + FILLED] + 1, RING);
    state[own + POSITION] = state[header + POSITION];
    state[own + SLOT] = state[header + SLOT];
    state[own + FILLED] = state[header + FILLED];
    state[own + TOKEN] = i32(feed[row + 1u]);
    state[own + CACHE] = KV + text * CACHE_WORDS;
  }
  feed[FEED_NEXT] = next + batch.z;
}
