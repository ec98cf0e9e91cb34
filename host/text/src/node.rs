//! The tree's nodes: pieces in the leaves, sums above them. A node that a snapshot shares is copied before it is changed.

use crate::buffers::Buffers;
use crate::leaf::{LEAF, Leaf, Piece, find};
use crate::sums::Sums;
use std::sync::Arc;

/// Children of an inner node, at most.
const FANOUT: usize = 16;
/// A child that has become as small as this is joined with a neighbour if both fit into one.
const FEW: usize = 4;

/// A node above others; the sums of its children apart from each other, because a search reads one kind alone.
#[derive(Debug, Clone)]
pub struct Inner {
    count: usize,
    bytes: [u32; FANOUT],
    lines: [u32; FANOUT],
    units: [u32; FANOUT],
    children: [Option<Arc<Node>>; FANOUT],
}

/// A node.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a node lies in an Arc of its own; a box more would be a miss more per edit")]
pub enum Node {
    /// Pieces.
    Leaf(Leaf),
    /// Nodes, all of one height.
    Inner(Inner),
}

impl Default for Node {
    fn default() -> Node {
        Node::Leaf(Leaf::default())
    }
}

/// A node that came off another one, with its sums.
pub type Split = Option<(Sums, Arc<Node>)>;

impl Inner {
    fn empty() -> Inner {
        Inner { count: 0, bytes: [0; FANOUT], lines: [0; FANOUT], units: [0; FANOUT], children: [const { None }; FANOUT] }
    }

    /// The children with their sums.
    pub fn children(&self) -> impl Iterator<Item = (Sums, &Arc<Node>)> {
        self.children[..self.count].iter().enumerate().filter_map(|(k, child)| Some((self.sums(k), child.as_ref()?)))
    }

    fn sums(&self, k: usize) -> Sums {
        Sums { bytes: self.bytes[k], lines: self.lines[k], units: self.units[k] }
    }

    fn set(&mut self, k: usize, sums: Sums) {
        (self.bytes[k], self.lines[k], self.units[k]) = (sums.bytes, sums.lines, sums.units);
    }

    /// A root above two nodes.
    pub fn above(left: (Sums, Arc<Node>), right: (Sums, Arc<Node>)) -> Inner {
        Inner::of(&[left, right])
    }

    /// A node above these, [`FANOUT`] at most.
    fn of(nodes: &[(Sums, Arc<Node>)]) -> Inner {
        let mut inner = Inner::empty();
        for (k, (sums, child)) in nodes.iter().enumerate() {
            inner.put(k, *sums, child.clone());
        }
        inner
    }

    fn total(&self) -> Sums {
        (0..self.count).fold(Sums::default(), |all, k| all + self.sums(k))
    }

    /// Puts a child in front of number `k`; what does not fit is a new node behind this one.
    fn put(&mut self, k: usize, sums: Sums, child: Arc<Node>) -> Option<Inner> {
        if self.count < FANOUT {
            for row in [&mut self.bytes, &mut self.lines, &mut self.units] {
                row.copy_within(k..self.count, k + 1);
            }
            self.children[k..=self.count].rotate_right(1);
            self.set(k, sums);
            self.children[k] = Some(child);
            self.count += 1;
            return None;
        }
        let half = FANOUT / 2;
        let mut right = Inner::empty();
        for i in half..FANOUT {
            right.set(i - half, self.sums(i));
            right.children[i - half] = self.children[i].take();
        }
        (self.count, right.count) = (half, FANOUT - half);
        let none = if k <= half { self.put(k, sums, child) } else { right.put(k - half, sums, child) };
        debug_assert!(none.is_none(), "half a node has room for one");
        Some(right)
    }

    /// Takes children `from..to` out.
    fn drop_children(&mut self, from: usize, to: usize) {
        for row in [&mut self.bytes, &mut self.lines, &mut self.units] {
            row.copy_within(to..self.count, from);
        }
        self.children[from..self.count].rotate_left(to - from);
        let count = self.count - (to - from);
        self.children[count..self.count].fill(None);
        self.count = count;
    }

    fn insert(&mut self, at: u32, piece: Piece, buffers: &Buffers) -> Option<Inner> {
        let (k, at) = find(&self.bytes[..self.count], at);
        self.set(k, self.sums(k) + piece.sums);
        let (sums, node) = self.children[k].as_mut()?.insert_at(at, piece, buffers)?;
        self.set(k, self.sums(k) - sums);
        self.put(k + 1, sums, node)
    }

    fn remove(&mut self, from: u32, to: u32, buffers: &Buffers) -> (Sums, Option<Inner>) {
        let (first, at) = find(&self.bytes[..self.count], from + 1);
        let (mut k, mut at, mut left, mut removed) = (first, at - 1, to - from, Sums::default());
        let mut whole = (first, first);
        while left > 0 && k < self.count {
            let take = left.min(self.bytes[k] - at);
            left -= take;
            if take == self.bytes[k] {
                removed += self.sums(k);
                whole = if whole.0 == whole.1 { (k, k + 1) } else { (whole.0, k + 1) };
            } else if let Some(child) = &mut self.children[k] {
                let (gone, more) = child.remove_at(at, at + take, buffers);
                removed += gone;
                self.set(k, self.sums(k) - gone);
                if let Some((sums, node)) = more {
                    // Only a removal within one piece makes more, and then no other child is touched.
                    self.set(k, self.sums(k) - sums);
                    return (removed, self.put(k + 1, sums, node));
                }
            }
            at = 0;
            k += 1;
        }
        self.drop_children(whole.0, whole.1);
        // Of those that were touched, two at most are left.
        self.join(first + 1);
        self.join(first);
        (removed, None)
    }

    /// Joins a child that has become small with a neighbour.
    fn join(&mut self, k: usize) {
        let is_small = self.children.get(k).and_then(Option::as_ref).is_some_and(|child| child.count() <= FEW);
        if !is_small || self.count < 2 {
            return;
        }
        let left = if k + 1 < self.count { k } else { k - 1 };
        let (head, tail) = self.children.split_at_mut(left + 1);
        let is_joined = match (&mut head[left], &tail[0]) {
            (Some(left), Some(right)) if left.count() + right.count() <= FANOUT => Arc::make_mut(left).take(right),
            _ => false,
        };
        if is_joined {
            self.set(left, self.sums(left) + self.sums(left + 1));
            self.drop_children(left + 1, left + 2);
        }
    }
}

impl Node {
    /// A tree of these pieces with as few nodes as can be.
    pub fn of(pieces: &[Piece]) -> Arc<Node> {
        let leaf = |pieces: &[Piece]| Node::Leaf(Leaf::of(pieces));
        let mut level: Vec<_> = pieces.chunks(LEAF).map(leaf).map(|node| (node.sums(), Arc::new(node))).collect();
        while level.len() > 1 {
            let inner = |nodes: &[(Sums, Arc<Node>)]| Node::Inner(Inner::of(nodes));
            level = level.chunks(FANOUT).map(inner).map(|node| (node.sums(), Arc::new(node))).collect();
        }
        level.pop().map(|(_, root)| root).unwrap_or_default()
    }

    fn count(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.count(),
            Node::Inner(inner) => inner.count,
        }
    }

    /// Takes all that its right neighbour has, if there is room.
    fn take(&mut self, right: &Node) -> bool {
        match (self, right) {
            (Node::Leaf(left), Node::Leaf(right)) => left.take(right),
            (Node::Inner(left), Node::Inner(right)) if left.count + right.count <= FANOUT => {
                for (sums, child) in right.children() {
                    left.put(left.count, sums, child.clone());
                }
                true
            }
            _ => false,
        }
    }

    /// The sums of all below.
    pub fn sums(&self) -> Sums {
        match self {
            Node::Leaf(leaf) => leaf.sums(),
            Node::Inner(inner) => inner.total(),
        }
    }

    /// The only child, if it is an inner node with one alone; an inner node without children is an empty leaf.
    pub fn only(&self) -> Option<Arc<Node>> {
        match self {
            Node::Inner(inner) if inner.count == 1 => inner.children[0].clone(),
            Node::Inner(inner) if inner.count == 0 => Some(Arc::default()),
            _ => None,
        }
    }
}

/// Changes of a node that may be shared.
pub trait Change {
    /// Inserts a piece; what does not fit is a new node behind this one.
    fn insert_at(&mut self, at: u32, piece: Piece, buffers: &Buffers) -> Split;
    /// Removes bytes (at least one); their sums, and what does not fit any more.
    fn remove_at(&mut self, from: u32, to: u32, buffers: &Buffers) -> (Sums, Split);
}

fn leaf_split(leaf: Option<Leaf>) -> Split {
    leaf.map(|right| (right.sums(), Arc::new(Node::Leaf(right))))
}

fn inner_split(inner: Option<Inner>) -> Split {
    inner.map(|right| (right.total(), Arc::new(Node::Inner(right))))
}

impl Change for Arc<Node> {
    fn insert_at(&mut self, at: u32, piece: Piece, buffers: &Buffers) -> Split {
        match Arc::make_mut(self) {
            Node::Leaf(leaf) => leaf_split(leaf.insert(at, piece, buffers)),
            Node::Inner(inner) => inner_split(inner.insert(at, piece, buffers)),
        }
    }

    fn remove_at(&mut self, from: u32, to: u32, buffers: &Buffers) -> (Sums, Split) {
        match Arc::make_mut(self) {
            Node::Leaf(leaf) => {
                let (removed, right) = leaf.remove(from, to, buffers);
                (removed, leaf_split(right))
            }
            Node::Inner(inner) => {
                let (removed, right) = inner.remove(from, to, buffers);
                (removed, inner_split(right))
            }
        }
    }
}
