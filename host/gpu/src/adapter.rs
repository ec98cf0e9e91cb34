//! The adapters of this machine, and which one a name means.

use crate::error::GpuError;

/// What an adapter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdapterKind {
    /// A card with memory of its own.
    Discrete,
    /// Beside the processor, in its memory.
    Integrated,
    /// Of a virtual machine.
    Virtual,
    /// The processor itself: for tests.
    Software,
    /// The driver does not say.
    Other,
}

/// An adapter, for a person to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterInfo {
    /// The adapter's name.
    pub name: String,
    /// What it is.
    pub kind: AdapterKind,
    /// The interface that it is reached through: "vulkan", "metal", "dx12".
    pub interface: String,
    /// The driver and its version.
    pub driver: String,
    /// Largest buffer that a shader sees at once, in bytes.
    pub binding_bytes: u64,
    /// Whether shaders have integers of 64 bits, which whole tokens take.
    pub has_int64: bool,
    /// Whether shaders may share values within a subgroup.
    pub has_subgroups: bool,
    /// Whether buffers are mapped where shaders use them: memory shared with the processor, nothing is copied on the way.
    pub has_shared_memory: bool,
}

impl AdapterKind {
    /// The word for it in listings.
    pub const fn name(self) -> &'static str {
        match self {
            AdapterKind::Discrete => "discrete",
            AdapterKind::Integrated => "integrated",
            AdapterKind::Virtual => "virtual",
            AdapterKind::Software => "software",
            AdapterKind::Other => "unknown kind",
        }
    }

    /// What is taken first if nobody chooses: a card, then what is beside the processor; software last.
    const fn rank(self) -> u8 {
        match self {
            AdapterKind::Discrete => 0,
            AdapterKind::Integrated => 1,
            AdapterKind::Virtual => 2,
            AdapterKind::Other => 3,
            AdapterKind::Software => 4,
        }
    }
}

/// All adapters, those that are taken first in front: their places are the numbers in `gpu:NUMBER`.
pub fn adapters() -> Vec<AdapterInfo> {
    found().iter().map(describe).collect()
}

/// The adapters as wgpu has them, in the order of [`adapters`].
pub(crate) fn found() -> Vec<wgpu::Adapter> {
    let descriptor =
        wgpu::InstanceDescriptor { backends: wgpu::Backends::PRIMARY, ..wgpu::InstanceDescriptor::new_without_display_handle() };
    let instance = wgpu::Instance::new(descriptor);
    let mut all = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    all.sort_by_key(|adapter| kind_of(adapter.get_info().device_type).rank());
    all
}

fn kind_of(kind: wgpu::DeviceType) -> AdapterKind {
    match kind {
        wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
        wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
        wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
        wgpu::DeviceType::Cpu => AdapterKind::Software,
        wgpu::DeviceType::Other => AdapterKind::Other,
    }
}

/// What is said of an adapter.
pub(crate) fn describe(adapter: &wgpu::Adapter) -> AdapterInfo {
    let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
    let kind = kind_of(info.device_type);
    AdapterInfo {
        name: info.name,
        kind,
        interface: info.backend.to_string(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().into(),
        binding_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        has_int64: features.contains(wgpu::Features::SHADER_INT64),
        has_subgroups: features.contains(wgpu::Features::SUBGROUP),
        // A card maps its buffers too, but then shaders would read the weights over its bus.
        has_shared_memory: matches!(kind, AdapterKind::Integrated | AdapterKind::Software)
            && features.contains(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS),
    }
}

/// The place of the adapter that a name means: a number, a part of its name, or nothing at all.
///
/// # Errors
/// No adapter, none or several of that name. Without a name a software adapter is taken only if there is no other.
pub(crate) fn choose(all: &[AdapterInfo], wanted: Option<&str>) -> Result<usize, GpuError> {
    if all.is_empty() {
        return Err(GpuError::NoAdapter);
    }
    let Some(wanted) = wanted else { return Ok(0) };
    let listed = || all.iter().enumerate().map(|(at, info)| format!("{at} ({})", info.name)).collect::<Vec<_>>().join(", ");
    if let Ok(number) = wanted.parse::<usize>() {
        return if number < all.len() { Ok(number) } else { Err(GpuError::NoSuchAdapter { wanted: wanted.into(), found: listed() }) };
    }
    let has_it = |info: &AdapterInfo| info.name.to_lowercase().contains(&wanted.to_lowercase());
    let mut fitting = all.iter().enumerate().filter(|(_, info)| has_it(info)).map(|(at, _)| at);
    match (fitting.next(), fitting.next()) {
        (None, _) => Err(GpuError::NoSuchAdapter { wanted: wanted.into(), found: listed() }),
        (Some(at), None) => Ok(at),
        (Some(_), Some(_)) => Err(GpuError::Ambiguous { wanted: wanted.into(), found: listed() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, kind: AdapterKind) -> AdapterInfo {
        AdapterInfo {
            name: name.into(),
            kind,
            interface: "vulkan".into(),
            driver: String::new(),
            binding_bytes: 1 << 27,
            has_int64: true,
            has_subgroups: true,
            has_shared_memory: false,
        }
    }

    #[test]
    fn a_name_means_a_number_a_part_or_the_best() {
        let all = [
            info("Radeon RX 7600", AdapterKind::Discrete),
            info("Intel Iris", AdapterKind::Integrated),
            info("llvmpipe", AdapterKind::Software),
        ];
        assert_eq!(choose(&all, None), Ok(0));
        assert_eq!(choose(&all, Some("1")), Ok(1));
        assert_eq!(choose(&all, Some("iris")), Ok(1));
        assert_eq!(choose(&all, Some("LLVM")), Ok(2));
        let none = choose(&all, Some("9")).unwrap_err().to_string();
        assert_eq!(none, "no GPU adapter '9'; there are: 0 (Radeon RX 7600), 1 (Intel Iris), 2 (llvmpipe)");
        assert!(matches!(choose(&all, Some("e")), Err(GpuError::Ambiguous { .. })));
        assert!(matches!(choose(&all, Some("nvidia")), Err(GpuError::NoSuchAdapter { .. })));
        assert_eq!(choose(&[], None), Err(GpuError::NoAdapter));
    }
}
