//! Which gates share a table: a token machine holds [`limits::GATES`] of them.
//!
//! A gate's table and shifts follow from its function and from how large its values become. Where blocks differ too much for
//! that many tables, those share one that lose the fewest bits by it.

use nda_spec::token::{Activation, Gate, Range, limits};

/// The ranges that gates are made for, in the order of those that were found.
pub(super) fn shared(found: &[(Activation, Range)]) -> Vec<Range> {
    let mut ranges: Vec<Range> = found.iter().map(|(_, range)| *range).collect();
    loop {
        let tables: Vec<Gate> = found.iter().zip(&ranges).map(|((function, _), range)| Gate::of(*function, *range).0).collect();
        let firsts: Vec<usize> = (0..tables.len()).filter(|&k| !tables[..k].contains(&tables[k])).collect();
        if firsts.len() <= limits::GATES {
            return ranges;
        }
        let members = |of: &usize| (0..tables.len()).filter(|&k| tables[k] == tables[*of]).collect::<Vec<_>>();
        let classes: Vec<Vec<usize>> = firsts.iter().map(members).collect();
        let pairs = classes.iter().enumerate().flat_map(|(k, a)| classes[k + 1..].iter().map(move |b| [a.as_slice(), b].concat()));
        let joined = pairs.filter(|both| both.iter().all(|&k| found[k].0 == found[both[0]].0)).map(|both| (joined(&ranges, &both), both));
        // Other functions cannot share: the machine says that they are too many.
        let Some(((range, _), both)) = joined.min_by(|a, b| a.0.1.total_cmp(&b.0.1)) else { return ranges };
        both.into_iter().for_each(|k| ranges[k] = range);
    }
}

/// A range that holds all of these, and the bits that they lose to it together.
fn joined(ranges: &[Range], of: &[usize]) -> (Range, f64) {
    let most = |get: fn(&Range) -> f64| of.iter().map(|&k| get(&ranges[k])).fold(0.0, f64::max);
    let all = Range { active: most(|r| r.active), gated: most(|r| r.gated) };
    let lost = |more: f64, less: f64| if less > 0.0 { (more / less).log2() } else { 0.0 };
    let bits = of.iter().map(|&k| lost(all.active, ranges[k].active) + lost(all.gated, ranges[k].gated)).sum();
    (all, bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn range(active: f64, gated: f64) -> Range {
        Range { active, gated }
    }

    #[test]
    fn gates_of_two_tables_stay_as_they_are() {
        let found = [(Activation::Silu, range(3.0, 9.0)), (Activation::Silu, range(30.0, 90.0)), (Activation::Silu, range(3.0, 9.0))];
        assert_eq!(shared(&found), found.map(|(_, range)| range));
    }

    #[test]
    fn those_that_lose_least_share_a_table_that_holds_both() {
        let found = [range(3.0, 9.0), range(5.0, 9.0), range(60.0, 900.0), range(3.0, 9.0)].map(|range| (Activation::Silu, range));
        assert_eq!(shared(&found), [range(5.0, 9.0), range(5.0, 9.0), range(60.0, 900.0), range(5.0, 9.0)]);
    }

    #[test]
    fn a_table_is_of_one_function() {
        let one = range(3.0, 9.0);
        let found = [(Activation::Silu, one), (Activation::Gelu, one), (Activation::Gelu, range(90.0, 9.0))];
        assert_eq!(shared(&found), [one, range(90.0, 9.0), range(90.0, 9.0)]);
        let found = Activation::ALL.map(|function| (function, one));
        assert_eq!(shared(&found), [one; 3], "a machine refuses these");
    }
}
