//! One file per command. Those of a feature that a build lacks say so (absent.rs).

#[cfg(any(
    test,
    not(all(
        feature = "bench",
        feature = "chat",
        feature = "convert",
        feature = "emit",
        feature = "lsp",
        feature = "serve",
        feature = "shell",
        feature = "workspace",
        target_os = "linux"
    ))
))]
#[macro_use]
mod absent;

#[cfg(all(feature = "workspace", target_os = "linux"))]
pub mod agent;
#[cfg(not(all(feature = "workspace", target_os = "linux")))]
pub mod agent {
    absent!("agent", "workspace");
}
#[cfg(all(feature = "workspace", target_os = "linux"))]
pub mod approve;
#[cfg(not(all(feature = "workspace", target_os = "linux")))]
pub mod approve {
    absent!("approve", "workspace");
}
#[cfg(feature = "bench")]
pub mod bench;
#[cfg(not(feature = "bench"))]
pub mod bench {
    absent!("bench");
}
#[cfg(unix)]
pub mod board;
#[cfg(feature = "chat")]
pub mod chat;
#[cfg(not(feature = "chat"))]
pub mod chat {
    absent!("chat");
}
pub mod check;
#[cfg(all(feature = "workspace", target_os = "linux"))]
pub mod checkpoint;
#[cfg(not(all(feature = "workspace", target_os = "linux")))]
pub mod checkpoint {
    absent!("checkpoint", "workspace");
}
#[cfg(feature = "shell")]
pub mod completions;
#[cfg(not(feature = "shell"))]
pub mod completions {
    absent!("completions", "shell");
}
#[cfg(feature = "convert")]
pub mod convert;
#[cfg(not(feature = "convert"))]
pub mod convert {
    absent!("convert");
}
pub mod demo;
pub mod devices;
pub mod disasm;
#[cfg(feature = "emit")]
pub mod emit;
#[cfg(not(feature = "emit"))]
pub mod emit {
    absent!("emit");
}
pub mod eval;
pub mod exec;
pub mod fmt;
pub mod gemv;
pub mod info;
pub mod info_model;
pub mod kv;
#[cfg(feature = "lsp")]
pub mod lsp;
#[cfg(not(feature = "lsp"))]
pub mod lsp {
    absent!("lsp");
}
#[cfg(feature = "shell")]
pub mod man;
#[cfg(not(feature = "shell"))]
pub mod man {
    absent!("man", "shell");
}
#[cfg(all(feature = "workspace", target_os = "linux"))]
pub mod mcp;
#[cfg(not(all(feature = "workspace", target_os = "linux")))]
pub mod mcp {
    absent!("mcp", "workspace");
}
#[cfg(all(feature = "workspace", target_os = "linux"))]
pub mod patch;
#[cfg(not(all(feature = "workspace", target_os = "linux")))]
pub mod patch {
    absent!("patch", "workspace");
}
pub mod plan;
mod plan_boards;
mod plan_gpus;
mod plan_graph;
mod plan_tokens;
pub mod run;
#[cfg(all(feature = "workspace", target_os = "linux"))]
pub mod sandbox;
#[cfg(not(all(feature = "workspace", target_os = "linux")))]
pub mod sandbox {
    absent!("sandbox", "workspace");
}
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(not(feature = "serve"))]
pub mod serve {
    absent!("serve");
}
pub mod studio;
pub mod verify;
pub mod wave;
#[cfg(feature = "verilator")]
mod wave_job;
#[cfg(all(feature = "workspace", target_os = "linux"))]
mod wave_read;
#[cfg(not(all(feature = "workspace", target_os = "linux")))]
mod wave_read {
    use crate::failure::{Failure, Outcome};

    /// Reads waves in place of making some; not in this build.
    #[derive(clap::Args)]
    pub struct Arguments {
        #[arg(long, hide = true, num_args = 1.., allow_hyphen_values = true)]
        read: Vec<std::ffi::OsString>,
    }

    impl Arguments {
        /// Whether a wave is to be read.
        pub fn is_asked(&self) -> bool {
            !self.read.is_empty()
        }
    }

    /// Says what is missing.
    pub fn run(_: &Arguments) -> Outcome {
        Err(Failure::not_built("reader of waves", "nda wave --read", "workspace").into())
    }
}
#[cfg(feature = "verilator")]
mod wave_text;
