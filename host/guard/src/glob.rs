//! Patterns of paths, for rules and gates.

use crate::path::RelPath;

/// Whether a path fits a pattern: `?` is one character of a name, `*` any of one name, `**` as a component any folders.
pub fn matches(pattern: &str, path: &RelPath) -> bool {
    let pattern: Vec<&[u8]> = pattern.as_bytes().split(|&byte| byte == b'/').collect();
    let parts: Vec<&[u8]> = path.parts().collect();
    components(&pattern, &parts)
}

fn components(pattern: &[&[u8]], parts: &[&[u8]]) -> bool {
    match pattern.split_first() {
        None => parts.is_empty(),
        Some((&b"**", rest)) => (0..=parts.len()).any(|skipped| components(rest, &parts[skipped..])),
        Some((first, rest)) => parts.split_first().is_some_and(|(part, others)| name(first, part) && components(rest, others)),
    }
}

fn name(pattern: &[u8], text: &[u8]) -> bool {
    // The last star, and how much of the text it has taken: enough to go back to.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_what_they_say() {
        let fits = |pattern: &str, path: &str| matches(pattern, &RelPath::new(path).unwrap());
        for (pattern, path) in [
            ("docs/**", "docs/a/b.md"),
            ("**/*.md", "README.md"),
            ("**/*.md", "a/b/c.md"),
            ("src/*.rs", "src/lib.rs"),
            ("a?c", "abc"),
            ("*a*b*", "xxaxxbxx"),
            ("**", "a/b"),
            ("a/**/z", "a/z"),
            ("a/**/z", "a/b/c/z"),
        ] {
            assert!(fits(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in
            [("src/*.rs", "src/a/lib.rs"), ("*.md", "a/b.md"), ("a?c", "ac"), ("docs/**", "docsx/a"), ("", "a"), ("*a*b", "ab/c")]
        {
            assert!(!fits(pattern, path), "{pattern} {path}");
        }
    }
}
