// Tokens are taken from the feed; the next positions of the ring are theirs, one after another. One invocation, whatever the batch.

@group(0) @binding(3) var<storage, read_write> feed: array<u32>;

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) batch: vec3<u32>) {
  if (group.z != 0u) { return; }
  let next = feed[FEED_NEXT];
  for (var number = 0u; number < batch.z; number++) {
    enter(number);
    state[POSITION] += 1;
    state[SLOT] = (state[SLOT] + 1) % RING;
    state[FILLED] = min(state[FILLED] + 1, RING);
    state[own + POSITION] = state[POSITION];
    state[own + SLOT] = state[SLOT];
    state[own + FILLED] = state[FILLED];
    state[own + TOKEN] = i32(feed[FEED_TOKENS + next + number]);
  }
  feed[FEED_NEXT] = next + batch.z;
}
