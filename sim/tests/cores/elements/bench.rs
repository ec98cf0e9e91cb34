//! What every element operation's test needs: streams under gaps and stalls, codes, and their planes beat by beat.

use crate::Bench;
use nda_spec::random::Random;
use nda_spec::seed;

pub(super) const CODES: [i8; 4] = [-2, -1, 1, 2];

/// How often beats are offered and taken, in ten thousandths, by seed.
pub(super) const PACES: [(u64, u32, u32); 3] = [(1, 10_000, 10_000), (2, 6_000, 3_500), (3, 3_000, 9_000)];

/// Sends `beats` beats through a stream and compares what comes out, beat by beat. `drive` sets a beat's inputs but the
/// handshake's, `read` gives the outputs. A beat that is offered stays, a beat that is not taken stays as it is, and between
/// beats the inputs hold another beat's values.
pub(super) fn stream<T: PartialEq + std::fmt::Debug>(
    bench: &mut Bench,
    (seed, offer, take): (u64, u32, u32),
    beats: usize,
    drive: impl Fn(&mut Bench, usize),
    read: impl Fn(&Bench) -> T,
    expected: &[T],
) {
    let mut random = Random::new(seed);
    let (mut at, mut got, mut offered, mut standing) = (0, 0, false, None::<T>);
    let most = 100 * (beats + expected.len()) + 10_000;
    for _ in 0..most {
        if at == beats && got == expected.len() {
            break;
        }
        offered |= at < beats && random.chance(offer);
        drive(bench, if offered { at } else { random.below(beats) });
        let taken = random.chance(take);
        bench.set("in_valid", u64::from(offered));
        bench.set("out_ready", u64::from(taken));
        bench.eval();
        let stands = bench.is("out_valid");
        let value = stands.then(|| read(bench));
        if let Some(before) = standing.take() {
            assert_eq!(value.as_ref(), Some(&before), "seed {seed}: beat {got} changed while it waited");
        }
        if let Some(value) = value {
            assert!(got < expected.len(), "seed {seed}: a beat too many after beat {at}");
            assert_eq!(value, expected[got], "seed {seed}: output {got}");
            if taken {
                got += 1;
            } else {
                standing = Some(value);
            }
        }
        if offered && bench.is("in_ready") {
            (at, offered) = (at + 1, false);
        }
        bench.tick();
    }
    assert_eq!((at, got), (beats, expected.len()), "seed {seed}: beats in and out after {most} cycles");
    bench.set("in_valid", 0);
    bench.set("out_ready", 1);
    for _ in 0..4 {
        bench.tick();
        assert!(!bench.is("out_valid"), "seed {seed}: a beat too many");
    }
}

/// A beat of codes as two planes and their mask. Lanes beyond the codes hold ones, which must not come through.
#[derive(Clone)]
pub(super) struct Beat {
    pub(super) sign: u64,
    pub(super) extra: u64,
    pub(super) keep: u64,
}

/// A vector cut into beats of `lanes` codes.
pub(super) fn beats(codes: &[i8], lanes: usize) -> Vec<Beat> {
    let chunk = |codes: &[i8]| {
        let (sign, extra) = seed::planes(codes);
        let keep = u64::MAX >> (64 - codes.len());
        let beyond = (u64::MAX >> (64 - lanes)) & !keep;
        Beat { sign: sign[0] | beyond, extra: extra[0] | beyond, keep }
    };
    codes.chunks(lanes).map(chunk).collect()
}

/// Planes of the expected results, beat by beat: padding is zero.
pub(super) fn planes(codes: &[i8], lanes: usize) -> Vec<(u64, u64)> {
    beats(codes, lanes).into_iter().map(|b| (b.sign & b.keep, b.extra & b.keep)).collect()
}

pub(super) fn set_planes(bench: &mut Bench, name: &str, beat: &Beat) {
    bench.set(&format!("{name}_sign"), beat.sign);
    bench.set(&format!("{name}_extra"), beat.extra);
    bench.set("keep", beat.keep);
}

/// The same for a core without a mask, whose padding is zero.
pub(super) fn set_padded_planes(bench: &mut Bench, name: &str, beat: &Beat) {
    bench.set(&format!("{name}_sign"), beat.sign & beat.keep);
    bench.set(&format!("{name}_extra"), beat.extra & beat.keep);
}

pub(super) fn read_planes(bench: &Bench) -> (u64, u64) {
    (bench.get("sign"), bench.get("extra"))
}

/// All 16 pairs of codes, twice over and in another order, so that every pair stands in two lanes of 32.
pub(super) fn all_pairs() -> (Vec<i8>, Vec<i8>) {
    (0..32).map(|i| (CODES[i % 4], CODES[(i / 4 + i / 16) % 4])).unzip()
}

/// `count` random codes.
pub(super) fn codes(random: &mut Random, count: usize) -> Vec<i8> {
    (0..count).map(|_| CODES[random.below(4)]).collect()
}
