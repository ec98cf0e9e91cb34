//! Which weights a float corrects.

use rayon::prelude::*;

use crate::grid::Book;
use crate::rows::{Observed, TASK_ROWS, Work};
use crate::scale::search;

/// In a whole row, the scale is judged without this multiple of the share of its largest weights.
const UNOBSERVED: f64 = 4.0;

/// A weight that may become an outlier, and what that would save.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    gain: f32,
    at: usize,
}

/// Marks as many weights as the share allows: those whose correction saves the most, at most one of a group of columns.
pub(crate) fn choose(work: &Work, share: f32) -> Vec<bool> {
    let wanted = (f64::from(share) * work.weights.len() as f64) as usize;
    if wanted == 0 {
        return Vec::new();
    }
    let rows = work.weights.len() / work.cols;
    let tasks: Vec<usize> = (0..rows).step_by(TASK_ROWS).collect();
    let found: Vec<Vec<Candidate>> =
        tasks.into_par_iter().map(|first| candidates(work, share, first..(first + TASK_ROWS).min(rows))).collect();
    let mut candidates: Vec<Candidate> = found.into_iter().flatten().filter(|c| c.gain > 0.0).collect();
    candidates.sort_unstable_by(|a, b| b.gain.total_cmp(&a.gain).then(a.at.cmp(&b.at)));
    let mut marks = vec![false; work.weights.len()];
    candidates.iter().take(wanted).for_each(|candidate| marks[candidate.at] = true);
    marks
}

fn candidates(work: &Work, share: f32, rows: std::ops::Range<usize>) -> Vec<Candidate> {
    let (mut book, mut observed, mut found) = (Book::new(work.grid), Observed::default(), Vec::new());
    for row in rows {
        for group in 0..work.groups() {
            observed.fill_group(work, row, group);
            let first = row * work.cols + group * work.group_cols;
            if work.group_cols < work.cols {
                found.extend(largest(&mut book, &mut observed, first));
            } else {
                found.extend(standing_out(&mut book, &observed, share, first));
            }
        }
    }
    found
}

/// What each weight of a row loses to a scale that serves all but the largest: a row has room for several outliers.
fn standing_out(book: &mut Book, observed: &Observed, share: f32, first: usize) -> Vec<Candidate> {
    let count = ((f64::from(share) * UNOBSERVED * observed.weights.len() as f64).ceil() as usize).min(observed.weights.len() - 1);
    let mut by_size: Vec<usize> = (0..observed.weights.len()).collect();
    by_size.sort_unstable_by(|a, b| observed.weights[*b].abs().total_cmp(&observed.weights[*a].abs()).then(a.cmp(b)));
    let mut importance = observed.importance.clone();
    by_size[..count].iter().for_each(|place| importance[*place] = 0.0);
    search(book, &observed.weights, &importance);
    costs(book, observed).into_iter().enumerate().map(|(place, gain)| Candidate { gain, at: first + place }).collect()
}

fn costs(book: &Book, observed: &Observed) -> Vec<f32> {
    observed.weights.iter().zip(&observed.importance).map(|(w, h)| (w - book.nearest(*w).0).powi(2) * h).collect()
}

/// The largest weight of a group, and what the whole group gains if a scale no longer has to reach it.
fn largest(book: &mut Book, observed: &mut Observed, first: usize) -> Option<Candidate> {
    search(book, &observed.weights, &observed.importance);
    let before: f32 = costs(book, observed).iter().sum();
    let (place, weight) = observed.weights.iter().copied().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
    observed.importance[place] = 0.0;
    observed.weights[place] = 0.0;
    search(book, &observed.weights, &observed.importance);
    let after: f32 = costs(book, observed).iter().sum();
    (weight != 0.0).then_some(Candidate { gain: before - after, at: first + place })
}
