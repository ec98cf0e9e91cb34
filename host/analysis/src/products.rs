//! The products of a program, and what each costs.

use crate::{Analysis, Plan};
use nda_lang::ast::{Block, Expr, ExprKind, Item, Piece, Span, Statement, StatementKind};
use nda_lang::with_stack;

/// A call of `gemv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The names of its tensors as they are written: `blk.{i}.q`.
    pub names: Vec<String>,
    /// The whole call.
    pub span: Span,
}

/// What stands beside a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The product.
    pub product: Product,
    /// Cycles, bytes and the limiting term, in a few words.
    pub text: String,
    /// The same for each layer, and why one is not on the board: a line each.
    pub details: Vec<String>,
}

impl Analysis {
    /// The products, in the order of the places.
    pub fn products(&self) -> Vec<Product> {
        let mut found = Vec::new();
        with_stack(|| {
            for item in &self.inspection.ast.items {
                match item {
                    Item::Function(function) => block(&function.body, &mut found),
                    Item::Global(global) => expression(&global.value, &mut found),
                    Item::Layout(_) | Item::Error(_) => {}
                }
            }
        });
        found.sort_by_key(|product| product.span.start);
        found
    }

    /// What a plan says of each product; those that it does not know have none.
    pub fn hints(&self, plan: &Plan) -> Vec<Hint> {
        let hint = |product: Product| {
            let layers = plan.layers_of(&product.names);
            let text = plan.summary(&layers)?;
            Some(Hint { details: layers.iter().map(|layer| layer.to_string()).collect(), product, text })
        };
        self.products().into_iter().filter_map(hint).collect()
    }
}

fn block(block: &Block, found: &mut Vec<Product>) {
    block.statements.iter().for_each(|one| statement(one, found));
}

fn statement(statement: &Statement, found: &mut Vec<Product>) {
    match &statement.kind {
        StatementKind::Let(_, value) | StatementKind::Assign(_, value) | StatementKind::Call(value) => expression(value, found),
        StatementKind::AssignElement(_, index, value) => {
            expression(index, found);
            expression(value, found);
        }
        StatementKind::If(condition, then, otherwise) => {
            expression(condition, found);
            block(then, found);
            otherwise.iter().for_each(|one| block(one, found));
        }
        StatementKind::While(head, body) | StatementKind::Loop(head, _, body) => {
            expression(head, found);
            block(body, found);
        }
        StatementKind::Return(value) => value.iter().for_each(|one| expression(one, found)),
        StatementKind::Error(wreck) => wreck.body.iter().for_each(|one| block(one, found)),
        StatementKind::Break | StatementKind::Layout(_) => {}
    }
}

fn expression(expr: &Expr, found: &mut Vec<Product>) {
    match &expr.kind {
        ExprKind::Unary(_, operand) => expression(operand, found),
        ExprKind::Binary(..) => {
            let (first, row) = expr.row();
            expression(first, found);
            row.for_each(|(_, operand, _)| expression(operand, found));
        }
        ExprKind::Index(vector, index) => {
            expression(vector, found);
            expression(index, found);
        }
        ExprKind::Call(name, args) => {
            args.iter().for_each(|arg| expression(arg, found));
            if name.text == "gemv" {
                let names: Vec<String> = args.iter().filter_map(spelled).collect();
                found.push(Product { names, span: expr.span });
            }
        }
        _ => {}
    }
}

/// A text as it is written, without its quotes.
fn spelled(expr: &Expr) -> Option<String> {
    let ExprKind::Text(pieces) = &expr.kind else { return None };
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Hole(name) => format!("{{{}}}", name.text),
    };
    Some(pieces.iter().map(piece).collect())
}
