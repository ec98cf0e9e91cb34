//! Requests of the editor, each answered from the program that it names.

use crate::document::Open;
use crate::place::{byte, range};
use lsp_server::ErrorCode;
use lsp_types::{
    DocumentSymbolResponse, GotoDefinitionResponse, Hover, HoverContents, Location, MarkupContent, MarkupKind, Position,
    PrepareRenameResponse, TextEdit, Uri, WorkspaceEdit,
};
use serde_json::{Value, json};
use std::collections::HashMap;

/// An error as the protocol has it.
pub type Fault = (ErrorCode, String);

/// Answers a request; none: there is no such method.
pub fn answer(method: &str, params: &Value, uri: &Uri, open: &Open) -> Option<Result<Value, Fault>> {
    let at = || serde_json::from_value::<Position>(params["position"].clone()).map(|at| byte(open.now(), at)).map_err(wrong);
    Some(match method {
        "textDocument/hover" => at().map(|at| json!(hover(open, at))),
        "textDocument/definition" => at().map(|at| json!(definition(open, uri, at))),
        "textDocument/references" => at().map(|at| json!(references(open, uri, at))),
        "textDocument/prepareRename" => at().map(|at| json!(can_rename(open, at))),
        "textDocument/rename" => at().and_then(|at| rename(open, uri, at, params["newName"].as_str().unwrap_or_default())),
        "textDocument/formatting" => open.formatted().map(|edits| json!(edits)).ok_or_else(|| {
            let why = "the program's form is broken, so formatting would lose what was not understood; mend the faults first";
            (ErrorCode::RequestFailed, why.to_owned())
        }),
        "textDocument/inlayHint" => serde_json::from_value(params["range"].clone()).map(|range| json!(open.inlays(range))).map_err(wrong),
        "textDocument/codeLens" => Ok(json!(open.lenses())),
        "textDocument/documentSymbol" => Ok(json!(DocumentSymbolResponse::Nested(open.symbols()))),
        _ => return None,
    })
}

fn wrong(error: serde_json::Error) -> Fault {
    (ErrorCode::InvalidParams, error.to_string())
}

fn hover(open: &Open, at: usize) -> Option<Hover> {
    let known = open.costs();
    let hover = open.analysis.hover(at, &known.plan, &known.shapes)?;
    let value = format!("```nda\n{}\n```\n{}", hover.code, hover.notes.join("\n\n"));
    let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
    Some(Hover { contents, range: Some(range(open.now(), hover.span)) })
}

fn definition(open: &Open, uri: &Uri, at: usize) -> Option<GotoDefinitionResponse> {
    let definition = open.analysis.definition(at)?;
    Some(GotoDefinitionResponse::Scalar(Location { uri: uri.clone(), range: range(open.now(), definition.span) }))
}

fn references(open: &Open, uri: &Uri, at: usize) -> Vec<Location> {
    let places = open.analysis.references(at).into_iter();
    places.map(|span| Location { uri: uri.clone(), range: range(open.now(), span) }).collect()
}

fn can_rename(open: &Open, at: usize) -> Option<PrepareRenameResponse> {
    let mut places = open.analysis.references(at).into_iter();
    let here = places.find(|span| span.start as usize <= at && at <= span.end as usize)?;
    Some(PrepareRenameResponse::Range(range(open.now(), here)))
}

fn rename(open: &Open, uri: &Uri, at: usize, name: &str) -> Result<Value, Fault> {
    let places = open.analysis.rename(at, name).map_err(|error| (ErrorCode::RequestFailed, error.to_string()))?;
    let edits = places.into_iter().map(|span| TextEdit { range: range(open.now(), span), new_text: name.into() }).collect();
    Ok(json!(WorkspaceEdit { changes: Some(HashMap::from([(uri.clone(), edits)])), ..WorkspaceEdit::default() }))
}
