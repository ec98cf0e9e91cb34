//! The last step before a command: limits, Landlock and seccomp on this process, for good, and then the command in its place.

use crate::error::{Part, Refusal};
use crate::order::{Instruction, Level};
use crate::syscalls;
use crate::view::{DEVICES, FACTS};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetStatus, Scope, make_bitflags,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::path::{Path, PathBuf};

/// Versions that are tried, the newest first, and what is asked of each.
const VERSIONS: [ABI; 5] = [ABI::V9, ABI::V7, ABI::V6, ABI::V5, ABI::V4];

/// The oldest version that a level takes. Before the sixth, signals reach every process of the user.
fn oldest(level: Level) -> ABI {
    match level {
        Level::Full => ABI::V4,
        Level::Landlock => ABI::V6,
    }
}

/// What a path's rule allows.
struct Right {
    path: PathBuf,
    access: BitFlags<AccessFs>,
}

/// Restricts this process and all that come from it.
///
/// # Errors
/// The part that lacks. What was restricted before stays so.
pub(crate) fn confine(order: &Instruction) -> Result<(), Refusal> {
    drop_capabilities().map_err(|e| Refusal::new(Part::Capabilities, e))?;
    rustix::thread::set_no_new_privs(true).map_err(|e| Refusal::new(Part::Seccomp, e))?;
    bound(order).map_err(|e| Refusal::new(Part::Limits, e))?;
    restrict(order)?;
    syscalls::install(order.level)
}

/// Everything that root may do: no set has it any more, and no program gets it back.
pub(crate) fn drop_capabilities() -> rustix::io::Result<()> {
    let all = CapabilitySet::all();
    for capability in all.iter() {
        match rustix::thread::capability_is_in_bounding_set(capability) {
            // An ordinary user may not take it out of the set, and has no use for it: no_new_privs keeps it away.
            Ok(true) => match rustix::thread::remove_capability_from_bounding_set(capability) {
                Err(rustix::io::Errno::PERM) => {}
                other => other?,
            },
            // Kernels know fewer than we do.
            Ok(false) | Err(rustix::io::Errno::INVAL) => {}
            Err(e) => return Err(e),
        }
    }
    let none = CapabilitySet::empty();
    rustix::thread::clear_ambient_capability_set()?;
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable)
}

fn bound(order: &Instruction) -> rustix::io::Result<()> {
    let limits = &order.limits;
    // At the level landlock the kernel counts all of the user's processes, so those that are there now come on top.
    let others = match order.level {
        Level::Full => 2,
        Level::Landlock => crate::processes::of_user(rustix::process::getuid().as_raw()) as u64,
    };
    let bounds = [
        (Resource::Cpu, limits.cpu_s),
        (Resource::As, limits.memory_bytes),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Nproc, limits.processes.saturating_add(others)),
        (Resource::Core, 0),
        (Resource::Memlock, 64 << 10),
    ];
    for (resource, most) in bounds {
        let hard = rustix::process::getrlimit(resource).maximum;
        let most = Some(hard.map_or(most, |hard| hard.min(most)));
        rustix::process::setrlimit(resource, Rlimit { current: most, maximum: most })?;
    }
    Ok(())
}

fn restrict(order: &Instruction) -> Result<(), Refusal> {
    let refuse = |e: &dyn std::fmt::Display| Refusal::new(Part::Landlock, e);
    let mut last = None;
    for version in VERSIONS.into_iter().filter(|version| *version as i32 >= oldest(order.level) as i32) {
        match ruleset(version) {
            Ok(set) => {
                let set = add(set, rights(order, version), version).map_err(|e| refuse(&e))?;
                let status = set.no_new_privs(true).restrict_self().map_err(|e| refuse(&e))?;
                return match status.ruleset {
                    RulesetStatus::FullyEnforced => Ok(()),
                    other => Err(refuse(&format!("{other:?} is not enough"))),
                };
            }
            Err(e) => last = Some(e),
        }
    }
    let why = last.map_or_else(String::new, |e| e.to_string());
    Err(refuse(&format!("the level {} needs version {} of its interface: {why}", order.level.name(), oldest(order.level) as i32)))
}

/// Everything that this version can deny, denied; an error if the kernel cannot.
fn ruleset(version: ABI) -> Result<RulesetCreated, landlock::RulesetError> {
    let set = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let set = set.handle_access(AccessFs::from_all(version))?.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?;
    let set = match Scope::from_all(version) {
        none if none.is_empty() => set,
        scopes => set.scope(scopes)?,
    };
    set.create()
}

fn add(mut set: RulesetCreated, rights: Vec<Right>, version: ABI) -> Result<RulesetCreated, Box<dyn std::error::Error>> {
    for Right { path, access } in rights {
        let access = match path.is_dir() {
            true => access,
            false => access & AccessFs::from_file(version),
        };
        set = set.set_compatibility(CompatLevel::HardRequirement).add_rule(PathBeneath::new(PathFd::new(&path)?, access))?;
    }
    Ok(set)
}

fn rights(order: &Instruction, version: ABI) -> Vec<Right> {
    let read = AccessFs::from_read(version);
    // No device nodes; a device's commands only where it is listed.
    let write = AccessFs::from_all(version) & !make_bitflags!(AccessFs::{MakeChar | MakeBlock | IoctlDev | ResolveUnix});
    let device = AccessFs::ReadFile | AccessFs::WriteFile;
    let right = |path: &Path, access| Right { path: path.to_owned(), access };
    let mut rights: Vec<Right> = DEVICES.iter().map(|name| right(&Path::new("/dev").join(name), device)).collect();
    match order.level {
        Level::Full => {
            rights.push(right(Path::new("/"), read));
            rights.extend([order.places().root, "/tmp".into(), "/dev/shm".into()].iter().map(|path| right(path, write)));
        }
        Level::Landlock => {
            let facts = FACTS.iter().map(PathBuf::from).chain(["/proc/self".into()]).filter(|path| path.exists());
            rights.extend(order.reads.iter().chain([&order.project]).map(|path| right(path, read)));
            rights.extend(facts.map(|path| Right { path, access: read & !BitFlags::from(AccessFs::Execute) }));
            rights.push(right(&order.own, write));
        }
    }
    rights
}
