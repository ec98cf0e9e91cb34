//! Which kernels run: found out once, at run time.

use std::fmt;

use nda_spec::tile::TILE_ROWS;
use nda_spec::{ActivationCode, GridMatrix, WeightCode};

use crate::a2::A2Identity;
use crate::activations::{Form, PreparedX, Vectors};
use crate::grid_kernel::GridKernel;
#[cfg(target_arch = "aarch64")]
use crate::neon::{Neon, grid::NeonGrid};
#[cfg(target_arch = "x86_64")]
use crate::{
    avx2::{Avx2, grid::Avx2Grid},
    avx512::{Avx512, Avx512Grid},
};
use crate::{cpu::CpuError, portable};
use nda_gemv::Activations;

/// A set of kernels, slowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// A plain loop for every machine.
    Portable,
    /// AArch64 with NEON, which all of them have.
    Neon,
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX-512 F, BW and VPOPCNTDQ (Intel since Ice Lake, AMD since Zen 4). A8 and A4 use VNNI and
    /// VBMI where they are there, as they are on all of those, and else the AVX2 kernel.
    Avx512,
}

impl Variant {
    /// All variants, for tests and tables that go through all of them.
    pub const ALL: [Variant; 4] = [Variant::Portable, Variant::Neon, Variant::Avx2, Variant::Avx512];

    /// The variants that this machine can run, slowest first; the portable one always.
    pub fn available() -> Vec<Variant> {
        Self::ALL.into_iter().filter(|&variant| Level::new(variant).is_ok()).collect()
    }

    /// What the variant needs of a processor, feature by feature, and whether this machine has it. Empty for the portable one.
    pub fn needs(self) -> Vec<(&'static str, bool)> {
        #[cfg(target_arch = "x86_64")]
        return match self {
            Variant::Portable => Vec::new(),
            Variant::Neon => vec![("aarch64", false)],
            Variant::Avx2 => vec![("avx2", is_x86_feature_detected!("avx2"))],
            Variant::Avx512 => vec![
                ("avx2", is_x86_feature_detected!("avx2")),
                ("avx512f", is_x86_feature_detected!("avx512f")),
                ("avx512bw", is_x86_feature_detected!("avx512bw")),
                ("avx512vpopcntdq", is_x86_feature_detected!("avx512vpopcntdq")),
            ],
        };
        #[cfg(not(target_arch = "x86_64"))]
        return match self {
            Variant::Portable => Vec::new(),
            #[cfg(target_arch = "aarch64")]
            Variant::Neon => vec![("neon", std::arch::is_aarch64_feature_detected!("neon"))],
            #[cfg(not(target_arch = "aarch64"))]
            Variant::Neon => vec![("aarch64", false)],
            Variant::Avx2 | Variant::Avx512 => vec![("x86_64", false)],
        };
    }

    /// What makes the variant faster if it is there: what for, the features, and whether this machine has them.
    pub fn uses(self) -> Vec<(&'static str, &'static str, bool)> {
        #[cfg(target_arch = "x86_64")]
        return match self {
            Variant::Portable => vec![("population counts", "popcnt", is_x86_feature_detected!("popcnt"))],
            Variant::Neon => Vec::new(),
            Variant::Avx2 => {
                let grids = is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
                vec![("grids", "fma f16c", grids)]
            }
            Variant::Avx512 => {
                let bytes = is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512vbmi");
                vec![("A8, A4 and grids by VPDPBUSD, and else as AVX2", "avx512vnni avx512vbmi", bytes)]
            }
        };
        #[cfg(not(target_arch = "x86_64"))]
        return Vec::new();
    }

    /// The name used in options and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Variant::Portable => "portable",
            Variant::Neon => "NEON",
            Variant::Avx2 => "AVX2",
            Variant::Avx512 => "AVX-512",
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The kernels of one variant, with the proof that this machine has them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Level {
    Portable,
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Level {
    /// The kernels of `variant`, if the machine has what they need.
    pub fn new(variant: Variant) -> Result<Self, CpuError> {
        #[cfg(target_arch = "x86_64")]
        let level = match variant {
            Variant::Portable => Ok(Level::Portable),
            Variant::Neon => Err("aarch64"),
            Variant::Avx2 => Avx2::detect().map(Level::Avx2),
            Variant::Avx512 => Avx512::detect().map(Level::Avx512),
        };
        #[cfg(not(target_arch = "x86_64"))]
        let level = match variant {
            Variant::Portable => Ok(Level::Portable),
            #[cfg(target_arch = "aarch64")]
            Variant::Neon => Neon::detect().map(Level::Neon),
            #[cfg(not(target_arch = "aarch64"))]
            Variant::Neon => Err("aarch64"),
            Variant::Avx2 | Variant::Avx512 => Err("x86_64"),
        };
        level.map_err(|feature| CpuError::MissingFeature { variant, feature })
    }

    /// The best kernels of this machine.
    pub fn best() -> Self {
        Variant::ALL.into_iter().rev().find_map(|variant| Level::new(variant).ok()).unwrap_or(Level::Portable)
    }

    /// The variant these kernels are.
    pub fn variant(self) -> Variant {
        match self {
            Level::Portable => Variant::Portable,
            #[cfg(target_arch = "aarch64")]
            Level::Neon(_) => Variant::Neon,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => Variant::Avx2,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => Variant::Avx512,
        }
    }

    /// The variant, and whether its 8-bit products go through VNNI.
    pub fn name(self) -> String {
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(avx512) if avx512.has_vnni() => format!("{} VNNI", self.variant()),
            _ => self.variant().to_string(),
        }
    }

    /// As what a product takes activations. Where population counts are dear, A2 by codes without an identity of three of them is taken
    /// as A8, whose values its own are some of, if bytes have kernels of their own.
    pub fn takes(self, code: WeightCode, x_code: ActivationCode) -> ActivationCode {
        let has_identity = A2Identity::of(code) != A2Identity::None;
        let counts = self.variant() == Variant::Avx512;
        if x_code == ActivationCode::A2 && !has_identity && !counts && self.has_vectors() { ActivationCode::A8 } else { x_code }
    }

    /// The form of activations that products with a code's weights read.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "sums of subsets are looked up on x86-64 alone"))]
    pub fn form(self, code: WeightCode, x_code: ActivationCode) -> Form {
        match (self, x_code) {
            (_, ActivationCode::A2) => Form::A2,
            #[cfg(target_arch = "x86_64")]
            (Level::Avx2(_) | Level::Avx512(_), _) if code.planes() == 1 => Form::Subsets,
            (Level::Portable, _) => Form::Planes,
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            (_, ActivationCode::A8 | ActivationCode::A4) => Form::Bytes,
        }
    }

    /// The form of several vectors of A8 or A4, with whose sums look-ups would have to be read again for each.
    pub fn form_of_vectors(self, code: WeightCode) -> Form {
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => Form::Bytes,
            _ => self.form(code, ActivationCode::A8),
        }
    }

    /// Takes over `x`, whose values the caller has checked, in [`Self::form`].
    pub fn prepare(self, code: WeightCode, x: &Activations<'_>, prepared: &mut PreparedX) {
        let form = self.form(code, x.code);
        #[cfg(target_arch = "x86_64")]
        if let Level::Avx512(avx512) = self
            && match form {
                Form::Bytes => avx512.fill_bytes(x.values, prepared),
                Form::A2 => avx512.fill_a2(x.values, prepared),
                Form::Planes | Form::Subsets => false,
            }
        {
            return;
        }
        prepared.prepare(form, x);
    }

    /// The kernel of a grid's tiles. AVX-512 machines without VNNI take that of AVX2.
    pub fn grid_kernel(self, grid: &GridMatrix<'_>) -> GridKernel {
        #[cfg(target_arch = "x86_64")]
        if let Level::Avx512(avx512) = self
            && let Some(kernel) = Avx512Grid::new(avx512, grid)
        {
            return GridKernel::Avx512(Box::new(kernel));
        }
        #[cfg(target_arch = "x86_64")]
        if let (Level::Avx2(_) | Level::Avx512(_), Ok(avx2)) = (self, Avx2Grid::new(grid)) {
            return GridKernel::Avx2(avx2);
        }
        #[cfg(target_arch = "aarch64")]
        if let Level::Neon(neon) = self {
            return GridKernel::Neon(NeonGrid::new(neon, grid));
        }
        let _ = grid;
        GridKernel::Portable
    }

    /// The 32 sums of one tile, padding rows included, by activations prepared in [`Self::form`].
    fn tile(self, code: WeightCode, x_code: ActivationCode, tile: &[u64], x: &PreparedX, sums: &mut [i32; TILE_ROWS]) {
        match (self, x_code) {
            (Level::Portable, ActivationCode::A2) => match A2Identity::of(code) {
                A2Identity::SignExtra => portable::a2_quaternary(tile, &x.a2, x.cols, sums),
                A2Identity::ActivePositive => portable::a2_ternary(tile, &x.a2, sums),
                A2Identity::None => portable::a2_affine(code, tile, x, sums),
            },
            (Level::Portable, _) => portable::tile(code, x_code, tile, x, sums),
            #[cfg(target_arch = "aarch64")]
            (Level::Neon(neon), ActivationCode::A2) => neon.a2(code, tile, x, sums),
            #[cfg(target_arch = "aarch64")]
            (Level::Neon(neon), _) => neon.bytes(code, tile, x, sums),
            #[cfg(target_arch = "x86_64")]
            (Level::Avx2(avx2), ActivationCode::A2) => avx2.a2(code, tile, x, sums),
            #[cfg(target_arch = "x86_64")]
            (Level::Avx2(avx2), _) => avx2.bytes(code, tile, x, sums),
            #[cfg(target_arch = "x86_64")]
            (Level::Avx512(avx512), ActivationCode::A2) => avx512.a2(code, tile, x, sums),
            #[cfg(target_arch = "x86_64")]
            (Level::Avx512(avx512), _) => avx512.bytes(code, tile, x, sums),
        }
    }
}

/// Most tiles that a kernel takes at a time.
pub(crate) const MOST_TILES: usize = 8;

impl Level {
    /// Tiles that [`Self::tiles`] and [`Self::tiles_of_vectors`] best take at a time: what is looked up is eight times as large as the
    /// vectors, and is read once for all of them.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "sums of subsets are looked up on x86-64 alone"))]
    pub fn tiles_at_once(self, code: WeightCode) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) if code.planes() == 1 => MOST_TILES,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) if code.planes() == 1 => MOST_TILES / 2,
            _ => 1,
        }
    }

    /// [`Self::tile`] of several, one behind the other. `scratch` is used again.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "sums of subsets are looked up on x86-64 alone"))]
    pub fn tiles(self, codes: Codes, tiles: &[&[u64]], x: &PreparedX, scratch: &mut Vec<[i32; 8]>, sums: &mut [i32]) {
        let (code, x_code) = codes;
        #[cfg(target_arch = "x86_64")]
        if self.form(code, x_code) == Form::Subsets {
            return match self {
                Level::Avx512(avx512) => avx512.one_plane(code, tiles, (&x.subsets, x.sum), scratch, sums),
                Level::Avx2(avx2) => avx2.one_plane(code, tiles, &x.subsets, &[x.sum], scratch, sums),
                Level::Portable => unreachable!("the portable kernels read planes"),
            };
        }
        for (tile, sums) in tiles.iter().zip(sums.as_chunks_mut().0) {
            self.tile(code, x_code, tile, x, sums);
        }
    }

    /// [`Self::tile_of_vectors`] of several, one behind the other.
    pub fn tiles_of_vectors(self, code: WeightCode, tiles: &[&[u64]], x: &Vectors, scratch: &mut Vec<[i32; 8]>, sums: &mut [i32]) {
        #[cfg(target_arch = "x86_64")]
        if let (Level::Avx2(avx2), Form::Subsets) = (self, self.form_of_vectors(code)) {
            return avx2.one_plane(code, tiles, &x.subsets, &x.sums, scratch, sums);
        }
        for (tile, sums) in tiles.iter().zip(sums.chunks_exact_mut(TILE_ROWS * x.count)) {
            self.tile_of_vectors(code, tile, x, scratch, sums);
        }
    }
}

/// The codes of a product's weights and of its activations.
pub(crate) type Codes = (WeightCode, ActivationCode);

impl Level {
    /// Whether [`Self::tile_of_vectors`] is there: several vectors of bytes share the look-ups of a weight.
    pub fn has_vectors(self) -> bool {
        match self {
            Level::Portable => false,
            #[cfg(target_arch = "aarch64")]
            Level::Neon(_) => true,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) | Level::Avx512(_) => true,
        }
    }

    /// The 32 sums of one tile by every vector of `x`, `sums[vector * TILE_ROWS + row]`. Only where [`Self::has_vectors`].
    #[cfg_attr(
        not(any(target_arch = "x86_64", target_arch = "aarch64")),
        allow(unused_variables, reason = "the portable kernels do not take several vectors")
    )]
    fn tile_of_vectors(self, code: WeightCode, tile: &[u64], x: &Vectors, scratch: &mut Vec<[i32; 8]>, sums: &mut [i32]) {
        match self {
            Level::Portable => unreachable!("the portable kernels take vector after vector"),
            #[cfg(target_arch = "aarch64")]
            Level::Neon(neon) => neon.vectors(code, tile, x, scratch, sums),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(avx2) => avx2.vectors(code, tile, x, scratch, sums),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(avx512) => avx512.vectors(code, tile, x, scratch, sums),
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use nda_spec::random::Random;
    use nda_spec::tile::matrix_u64;

    /// The sums of one tile by one vector.
    fn sums(level: Level, code: WeightCode, x_code: ActivationCode, tile: &[u64], values: &[i8]) -> [i32; TILE_ROWS] {
        let mut x = PreparedX::default();
        level.prepare(code, &Activations { code: x_code, values }, &mut x);
        let mut sums = [0; TILE_ROWS];
        level.tiles((code, x_code), &[tile], &x, &mut Vec::new(), &mut sums);
        sums
    }

    #[test]
    fn avx512_without_vnni_equals_the_portable_loop() {
        let level = match Level::new(Variant::Avx512) {
            Ok(Level::Avx512(avx512)) => Level::Avx512(avx512.without_vnni()),
            Ok(_) => unreachable!("another variant's kernels"),
            Err(reason) => return nda_tests::not_here("AVX-512 without VNNI", reason),
        };
        assert_eq!(level.name(), "AVX-512");
        let cols = 640;
        let mut random = Random::new(1);
        for code in WeightCode::ALL {
            let tile: Vec<u64> = (0..matrix_u64(TILE_ROWS, cols, code).unwrap()).map(|_| random.next_u64()).collect();
            for x_code in ActivationCode::ALL {
                let all: Vec<i8> = (i8::MIN..=i8::MAX).filter(|&v| x_code.contains(v)).collect();
                let values: Vec<i8> = (0..cols).map(|_| random.one_of(&all)).collect();
                let expected = sums(Level::Portable, code, x_code, &tile, &values);
                assert_eq!(sums(level, code, x_code, &tile, &values), expected, "{code:?} {x_code:?}");
            }
        }
    }
}
