//! What looks like a secret in a line of text.

/// Texts that begin a secret: how they begin, which characters follow, how many at least, what it is.
const BEGIN: [(&str, Alphabet, usize, &str); 23] = [
    ("AKIA", Alphabet::Words, 16, "a key of AWS"),
    ("ASIA", Alphabet::Letters, 16, "a key of AWS"),
    ("ghp_", Alphabet::Words, 36, "a token of GitHub"),
    ("gho_", Alphabet::Words, 36, "a token of GitHub"),
    ("ghu_", Alphabet::Words, 36, "a token of GitHub"),
    ("ghs_", Alphabet::Words, 36, "a token of GitHub"),
    ("ghr_", Alphabet::Words, 36, "a token of GitHub"),
    ("github_pat_", Alphabet::Words, 50, "a token of GitHub"),
    ("glpat-", Alphabet::Words, 20, "a token of GitLab"),
    ("xoxb-", Alphabet::Words, 24, "a token of Slack"),
    ("xoxp-", Alphabet::Words, 24, "a token of Slack"),
    ("xoxa-", Alphabet::Words, 24, "a token of Slack"),
    ("sk-ant-", Alphabet::Words, 32, "a key of Anthropic"),
    ("sk-proj-", Alphabet::Words, 32, "a key of OpenAI"),
    ("sk-svcacct-", Alphabet::Words, 32, "a key of OpenAI"),
    ("sk-", Alphabet::Letters, 32, "a key of OpenAI"),
    ("sk_live_", Alphabet::Words, 20, "a key of Stripe"),
    ("rk_live_", Alphabet::Words, 20, "a key of Stripe"),
    ("hf_", Alphabet::Letters, 30, "a token of Hugging Face"),
    ("AIza", Alphabet::Words, 35, "a key of Google"),
    ("npm_", Alphabet::Words, 36, "a token of npm"),
    ("pypi-AgEIcHlwaS5vcmc", Alphabet::Words, 30, "a token of PyPI"),
    ("PuTTY-User-Key-File-", Alphabet::Words, 1, "a private key"),
];
/// The line that a private key begins with, without its kind, and how it ends.
const PRIVATE_KEY: &str = "-----BEGIN ";
const PRIVATE_KEY_ENDS: [&str; 2] = ["PRIVATE KEY-----", "PRIVATE KEY BLOCK-----"];
/// Names of AWS's other half of a key, without their case, and its characters at least.
const AWS_NAMES: [&str; 4] = ["aws_secret_access_key", "aws_secret_key", "secretaccesskey", "secret_access_key"];
const AWS_CHARACTERS: usize = 40;

/// What a secret is made of after its beginning.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    /// Letters, digits, `_` and `-`.
    Words,
    /// Letters and digits, after no other of them: names of programs look similar.
    Letters,
}

/// What a line has that looks like a secret.
pub fn secret(line: &str) -> Option<&'static str> {
    if line.find(PRIVATE_KEY).is_some_and(|at| PRIVATE_KEY_ENDS.iter().any(|end| line[at..].contains(end))) {
        return Some("a private key");
    }
    let begins = BEGIN
        .iter()
        .find(|(begin, alphabet, least, _)| line.match_indices(begin).any(|(at, _)| follows(line, at, begin, *alphabet) >= *least));
    if let Some((.., what)) = begins {
        return Some(what);
    }
    if is_aws_secret(line) {
        return Some("a secret key of AWS");
    }
    has_password(line).then_some("a password in an address")
}

fn follows(line: &str, at: usize, begin: &str, alphabet: Alphabet) -> usize {
    let is_inside = line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if alphabet == Alphabet::Letters && is_inside {
        return 0;
    }
    let is_key = |c: &char| c.is_ascii_alphanumeric() || alphabet == Alphabet::Words && (*c == '_' || *c == '-');
    line[at + begin.len()..].chars().take_while(is_key).count()
}

/// Whether the other half of AWS's keys is given to its name.
fn is_aws_secret(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    AWS_NAMES.iter().flat_map(|name| lower.match_indices(name).map(|(at, _)| at + name.len())).any(|end| {
        let rest = line[end..].trim_start_matches(|c: char| c.is_whitespace() || "\"'=:>,".contains(c));
        rest.len() < line[end..].len()
            && rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "/+".contains(*c)).count() >= AWS_CHARACTERS
    })
}

/// Whether an address has a user and a password; one that a variable's name stands for is none.
fn has_password(line: &str) -> bool {
    line.match_indices("://").any(|(at, mark)| {
        let rest = &line[at + mark.len()..];
        let end = rest.find(|c: char| c.is_whitespace() || "/?#\"'`<>".contains(c)).unwrap_or(rest.len());
        let Some((user, _)) = rest[..end].rsplit_once('@') else { return false };
        user.split_once(':').is_some_and(|(_, password)| !password.is_empty() && !password.starts_with(['$', '{', '%', '*']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that no scanner finds in this file.
    fn made(begin: &str, unit: &str, count: usize) -> String {
        format!("{begin}{}", unit.repeat(count))
    }

    #[test]
    fn secrets_of_every_kind_are_found() {
        let begins = ["ASIA", "gho_", "ghu_", "ghs_", "xoxp-", "xoxa-", "sk-", "sk_live_", "hf_", "AKIA", "ghp_"];
        for begin in begins {
            assert!(secret(&format!("key = \"{}\"", made(begin, "aB3d", 12))).is_some(), "{begin}");
        }
        let half = made("", "aB3/", 10);
        for name in ["AWS_SECRET_ACCESS_KEY=", "aws_secret_access_key = ", "\"SecretAccessKey\": \"", "export AWS_SECRET_ACCESS_KEY='"] {
            assert_eq!(secret(&format!("{name}{half}")), Some("a secret key of AWS"), "{name}");
        }
        for line in [format!("{PRIVATE_KEY}PGP {}", PRIVATE_KEY_ENDS[1]), made("PuTTY-User-Key-File-", "3", 1) + ": ssh-ed25519"] {
            assert_eq!(secret(&line), Some("a private key"), "{line}");
        }
        for line in ["url = postgres://me:pa55@db.example.com/x", "git clone https://user:to@ken@example.com"] {
            assert_eq!(secret(line), Some("a password in an address"), "{line}");
        }
    }

    #[test]
    fn what_only_looks_similar_is_none() {
        for line in [
            "https://example.com/a@b:c",
            "https://user@example.com",
            "https://me:$PASSWORD@example.com and https://me:{password}@x",
            "http://localhost:8080/",
            "disk-0123456789abcdef0123456789abcdef0123",
            "hf_model_of_a_tokenizer_with_a_long_name",
            "AWS_SECRET_ACCESS_KEY=$SECRET",
            "sk-is how they begin",
        ] {
            assert_eq!(secret(line), None, "{line}");
        }
    }
}
