//! An open device: buffers, submissions, and every way in which it can fail as one of our errors.

use crate::adapter::{self, AdapterInfo};
use crate::error::GpuError;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a submission may take: the largest product takes milliseconds on a GPU and seconds on a software adapter.
const WATCHDOG: Duration = Duration::from_secs(60);

/// A device and its queue.
#[derive(Debug)]
pub(crate) struct Gpu {
    pub info: AdapterInfo,
    watchdog: Duration,
    /// A submission has taken too long: what it was to write is still in use.
    hangs: bool,
    device: wgpu::Device,
    queue: wgpu::Queue,
    /// What the driver said outside of any call, and that it is gone.
    fault: Arc<Mutex<Option<String>>>,
    /// Submissions so far.
    pub submissions: u64,
    /// Bytes read back so far.
    pub bytes_read: u64,
}

impl Gpu {
    /// Opens the adapter that a name means: a number, a part of its name; without one the best.
    ///
    /// # Errors
    /// No such adapter, or one that gives no device.
    pub fn open(wanted: Option<&str>) -> Result<Gpu, GpuError> {
        let mut all = adapter::found();
        let infos: Vec<AdapterInfo> = all.iter().map(adapter::describe).collect();
        let at = adapter::choose(&infos, wanted)?;
        let (adapter, info) = (all.swap_remove(at), infos[at].clone());
        let mut required_features = wgpu::Features::empty();
        required_features.set(wgpu::Features::SHADER_INT64, info.has_int64);
        required_features.set(wgpu::Features::SUBGROUP, info.has_subgroups);
        required_features.set(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS, info.has_shared_memory);
        let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), required_features, ..Default::default() };
        let opened = pollster::block_on(adapter.request_device(&descriptor));
        let (device, queue) = opened.map_err(|e| GpuError::Open { adapter: info.name.clone(), reason: e.to_string() })?;
        let fault = Arc::new(Mutex::new(None));
        let (lost, refused) = (Arc::clone(&fault), Arc::clone(&fault));
        // The first words count: what follows is their consequence.
        let keep = |fault: &Mutex<Option<String>>, said: String| {
            fault.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(said);
        };
        device.set_device_lost_callback(move |reason, said| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                keep(&lost, said);
            }
        });
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| keep(&refused, error.to_string())));
        Ok(Gpu { info, watchdog: WATCHDOG, hangs: false, device, queue, fault, submissions: 0, bytes_read: 0 })
    }

    /// The use of a buffer with weights: where memory is shared they are written where shaders read them.
    pub fn weights(&self) -> wgpu::BufferUsages {
        if self.info.has_shared_memory { wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::MAP_WRITE } else { wgpu::BufferUsages::STORAGE }
    }

    /// The use of a buffer with results: where memory is shared they are read where shaders write them.
    pub fn results(&self) -> wgpu::BufferUsages {
        wgpu::BufferUsages::STORAGE | if self.info.has_shared_memory { wgpu::BufferUsages::MAP_READ } else { wgpu::BufferUsages::COPY_SRC }
    }

    fn hang(&self) -> GpuError {
        GpuError::Hang { adapter: self.info.name.clone(), seconds: self.watchdog.as_secs() }
    }

    /// Why the device is of no more use, if it is not.
    ///
    /// # Errors
    /// [`GpuError::Lost`], [`GpuError::Hang`].
    pub fn check(&self) -> Result<(), GpuError> {
        if self.hangs {
            return Err(self.hang());
        }
        match &*self.fault.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            None => Ok(()),
            Some(said) => Err(GpuError::Lost { adapter: self.info.name.clone(), reason: said.clone() }),
        }
    }

    /// A buffer of that many bytes, at least 4; what is not written is zero.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`].
    pub fn buffer(&self, bytes: u64, usage: wgpu::BufferUsages) -> Result<wgpu::Buffer, GpuError> {
        self.create(bytes, usage, |_| {})
    }

    /// A buffer with these words.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`].
    pub fn buffer_of(&self, words: impl ExactSizeIterator<Item = u32>, usage: wgpu::BufferUsages) -> Result<wgpu::Buffer, GpuError> {
        self.create(words.len() as u64 * 4, usage, |mut bytes| {
            for (place, word) in words.enumerate() {
                bytes.slice(4 * place..4 * place + 4).copy_from_slice(&word.to_le_bytes());
            }
        })
    }

    fn create(&self, bytes: u64, usage: wgpu::BufferUsages, fill: impl FnOnce(wgpu::BufferViewMut)) -> Result<wgpu::Buffer, GpuError> {
        let size = bytes.max(4).next_multiple_of(4);
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let rules = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: true });
        let refused = pollster::block_on(rules.pop());
        let refused = pollster::block_on(memory.pop()).or(refused);
        if let Some(error) = refused {
            return Err(GpuError::OutOfMemory { adapter: self.info.name.clone(), bytes, reason: error.to_string() });
        }
        if bytes > 0 {
            fill(buffer.slice(..).get_mapped_range_mut().map_err(|e| self.lost(&e))?);
        }
        buffer.unmap();
        Ok(buffer)
    }

    fn lost(&self, error: &dyn std::fmt::Display) -> GpuError {
        GpuError::Lost { adapter: self.info.name.clone(), reason: error.to_string() }
    }

    /// A compute pipeline of a shader's `main`.
    ///
    /// # Errors
    /// [`GpuError::Open`]: the driver does not take the shader.
    pub fn pipeline(&self, name: &str, wgsl: String) -> Result<wgpu::ComputePipeline, GpuError> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let source = wgpu::ShaderSource::Wgsl(wgsl.into());
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(name), source });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        match pollster::block_on(scope.pop()) {
            None => Ok(pipeline),
            Some(error) => Err(GpuError::Open { adapter: self.info.name.clone(), reason: format!("shader '{name}': {error}") }),
        }
    }

    /// Writes words to the beginning of a buffer, before the next submission.
    pub fn write(&self, buffer: &wgpu::Buffer, words: &[u32]) {
        self.write_at(buffer, 0, words);
    }

    /// Writes words to a buffer from its word `first` on, before the next submission.
    pub fn write_at(&self, buffer: &wgpu::Buffer, first: usize, words: &[u32]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.queue.write_buffer(buffer, 4 * first as u64, &bytes);
    }

    /// A pipeline's buffers, in the order of their bindings.
    pub fn bind(&self, pipeline: &wgpu::ComputePipeline, buffers: &[&wgpu::Buffer]) -> wgpu::BindGroup {
        let numbered: Vec<(u32, &wgpu::Buffer)> = (0..).zip(buffers.iter().copied()).collect();
        self.bind_at(pipeline, &numbered)
    }

    /// A pipeline's buffers with the numbers of their bindings.
    pub fn bind_at(&self, pipeline: &wgpu::ComputePipeline, buffers: &[(u32, &wgpu::Buffer)]) -> wgpu::BindGroup {
        let numbered = buffers.iter().map(|&(binding, buffer)| (binding, buffer.as_entire_binding()));
        let entries: Vec<_> = numbered.map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        let layout = pipeline.get_bind_group_layout(0);
        self.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries })
    }

    /// Runs dispatches in one submission, waits for them, and reads what is to be read.
    ///
    /// # Errors
    /// A lost device; one that does not answer within a minute.
    pub fn submit<'d>(&mut self, calls: impl IntoIterator<Item = Call<'d>>, read: Option<&Read>) -> Result<Vec<u32>, GpuError> {
        self.check()?;
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for Call { dispatch, groups: [x, y, z] } in calls {
                pass.set_pipeline(&dispatch.pipeline);
                pass.set_bind_group(0, &dispatch.buffers, &[]);
                pass.dispatch_workgroups(x, y, z);
            }
        }
        if let Some(read) = read {
            if read.from != read.to {
                encoder.copy_buffer_to_buffer(&read.from, 0, &read.to, 0, read.bytes);
            }
            self.bytes_read += read.bytes;
        }
        let submission = self.queue.submit([encoder.finish()]);
        self.submissions += 1;
        let part = read.map(|read| read.to.slice(..read.bytes));
        if let Some(part) = &part {
            part.map_async(wgpu::MapMode::Read, |_| {});
        }
        let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(self.watchdog) };
        match self.device.poll(wait) {
            Ok(_) => {}
            Err(wgpu::PollError::Timeout) => {
                self.hangs = true;
                return Err(self.hang());
            }
            Err(other) => return Err(self.lost(&other)),
        }
        self.check()?;
        let (Some(read), Some(part)) = (read, part) else { return Ok(Vec::new()) };
        let found = {
            let view = part.get_mapped_range().map_err(|e| self.lost(&e))?;
            view.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
        };
        read.to.unmap();
        Ok(found)
    }
}

/// The first words of a buffer, to be read through another, or in place where memory is shared.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    from: wgpu::Buffer,
    to: wgpu::Buffer,
    bytes: u64,
}

impl Read {
    /// The first `words` words, at least one, of a buffer of [`Gpu::results`].
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`].
    pub fn new(gpu: &Gpu, from: wgpu::Buffer, words: usize) -> Result<Read, GpuError> {
        if gpu.info.has_shared_memory {
            return Ok(Read::through(from.clone(), from, words));
        }
        let to = gpu.buffer(4 * words as u64, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)?;
        Ok(Read::through(from, to, words))
    }

    /// The first `words` of these words.
    pub fn first(&self, words: usize) -> Read {
        Read { bytes: (4 * words as u64).min(self.bytes), ..self.clone() }
    }

    /// The same through a buffer that is there, which may be the first.
    pub fn through(from: wgpu::Buffer, to: wgpu::Buffer, words: usize) -> Read {
        Read { from, to, bytes: 4 * words as u64 }
    }
}

/// A dispatch of a submission, over its own workgroups or others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'d> {
    pub dispatch: &'d Dispatch,
    pub groups: [u32; 3],
}

impl<'d> From<&'d Dispatch> for Call<'d> {
    fn from(dispatch: &'d Dispatch) -> Self {
        Call { dispatch, groups: [dispatch.groups.0, dispatch.groups.1, 1] }
    }
}

/// One shader over some workgroups.
#[derive(Debug)]
pub(crate) struct Dispatch {
    pub pipeline: wgpu::ComputePipeline,
    pub buffers: wgpu::BindGroup,
    pub groups: (u32, u32),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AdapterKind;

    /// A shader that takes a second on a software adapter. Its driver ends loops after 65,535 turns, so there are many workgroups.
    const LONG: &str = "@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) {
  var s = y[0] + group.x;
  for (var i = 0u; i < 60000u; i++) { s = s * 1664525u + (s >> 7u); }
  y[0] = s;
}";

    #[test]
    fn a_submission_that_takes_too_long_is_an_error_and_what_follows_is_too() {
        let mut gpu = match Gpu::open(None) {
            Ok(gpu) if gpu.info.kind == AdapterKind::Software => gpu,
            Ok(_) => return nda_tests::skip("the watchdog", "a GPU that is in use is not kept busy"),
            Err(_) => return nda_tests::skip("the watchdog", "there is no GPU adapter; './tools.sh gpu' installs the software one"),
        };
        gpu.watchdog = Duration::from_millis(20);
        let pipeline = gpu.pipeline("long", LONG.into()).unwrap();
        let y = gpu.buffer(4, gpu.results()).unwrap();
        let dispatch = Dispatch { buffers: gpu.bind(&pipeline, &[&y]), pipeline, groups: (4_000, 1) };
        let read = Read::new(&gpu, y, 1).unwrap();
        let error = gpu.submit([Call::from(&dispatch)], Some(&read)).unwrap_err();
        assert!(matches!(&error, GpuError::Hang { .. }), "{error}");
        assert_eq!(gpu.submit([], None), Err(error));
    }
}
