//! Texts that end an answer.

/// Lets text through up to the first stop, and holds back what may become one.
#[derive(Debug)]
pub(crate) struct Stops<'s> {
    stops: &'s [String],
    held: String,
}

impl<'s> Stops<'s> {
    /// `stops` are not empty texts.
    pub fn new(stops: &'s [String]) -> Self {
        Stops { stops, held: String::new() }
    }

    /// The text that is certain now, and whether a stop followed it.
    pub fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.held.truncate(at);
            return (std::mem::take(&mut self.held), true);
        }
        let kept = self.stops.iter().map(|stop| beginning(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - kept);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// What was held back, once nothing follows.
    pub fn finish(self) -> String {
        self.held
    }
}

/// Bytes at the end of a text with which a stop begins.
fn beginning(text: &str, stop: &str) -> usize {
    let ends = stop.char_indices().map(|(at, _)| at).filter(|at| *at > 0);
    ends.filter(|&at| text.ends_with(&stop[..at])).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stops: &[&str], pieces: &[&str]) -> (String, bool) {
        let stops: Vec<String> = stops.iter().map(ToString::to_string).collect();
        let mut scanner = Stops::new(&stops);
        let mut out = String::new();
        for piece in pieces {
            let (text, is_stopped) = scanner.push(piece);
            out += &text;
            if is_stopped {
                return (out, true);
            }
        }
        (out + &scanner.finish(), false)
    }

    #[test]
    fn a_stop_is_found_however_it_is_cut_into_pieces() {
        let text = "aab €nd. end";
        for stop in ["€nd", "ab €", "end", "aab", "b"] {
            let expected = &text[..text.find(stop).unwrap()];
            for cut in 1..5 {
                let chars: Vec<char> = text.chars().collect();
                let pieces: Vec<String> = chars.chunks(cut).map(|c| c.iter().collect()).collect();
                let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
                assert_eq!(run(&[stop], &pieces), (expected.to_string(), true), "{stop} in pieces of {cut}");
            }
        }
    }

    #[test]
    fn the_first_of_several_stops_ends_the_text_and_none_leaves_it_whole() {
        assert_eq!(run(&["cd", "b"], &["ab", "cd"]), ("a".into(), true));
        assert_eq!(run(&["ba!", "aa!"], &["aaab", "a"]), ("aaaba".into(), false));
        assert_eq!(run(&[], &["a", "b"]), ("ab".into(), false));
    }

    #[test]
    fn what_cannot_become_a_stop_is_not_held_back() {
        let stops = ["abc".to_string()];
        let mut scanner = Stops::new(&stops);
        assert_eq!(scanner.push("xab"), ("x".into(), false));
        assert_eq!(scanner.push("d"), ("abd".into(), false));
    }
}
