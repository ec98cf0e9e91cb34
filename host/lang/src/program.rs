//! A program from its source to its calls.

use crate::ast::{Ast, Span, Type};
use crate::check::check;
use crate::closure::{Compiled, compile};
use crate::diagnostic::{Diagnostic, Diagnostics, line_and_column, render};
use crate::host::Builtins;
use crate::interpreter::{Globals, Interpreter};
use crate::link::Links;
use crate::module::{Frame, Module};
use crate::native::Native;
use crate::parser::parse;
use crate::state::{Halt, Memory, State};
use crate::trap::{Limits, RuntimeError, Trap};
use crate::value::{Object, Value};
use std::rc::Rc;

/// How a program runs. The meaning is the same in all of them, errors included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tier {
    /// Walks the tree: the reference.
    Interpreter,
    /// Closures over slots.
    #[default]
    Closure,
    /// Closures, with scalar functions and loops as machine code.
    Native,
}

impl Tier {
    /// All of them, the reference first.
    pub const ALL: [Tier; 3] = [Tier::Interpreter, Tier::Closure, Tier::Native];

    /// What an option calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Tier::Interpreter => "interpreter",
            Tier::Closure => "closure",
            Tier::Native => "native",
        }
    }

    /// Whether this build has it: the native tier comes with the feature `native`.
    pub const fn is_built(self) -> bool {
        cfg!(feature = "native") || !matches!(self, Tier::Native)
    }
}

/// A checked and compiled program. It holds no data of any run.
pub struct Program {
    file: String,
    source: String,
    ast: Ast,
    module: Module,
    compiled: Compiled,
    tier: Tier,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Program({}, {} functions, {})", self.file, self.module.functions.len(), self.tier.name())
    }
}

/// A function of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry(usize);

impl Program {
    /// Parses, checks and compiles a source. `file` is what its errors call it.
    ///
    /// # Errors
    /// Everything that is wrong in the source.
    pub fn compile(file: &str, source: &str, tier: Tier) -> Result<Program, Diagnostics> {
        let failed = |all: Vec<Diagnostic>| Diagnostics { file: file.into(), source: source.into(), all };
        let (ast, mut errors) = parse(source);
        let (module, more) = check(&ast);
        errors.extend(more);
        errors.sort_by_key(|e| e.span.start);
        if !errors.is_empty() {
            return Err(failed(errors));
        }
        let native = match tier {
            Tier::Native => Some(Native::compile(&module).map_err(|message| {
                let hint = "run it with the closure tier".into();
                failed(vec![Diagnostic { message, span: Span::default(), hint }])
            })?),
            _ => None,
        };
        let compiled = compile(&module, native);
        Ok(Program { file: file.into(), source: source.into(), ast, module, compiled, tier })
    }

    /// The source's name.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The tree.
    pub fn ast(&self) -> &Ast {
        &self.ast
    }

    /// How it runs.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Functions and loops that run as machine code.
    pub fn native_parts(&self) -> (usize, usize) {
        self.compiled.native().map_or((0, 0), Native::parts)
    }

    /// A function by its name.
    pub fn entry(&self, name: &str) -> Option<Entry> {
        self.module.functions.iter().position(|f| f.name == name).map(Entry)
    }

    /// What a function takes and returns.
    pub fn signature(&self, entry: Entry) -> (Vec<Type>, Type) {
        let function = &self.module.functions[entry.0];
        (function.params.iter().map(|slot| slot.of).collect(), function.result)
    }

    /// Whether the program names tensors, so that it needs a document.
    pub fn names_tensors(&self) -> bool {
        !self.module.uses.is_empty()
    }

    /// Finds the tensors that the program names among those of a document.
    ///
    /// # Errors
    /// Every name that leads to none.
    pub fn link(&self, names: &[String]) -> Result<Links, Diagnostics> {
        let (links, all) = Links::new(&self.module, names);
        if all.is_empty() { Ok(links) } else { Err(Diagnostics { file: self.file.clone(), source: self.source.clone(), all }) }
    }

    /// A run-time error as a person reads it: message, place, caret, hint.
    pub fn explain(&self, error: &RuntimeError) -> String {
        render(&self.file, &self.source, error.span, &error.trap.to_string(), error.trap.hint())
    }

    fn error(&self, (trap, span): (Trap, Span)) -> RuntimeError {
        let (line, column) = line_and_column(&self.source, span.start);
        RuntimeError { trap, span, file: self.file.clone(), line, column }
    }
}

/// An argument that is not in a run's memory yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// An int.
    Int(i64),
    /// A float.
    Float(f64),
    /// A bool.
    Bool(bool),
    /// A text.
    Text(String),
    /// A vector.
    Vector(Vec<f32>),
    /// A vector of ints.
    Ints(Vec<i64>),
}

/// A program with its globals, ready to be called again and again.
pub struct Instance<'p> {
    program: &'p Program,
    links: &'p Links,
    limits: Limits,
    memory: Memory,
    globals: Globals,
}

impl<'p> Instance<'p> {
    /// Gives the globals their values.
    ///
    /// # Errors
    /// What goes wrong in one of them.
    pub fn new(program: &'p Program, links: &'p Links, limits: Limits, host: &mut dyn Builtins) -> Result<Instance<'p>, RuntimeError> {
        let limits = Limits { depth: limits.depth.min(Limits::MAX_DEPTH), ..limits };
        let mut instance = Instance { program, links, limits, memory: Memory::default(), globals: Globals::default() };
        instance.memory.heap.set_limit(limits.memory_bytes);
        let frame = program.module.global_frame;
        instance.memory.globals.resize(frame.scalars, 0);
        instance.memory.object_globals.resize(frame.objects, Object::None);
        instance.with_state(host, |state, globals| match program.tier {
            Tier::Interpreter => Interpreter::new(&program.ast, globals, state).globals(&program.ast),
            _ => program.compiled.globals(state),
        })?;
        Ok(instance)
    }

    /// The program.
    pub fn program(&self) -> &'p Program {
        self.program
    }

    /// Calls a function. The limits on steps and open calls begin anew with every call.
    ///
    /// # Errors
    /// What goes wrong, with its place.
    ///
    /// # Panics
    /// If the arguments are not of the types of [`Program::signature`].
    pub fn call(&mut self, host: &mut dyn Builtins, entry: Entry, args: Vec<Value>) -> Result<Value, RuntimeError> {
        let (program, function) = (self.program, &self.program.module.functions[entry.0]);
        let types: Vec<Type> = args.iter().map(Value::of).collect();
        assert_eq!(types, program.signature(entry).0, "arguments of '{}'", function.name);
        let span = Span::default();
        self.with_state(host, |state, globals| {
            if program.tier == Tier::Interpreter {
                return Interpreter::new(&program.ast, globals, state).call(&function.name, args, span);
            }
            let count = |scalar: bool| function.params.iter().filter(|p| p.of.is_scalar() == scalar).count();
            state.ensure_frame(Frame { scalars: count(true), objects: count(false) });
            for (slot, arg) in function.params.iter().zip(args) {
                match arg {
                    Value::Object(object) => state.store_object(slot.index, object),
                    scalar => state.store(slot.index, scalar.bits()),
                }
            }
            state.call(entry.0, Frame::default(), span)?;
            Ok(match function.result {
                Type::Unit => Value::Unit,
                of if of.is_scalar() => Value::from_bits(of, state.returned),
                _ => Value::Object(std::mem::take(&mut state.returned_object)),
            })
        })
    }

    /// [`Self::call`] with arguments that come from outside.
    ///
    /// # Errors
    /// As [`Self::call`]; no memory left for a text.
    ///
    /// # Panics
    /// As [`Self::call`].
    pub fn call_with(&mut self, host: &mut dyn Builtins, entry: Entry, args: Vec<Argument>) -> Result<Value, RuntimeError> {
        let value = |arg| match arg {
            Argument::Int(value) => Ok(Value::Int(value)),
            Argument::Float(value) => Ok(Value::Float(value)),
            Argument::Bool(value) => Ok(Value::Bool(value)),
            Argument::Text(text) => self.memory.heap.text(text).map(Value::Object),
            Argument::Ints(values) => self.memory.heap.ints(values.len(), |ints| ints.copy_from_slice(&values)).map(Value::Object),
            Argument::Vector(values) => self.memory.heap.vector(values.len()).map(|mut vector| {
                Rc::get_mut(&mut vector).expect("a new vector is not shared").copy_from_slice(&values);
                Value::Object(Object::Vector(vector))
            }),
        };
        let args = args.into_iter().map(value).collect::<Result<Vec<_>, _>>();
        let args = args.map_err(|full| self.program.error((full.into(), Span::default())))?;
        self.call(host, entry, args)
    }

    /// Gives a result back, so that its memory is used again.
    pub fn release(&mut self, value: Value) {
        if let Value::Object(object) = value {
            self.memory.heap.release(object);
        }
    }

    fn with_state<R>(
        &mut self,
        host: &mut dyn Builtins,
        run: impl FnOnce(&mut State<'_>, &mut Globals) -> Result<R, Halt>,
    ) -> Result<R, RuntimeError> {
        let program = self.program;
        let mut state = State {
            memory: std::mem::take(&mut self.memory),
            base: 0,
            object_base: 0,
            compiled: &program.compiled,
            links: self.links,
            host,
            limits: self.limits,
            steps_left: self.limits.steps,
            depth_left: self.limits.depth,
            returned: 0,
            returned_object: Object::None,
            trap: None,
        };
        // What a run that ended in an error has left.
        let count = state.memory.objects.len();
        state.clear_objects(0..count);
        let done = run(&mut state, &mut self.globals);
        let trap = state.trap.take();
        self.memory = state.memory;
        done.map_err(|Halt| self.program.error(trap.unwrap_or((Trap::Host("the run ended without an error".into()), Span::default()))))
    }
}
