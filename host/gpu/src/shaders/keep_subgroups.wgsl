// Sums of a row's two halves, which are neighbours in a subgroup: half the workgroup memory.

var<workgroup> parts: array<i32, 128u * KEPT>;

fn keep(local: u32, v: u32, sum: i32) {
  let both = sum + subgroupShuffleXor(sum, 1u);
  if (local % 2u == 0u) { parts[local / 2u * KEPT + v] = both; }
}

// Both halves of a row, as one of four groups of 64 invocations has them.
fn kept(group: u32, row: u32, v: u32) -> i32 { return parts[(group * 32u + row) * KEPT + v]; }
