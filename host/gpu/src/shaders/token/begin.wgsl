// A token is taken from the feed; the next position of the ring is its own.

@group(0) @binding(3) var<storage, read_write> feed: array<u32>;

@compute @workgroup_size(1)
fn main() {
  state[POSITION] += 1;
  state[SLOT] = (state[SLOT] + 1) % RING;
  state[FILLED] = min(state[FILLED] + 1, RING);
  let next = feed[FEED_NEXT];
  state[TOKEN] = i32(feed[FEED_TOKENS + next]);
  feed[FEED_NEXT] = next + 1u;
}
