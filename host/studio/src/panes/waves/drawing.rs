//! Waves in characters: times, phases, bits and words, each a line.

/// Texts at every tenth column.
pub fn axis(from: u64, scale: u64, room: usize, said: impl Fn(u64) -> Option<String>) -> String {
    let mut line = String::new();
    for column in (0..room).step_by(12) {
        let Some(text) = said(from + column as u64 * scale) else { continue };
        let text: String = format!("\u{2502}{text}").chars().take(11).collect();
        if column + text.chars().count() <= room {
            line.push_str(&" ".repeat(column.saturating_sub(line.chars().count())));
            line.push_str(&text);
        }
    }
    line
}

/// Names where they begin, as far as they have room: rare ones first, because a job receives and sends many times, but runs once.
pub fn phase_line(phases: &[(u64, String)], from: u64, scale: u64, room: usize) -> String {
    let count = |name: &str| phases.iter().filter(|(_, other)| other == name).count();
    let mut names: Vec<&str> = phases.iter().map(|(_, name)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.sort_by_cached_key(|name| count(name));
    let mut line = vec![' '; room];
    for wanted in names {
        for (time, name) in phases.iter().filter(|(_, name)| name == wanted) {
            let Some(column) = time.checked_sub(from).map(|time| (time / scale) as usize).filter(|column| *column < room) else { continue };
            let columns = name.chars().count() + 1;
            // At the right edge the name stands before its sign.
            let (begin, text) = if column + columns <= room {
                (column, format!("\u{25b8}{name}"))
            } else if column + 1 >= columns {
                (column + 1 - columns, format!("{name}\u{25b8}"))
            } else {
                continue;
            };
            let around = begin.saturating_sub(1)..(begin + columns + 1).min(room);
            if line[around].iter().all(|sign| *sign == ' ') {
                line.splice(begin..begin + columns, text.chars());
            }
        }
    }
    line.into_iter().collect::<String>().trim_end().to_owned()
}

/// The line with a mark in this column, over whatever stands there.
pub fn with_mark(line: &str, column: usize, room: usize) -> String {
    let mut signs: Vec<char> = line.chars().collect();
    if column < room {
        signs.resize(signs.len().max(column + 1), ' ');
        signs[column] = '\u{25c6}';
    }
    signs.into_iter().collect()
}

/// A variable over time: a line for a bit, values between bars for several.
pub fn drawn(changes: &[(u64, String)], bits: Option<u32>, from: u64, scale: u64, room: usize) -> String {
    let mut line = String::with_capacity(room * 3);
    let mut at = changes.partition_point(|(time, _)| *time <= from);
    let mut value = at.checked_sub(1).map_or("x", |at| changes[at].1.as_str());
    let mut pending: Vec<char> = value.chars().collect();
    for column in 0..room as u64 {
        let end = from.saturating_add((column + 1).saturating_mul(scale));
        let before = at;
        while changes.get(at).is_some_and(|(time, _)| *time < end && (column > 0 || *time > from)) {
            value = &changes[at].1;
            at += 1;
        }
        let has_changed = at > before;
        line.push(match (bits, has_changed) {
            (Some(1), true) if at - before > 1 => '\u{2503}',
            (Some(1), true) => {
                if value == "1" {
                    '\u{2571}'
                } else {
                    '\u{2572}'
                }
            }
            (Some(1), false) => match value {
                "1" => '\u{2594}',
                "0" => '\u{2581}',
                _ => '\u{2573}',
            },
            (_, true) => {
                pending = value.chars().collect();
                '\u{2502}'
            }
            (_, false) if pending.is_empty() => '\u{2500}',
            (_, false) => pending.remove(0),
        });
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_lines_and_words_are_values_between_bars() {
        let changes = |all: &[(u64, &str)]| all.iter().map(|(time, value)| (*time, (*value).to_owned())).collect::<Vec<_>>();
        let bit = changes(&[(0, "0"), (3, "1"), (6, "0"), (7, "1")]);
        assert_eq!(drawn(&bit, Some(1), 0, 1, 9), "\u{2581}\u{2581}\u{2581}\u{2571}\u{2594}\u{2594}\u{2572}\u{2571}\u{2594}");
        assert_eq!(drawn(&bit, Some(1), 0, 4, 3), "\u{2571}\u{2503}\u{2594}", "several changes in a column are told");
        let word = changes(&[(0, "a"), (4, "1f")]);
        assert_eq!(drawn(&word, Some(8), 0, 1, 9), "a\u{2500}\u{2500}\u{2500}\u{2502}1f\u{2500}\u{2500}");
    }

    #[test]
    fn phases_stand_where_they_begin_and_rare_ones_go_first() {
        let phases = |all: &[(u64, &str)]| all.iter().map(|(time, name)| (*time, (*name).to_owned())).collect::<Vec<_>>();
        assert_eq!(phase_line(&phases(&[(2, "in"), (3, "out"), (9, "end")]), 0, 1, 20), "  \u{25b8}in    \u{25b8}end");
        let job = phases(&[(0, "receive"), (3, "send"), (10, "receive"), (17, "run"), (18, "send")]);
        assert_eq!(phase_line(&job, 0, 1, 19), "\u{25b8}receive      run\u{25b8}", "the run is not hidden by what is there often");
        assert_eq!(phase_line(&job, 16, 1, 12), " \u{25b8}run");
        assert_eq!(phase_line(&[], 0, 1, 4), "");
    }
}
