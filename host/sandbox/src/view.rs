//! What a command may read beside the project: the system's programs and the tool chains, never a user's home.

use crate::order::is_below;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Programs and libraries of the system.
const SYSTEM: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"];

/// What programs read of the system's settings; nothing in it is secret.
const SETTINGS: [&str; 12] = [
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];

/// Parts of Rust's tool chain below `CARGO_HOME` and `RUSTUP_HOME`; tokens stand beside them.
const CARGO: [&str; 3] = ["bin", "registry", "git"];
const RUSTUP: [&str; 2] = ["toolchains", "settings.toml"];

/// Folders of `RUSTUP_HOME` that rustup makes where they are not, before it starts any tool. What is in them is of no use to a command,
/// so they are there and empty.
const RUSTUP_OWN: [&str; 3] = ["update-hashes", "downloads", "tmp"];

/// Facts of the machine that programs ask for, where `/proc` is the machine's own.
pub(crate) const FACTS: [&str; 11] = [
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/vm/overcommit_memory",
    "/proc/uptime",
    "/proc/version",
    "/sys/devices/system/cpu",
    "/sys/kernel/mm/transparent_hugepage",
];

/// Devices that hold nothing.
pub(crate) const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];

/// What of the caller's environment the box is made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    pub path: Option<OsString>,
    pub home: Option<PathBuf>,
    pub cargo: Option<PathBuf>,
    pub rustup: Option<PathBuf>,
    pub language: Option<OsString>,
}

impl Surroundings {
    pub fn of_this_process() -> Surroundings {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let below_home = |name: &str| home.as_ref().map(|home| home.join(name));
        Surroundings {
            path: std::env::var_os("PATH"),
            cargo: std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| below_home(".cargo")),
            rustup: std::env::var_os("RUSTUP_HOME").map(PathBuf::from).or_else(|| below_home(".rustup")),
            language: std::env::var_os("LANG"),
            home,
        }
    }

    /// Folders of PATH, but for the root, the home itself and whatever holds it.
    fn programs(&self) -> Vec<PathBuf> {
        let folders = self.path.iter().flat_map(std::env::split_paths);
        let holds_home = |folder: &Path| self.home.as_ref().is_some_and(|home| is_below(home, folder));
        folders.filter(|folder| folder.is_absolute() && folder.parent().is_some() && !holds_home(folder)).collect()
    }

    /// All paths that may be read, as they are there: absolute, none below another.
    pub fn reads(&self, more: &[PathBuf]) -> Vec<PathBuf> {
        let below = |folder: &Option<PathBuf>, names: &[&str]| -> Vec<PathBuf> {
            folder.iter().flat_map(|folder| names.iter().map(|name| folder.join(name))).collect()
        };
        let fixed = SYSTEM.iter().chain(&SETTINGS).map(PathBuf::from);
        let chains = below(&self.cargo, &CARGO).into_iter().chain(below(&self.rustup, &RUSTUP));
        let all: BTreeSet<PathBuf> = fixed.chain(self.programs()).chain(chains).chain(more.iter().cloned()).collect();
        let there: Vec<PathBuf> = all.into_iter().filter(|path| path.is_absolute() && path.exists()).collect();
        let is_covered = |path: &PathBuf| there.iter().any(|other| other != path && is_below(path, other));
        there.iter().filter(|path| !is_covered(path)).cloned().collect()
    }

    /// Folders that are there and empty: of a tool chain that is shown, in a folder of which not all is.
    pub fn empty(&self, reads: &[PathBuf]) -> Vec<PathBuf> {
        let Some(rustup) = self.rustup.as_ref().filter(|rustup| reads.iter().any(|path| path != *rustup && is_below(path, rustup))) else {
            return Vec::new();
        };
        let folders = RUSTUP_OWN.iter().map(|name| rustup.join(name));
        folders.filter(|folder| !reads.iter().any(|path| is_below(folder, path))).collect()
    }

    /// The command's environment.
    pub fn variables(&self, scratch: &crate::order::Places, project: &Path) -> Vec<(OsString, OsString)> {
        let fixed = [
            ("HOME", scratch.home().into_os_string()),
            ("TMPDIR", scratch.temporary().into_os_string()),
            ("USER", "nobody".into()),
            ("LANG", self.language.clone().unwrap_or_else(|| "C.UTF-8".into())),
            ("PATH", self.path.clone().unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())),
            // There is no network: cargo need not wait for it.
            ("CARGO_NET_OFFLINE", "true".into()),
            ("NDA_PROJECT", project.as_os_str().to_owned()),
            ("NDA_SCRATCH", scratch.work().into_os_string()),
        ];
        let chains = [("CARGO_HOME", &self.cargo), ("RUSTUP_HOME", &self.rustup)];
        let chains = chains.into_iter().filter_map(|(name, path)| Some((name, path.clone()?.into_os_string())));
        fixed.into_iter().chain(chains).map(|(name, value)| (name.into(), value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_on_the_path_and_the_root_are_not_read() {
        let surroundings =
            Surroundings { path: Some("/:/home:/home/a:/usr/bin:bin".into()), home: Some("/home/a".into()), ..Surroundings::default() };
        assert_eq!(surroundings.programs(), [Path::new("/usr/bin")]);
        let reads = surroundings.reads(&["/usr/share".into(), "/not/there".into()]);
        assert!(reads.contains(&"/usr".into()) && !reads.iter().any(|path| path.starts_with("/home") || path == Path::new("/usr/share")));
    }

    #[test]
    fn rustups_own_folders_are_empty_where_not_all_of_its_home_is_shown() {
        let surroundings = Surroundings { rustup: Some("/home/a/.rustup".into()), ..Surroundings::default() };
        let own = RUSTUP_OWN.map(|name| Path::new("/home/a/.rustup").join(name));
        assert_eq!(surroundings.empty(&["/usr".into(), "/home/a/.rustup/toolchains".into()]), own);
        assert!(surroundings.empty(&["/usr".into()]).is_empty(), "there is no tool chain");
        assert!(surroundings.empty(&["/home/a".into()]).is_empty() && surroundings.empty(&["/home/a/.rustup".into()]).is_empty());
        let one_is_shown = ["/home/a/.rustup/toolchains".into(), "/home/a/.rustup/tmp".into()];
        assert_eq!(surroundings.empty(&one_is_shown), own[..2]);
    }

    #[test]
    fn nothing_of_the_callers_environment_goes_along_but_what_is_named() {
        let scratch = crate::order::Places { root: "/s".into() };
        let names: Vec<_> = Surroundings::default().variables(&scratch, Path::new("/p")).into_iter().map(|v| v.0).collect();
        assert_eq!(names, ["HOME", "TMPDIR", "USER", "LANG", "PATH", "CARGO_NET_OFFLINE", "NDA_PROJECT", "NDA_SCRATCH"]);
    }
}
