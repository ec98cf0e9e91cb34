// Sums of a row's two halves, through workgroup memory.

var<workgroup> parts: array<i32, 256u * KEPT>;

fn keep(local: u32, v: u32, sum: i32) { parts[local * KEPT + v] = sum; }

// Both halves of a row, as one of four groups of 64 invocations has them.
fn kept(group: u32, row: u32, v: u32) -> i32 {
  let at = (group * 64u + row * 2u) * KEPT + v;
  return parts[at] + parts[at + KEPT];
}
