//! The server's loop: one message after another.

use crate::document::Open;
use crate::place::path;
use crate::requests::answer;
use lsp_server::{Connection, ErrorCode, Message, Notification, ProtocolError, Request, RequestId, Response};
use lsp_types::{
    CodeLensOptions, DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    HoverProviderCapability, OneOf, PublishDiagnosticsParams, RenameOptions, SaveOptions, ServerCapabilities, TextDocumentSyncCapability,
    TextDocumentSyncKind, TextDocumentSyncOptions, TextDocumentSyncSaveOptions, Uri,
};
use nda_analysis::{Costs, Known, model_beside};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

/// How a server is started.
pub struct Options {
    /// The model whose tensors the programs name; else the one beside each program.
    pub model: Option<PathBuf>,
    /// Who knows what products cost.
    pub costs: Arc<dyn Costs>,
}

/// Why a server ended out of order.
#[derive(Debug)]
pub enum ServeError {
    /// The editor broke the protocol, or went away without a word.
    Protocol(ProtocolError),
    /// It sent `exit` without `shutdown`.
    Exit,
}

impl std::fmt::Display for ServeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ServeError::Protocol(error) => write!(f, "the editor does not keep to the protocol: {error}"),
            ServeError::Exit => write!(f, "the editor ended the server without a shutdown"),
        }
    }
}

impl std::error::Error for ServeError {}

/// Serves an editor until it ends the server.
///
/// # Errors
/// The editor broke the protocol.
pub fn serve(connection: &Connection, options: Options) -> Result<(), ServeError> {
    let offered = serde_json::to_value(capabilities()).expect("capabilities are JSON");
    let asked = connection.initialize(offered).map_err(ServeError::Protocol)?;
    let model = asked["initializationOptions"]["model"].as_str().map(PathBuf::from);
    let refreshes = &asked["capabilities"]["workspace"];
    let refreshes = ["inlayHint", "codeLens"].into_iter().filter(|what| refreshes[what]["refreshSupport"] == true).collect();
    let options = Options { model: model.or(options.model), ..options };
    let mut server = Server { connection, options, open: HashMap::new(), refreshes, asked: 0 };
    for message in &connection.receiver {
        match message {
            Message::Request(request) => {
                if connection.handle_shutdown(&request).map_err(ServeError::Protocol)? {
                    return Ok(());
                }
                server.request(request);
            }
            Message::Notification(notification) if notification.method == "exit" => return Err(ServeError::Exit),
            Message::Notification(notification) => server.notification(notification),
            // Answers to a refresh say nothing.
            Message::Response(_) => {}
        }
    }
    Ok(())
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: None })),
            ..TextDocumentSyncOptions::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(RenameOptions { prepare_provider: Some(true), work_done_progress_options: Default::default() })),
        document_formatting_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        inlay_hint_provider: Some(OneOf::Left(true)),
        code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(false) }),
        ..ServerCapabilities::default()
    }
}

struct Server<'c> {
    connection: &'c Connection,
    options: Options,
    open: HashMap<Uri, Open>,
    /// What the editor lets itself be told to ask for again.
    refreshes: Vec<&'static str>,
    /// Times that costs were asked for, which numbers the requests for a refresh.
    asked: usize,
}

impl Server<'_> {
    fn send(&self, message: impl Into<Message>) {
        // An editor that is gone is seen by the loop.
        let _ = self.connection.sender.send(message.into());
    }

    fn request(&self, request: Request) {
        let Request { id, method, params } = request;
        let uri = serde_json::from_value::<Uri>(params["textDocument"]["uri"].clone());
        let answered = match uri.ok().and_then(|uri| self.open.get(&uri).map(|open| (uri, open))) {
            Some((uri, open)) => answer(&method, &params, &uri, open),
            None => Some(Err((ErrorCode::InvalidParams, "no open program has this address".to_owned()))),
        };
        self.send(match answered {
            Some(Ok(result)) => Response::new_ok(id, result),
            Some(Err((code, why))) => Response::new_err(id, code as i32, why),
            None => Response::new_err(id, ErrorCode::MethodNotFound as i32, format!("there is no method '{method}'")),
        });
    }

    fn notification(&mut self, notification: Notification) {
        let Notification { method, params } = notification;
        match method.as_str() {
            "textDocument/didOpen" => {
                let Some(DidOpenTextDocumentParams { text_document: opened }) = read(params) else { return };
                let Ok(open) = Open::new(&opened.text, opened.version) else { return };
                self.open.insert(opened.uri.clone(), open);
                self.publish(&opened.uri);
                self.ask_costs(&opened.uri);
            }
            "textDocument/didChange" => {
                let Some(DidChangeTextDocumentParams { text_document: changed, content_changes }) = read(params) else { return };
                let Some(open) = self.open.get_mut(&changed.uri) else { return };
                if open.change(&content_changes, changed.version).is_err() {
                    // Both have different texts: better no answers than wrong ones.
                    self.open.remove(&changed.uri);
                    return;
                }
                self.publish(&changed.uri);
            }
            "textDocument/didSave" => {
                let Some(DidSaveTextDocumentParams { text_document: saved, .. }) = read(params) else { return };
                self.ask_costs(&saved.uri);
            }
            "textDocument/didClose" => {
                let Some(DidCloseTextDocumentParams { text_document: closed }) = read(params) else { return };
                self.open.remove(&closed.uri);
                self.tell(&closed.uri, Vec::new(), None);
            }
            _ => {}
        }
    }

    fn publish(&self, uri: &Uri) {
        if let Some(open) = self.open.get(uri) {
            self.tell(uri, open.diagnostics(), Some(open.version));
        }
    }

    fn tell(&self, uri: &Uri, diagnostics: Vec<lsp_types::Diagnostic>, version: Option<i32>) {
        let params = PublishDiagnosticsParams { uri: uri.clone(), diagnostics, version };
        self.send(Notification::new("textDocument/publishDiagnostics".into(), params));
    }

    /// Asks in the background what the products of a program cost, and tells the editor when it is known.
    fn ask_costs(&mut self, uri: &Uri) {
        let Some(open) = self.open.get(uri).filter(|open| open.analysis.faults().is_empty()) else { return };
        let Some(model) = self.options.model.clone().or_else(|| model_beside(&path(uri)?)) else { return };
        let (known, program, costs) = (open.known.clone(), open.analysis.source().to_owned(), self.options.costs.clone());
        let (sender, refreshes, asked) = (self.connection.sender.clone(), self.refreshes.clone(), self.asked);
        self.asked += 1;
        std::thread::spawn(move || {
            let Some(found) = Known::ask(costs.as_ref(), &model, &program) else { return };
            *known.lock().unwrap_or_else(PoisonError::into_inner) = found;
            for what in refreshes {
                let id = RequestId::from(format!("{what} {asked}"));
                let _ = sender.send(Request::new(id, format!("workspace/{what}/refresh"), json!(null)).into());
            }
        });
    }
}

/// The parameters of a message; what is none is passed over, as the protocol has it for notifications.
fn read<P: DeserializeOwned>(params: Value) -> Option<P> {
    serde_json::from_value(params).ok()
}
