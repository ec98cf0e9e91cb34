//! A parsed template with Python's operators in place of minijinja's.
//!
//! minijinja's own take what Python's do not (`1 < 'a'`, `for x in none`), and write numbers in another way. So each operator becomes a call of a
//! filter whose name no template can spell ([`super::operators`], [`super::access`]): slices and what reads a method without calling it too.

use super::access::{self, is_method};
use super::operators as names;
use minijinja::machinery::Span;
use minijinja::machinery::ast::{self, BinOpKind, CallArg, CompareOpKind, Expr, Spanned, Stmt, UnaryOpKind};
use minijinja::value::Value;

/// The same template with Python's operators.
pub fn template<'a>(parsed: &Stmt<'a>) -> Stmt<'a> {
    stmt(parsed)
}

fn all<'a>(stmts: &[Stmt<'a>]) -> Vec<Stmt<'a>> {
    stmts.iter().map(stmt).collect()
}

fn made<T>(node: T, span: Span) -> Spanned<T> {
    Spanned::new(node, span)
}

fn stmt<'a>(old: &Stmt<'a>) -> Stmt<'a> {
    match old {
        Stmt::Template(s) => Stmt::Template(made(ast::Template { children: all(&s.children) }, s.span())),
        Stmt::EmitExpr(s) => Stmt::EmitExpr(made(ast::EmitExpr { expr: expr(&s.expr) }, s.span())),
        Stmt::EmitRaw(s) => Stmt::EmitRaw(made(ast::EmitRaw { raw: s.raw }, s.span())),
        Stmt::ForLoop(s) => Stmt::ForLoop(made(for_loop(s, s.span()), s.span())),
        Stmt::IfCond(s) => {
            Stmt::IfCond(made(ast::IfCond { expr: expr(&s.expr), true_body: all(&s.true_body), false_body: all(&s.false_body) }, s.span()))
        }
        Stmt::WithBlock(s) => with_block(s, s.span()),
        Stmt::Set(s) => Stmt::Set(made(ast::Set { target: expr(&s.target), expr: expr(&s.expr) }, s.span())),
        Stmt::SetBlock(s) => {
            let filter = s.filter.as_ref().map(expr);
            Stmt::SetBlock(made(ast::SetBlock { target: expr(&s.target), filter, body: all(&s.body) }, s.span()))
        }
        Stmt::AutoEscape(s) => Stmt::EmitExpr(made(ast::EmitExpr { expr: refused("'autoescape'", s.span()) }, s.span())),
        Stmt::FilterBlock(s) => Stmt::FilterBlock(made(ast::FilterBlock { filter: expr(&s.filter), body: all(&s.body) }, s.span())),
        Stmt::Macro(s) => Stmt::Macro(made(macro_of(s), s.span())),
        Stmt::CallBlock(s) => {
            let macro_decl = made(macro_of(&s.macro_decl), s.macro_decl.span());
            Stmt::CallBlock(made(ast::CallBlock { call: made(call(&s.call), s.call.span()), macro_decl }, s.span()))
        }
        Stmt::Continue(s) => Stmt::Continue(made(ast::Continue, s.span())),
        Stmt::Break(s) => Stmt::Break(made(ast::Break, s.span())),
        Stmt::Do(s) => {
            Stmt::EmitExpr(made(ast::EmitExpr { expr: refused("'do', which Jinja2 has as an extension alone", s.span()) }, s.span()))
        }
        other => of_several_files(other),
    }
}

/// Statements that are about other templates, of which there are none.
fn of_several_files<'a>(old: &Stmt<'a>) -> Stmt<'a> {
    match old {
        Stmt::Block(s) => Stmt::Block(made(ast::Block { name: s.name, required: s.required, body: all(&s.body) }, s.span())),
        Stmt::Import(s) => Stmt::Import(made(ast::Import { expr: expr(&s.expr), name: expr(&s.name) }, s.span())),
        Stmt::FromImport(s) => {
            let names = s.names.iter().map(|(name, alias)| (expr(name), alias.as_ref().map(expr))).collect();
            Stmt::FromImport(made(ast::FromImport { expr: expr(&s.expr), names }, s.span()))
        }
        Stmt::Extends(s) => Stmt::Extends(made(ast::Extends { name: expr(&s.name) }, s.span())),
        // Transformers' templates have no others to include, and say so whether the name is to be there or not.
        Stmt::Include(s) if s.ignore_missing => {
            Stmt::EmitExpr(made(ast::EmitExpr { expr: refused("'ignore missing'", s.span()) }, s.span()))
        }
        Stmt::Include(s) => Stmt::Include(made(ast::Include { name: expr(&s.name), ignore_missing: s.ignore_missing }, s.span())),
        _ => unreachable!("statements within one file are handled above"),
    }
}

/// All values of a `with` are found before the first name is given: they stand under names that no template can spell.
fn with_block<'a>(old: &ast::WithBlock<'a>, span: Span) -> Stmt<'a> {
    const ASIDE: [&str; 8] = ["with 0", "with 1", "with 2", "with 3", "with 4", "with 5", "with 6", "with 7"];
    let with = |assignments, body| Stmt::WithBlock(made(ast::WithBlock { assignments, body }, span));
    if old.assignments.len() > ASIDE.len() {
        return Stmt::EmitExpr(made(ast::EmitExpr { expr: refused("'with' of more than eight names", span) }, span));
    }
    let var = |id: &'static str| Expr::Var(made(ast::Var { id }, span));
    let values = old.assignments.iter().zip(ASIDE).map(|((_, value), aside)| (var(aside), expr(value))).collect();
    let names = old.assignments.iter().zip(ASIDE).map(|((target, _), aside)| (expr(target), var(aside))).collect();
    with(values, vec![with(names, all(&old.body))])
}

fn for_loop<'a>(old: &ast::ForLoop<'a>, span: Span) -> ast::ForLoop<'a> {
    ast::ForLoop {
        target: expr(&old.target),
        iter: filter(names::ITERATED, expr(&old.iter), Vec::new(), span),
        filter_expr: old.filter_expr.as_ref().map(expr),
        recursive: old.recursive,
        body: all(&old.body),
        else_body: all(&old.else_body),
    }
}

fn macro_of<'a>(old: &ast::Macro<'a>) -> ast::Macro<'a> {
    let exprs = |some: &[Expr<'a>]| some.iter().map(expr).collect();
    ast::Macro { name: old.name, args: exprs(&old.args), defaults: exprs(&old.defaults), body: all(&old.body) }
}

fn filter<'a>(name: &'a str, of: Expr<'a>, args: Vec<Expr<'a>>, span: Span) -> Expr<'a> {
    let args = args.into_iter().map(CallArg::Pos).collect();
    Expr::Filter(made(ast::Filter { name, expr: Some(of), args }, span))
}

/// What is refused when it is met.
fn refused<'a>(what: &'static str, span: Span) -> Expr<'a> {
    filter(names::REFUSED, constant(what, span), Vec::new(), span)
}

fn constant<'a>(value: impl Into<Value>, span: Span) -> Expr<'a> {
    Expr::Const(made(ast::Const { value: value.into() }, span))
}

fn args<'a>(old: &[CallArg<'a>]) -> Vec<CallArg<'a>> {
    let one = |arg: &CallArg<'a>| match arg {
        CallArg::Pos(value) => CallArg::Pos(expr(value)),
        CallArg::Kwarg(name, value) => CallArg::Kwarg(name, expr(value)),
        CallArg::PosSplat(value) => CallArg::PosSplat(expr(value)),
        CallArg::KwargSplat(value) => CallArg::KwargSplat(expr(value)),
    };
    old.iter().map(one).collect()
}

fn call<'a>(old: &ast::Call<'a>) -> ast::Call<'a> {
    let called = match &old.expr {
        // What is called keeps its form: a method is not read first.
        Expr::GetAttr(get) => Expr::GetAttr(made(ast::GetAttr { expr: expr(&get.expr), name: get.name }, get.span())),
        other => expr(other),
    };
    ast::Call { expr: called, args: args(&old.args) }
}

fn expr<'a>(old: &Expr<'a>) -> Expr<'a> {
    match old {
        Expr::Var(e) if e.id == "self" => refused("'self', the template's blocks", e.span()),
        Expr::Var(e) => Expr::Var(made(ast::Var { id: e.id }, e.span())),
        Expr::Const(e) => constant(e.value.clone(), e.span()),
        Expr::Slice(e) => {
            let bound = |bound: &Option<Expr<'a>>| bound.as_ref().map_or_else(|| constant((), e.span()), expr);
            filter(access::SLICE, expr(&e.expr), vec![bound(&e.start), bound(&e.stop), bound(&e.step)], e.span())
        }
        Expr::UnaryOp(e) => match e.op {
            UnaryOpKind::Not => Expr::UnaryOp(made(ast::UnaryOp { op: UnaryOpKind::Not, expr: expr(&e.expr) }, e.span())),
            UnaryOpKind::Neg => filter(names::NEGATIVE, expr(&e.expr), Vec::new(), e.span()),
        },
        Expr::BinOp(e) => binary(e.op, expr(&e.left), expr(&e.right), e.span()),
        Expr::Compare(e) => compare(e, e.span()),
        Expr::IfExpr(e) => {
            let false_expr = e.false_expr.as_ref().map(expr);
            Expr::IfExpr(made(ast::IfExpr { test_expr: expr(&e.test_expr), true_expr: expr(&e.true_expr), false_expr }, e.span()))
        }
        Expr::Filter(e) => Expr::Filter(made(ast::Filter { name: e.name, expr: e.expr.as_ref().map(expr), args: args(&e.args) }, e.span())),
        Expr::Test(e) => Expr::Test(made(ast::Test { name: e.name, expr: expr(&e.expr), args: args(&e.args) }, e.span())),
        Expr::GetAttr(e) if is_method(e.name) => filter(access::ATTRIBUTE, expr(&e.expr), vec![constant(e.name, e.span())], e.span()),
        Expr::GetAttr(e) => Expr::GetAttr(made(ast::GetAttr { expr: expr(&e.expr), name: e.name }, e.span())),
        Expr::GetItem(e) => {
            let subscript_expr = expr(&e.subscript_expr);
            let is_plain = match &e.subscript_expr {
                Expr::Const(key) => {
                    key.value.as_str().is_some_and(|name| !is_method(name)) || (key.value.is_integer() && key.value.as_usize().is_some())
                }
                _ => false,
            };
            if !is_plain {
                return filter(access::ITEM, expr(&e.expr), vec![subscript_expr], e.span());
            }
            Expr::GetItem(made(ast::GetItem { expr: expr(&e.expr), subscript_expr }, e.span()))
        }
        Expr::Call(e) => Expr::Call(made(call(e), e.span())),
        Expr::List(e) => Expr::List(made(ast::List { items: e.items.iter().map(expr).collect() }, e.span())),
        Expr::Tuple(e) => Expr::Tuple(made(ast::Tuple { items: e.items.iter().map(expr).collect() }, e.span())),
        Expr::Map(e) if !e.keys.iter().all(|key| matches!(key, Expr::Const(key) if key.value.as_str().is_some())) => {
            let items = e.keys.iter().zip(&e.values).flat_map(|(key, value)| [expr(key), expr(value)]).collect();
            filter(access::DICTIONARY, Expr::List(made(ast::List { items }, e.span())), Vec::new(), e.span())
        }
        Expr::Map(e) => {
            let (keys, values) = (e.keys.iter().map(expr).collect(), e.values.iter().map(expr).collect());
            Expr::Map(made(ast::Map { keys, values }, e.span()))
        }
    }
}

fn binary<'a>(op: BinOpKind, left: Expr<'a>, right: Expr<'a>, span: Span) -> Expr<'a> {
    let name = match op {
        BinOpKind::ScAnd | BinOpKind::ScOr => return Expr::BinOp(made(ast::BinOp { op, left, right }, span)),
        BinOpKind::Eq => names::EQUAL,
        BinOpKind::Ne => names::UNEQUAL,
        BinOpKind::Lt => names::LESS,
        BinOpKind::Lte => names::AT_MOST,
        BinOpKind::Gt => names::GREATER,
        BinOpKind::Gte => names::AT_LEAST,
        BinOpKind::Add => names::ADD,
        BinOpKind::Sub => names::SUBTRACT,
        BinOpKind::Mul => names::MULTIPLY,
        BinOpKind::Div => names::DIVIDE,
        BinOpKind::FloorDiv => names::FLOOR_DIVIDE,
        BinOpKind::Rem => names::REMAINDER,
        BinOpKind::Pow => names::POWER,
        BinOpKind::Concat => names::JOIN,
        BinOpKind::In => names::IN,
    };
    filter(name, left, vec![right], span)
}

/// `a < b < c` is `a < b and b < c`; nothing that is written twice has an effect.
fn compare<'a>(old: &ast::Compare<'a>, span: Span) -> Expr<'a> {
    let mut left = &old.expr;
    let mut whole: Option<Expr<'a>> = None;
    for step in &old.ops {
        let (op, is_negated) = match step.op {
            CompareOpKind::Eq => (BinOpKind::Eq, false),
            CompareOpKind::Ne => (BinOpKind::Ne, false),
            CompareOpKind::Lt => (BinOpKind::Lt, false),
            CompareOpKind::Lte => (BinOpKind::Lte, false),
            CompareOpKind::Gt => (BinOpKind::Gt, false),
            CompareOpKind::Gte => (BinOpKind::Gte, false),
            CompareOpKind::In => (BinOpKind::In, false),
            CompareOpKind::NotIn => (BinOpKind::In, true),
        };
        let plain = binary(op, expr(left), expr(&step.expr), span);
        let one = if is_negated { Expr::UnaryOp(made(ast::UnaryOp { op: UnaryOpKind::Not, expr: plain }, span)) } else { plain };
        whole = Some(match whole {
            None => one,
            Some(before) => Expr::BinOp(made(ast::BinOp { op: BinOpKind::ScAnd, left: before, right: one }, span)),
        });
        left = &step.expr;
    }
    whole.unwrap_or_else(|| expr(&old.expr))
}
