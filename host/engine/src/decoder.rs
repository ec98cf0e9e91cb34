//! The programs of a Llama's relatives: one text, of which every model gets the lines of what it has.

/// All lines of all relatives.
const DECODER: &str = include_str!("../programs/decoder.nda");
/// What stands in front of a feature's name at the end of a line.
const MARK: &str = " //? ";

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

/// The program of a decoder with these features.
pub fn decoder(features: &[Feature]) -> String {
    let has = |name: &str| features.iter().any(|feature| feature.name() == name);
    // The two lines that explain the marks say nothing about a program without them.
    let (title, rest) = DECODER.split_once('\n').unwrap_or((DECODER, ""));
    let body = rest.split_once('\n').map_or("", |(_, body)| body);
    let line = |line: &'static str| match line.split_once(MARK) {
        None => Some(line),
        Some((code, mark)) => mark.strip_prefix('!').map_or_else(|| has(mark), |name| !has(name)).then_some(code),
    };
    std::iter::once(title).chain(body.lines().filter_map(line)).fold(String::new(), |text, line| text + line + "\n")
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
    fn every_choice_of_features_is_a_program() {
        for choice in 0..1_u32 << Feature::ALL.len() {
            let features: Vec<Feature> =
                Feature::ALL.into_iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1).map(|(_, f)| f).collect();
            let text = decoder(&features);
            assert!(!text.contains("//?"), "{features:?}");
            Program::compile("decoder.nda", &text, Tier::Interpreter).unwrap_or_else(|error| panic!("{features:?}: {error}"));
        }
    }
}
