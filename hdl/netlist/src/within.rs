//! Which wires stand within a stage's block, because nothing else reads them.
//!
//! A simulator computes what stands outside in every cycle, and what stands within only in those in which the stage is enabled.
//! A synthesiser sees no difference.

use super::{Action, Id, Item, Netlist, Op};

/// Who reads a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Nobody,
    /// A block with an enable, alone.
    Block(usize),
    /// Several blocks, or anything else.
    Others,
}

impl Reader {
    fn and(self, other: Reader) -> Reader {
        match (self, other) {
            (Reader::Nobody, reader) | (reader, Reader::Nobody) => reader,
            (a, b) if a == b => a,
            _ => Reader::Others,
        }
    }
}

/// The blocks of a module's stages.
pub(super) struct Blocks {
    /// Of each item, its block: actions alone have one.
    pub of_item: Vec<Option<usize>>,
    /// Wires within each block, in the order in which they were said.
    pub wires: Vec<Vec<Id>>,
    /// Whether a node is a wire within a block.
    pub is_within: Vec<bool>,
}

impl Blocks {
    pub fn new(netlist: &Netlist) -> Blocks {
        let (of_item, enabled) = numbered(netlist);
        let mut readers = direct(netlist, &of_item, &enabled);
        let mut declared = vec![false; netlist.nodes.len()];
        netlist.items.iter().for_each(|item| {
            if let Item::Declare(id) = item {
                declared[*id] = true;
            }
        });
        let mut is_within = vec![false; netlist.nodes.len()];
        // What is made of a node comes behind it, but for forward wires and registers, which read nothing here.
        for (id, node) in netlist.nodes.iter().enumerate().rev() {
            let is_wire = declared[id] && !matches!(node.op, Op::Register(_) | Op::Forward(_));
            is_within[id] = is_wire && matches!(readers[id], Reader::Block(_));
            let reader = if node.name.is_some() && !is_within[id] { Reader::Others } else { readers[id] };
            node.op.operands().into_iter().for_each(|of| readers[of] = readers[of].and(reader));
        }
        let mut wires = vec![Vec::new(); enabled.len()];
        for item in &netlist.items {
            if let Item::Declare(id) = item
                && let (true, Reader::Block(block)) = (is_within[*id], readers[*id])
            {
                wires[block].push(*id);
            }
        }
        Blocks { of_item, wires, is_within }
    }
}

/// The block of each action, and whether each block has an enable: actions of one stage that follow one another, up to the next
/// stage or instance.
fn numbered(netlist: &Netlist) -> (Vec<Option<usize>>, Vec<bool>) {
    let (mut enabled, mut last) = (Vec::new(), None);
    let of_item = netlist.items.iter().map(|item| match item {
        Item::Clocked(stage, _) => {
            if last != Some(*stage) {
                enabled.push(netlist.stages[*stage].1.is_some());
            }
            last = Some(*stage);
            Some(enabled.len() - 1)
        }
        Item::Stage(_) | Item::Instance(_) => {
            last = None;
            None
        }
        _ => None,
    });
    (of_item.collect(), enabled)
}

/// Who reads each node where it ends: what is stored, enables, ports, instances.
fn direct(netlist: &Netlist, of_item: &[Option<usize>], enabled: &[bool]) -> Vec<Reader> {
    let mut readers = vec![Reader::Nobody; netlist.nodes.len()];
    let mut reads = |id: Id, reader: Reader| readers[id] = readers[id].and(reader);
    let ports = netlist.outputs.iter().map(|o| o.1).chain(netlist.stages.iter().filter_map(|s| s.1));
    ports.chain(netlist.instances.iter().flat_map(|i| i.inputs.iter().copied())).for_each(|id| reads(id, Reader::Others));
    for (item, block) in netlist.items.iter().zip(of_item) {
        let reader = block.map_or(Reader::Others, |block| if enabled[block] { Reader::Block(block) } else { Reader::Others });
        match item {
            Item::Clocked(_, Action::Take { next, .. }) => reads(*next, reader),
            Item::Clocked(_, Action::Write { address, data, .. }) => [*address, *data].into_iter().for_each(|id| reads(id, reader)),
            _ => {}
        }
    }
    readers
}
