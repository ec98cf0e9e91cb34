//! The window: winit and softbuffer. It sleeps until a key, a message or a deadline comes.

use super::FaceError;
use super::glyphs::{Canvas, Glyphs};
use crate::grid::Grid;
use crate::key::{Command, Held, Key, Press};
use crate::studio::Studio;
use std::num::NonZeroU32;
use std::rc::Rc;
use winit::application::ApplicationHandler;
use winit::dpi::LogicalSize;
use winit::event::{ElementState, MouseButton, MouseScrollDelta, WindowEvent};
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy};
use winit::keyboard::{Key as Pressed, ModifiersState, NamedKey};
use winit::window::{Window, WindowId};

/// Height of a line of text, in pixels of a screen of usual density.
const TEXT_PIXELS: f32 = 16.0;
/// The window's size when it opens.
const WINDOW: (u32, u32) = (1200, 800);

/// Something has come from beside the view.
#[derive(Debug, Clone, Copy)]
pub struct News;

/// The loop, which is made first: what is beside the view wakes it.
pub struct Loop(EventLoop<News>);

impl Loop {
    /// A connection to the display.
    ///
    /// # Errors
    /// There is no display.
    pub fn new() -> Result<Loop, FaceError> {
        if std::env::var_os("DISPLAY").is_none_or(|display| display.is_empty()) {
            return Err(failed("no window can be opened", &"DISPLAY is not set, so there is no X server to draw on"));
        }
        let made = EventLoop::with_user_event().build();
        made.map(Loop).map_err(|error| failed("no window can be opened", &error))
    }

    /// What wakes it.
    pub fn proxy(&self) -> EventLoopProxy<News> {
        self.0.create_proxy()
    }

    /// Shows a studio until the person ends it.
    ///
    /// # Errors
    /// The display goes away.
    pub fn show(self, studio: Studio) -> Result<(), FaceError> {
        let mut face = Face { studio, view: None, held: ModifiersState::empty(), pointer: (0, 0), failure: None };
        self.0.run_app(&mut face).map_err(|error| failed("the window has failed", &error))?;
        face.failure.map_or(Ok(()), Err)
    }
}

fn failed(what: &'static str, error: &dyn std::fmt::Display) -> FaceError {
    let said = error.to_string();
    // The window's crate says where in its own source it failed, and why behind that.
    let why = said.strip_prefix("os error at ").and_then(|said| said.rsplit(": ").next()).map_or(said.clone(), str::to_owned);
    FaceError { what, why, help: "use --terminal to work in this terminal, or set DISPLAY to an X server" }
}

/// What is on the screen.
struct View {
    window: Rc<Window>,
    surface: softbuffer::Surface<Rc<Window>, Rc<Window>>,
    glyphs: Glyphs,
    grid: Grid,
    shown: Option<Grid>,
    size: (u32, u32),
}

struct Face {
    studio: Studio,
    view: Option<View>,
    held: ModifiersState,
    pointer: (usize, usize),
    failure: Option<FaceError>,
}

impl View {
    fn new(events: &ActiveEventLoop) -> Result<View, FaceError> {
        let wanted = Window::default_attributes().with_title("nda studio").with_inner_size(LogicalSize::new(WINDOW.0, WINDOW.1));
        let window = Rc::new(events.create_window(wanted).map_err(|error| failed("no window can be opened", &error))?);
        let context = softbuffer::Context::new(window.clone()).map_err(|error| failed("the window cannot be drawn", &error))?;
        let surface = softbuffer::Surface::new(&context, window.clone()).map_err(|error| failed("the window cannot be drawn", &error))?;
        let glyphs = Glyphs::new(TEXT_PIXELS * window.scale_factor() as f32);
        Ok(View { window, surface, glyphs, grid: Grid::default(), shown: None, size: (0, 0) })
    }

    /// Draws what differs from the screen; whether it is the first picture.
    fn draw(&mut self, studio: &mut Studio) -> Result<bool, softbuffer::SoftBufferError> {
        let size = self.window.inner_size();
        let (Some(width), Some(height)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) else { return Ok(false) };
        let is_first = self.shown.is_none() && self.size == (0, 0);
        if self.size != (size.width, size.height) {
            self.surface.resize(width, height)?;
            self.size = (size.width, size.height);
            self.shown = None;
        }
        let (columns, rows) = self.glyphs.fit(size.width as usize, size.height as usize);
        self.grid.clear(columns, rows);
        studio.draw(&mut self.grid);
        let mut buffer = self.surface.buffer_mut()?;
        // An older or unknown picture is drawn anew as a whole.
        let before = self.shown.as_ref().filter(|_| buffer.age() == 1);
        let mut canvas = Canvas { pixels: &mut buffer, width: size.width as usize, height: size.height as usize };
        if let Some((top, bottom)) = self.glyphs.draw(&mut canvas, &self.grid, before) {
            let lines = NonZeroU32::new((bottom - top) as u32).unwrap_or(NonZeroU32::MIN);
            self.window.pre_present_notify();
            buffer.present_with_damage(&[softbuffer::Rect { x: 0, y: top as u32, width, height: lines }])?;
        }
        match &mut self.shown {
            Some(shown) => shown.clone_from(&self.grid),
            None => self.shown = Some(self.grid.clone()),
        }
        Ok(is_first)
    }
}

impl Face {
    fn redraw(&self) {
        if let Some(view) = &self.view {
            view.window.request_redraw();
        }
    }

    fn rest(&self, events: &ActiveEventLoop) {
        events.set_control_flow(self.studio.deadline().map_or(ControlFlow::Wait, ControlFlow::WaitUntil));
        if self.studio.is_over() {
            events.exit();
        }
    }

    fn held(&self) -> Held {
        Held { ctrl: self.held.control_key(), alt: self.held.alt_key(), shift: self.held.shift_key() }
    }

    fn pressed(&mut self, key: &Pressed) {
        let Some(key) = key_of(key) else { return };
        let held = self.held();
        // A character has its shift in itself; with control, small letters name the commands.
        let press = match key {
            Key::Char(c) if held.ctrl || held.alt => Press { key: Key::Char(c.to_ascii_lowercase()), held: Held { shift: false, ..held } },
            Key::Char(_) => Press { key, held: Held { shift: false, ..held } },
            key => Press { key, held },
        };
        self.studio.press(press);
        self.redraw();
    }

    fn drawn(&mut self, events: &ActiveEventLoop) {
        let Some(view) = &mut self.view else { return };
        match view.draw(&mut self.studio) {
            // What is not needed for the first picture begins behind it.
            Ok(true) => self.studio.begin_beside(),
            Ok(false) => {}
            Err(error) => {
                self.failure = Some(failed("the window cannot be drawn", &error));
                events.exit();
            }
        }
    }
}

impl ApplicationHandler<News> for Face {
    fn resumed(&mut self, events: &ActiveEventLoop) {
        if self.view.is_some() {
            return;
        }
        match View::new(events) {
            Ok(view) => self.view = Some(view),
            Err(error) => {
                self.failure = Some(error);
                return events.exit();
            }
        }
        self.redraw();
        self.rest(events);
    }

    fn user_event(&mut self, events: &ActiveEventLoop, _: News) {
        if self.studio.tick() {
            self.redraw();
        }
        self.rest(events);
    }

    fn new_events(&mut self, events: &ActiveEventLoop, cause: winit::event::StartCause) {
        if matches!(cause, winit::event::StartCause::ResumeTimeReached { .. }) && self.studio.tick() {
            self.redraw();
        }
        self.rest(events);
    }

    fn window_event(&mut self, events: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested => {
                self.studio.command(Command::Quit);
                self.redraw();
            }
            WindowEvent::RedrawRequested => self.drawn(events),
            WindowEvent::Resized(_) | WindowEvent::ScaleFactorChanged { .. } => self.redraw(),
            WindowEvent::ModifiersChanged(held) => self.held = held.state(),
            WindowEvent::KeyboardInput { event, .. } if event.state == ElementState::Pressed => self.pressed(&event.logical_key),
            WindowEvent::CursorMoved { position, .. } => {
                let cell = self.view.as_ref().map_or((1, 1), |view| view.glyphs.cell);
                self.pointer = (position.x.max(0.0) as usize / cell.0, position.y.max(0.0) as usize / cell.1);
            }
            WindowEvent::MouseInput { state: ElementState::Pressed, button: MouseButton::Left, .. } => {
                let held = self.held();
                self.studio.click(self.pointer.0, self.pointer.1, held);
                self.redraw();
            }
            WindowEvent::MouseWheel { delta, .. } => {
                let lines = match delta {
                    MouseScrollDelta::LineDelta(_, lines) => -3.0 * lines,
                    MouseScrollDelta::PixelDelta(at) => -(at.y as f32) / 16.0,
                };
                self.studio.scroll(lines.round() as isize);
                self.redraw();
            }
            WindowEvent::Focused(true) => {
                self.studio.look_at_disk();
                self.redraw();
            }
            _ => {}
        }
        self.rest(events);
    }
}

fn key_of(key: &Pressed) -> Option<Key> {
    Some(match key {
        Pressed::Character(text) => Key::Char(text.chars().next()?),
        Pressed::Named(named) => match named {
            NamedKey::Space => Key::Char(' '),
            NamedKey::Enter => Key::Enter,
            NamedKey::Tab => Key::Tab,
            NamedKey::Backspace => Key::Backspace,
            NamedKey::Delete => Key::Delete,
            NamedKey::ArrowLeft => Key::Left,
            NamedKey::ArrowRight => Key::Right,
            NamedKey::ArrowUp => Key::Up,
            NamedKey::ArrowDown => Key::Down,
            NamedKey::Home => Key::Home,
            NamedKey::End => Key::End,
            NamedKey::PageUp => Key::PageUp,
            NamedKey::PageDown => Key::PageDown,
            NamedKey::Escape => Key::Escape,
            NamedKey::F1 => Key::F(1),
            NamedKey::F2 => Key::F(2),
            NamedKey::F3 => Key::F(3),
            NamedKey::F4 => Key::F(4),
            NamedKey::F5 => Key::F(5),
            NamedKey::F6 => Key::F(6),
            NamedKey::F7 => Key::F(7),
            NamedKey::F8 => Key::F(8),
            NamedKey::F9 => Key::F(9),
            NamedKey::F10 => Key::F(10),
            NamedKey::F11 => Key::F(11),
            NamedKey::F12 => Key::F(12),
            _ => return None,
        },
        _ => return None,
    })
}
