// binary32 in integers: every operation rounds once, to nearest even, subnormals included, whatever the adapter does with floats.

// a * b of 24 bits each, as (high, low).
fn wide_product(a: u32, b: u32) -> vec2<u32> {
  let al = a & 0xffffu; let ah = a >> 16u;
  let bl = b & 0xffffu; let bh = b >> 16u;
  let low = al * bl;
  let mid = al * bh + ah * bl;
  let sum = low + (mid << 16u);
  return vec2<u32>(ah * bh + (mid >> 16u) + select(0u, 1u, sum < low), sum);
}

// Shifted right; what falls out stays visible as the lowest bit.
fn shifted_right(v: vec2<u32>, n: u32) -> vec2<u32> {
  if (n == 0u) { return v; }
  if (n < 32u) {
    let lost = v.y << (32u - n);
    return vec2<u32>(v.x >> n, (v.y >> n) | (v.x << (32u - n)) | select(0u, 1u, lost != 0u));
  }
  if (n == 32u) { return vec2<u32>(0u, v.x | select(0u, 1u, v.y != 0u)); }
  if (n < 64u) {
    let lost = (v.x << (64u - n)) | v.y;
    return vec2<u32>(0u, (v.x >> (n - 32u)) | select(0u, 1u, lost != 0u));
  }
  return vec2<u32>(0u, select(0u, 1u, (v.x | v.y) != 0u));
}

fn shifted_left(v: vec2<u32>, n: u32) -> vec2<u32> {
  if (n == 0u) { return v; }
  if (n < 32u) { return vec2<u32>((v.x << n) | (v.y >> (32u - n)), v.y << n); }
  return vec2<u32>(v.y << (n - 32u), 0u);
}

fn zeros_above(v: vec2<u32>) -> u32 {
  if (v.x != 0u) { return countLeadingZeros(v.x); }
  return 32u + countLeadingZeros(v.y);
}

// A magnitude v * 2^exponent, not zero, with the highest bit at 62.
struct Wide { v: vec2<u32>, exponent: i32 }

fn aligned(v: vec2<u32>, exponent: i32) -> Wide {
  let zeros = zeros_above(v);
  if (zeros == 0u) { return Wide(shifted_right(v, 1u), exponent + 1); }
  return Wide(shifted_left(v, zeros - 1u), exponent - i32(zeros) + 1);
}

// The mantissa of 24 bits and the exponent of its lowest bit; 0 for zero.
struct Parts { mantissa: u32, exponent: i32 }

fn parts_of(bits: u32) -> Parts {
  let exponent = (bits >> 23u) & 255u;
  let fraction = bits & 0x7fffffu;
  if (exponent != 0u) { return Parts(fraction | 0x800000u, i32(exponent) - 150); }
  if (fraction == 0u) { return Parts(0u, 0); }
  let shift = countLeadingZeros(fraction) - 8u;
  return Parts(fraction << shift, -149 - i32(shift));
}

// Rounded to a binary32 of that sign.
fn rounded(sign: u32, wide: Wide) -> u32 {
  let biased = wide.exponent + 62 + 127;
  let below = select(0, 1 - biased, biased < 1);
  // Two bits more than the mantissa's: the first that falls out, and whether anything else does.
  let kept = shifted_right(wide.v, u32(min(37 + below, 64))).y;
  var mantissa = kept >> 2u;
  let rest = kept & 3u;
  if (rest == 3u || (rest == 2u && (mantissa & 1u) == 1u)) { mantissa += 1u; }
  var bits = mantissa;
  if (biased >= 1) {
    // The carry of a mantissa that rounds up to the next power of two goes into the exponent.
    if (biased >= 255) { return sign | 0x7f800000u; }
    bits = (u32(biased - 1) << 23u) + mantissa;
  }
  return sign | min(bits, 0x7f800000u);
}

fn is_finite(bits: u32) -> bool { return (bits & 0x7f800000u) != 0x7f800000u; }

// a * b, rounded once; both finite.
fn multiplied(a: u32, b: u32) -> u32 {
  let sign = (a ^ b) & 0x80000000u;
  let pa = parts_of(a); let pb = parts_of(b);
  if (pa.mantissa == 0u || pb.mantissa == 0u) { return sign; }
  return rounded(sign, aligned(wide_product(pa.mantissa, pb.mantissa), pa.exponent + pb.exponent));
}

// s * f + t, rounded once; |s| below 2^24, f and t finite.
fn fused(s: i32, f: u32, t: u32) -> u32 {
  let sign = (select(0u, 0x80000000u, s < 0) ^ f) & 0x80000000u;
  let pf = parts_of(f); let pt = parts_of(t);
  if (s == 0 || pf.mantissa == 0u) {
    // Zeros of both signs add up to +0.
    return select(t, sign & t, pt.mantissa == 0u);
  }
  var a = aligned(wide_product(u32(abs(s)), pf.mantissa), pf.exponent);
  if (pt.mantissa == 0u) { return rounded(sign, a); }
  var b = aligned(vec2<u32>(0u, pt.mantissa), pt.exponent);
  var sign_a = sign; var sign_b = t & 0x80000000u;
  if (b.exponent > a.exponent) {
    let c = a; a = b; b = c;
    let sign_c = sign_a; sign_a = sign_b; sign_b = sign_c;
  }
  let small = shifted_right(b.v, u32(min(a.exponent - b.exponent, 64)));
  if (sign_a == sign_b) {
    let low = a.v.y + small.y;
    return rounded(sign_a, aligned(vec2<u32>(a.v.x + small.x + select(0u, 1u, low < small.y), low), a.exponent));
  }
  var large = a.v; var less = small; var sign_large = sign_a;
  if (less.x > large.x || (less.x == large.x && less.y > large.y)) { large = small; less = a.v; sign_large = sign_b; }
  let difference = vec2<u32>(large.x - less.x - select(0u, 1u, large.y < less.y), large.y - less.y);
  if ((difference.x | difference.y) == 0u) { return 0u; }
  return rounded(sign_large, aligned(difference, a.exponent));
}

// A binary16 as a binary32: exact.
fn widened(half: u32) -> u32 {
  let sign = (half & 0x8000u) << 16u;
  let exponent = (half >> 10u) & 31u;
  let fraction = half & 0x3ffu;
  if (exponent != 0u) { return sign | ((exponent + 112u) << 23u) | (fraction << 13u); }
  if (fraction == 0u) { return sign; }
  let shift = countLeadingZeros(fraction) - 21u;
  return sign | ((113u - shift) << 23u) | (((fraction << shift) & 0x3ffu) << 13u);
}
