//! The intrinsics that the kernels use, in plain Rust, after Intel's Intrinsics Guide; and the kernels over them.

use std::array::from_fn;

/// Eight lanes of 64 bits.
#[allow(non_camel_case_types)]
type __m512i = [u64; 8];

fn bytes_of(a: __m512i) -> [u8; 64] {
    from_fn(|i| a[i / 8].to_le_bytes()[i % 8])
}

fn of_bytes(a: [u8; 64]) -> __m512i {
    from_fn(|lane| u64::from_le_bytes(from_fn(|i| a[8 * lane + i])))
}

/// 16 lanes of 32 bits.
fn dwords(a: __m512i) -> [u32; 16] {
    from_fn(|i| (a[i / 2] >> (32 * (i % 2))) as u32)
}

fn of_dwords(a: [u32; 16]) -> __m512i {
    from_fn(|lane| u64::from(a[2 * lane]) | u64::from(a[2 * lane + 1]) << 32)
}

fn _mm512_setzero_si512() -> __m512i {
    [0; 8]
}

fn _mm512_set1_epi64(a: i64) -> __m512i {
    [a as u64; 8]
}

fn _mm512_set1_epi32(a: i32) -> __m512i {
    of_dwords([a as u32; 16])
}

fn _mm512_set1_epi8(a: i8) -> __m512i {
    of_bytes([a as u8; 64])
}

unsafe fn _mm512_loadu_si512(at: *const __m512i) -> __m512i {
    // SAFETY: the caller has 64 readable bytes at `at`.
    unsafe { at.read_unaligned() }
}

unsafe fn _mm512_storeu_si512(at: *mut __m512i, a: __m512i) {
    // SAFETY: the caller has 64 writable bytes at `at`.
    unsafe { at.write_unaligned(a) }
}

fn _mm512_xor_si512(a: __m512i, b: __m512i) -> __m512i {
    from_fn(|i| a[i] ^ b[i])
}

fn _mm512_and_si512(a: __m512i, b: __m512i) -> __m512i {
    from_fn(|i| a[i] & b[i])
}

fn _mm512_or_si512(a: __m512i, b: __m512i) -> __m512i {
    from_fn(|i| a[i] | b[i])
}

fn _mm512_ternarylogic_epi64<const IMM8: i32>(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    let bit = |lane: usize, at: u32| (a[lane] >> at & 1) << 2 | (b[lane] >> at & 1) << 1 | c[lane] >> at & 1;
    from_fn(|lane| (0..64).fold(0, |all, at| all | (IMM8 as u64 >> bit(lane, at) & 1) << at))
}

fn _mm512_andnot_si512(a: __m512i, b: __m512i) -> __m512i {
    from_fn(|i| !a[i] & b[i])
}

fn _mm512_add_epi64(a: __m512i, b: __m512i) -> __m512i {
    from_fn(|i| a[i].wrapping_add(b[i]))
}

fn _mm512_sub_epi64(a: __m512i, b: __m512i) -> __m512i {
    from_fn(|i| a[i].wrapping_sub(b[i]))
}

fn _mm512_add_epi32(a: __m512i, b: __m512i) -> __m512i {
    of_dwords(from_fn(|i| dwords(a)[i].wrapping_add(dwords(b)[i])))
}

fn _mm512_add_epi8(a: __m512i, b: __m512i) -> __m512i {
    of_bytes(from_fn(|i| bytes_of(a)[i].wrapping_add(bytes_of(b)[i])))
}

fn _mm512_slli_epi64<const BITS: u32>(a: __m512i) -> __m512i {
    a.map(|lane| lane << BITS)
}

fn _mm512_srai_epi32<const BITS: u32>(a: __m512i) -> __m512i {
    of_dwords(dwords(a).map(|lane| (lane.cast_signed() >> BITS).cast_unsigned()))
}

fn _mm512_srli_epi64<const BITS: u32>(a: __m512i) -> __m512i {
    a.map(|lane| lane >> BITS)
}

fn _mm512_srli_epi16<const BITS: u32>(a: __m512i) -> __m512i {
    a.map(|lane| (0..4).fold(0, |all, i| all | ((lane >> (16 * i) & 0xffff) >> BITS) << (16 * i)))
}

fn _mm512_popcnt_epi64(a: __m512i) -> __m512i {
    a.map(|lane| u64::from(lane.count_ones()))
}

fn _mm512_permutexvar_epi8(index: __m512i, a: __m512i) -> __m512i {
    of_bytes(bytes_of(index).map(|i| bytes_of(a)[usize::from(i & 63)]))
}

/// In each four lanes two of `a` and then two of `b`, which ones the pairs of bits of `IMM8` say.
fn _mm512_shuffle_ps<const IMM8: usize>(a: __m512, b: __m512) -> __m512 {
    from_fn(|i| if i % 4 < 2 { a } else { b }[i / 4 * 4 + (IMM8 >> (2 * (i % 4)) & 3)])
}

fn _mm512_castps_si512(a: __m512) -> __m512i {
    of_dwords(a.map(f32::to_bits))
}

fn _mm512_permutexvar_ps(index: __m512i, a: __m512) -> __m512 {
    dwords(index).map(|i| a[i as usize & 15])
}

fn _mm512_set1_ps(a: f32) -> __m512 {
    [a; 16]
}

fn _mm512_setzero_ps() -> __m512 {
    [0.0; 16]
}

fn _mm512_add_ps(a: __m512, b: __m512) -> __m512 {
    from_fn(|i| a[i] + b[i])
}

fn _mm512_test_epi8_mask(a: __m512i, b: __m512i) -> u64 {
    let both = bytes_of(_mm512_and_si512(a, b));
    (0..64).fold(0, |mask, i| mask | u64::from(both[i] != 0) << i)
}

/// Adds four products of an unsigned byte of `a` and a signed one of `b` to each of 16 sums; the sums wrap.
fn _mm512_dpbusd_epi32(sums: __m512i, a: __m512i, b: __m512i) -> __m512i {
    let (a, b) = (bytes_of(a), bytes_of(b));
    let product = |i: usize| i32::from(a[i]) * i32::from(b[i] as i8);
    let four = |i: usize| (4 * i..4 * i + 4).map(product).sum::<i32>();
    of_dwords(from_fn(|i| dwords(sums)[i].wrapping_add(four(i) as u32)))
}

fn _mm512_cvtepi64_epi32(a: __m512i) -> [u32; 8] {
    a.map(|lane| lane as u32)
}

unsafe fn _mm256_storeu_si256(at: *mut [u32; 8], a: [u32; 8]) {
    // SAFETY: the caller has 32 writable bytes at `at`.
    unsafe { at.write_unaligned(a) }
}

/// 16 floats.
#[allow(non_camel_case_types)]
type __m512 = [f32; 16];

fn _mm512_mullo_epi32(a: __m512i, b: __m512i) -> __m512i {
    of_dwords(from_fn(|i| dwords(a)[i].wrapping_mul(dwords(b)[i])))
}

fn _mm512_castsi512_ps(a: __m512i) -> __m512 {
    dwords(a).map(f32::from_bits)
}

fn _mm512_cvtepi32_ps(a: __m512i) -> __m512 {
    dwords(a).map(|lane| lane.cast_signed() as f32)
}

fn _mm512_cvtph_ps(a: [u16; 16]) -> __m512 {
    a.map(nda_spec::grid::half_to_f32)
}

fn _mm512_mul_ps(a: __m512, b: __m512) -> __m512 {
    from_fn(|i| a[i] * b[i])
}

fn _mm512_fmadd_ps(a: __m512, b: __m512, c: __m512) -> __m512 {
    from_fn(|i| a[i].mul_add(b[i], c[i]))
}

unsafe fn _mm256_loadu_si256(at: *const [u16; 16]) -> [u16; 16] {
    // SAFETY: the caller has 32 readable bytes at `at`.
    unsafe { at.read_unaligned() }
}

unsafe fn _mm512_loadu_ps(at: *const f32) -> __m512 {
    // SAFETY: the caller has 64 readable bytes at `at`.
    unsafe { at.cast::<__m512>().read_unaligned() }
}

unsafe fn _mm512_storeu_ps(at: *mut f32, a: __m512) {
    // SAFETY: the caller has 64 writable bytes at `at`.
    unsafe { at.cast::<__m512>().write_unaligned(a) }
}

/// A prefetch has no effect that a program sees.
fn ask_for_line<W: TileWord>(_word: &W, _line: usize) {}

fn ask_for_scales(_block: &[u16], _in_word: usize) {}

super::kernels::kernels!(allow(dead_code), allow(dead_code));
super::a2::a2!(allow(dead_code));
super::one_plane::one_plane!(allow(dead_code));

mod tests;
