//! What no variant takes: wrong lengths, values, ids, stacks and machines.

use super::variants;
use nda_gemv::{Activations, Gemv, GemvError, MatrixId, Shape, Vectors};
use nda_kernels::{CpuError, CpuGemv, Variant};
use nda_spec::tile::{matrix_u64, pack};
use nda_spec::{ActivationCode, TileMatrix, WeightCode, width};

#[test]
fn lengths_and_values_of_several_vectors_are_checked() {
    let words = pack(3, 5, WeightCode::Ternary, &[1; 15]).unwrap();
    let matrix = TileMatrix::new(3, 5, WeightCode::Ternary, &words).unwrap();
    for variant in variants() {
        let mut cpu = CpuGemv::with_variant(variant).unwrap();
        let id = cpu.prepare(&[matrix]).unwrap();
        let mut run = |vectors, values: &[i8], rows: usize| {
            let x = Activations { code: ActivationCode::A4, values };
            cpu.run_vectors(id, vectors, x, &mut vec![0; rows])
        };
        assert!(run(2, &[1; 10], 6).is_ok());
        assert!(matches!(run(2, &[1; 9], 6), Err(GemvError::Length { what: "x", found: 9, .. })));
        assert!(matches!(run(2, &[1; 10], 3), Err(GemvError::Length { what: "y", found: 3, .. })));
        assert!(matches!(run(usize::MAX, &[1; 10], 6), Err(GemvError::Length { what: "x", .. })));
        assert!(matches!(run(2, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 6), Err(GemvError::Value { index: 7, value: 8, .. })));
        assert!(matches!(
            cpu.run_vectors(MatrixId(9), 1, Activations { code: ActivationCode::A8, values: &[] }, &mut []),
            Err(GemvError::UnknownMatrix { .. })
        ));
    }
}

#[test]
fn wrong_vectors_and_ids_are_errors_that_say_which() {
    let words = pack(3, 5, WeightCode::Ternary, &[1; 15]).unwrap();
    let matrix = TileMatrix::new(3, 5, WeightCode::Ternary, &words).unwrap();
    let run = |id: usize, code, values: &[i8], y: &mut [i32]| {
        let mut cpu = CpuGemv::with_variant(Variant::Portable).unwrap();
        cpu.prepare(&[matrix]).unwrap();
        cpu.run(MatrixId(id), Activations { code, values }, y).map(|_| ())
    };
    let (a8, a4, a2) = (ActivationCode::A8, ActivationCode::A4, ActivationCode::A2);
    assert!(run(0, a8, &[-128; 5], &mut [0; 3]).is_ok());
    assert!(matches!(run(1, a8, &[0; 5], &mut [0; 3]), Err(GemvError::UnknownMatrix { id: MatrixId(1) })));
    assert!(matches!(run(0, a8, &[0; 4], &mut [0; 3]), Err(GemvError::Length { what: "x", found: 4, .. })));
    assert!(matches!(run(0, a8, &[0; 5], &mut [0; 4]), Err(GemvError::Length { what: "y", found: 4, .. })));
    assert!(matches!(run(0, a4, &[7, -8, 8, 0, 9], &mut [0; 3]), Err(GemvError::Value { index: 2, value: 8, code: "A4" })));
    assert!(matches!(run(0, a2, &[1, -2, 2, -1, 0], &mut [0; 3]), Err(GemvError::Value { index: 4, value: 0, code: "A2" })));
}

#[test]
fn matrices_that_do_not_stack_and_sums_that_do_not_fit_are_refused() {
    let words = vec![0; matrix_u64(40, 65, WeightCode::Ternary).unwrap()];
    let view = |rows, cols, code| TileMatrix::new(rows, cols, code, &words).unwrap();
    let (ternary, quaternary) = (WeightCode::Ternary, WeightCode::Quaternary);
    let refused = |parts: &[TileMatrix<'_>]| {
        let mut cpu = CpuGemv::with_variant(Variant::Portable).unwrap();
        matches!(cpu.prepare(parts), Err(GemvError::Unsupported { .. }))
    };
    assert!(refused(&[]));
    assert!(refused(&[view(40, 65, ternary), view(40, 65, quaternary)]));
    assert!(refused(&[view(40, 65, ternary), view(40, 66, ternary)]));
    assert!(!refused(&[view(40, 65, ternary), view(33, 65, ternary)]));
    let empty = |rows| TileMatrix::new(rows, 0, ternary, &[]).unwrap();
    assert!(refused(&[empty(usize::MAX), empty(1)]));
    let wide = |cols| Shape { rows: 1, cols, code: quaternary };
    let cpu = CpuGemv::with_variant(Variant::Portable).unwrap();
    assert!(cpu.supports(wide(width::MAX_COLS)).is_ok());
    assert!(matches!(cpu.supports(wide(width::MAX_COLS + 1)), Err(GemvError::Unsupported { .. })));
}

#[test]
fn a_variant_that_the_machine_lacks_is_an_error_and_new_takes_the_best() {
    let available = Variant::available();
    assert_eq!(available[0], Variant::Portable);
    assert_eq!(CpuGemv::new().variant(), *available.last().unwrap());
    for variant in Variant::ALL {
        match CpuGemv::with_variant(variant) {
            Ok(cpu) => {
                assert!(available.contains(&variant));
                assert!(cpu.name().starts_with(&format!("cpu ({variant}")), "{}", cpu.name());
            }
            Err(error @ CpuError::MissingFeature { .. }) => {
                assert!(!available.contains(&variant));
                assert!(error.to_string().contains(variant.name()), "{error}");
            }
            Err(error) => panic!("{error}"),
        }
    }
    for variant in Variant::ALL {
        let has_all = variant.needs().iter().all(|(_, found)| *found);
        assert_eq!(has_all, available.contains(&variant), "{variant} needs {:?}", variant.needs());
    }
    assert!(matches!(CpuGemv::new().with_threads(0), Err(CpuError::NoThread)));
}
