//! The graph's operations that the host does between programs, in floats, to the bit as the language's builtins.

use crate::blocks::BlockRun;
use crate::error::EngineError;
use crate::host::Host;
use nda_ir::{Graph, NodeId, Op};
use nda_lang::{Attention, Builtins, Heads, ops};

/// Evaluates a node at the text's position into `out`.
///
/// # Errors
/// A position that a rope cannot have, or what the cache says against keys and values.
pub(crate) fn evaluate(
    run: &mut BlockRun<'_>,
    host: &mut Host<'_, '_>,
    graph: &Graph,
    id: NodeId,
    token: u32,
    out: &mut Vec<f32>,
) -> Result<(), EngineError> {
    let node = graph.node(id);
    out.resize(node.shape.len(), 0.0);
    match node.op {
        Op::Gather { table } => {
            let table = host.view.tensors.rows[run.blocks.tables[table.0]];
            host.view.tensors.row(table, i64::from(token), out)?;
        }
        Op::Scale { x, factor } => out.iter_mut().zip(&run.values[x.0]).for_each(|(out, x)| *out = x * factor),
        Op::Columns { x, width, from, to } if to > from => {
            let rows = run.values[x.0].chunks_exact(width).zip(out.chunks_exact_mut(to - from));
            rows.for_each(|(row, out)| out.copy_from_slice(&row[from..to]));
        }
        Op::Columns { .. } => {}
        Op::Rope { x, head_dim, theta, offset, factors } => {
            let position = host.position.checked_add_signed(offset as isize);
            let position = position.ok_or_else(|| failed(node.line, format!("rope's position is {offset} from {}", host.position)))?;
            let factors = factors.map_or(&[][..], |factors| run.blocks.constants[factors.0].as_slice());
            out.copy_from_slice(&run.values[x.0]);
            ops::rotate(run.turns.at(position, head_dim, theta, factors), out);
        }
        // The cache takes them with the attention.
        Op::Append { .. } => out.clear(),
        Op::Attend { q, cache, heads, kv_heads, window, scale } => {
            let Op::Append { block, keys, values } = graph.node(cache).op else { unreachable!("an attention looks at a cache") };
            let attention = Attention { heads: Heads { queries: heads, keys: kv_heads }, positions: 1, window, scale };
            let qkv = [q, keys, values].map(|of| run.values[of.0].as_slice());
            host.attend(block as i64, qkv, attention, out).map_err(|e| failed(node.line, e.to_string()))?;
        }
        _ => unreachable!("the plan has only these on the host"),
    }
    Ok(())
}

fn failed(line: usize, reason: String) -> EngineError {
    EngineError::Program { place: format!("line {line} of the model's program"), reason }
}
