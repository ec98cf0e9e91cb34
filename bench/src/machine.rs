//! What a number was measured on, as far as the system says.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

/// The machine and the state of the sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// What the processor calls itself, or "unknown".
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Which of the vector extensions that kernels ask for are there.
    pub features: Vec<&'static str>,
    /// Caches of the first core, such as "L3 32768K".
    pub caches: Vec<String>,
    /// The operating system and the architecture.
    pub system: String,
    /// The commit of the working folder, "+" behind it if files differ; or "unknown".
    pub commit: String,
    /// Seconds since 1970.
    pub unix_s: u64,
}

impl Machine {
    /// Asks the system.
    pub fn of_here() -> Machine {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Machine {
            cpu: cpu().unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            features: features(),
            caches: caches(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            commit: commit().unwrap_or_else(|| "unknown".into()),
            unix_s: since.map_or(0, |d| d.as_secs()),
        }
    }

    /// For a record.
    pub fn json(&self) -> Value {
        json!({
            "cpu": self.cpu, "cores": self.cores, "features": self.features, "caches": self.caches,
            "system": self.system, "commit": self.commit, "unix_s": self.unix_s,
        })
    }
}

fn cpu() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split(':').nth(1)?.trim().to_owned())
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<&'static str> {
    let all = [
        ("popcnt", is_x86_feature_detected!("popcnt")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("f16c", is_x86_feature_detected!("f16c")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512vbmi", is_x86_feature_detected!("avx512vbmi")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
        ("avx512vpopcntdq", is_x86_feature_detected!("avx512vpopcntdq")),
    ];
    all.into_iter().filter(|(_, found)| *found).map(|(name, _)| name).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<&'static str> {
    Vec::new()
}

fn caches() -> Vec<String> {
    let read = |index: usize, what: &str| {
        let text = fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{what}")).ok()?;
        Some(text.trim().to_owned())
    };
    let cache = |index| Some(format!("L{} {} {}", read(index, "level")?, read(index, "type")?, read(index, "size")?));
    (0..8).map_while(cache).collect()
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn commit() -> Option<String> {
    let hash = git(&["rev-parse", "--short=12", "HEAD"])?;
    let differs = git(&["status", "--porcelain", "--untracked-files=no"]).is_none_or(|changed| !changed.is_empty());
    Some(if differs { format!("{hash}+") } else { hash })
}
