// What was read becomes `work`: weighted, with the largest magnitude and the sum of squares of its group. A workgroup a group.

var<workgroup> squares: array<u64, 64>;
var<workgroup> largest: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  enter(group.z);
  let first = i32(group.x) * job.group;
  var sum = u64(0);
  var most = 0u;
  for (var k = i32(local); k < job.group; k += 64) {
    let short = narrow(round_shift(i64(state[own + READ + first + k]), job.reduce_take));
    let magnitude = u64(abs(short));
    sum += magnitude * magnitude;
    var value = short;
    if (job.weights >= 0) { value = narrow(round_shift(i64(short) * i64(data[job.weights + first + k]), 17)); }
    state[own + WORK + first + k] = value;
    most = max(most, u32(abs(value)));
  }
  squares[local] = sum;
  largest[local] = most;
  workgroupBarrier();
  if (local != 0u) { return; }
  for (var k = 1; k < 64; k++) {
    sum += squares[k];
    most = max(most, largest[k]);
  }
  let at = own + SQUARES + 2 * i32(group.x);
  state[at] = i32(u32(sum & u64(0xffffffffu)));
  state[at + 1] = i32(u32(sum >> 32u));
  state[own + LARGEST + i32(group.x)] = i32(most);
}
