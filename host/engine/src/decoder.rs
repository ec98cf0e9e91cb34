//! Programs of which every model gets the lines of what it has: those of a Llama's relatives, and a Gemma 3's.

use crate::weights::GEMMA3;

/// All lines of a Llama and all its relatives.
const DECODER: &str = include_str!("../programs/decoder.nda");
/// What stands in front of a feature's name at the end of a line.
const MARK: &str = " //? ";
/// What stands in front of a feature's name and a line that is a comment to models without it.
const ADDED: &str = "//+ ";

/// What a model has that a plain Llama has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// `blk.N.q_bias` is added to the queries.
    QueryBias,
    /// `blk.N.k_bias` is added to the keys.
    KeyBias,
    /// `blk.N.v_bias` is added to the values.
    ValueBias,
    /// `blk.N.o_bias` is added to what attention gives.
    OutputBias,
    /// Queries and keys are normalised head by head, by `blk.N.q_norm` and `blk.N.k_norm`.
    HeadNorms,
    /// Every position sees the last `sliding_window` ones.
    Window,
    /// The rotation's frequencies are divided by the tensor `rope_factors`.
    RopeFactors,
    /// Scores are multiplied by the number `attention_scale`.
    AttentionScale,
}

impl Feature {
    /// All of them.
    pub const ALL: [Feature; 8] = [
        Feature::QueryBias,
        Feature::KeyBias,
        Feature::ValueBias,
        Feature::OutputBias,
        Feature::HeadNorms,
        Feature::Window,
        Feature::RopeFactors,
        Feature::AttentionScale,
    ];

    /// The name at the end of its lines.
    const fn name(self) -> &'static str {
        match self {
            Feature::QueryBias => "q_bias",
            Feature::KeyBias => "k_bias",
            Feature::ValueBias => "v_bias",
            Feature::OutputBias => "o_bias",
            Feature::HeadNorms => "head_norms",
            Feature::Window => "window",
            Feature::RopeFactors => "rope_factors",
            Feature::AttentionScale => "attention_scale",
        }
    }
}

/// The program of a Llama's relative with these features.
pub fn decoder(features: &[Feature]) -> String {
    // The two lines that explain the marks say nothing about a program without them.
    let mut lines = DECODER.lines();
    let title = lines.next().into_iter();
    with_features(title.chain(lines.skip(2)), features)
}

/// The program of a Gemma 3 with these features; of all, it can have [`Feature::RopeFactors`].
pub fn gemma3(features: &[Feature]) -> String {
    with_features(GEMMA3.lines(), features)
}

/// The lines without a mark, and those whose mark these features meet.
fn with_features<'t>(lines: impl Iterator<Item = &'t str>, features: &[Feature]) -> String {
    let has = |name: &str| features.iter().any(|feature| feature.name() == name);
    let line = |line: &'t str| {
        if let Some((indent, (name, code))) = line.split_once(ADDED).and_then(|(indent, added)| Some((indent, added.split_once(": ")?))) {
            return has(name).then(|| format!("{indent}{code}\n"));
        }
        let (code, mark) = line.split_once(MARK).unwrap_or((line, ""));
        let is_there = mark.strip_prefix('!').map_or_else(|| mark.is_empty() || has(mark), |name| !has(name));
        is_there.then(|| format!("{code}\n"))
    };
    lines.filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_lang::{Program, Tier};

    #[test]
    fn every_mark_is_a_feature_and_every_feature_has_lines() {
        let marks: Vec<&str> =
            DECODER.lines().filter_map(|line| line.split_once(MARK)).map(|(_, mark)| mark.trim_start_matches('!')).collect();
        for feature in Feature::ALL {
            assert!(marks.contains(&feature.name()), "{}", feature.name());
        }
        for mark in marks {
            assert!(Feature::ALL.iter().any(|feature| feature.name() == mark), "{mark}");
        }
    }

    #[test]
    fn a_gemma_3_is_a_program_with_a_stretched_rope_and_without() {
        for features in [&[][..], &[Feature::RopeFactors]] {
            let text = gemma3(features);
            assert!(!text.contains("//?") && !text.contains("//+") && text.contains("rope_scaled") != features.is_empty());
            Program::compile("gemma3.nda", &text, Tier::Interpreter).unwrap_or_else(|error| panic!("{features:?}: {error}"));
        }
    }

    #[test]
    fn every_choice_of_features_is_a_program() {
        for choice in 0..1_u32 << Feature::ALL.len() {
            let features: Vec<Feature> =
                Feature::ALL.into_iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1).map(|(_, f)| f).collect();
            let text = decoder(&features);
            assert!(!text.contains("//?") && !text.contains("belongs to models"), "{features:?}");
            Program::compile("decoder.nda", &text, Tier::Interpreter).unwrap_or_else(|error| panic!("{features:?}: {error}"));
        }
    }
}
