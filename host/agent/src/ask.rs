//! Who is asked about a proposal, and in which order. Red unless somebody says green.

use crate::diff::{in_a_line, shown};
use crate::exact::{Exact, question_file};
use nda_guard::{Approver, Decide, Decision, Policy, Review};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One file of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionFile {
    /// Its path from the root, as it may be shown.
    pub path: String,
    /// What would happen to it.
    #[serde(default)]
    pub how: How,
    /// What would change, as a unified diff.
    pub diff: String,
    /// Both texts, for whoever shows them beside each other; none if they are not text. They are not part of what goes over a socket.
    #[serde(skip)]
    pub texts: Option<Texts>,
    /// The change byte for byte, for whoever writes a part of it; none if it is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<Exact>,
}

/// What would happen to a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It would be made.
    Added,
    /// Its bytes or its mode would be others.
    #[default]
    Changed,
    /// It would be gone.
    Deleted,
}

impl How {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            How::Added => "added",
            How::Changed => "changed",
            How::Deleted => "deleted",
        }
    }

    pub(crate) fn of<T>(before: Option<&T>, after: Option<&T>) -> How {
        match (before, after) {
            (None, _) => How::Added,
            (_, None) => How::Deleted,
            _ => How::Changed,
        }
    }
}

/// A file's text before and after; none where there is no file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// As it is.
    pub before: Option<String>,
    /// As it would be.
    pub after: Option<String>,
}

/// What somebody is to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The workspace's root.
    pub root: String,
    /// The proposal's hash, or the checkpoint's name: the answer repeats it.
    pub subject: String,
    /// Who proposes.
    pub who: String,
    /// By which tool.
    pub tool: String,
    /// In a few words: the call's number, or the command that was run.
    pub call: String,
    /// The files.
    pub files: Vec<QuestionFile>,
    /// What the security checks remark.
    pub remarks: Vec<String>,
}

impl Question {
    /// All of it as text, files beyond `most` bytes cut off and counted.
    pub fn text(&self, most: usize) -> String {
        // Whoever proposes has chosen most of these words: none of them may move the cursor or begin a line of its own.
        let [who, tool, call, root] = [&self.who, &self.tool, &self.call, &self.root].map(|words| in_a_line(words));
        let mut text = format!("{who} wants to change {} file(s) by {tool} ({call}) in {root}\n", self.files.len());
        self.remarks.iter().for_each(|remark| text.push_str(&format!("NOTE: {}\n", in_a_line(remark))));
        self.files.iter().for_each(|file| text.push_str(&format!("  {} ({})\n", in_a_line(&file.path), file.how.word())));
        let whole: String = self.files.iter().map(|file| shown(&file.diff)).collect();
        let end = (0..=most.min(whole.len())).rev().find(|end| whole.is_char_boundary(*end)).unwrap_or(0);
        text.push_str(&whole[..end]);
        if end < whole.len() {
            text.push_str(&format!(
                "\n... {} bytes of the change are not shown; 'nda approve' in a terminal shows all\n",
                whole.len() - end
            ));
        }
        text
    }
}

/// An answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It may be written; who says so.
    Green(String),
    /// It may not, and why.
    Red(String),
    /// There is nobody here: the next one is asked.
    Absent,
}

/// Somebody who can be asked.
pub trait Ask: Send + Sync {
    /// Asks, and waits for the answer for a bounded time. A closed window and a late answer are red.
    fn ask(&self, question: &Question) -> Answer;
}

/// The guard's decider: rules, then those who can be asked, then red.
#[derive(Clone)]
pub struct Asking {
    policy: Arc<Policy>,
    askers: Vec<Arc<dyn Ask>>,
    root: String,
}

/// What is said when nobody can be asked.
const NOBODY: &str = "there is nobody to ask; run 'nda approve' in a terminal in this folder, or use a client with elicitation";

impl Asking {
    /// A decider with the rules of a policy, and who is asked, in this order.
    pub fn new(root: &std::path::Path, policy: Policy, askers: Vec<Arc<dyn Ask>>) -> Asking {
        Asking { policy: policy.into(), askers, root: root.display().to_string() }
    }

    /// Asks people alone.
    pub fn people(&self, question: &Question) -> Answer {
        let answers = self.askers.iter().map(|asker| asker.ask(question));
        answers.into_iter().find(|answer| *answer != Answer::Absent).unwrap_or_else(|| Answer::Red(NOBODY.into()))
    }

    fn question(&self, review: &Review<'_>) -> Question {
        let origin = review.proposal.origin();
        let file = |file: &nda_guard::Reviewed| question_file(&file.path, file.before.as_ref(), file.after.as_ref());
        Question {
            root: self.root.clone(),
            subject: review.hash.to_string(),
            who: origin.who.clone(),
            tool: origin.tool.clone(),
            call: origin.call.clone(),
            files: review.files.iter().map(file).collect(),
            remarks: review.remarks.clone(),
        }
    }
}

impl Decide for Asking {
    fn decide(&self, review: &Review<'_>) -> Decision {
        if let green @ Decision::Green(_) = self.policy.decide(review) {
            return green;
        }
        match self.people(&self.question(review)) {
            Answer::Green(who) => Decision::Green(Approver::Person(who)),
            Answer::Red(why) => Decision::Red(why),
            Answer::Absent => Decision::Red(NOBODY.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Says(Answer);

    impl Ask for Says {
        fn ask(&self, _: &Question) -> Answer {
            self.0.clone()
        }
    }

    #[test]
    fn the_first_who_is_there_decides_and_nobody_is_red() {
        let question = Question {
            root: "/".into(),
            subject: "s".into(),
            who: "w".into(),
            tool: "t".into(),
            call: "c".into(),
            files: vec![QuestionFile { path: "ä".into(), how: How::Added, diff: "äöü".into(), texts: None, exact: None }],
            remarks: vec![],
        };
        let all = |answers: Vec<Answer>| {
            let askers = answers.into_iter().map(|answer| Arc::new(Says(answer)) as Arc<dyn Ask>).collect();
            Asking::new(std::path::Path::new("/"), Policy::default(), askers).people(&question)
        };
        let (green, red) = (Answer::Green("p".into()), Answer::Red("no".into()));
        assert_eq!(all(vec![Answer::Absent, red.clone(), green.clone()]), red);
        assert_eq!(all(vec![Answer::Absent, green.clone()]), green);
        assert_eq!(all(vec![Answer::Absent]), Answer::Red(NOBODY.into()));
        assert!(question.text(3).contains("4 bytes of the change are not shown"));
        let call = "ls\u{1b}[8m\nfile.txt would not change".to_owned();
        let told = Question { call, who: "good\u{202e}".into(), remarks: vec!["a\rb".into()], ..question }.text(99);
        assert!(
            told.starts_with("good\\u{202e} wants") && told.contains("(ls\\u{1b}[8m\\nfile.txt") && told.contains("a\\u{d}b"),
            "{told}"
        );
    }
}
