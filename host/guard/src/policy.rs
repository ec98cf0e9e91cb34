//! Rules that say green without asking: by tool and path, never by the text of a command.

use crate::decision::{Approver, Decide, Decision, Review};
use crate::error::GuardError;
use crate::glob::matches;
use crate::path::RelPath;
use crate::workspace::Workspace;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

/// The policy's file.
pub const POLICY_FILE: &str = ".nda/policy.toml";

/// The tools that propose changes.
const TOOLS: [&str; 4] = ["patch_file", "write_file", "run", "emit"];

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, for the journal.
    pub name: String,
    /// The tools that it allows; every one must be named.
    pub tools: Vec<String>,
    /// The paths that it allows, as patterns.
    pub paths: Vec<String>,
    /// Whether it allows deletions.
    #[serde(default)]
    pub deletions: bool,
}

/// The rules; without any, everything is red.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The rules.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

impl Policy {
    /// The policy of a text.
    ///
    /// # Errors
    /// What is wrong with it: an unknown field is an error, so that no rule is wider than it reads.
    pub fn parse(text: &str) -> Result<Policy, GuardError> {
        let mistake = |why: String| GuardError::Settings { path: POLICY_FILE.into(), why };
        let policy: Policy = toml::from_str(text).map_err(|error| mistake(error.to_string()))?;
        for Rule { name, tools, .. } in &policy.rules {
            if let Some(unknown) = tools.iter().find(|tool| !TOOLS.contains(&tool.as_str())) {
                let known = TOOLS.join(", ");
                return Err(mistake(format!(
                    "the rule '{name}' names the tool '{unknown}', which proposes nothing; those that do are {known}"
                )));
            }
        }
        Ok(policy)
    }

    /// The policy in a folder; an absent file has no rules.
    ///
    /// # Errors
    /// A file that cannot be read, or is not a policy.
    pub fn of_folder(root: &Path) -> Result<Policy, GuardError> {
        let text = Workspace::own_file(root, &RelPath::new(POLICY_FILE)?)?;
        text.map_or(Ok(Policy::default()), |text| Policy::parse(&text))
    }
}

impl Decide for Policy {
    fn decide(&self, review: &Review<'_>) -> Decision {
        if let Some(remark) = review.remarks.first() {
            return Decision::Red(format!("a person must see this: {remark}"));
        }
        let tool = &review.proposal.origin().tool;
        let mut names = BTreeSet::new();
        for file in &review.files {
            let fits = |rule: &&Rule| {
                let is_allowed = rule.deletions || file.after.is_some();
                is_allowed && rule.tools.contains(tool) && rule.paths.iter().any(|pattern| matches(pattern, &file.path))
            };
            match self.rules.iter().find(fits) {
                Some(rule) => _ = names.insert(rule.name.as_str()),
                None => return Decision::Red(format!("no rule allows {tool} to change '{}'", file.path)),
            }
        }
        Decision::Green(Approver::Rule(names.into_iter().collect::<Vec<_>>().join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_for_a_tool_that_there_is_not_is_refused_by_name() {
        let policy = |tools: &str| Policy::parse(&format!("[[rule]]\nname = \"docs\"\ntools = [{tools}]\npaths = [\"docs/**\"]\n"));
        assert!(policy("\"patch_file\", \"write_file\", \"run\", \"emit\"").is_ok());
        let error = policy("\"patch_file\", \"writefile\"").unwrap_err().to_string();
        assert!(error.contains("'docs'") && error.contains("'writefile'") && !error.contains("damaged"), "{error}");
    }
}
