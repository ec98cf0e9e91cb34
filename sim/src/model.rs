//! One verilated model, driven by port name.
//!
//! The unsafe code of the simulator stands here: calls of the C++ shim and loads and stores of its ports.

use crate::SimError;
use crate::WaveFormat;
use crate::wave::{Recording, WaveSink};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::io::{self, PipeWriter};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::PathBuf;
use verilated::vcd::Vcd;

/// The functions of one model, as `shim/shim.h` declares them.
#[repr(C)]
pub(crate) struct Api {
    make: extern "C" fn() -> *mut c_void,
    destroy: unsafe extern "C" fn(*mut c_void),
    eval: unsafe extern "C" fn(*mut c_void),
    tick: unsafe extern "C" fn(*mut c_void),
    /// None if the model was compiled without waves.
    trace: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, c_int)>,
    port_count: u32,
    port_name: unsafe extern "C" fn(u32) -> *const c_char,
    port_bits: unsafe extern "C" fn(u32) -> u32,
    port_is_input: unsafe extern "C" fn(u32) -> u32,
    port_place: unsafe extern "C" fn(*mut c_void, u32) -> *mut c_void,
}

include!(concat!(env!("OUT_DIR"), "/models.rs"));

/// A port of one model, looked up once by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortId(usize);

struct PlacedPort {
    name: String,
    bits: usize,
    is_input: bool,
    place: *mut c_void,
}

/// An instance of a verilated model.
pub struct Model {
    api: &'static Api,
    handle: *mut c_void,
    ports: Vec<PlacedPort>,
    cycles: u64,
    trace: Option<Trace>,
}

/// Verilator's writer and who takes what it writes.
struct Trace {
    vcd: Vcd,
    recording: Recording,
}

// SAFETY: the model runs with one thread and keeps all its state behind `handle`, which nothing else holds;
// making, freeing and tracing are serialised by the shim's lock. `Model` is not Sync.
unsafe impl Send for Model {}

impl Model {
    /// Names of all models.
    pub fn names() -> impl Iterator<Item = &'static str> {
        MODELS.iter().map(|m| m.0)
    }

    /// A fresh instance, as after power-up.
    ///
    /// # Errors
    /// [`SimError::Unknown`] or [`SimError::Make`].
    pub fn new(name: &str) -> Result<Model, SimError> {
        let Some((_, api)) = MODELS.iter().find(|m| m.0 == name) else {
            return Err(SimError::Unknown { name: name.into(), known: Model::names().collect::<Vec<_>>().join(", ") });
        };
        // SAFETY: the build script (build/table.rs) generated the symbol for this very table; it returns a pointer to a static.
        let api: &'static Api = unsafe { &*api() };
        let handle = (api.make)();
        if handle.is_null() {
            return Err(SimError::Make { name: name.into() });
        }
        let ports = (0..api.port_count).map(|i| {
            // SAFETY: i is below port_count; names are static C strings; places live as long as the model.
            unsafe {
                PlacedPort {
                    name: CStr::from_ptr((api.port_name)(i)).to_string_lossy().into_owned(),
                    bits: (api.port_bits)(i) as usize,
                    is_input: (api.port_is_input)(i) != 0,
                    place: (api.port_place)(handle, i),
                }
            }
        });
        Ok(Model { api, handle, ports: ports.collect(), cycles: 0, trace: None })
    }

    /// The port of that name.
    ///
    /// # Panics
    /// If the model has none: a test or a board asks for what its core does not have.
    pub fn port(&self, name: &str) -> PortId {
        PortId(self.ports.iter().position(|p| p.name == name).unwrap_or_else(|| panic!("the model has no port '{name}'")))
    }

    /// Sets an input of at most 64 bits. It is seen by the next [`Self::eval`] or [`Self::tick`].
    #[inline]
    pub fn set(&mut self, port: PortId, value: u64) {
        let port = &self.ports[port.0];
        debug_assert!(port.is_input && port.bits <= 64 && (port.bits == 64 || value >> port.bits == 0), "{} = {value}", port.name);
        // SAFETY: Verilator's types for these widths are u8, u16, u32 and u64; the place lives as long as the model.
        unsafe {
            match port.bits {
                0..=8 => port.place.cast::<u8>().write(value as u8),
                9..=16 => port.place.cast::<u16>().write(value as u16),
                17..=32 => port.place.cast::<u32>().write(value as u32),
                _ => port.place.cast::<u64>().write(value),
            }
        }
    }

    /// The value of a port of at most 64 bits.
    #[inline]
    pub fn get(&self, port: PortId) -> u64 {
        let port = &self.ports[port.0];
        debug_assert!(port.bits <= 64, "{} has {} bits", port.name, port.bits);
        // SAFETY: as in `set`.
        unsafe {
            match port.bits {
                0..=8 => u64::from(port.place.cast::<u8>().read()),
                9..=16 => u64::from(port.place.cast::<u16>().read()),
                17..=32 => u64::from(port.place.cast::<u32>().read()),
                _ => port.place.cast::<u64>().read(),
            }
        }
    }

    /// Sets an input of any width from bytes, lightest first.
    ///
    /// # Panics
    /// If the bytes are not the port's width, rounded up to whole bytes.
    pub fn set_bytes(&mut self, port: PortId, bytes: &[u8]) {
        let placed = &self.ports[port.0];
        assert!(placed.is_input && bytes.len() == placed.bits.div_ceil(8), "{} takes {} bits", placed.name, placed.bits);
        // SAFETY: every port is stored in at least its width's bytes, little endian words in order.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), placed.place.cast(), bytes.len()) }
    }

    /// The value of a port of any width, lightest byte first.
    pub fn get_bytes(&self, port: PortId) -> Vec<u8> {
        let placed = &self.ports[port.0];
        let mut bytes = vec![0; placed.bits.div_ceil(8)];
        // SAFETY: as in `set_bytes`.
        unsafe { std::ptr::copy_nonoverlapping(placed.place.cast(), bytes.as_mut_ptr(), bytes.len()) }
        bytes
    }

    /// Lets combinational outputs follow inputs that were set, without a clock edge.
    pub fn eval(&mut self) {
        // SAFETY: the handle is live.
        unsafe { (self.api.eval)(self.handle) }
    }

    /// One clock cycle: inputs as set, outputs as after the rising edge.
    #[inline]
    pub fn tick(&mut self) {
        self.cycles += 1;
        // SAFETY: the handle is live.
        unsafe { (self.api.tick)(self.handle) }
    }

    /// Cycles since power-up.
    pub fn cycles(&self) -> u64 {
        self.cycles
    }

    /// Writes all signals to a sink from now on, in the time of a clock of `clk_hz`.
    ///
    /// # Errors
    /// [`SimError::Wave`], [`SimError::NoWaves`] of a model that was compiled to run alone.
    pub fn trace_to(&mut self, sink: Box<dyn WaveSink>, format: WaveFormat, clk_hz: u32) -> Result<(), SimError> {
        let wave = |error: io::Error| SimError::Wave { reason: error.to_string() };
        self.trace_end()?;
        let trace = self.api.trace.ok_or(SimError::NoWaves)?;
        let (reader, writer) = io::pipe().map_err(wave)?;
        let mut vcd = Vcd::default();
        // SAFETY: handle and writer are live; the writer outlives the model's use of it (trace_end, Drop).
        unsafe { trace(self.handle, vcd.0.cast(), 99) };
        // The header is longer than a pipe holds: somebody must read it while it is written.
        let recording = Recording::start(reader, sink, format, clk_hz);
        let opened = vcd.open(pipe_path(&writer));
        wait_for_room(&writer);
        drop(writer);
        let failed = opened.map_err(wave).err();
        self.trace = recording.map(|recording| Trace { vcd, recording }).map(Some)?;
        match failed {
            None => Ok(()),
            Some(error) => self.trace_end().and(Err(error)),
        }
    }

    /// Ends the waves and waits until they are written.
    ///
    /// # Errors
    /// [`SimError::Wave`] if they could not be.
    pub fn trace_end(&mut self) -> Result<(), SimError> {
        let Some(Trace { vcd, recording }) = self.trace.take() else { return Ok(()) };
        if let Some(trace) = self.api.trace {
            // SAFETY: the handle is live; the null pointer ends the tracing.
            unsafe { trace(self.handle, std::ptr::null_mut(), 0) };
        }
        // Dropping the writer flushes it and closes the pipe.
        drop(vcd);
        recording.finish()
    }
}

/// A path that opens the pipe's other end.
fn pipe_path(writer: &PipeWriter) -> PathBuf {
    format!("/dev/fd/{}", writer.as_raw_fd()).into()
}

/// Verilator opens what it writes to so that a write into a full pipe fails, and tries again at once, for as long as the pipe
/// is full. Where the system shows a process its descriptors, that one is told to wait instead.
fn wait_for_room(writer: &PipeWriter) {
    use std::os::unix::fs::MetadataExt;
    let place = |path: PathBuf| std::fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    let ours = place(pipe_path(writer));
    for entry in std::fs::read_dir("/dev/fd").into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(number) = number.filter(|_| ours.is_some() && place(entry.path()) == ours) else { continue };
        // SAFETY: the descriptor was open a moment ago, and those of this pipe are closed by this thread alone.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let _ =
            rustix::fs::fcntl_getfl(descriptor).and_then(|flags| rustix::fs::fcntl_setfl(descriptor, flags - rustix::fs::OFlags::NONBLOCK));
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // Whoever wants to know whether the waves are whole ends them before.
        let _ = self.trace_end();
        // SAFETY: the handle is live and not used again.
        unsafe { (self.api.destroy)(self.handle) }
    }
}
