//! git's names of contents, computed here: what a file on the disk is called in the object store.

use serde::{Deserialize, Serialize};
use sha1::Digest;
use std::fmt;

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A file of data.
    Plain,
    /// A file that may be executed.
    Executable,
    /// A symbolic link; its bytes say where it leads.
    Link,
}

impl Kind {
    /// git's mode.
    pub fn mode(self) -> &'static str {
        match self {
            Kind::Plain => "100644",
            Kind::Executable => "100755",
            Kind::Link => "120000",
        }
    }

    /// The kind of git's mode; `None` for a submodule.
    pub fn from_mode(mode: &str) -> Option<Kind> {
        [Kind::Plain, Kind::Executable, Kind::Link].into_iter().find(|kind| kind.mode() == mode)
    }
}

/// The hash that a repository names its objects by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// 40 digits.
    Sha1,
    /// 64 digits.
    Sha256,
}

/// The name of a blob: hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId(pub String);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Format {
    /// The name of a blob of these bytes.
    pub fn blob(self, bytes: &[u8]) -> ObjectId {
        let head = format!("blob {}\0", bytes.len());
        let hex = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect();
        ObjectId(match self {
            Format::Sha1 => hex(&sha1::Sha1::new().chain_update(head).chain_update(bytes).finalize()),
            Format::Sha256 => hex(&sha2::Sha256::new().chain_update(head).chain_update(bytes).finalize()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_have_the_names_that_git_gives_them() {
        assert_eq!(Format::Sha1.blob(b"").0, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(Format::Sha1.blob(b"hello\n").0, "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(Format::Sha256.blob(b"").0, "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813");
    }
}
