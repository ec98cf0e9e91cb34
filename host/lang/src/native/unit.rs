//! Functions and loops of a program as one unit of machine code.

use super::codegen::Code;
use super::facts::Facts;
use super::library::{HELPERS, Mathematics};
use super::walk::is_recursive;
use super::{Entrance, EntryPoint, Native, Pages, Site};
use crate::ast::{Span, Type};
use crate::module::{Function, Module, Statement};
use cranelift_codegen::Context as FunctionContext;
use cranelift_codegen::ir::{AbiParam, Signature, Type as CodeType, UserFuncName, Value, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::JITModule;
use cranelift_module::{FuncId, Linkage, Module as _, ModuleError};
use std::collections::{BTreeMap, HashMap};
use std::mem::ManuallyDrop;
use std::sync::Arc;

/// Bytes of a call besides its frame: the return address, saved registers, arguments on the stack.
pub(super) const CALL_BYTES: usize = 256 + 8 * crate::check::MAX_PARAMS;

/// Compiles the marked functions and the given loops.
pub(super) fn compile(
    module: &Module,
    functions: &[bool],
    regions: &[(usize, &Statement)],
    mut jit: JITModule,
) -> Result<Native, Box<ModuleError>> {
    let mut unit = Unit { ids: HashMap::new(), helpers: Vec::new(), sites: Vec::new(), frame_bytes: 0 };
    for helper in &HELPERS {
        let params = if matches!(helper.function, Mathematics::One(_)) { 1 } else { 2 };
        let mut signature = jit.make_signature();
        signature.params = vec![AbiParam::new(types::F64); params];
        signature.returns = vec![AbiParam::new(types::F64)];
        unit.helpers.push(jit.declare_function(helper.name, Linkage::Import, &signature)?);
    }
    let chosen: Vec<usize> = (0..functions.len()).filter(|&index| functions[index]).collect();
    for &index in &chosen {
        let id = jit.declare_function(&format!("function {index}"), Linkage::Local, &inner_signature(&module.functions[index]))?;
        unit.ids.insert(index, id);
    }
    let entry = entry_signature(&jit);
    let mut entries: Vec<(Option<usize>, Option<(usize, Span)>, FuncId)> = Vec::new();
    for &index in &chosen {
        let function = &module.functions[index];
        let inner = unit.ids[&index];
        unit.define(&mut jit, inner, inner_signature(function), |code| code.function(function))?;
        let id = jit.declare_function(&format!("enter function {index}"), Linkage::Local, &entry)?;
        unit.define(&mut jit, id, entry.clone(), |code| code.enter_function(index, function))?;
        entries.push((Some(index), None, id));
    }
    for (number, (function, statement)) in regions.iter().enumerate() {
        let id = jit.declare_function(&format!("region {number}"), Linkage::Local, &entry)?;
        unit.define(&mut jit, id, entry.clone(), |code| code.region(statement))?;
        let span = match statement {
            Statement::While(_, _, span) | Statement::Loop { span, .. } => *span,
            _ => unreachable!("regions are loops"),
        };
        entries.push((None, Some((*function, span)), id));
    }
    jit.finalize_definitions()?;
    // Without a cycle no function is open twice.
    let open_calls = if is_recursive(module, functions) { None } else { Some(chosen.len() + 2) };
    let codes: Vec<*const u8> = entries.iter().map(|(_, _, id)| jit.get_finalized_function(*id)).collect();
    let (sites, pages) = (Arc::new(unit.sites), Arc::new(Pages(ManuallyDrop::new(jit))));
    let mut native = Native::default();
    for ((function, region, _), code) in entries.into_iter().zip(codes) {
        // SAFETY: the pointer is the finalized code of a function that was declared with `entry_signature`, which is
        // the signature of `EntryPoint`, and `_pages` keeps it in place.
        #[allow(unsafe_code)]
        let code = unsafe { std::mem::transmute::<*const u8, EntryPoint>(code) };
        let (sites, _pages, call_bytes) = (Arc::clone(&sites), Arc::clone(&pages), unit.frame_bytes + CALL_BYTES);
        let entrance = Entrance { code, sites, call_bytes, open_calls, _pages };
        match (function, region) {
            (Some(function), _) => drop(native.functions.insert(function, entrance)),
            (None, Some(region)) => drop(native.regions.insert(region, entrance)),
            (None, None) => {}
        }
    }
    Ok(native)
}

/// The context, the calls that may still be opened, and the parameters; back come the value, if any, and the status.
pub(super) fn inner_signature(function: &Function) -> Signature {
    let mut signature = Signature::new(CallConv::Fast);
    signature.params = vec![AbiParam::new(types::I64); 2];
    signature.params.extend(function.params.iter().map(|p| AbiParam::new(code_type(p.of))));
    if function.result != Type::Unit {
        signature.returns.push(AbiParam::new(code_type(function.result)));
    }
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

/// [`EntryPoint`]'s.
pub(super) fn entry_signature(jit: &JITModule) -> Signature {
    let mut signature = jit.make_signature();
    signature.params = vec![AbiParam::new(types::I64); 2];
    signature.returns = vec![AbiParam::new(types::I64)];
    signature
}

pub(super) fn code_type(of: Type) -> CodeType {
    if of == Type::Float { types::F64 } else { types::I64 }
}

pub(super) struct Unit {
    pub(super) ids: HashMap<usize, FuncId>,
    pub(super) helpers: Vec<FuncId>,
    pub(super) sites: Vec<Site>,
    frame_bytes: usize,
}

impl Unit {
    fn define(
        &mut self,
        jit: &mut JITModule,
        id: FuncId,
        signature: Signature,
        body: impl FnOnce(&mut Code<'_, '_>),
    ) -> Result<(), Box<ModuleError>> {
        let mut context = FunctionContext::new();
        context.func.signature = signature;
        context.func.name = UserFuncName::user(0, id.as_u32());
        let mut builder_context = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        builder.seal_block(block);
        let context_pointer = builder.block_params(block)[0];
        let mut code = Code {
            unit: self,
            jit,
            builder,
            context: context_pointer,
            depth: context_pointer,
            steps: None,
            variables: HashMap::new(),
            declared: 0,
            breaks: Vec::new(),
            facts: Facts::default(),
            end: End::Function(Type::Unit),
        };
        body(&mut code);
        code.builder.finalize();
        jit.define_function(id, &mut context)?;
        let frame_bytes = context.compiled_code().map_or(0, |code| code.frame_size as usize);
        self.frame_bytes = self.frame_bytes.max(frame_bytes);
        Ok(())
    }
}

/// How the code at hand ends.
#[derive(Clone)]
pub(super) enum End {
    /// A function returns its value and a status.
    Function(Type),
    /// A region returns a status; on leaving the loop its variables go back to the slots.
    Region { slots: Value, stores: BTreeMap<usize, Type> },
}
