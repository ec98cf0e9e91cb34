//! The tools as a server of the Model Context Protocol, over standard input and output.
//!
//! The client is asked for decisions by form elicitation if it has it; protocol versions up to 2025-11-25, in which a server may ask in the
//! midst of a call. The workspace is the server's argument: roots of the client are not used.

use crate::ask::{Answer, Ask, Question};
use crate::stop::Stop;
use crate::tools::{Effect, Tools};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ElicitRequestParams, ElicitationAction, ElicitationSchema,
    Implementation, JsonObject, ListToolsResult, PaginatedRequestParams, ProtocolVersion, ServerCapabilities, ServerConfig,
    Tool as McpTool, ToolAnnotations,
};
use rmcp::service::{ElicitationMode, RequestContext};
use rmcp::{ErrorData, Peer, RoleServer, ServerHandler, ServiceExt};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};

/// How long a client's person may take to answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(600);
/// Bytes of a change that a client's form shows.
const SHOWN_BYTES: usize = 16_000;
/// The newest protocol in which a server asks in the midst of a call.
const NEWEST: ProtocolVersion = ProtocolVersion::V_2025_11_25;

const INSTRUCTIONS: &str = "Tools on one project. Reading is free. patch_file, write_file and run only propose: a person or a rule decides, and a \
                            refusal says why; do not repeat a refused proposal unchanged. Commands run in a sandbox without network, on a clone.";

/// Asks the client that is connected.
#[derive(Default)]
pub struct Elicit {
    peer: Mutex<Option<Peer<RoleServer>>>,
    runtime: OnceLock<Handle>,
}

impl Elicit {
    fn set(&self, peer: Peer<RoleServer>) {
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner) = Some(peer);
    }
}

impl Ask for Elicit {
    fn ask(&self, question: &Question) -> Answer {
        let peer = self.peer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (Some(peer), Some(runtime)) = (peer, self.runtime.get()) else { return Answer::Absent };
        if !peer.supported_elicitation_modes().contains(&ElicitationMode::Form) {
            return Answer::Absent;
        }
        let schema = json!({
            "type": "object",
            "properties": { "approve": { "type": "boolean", "title": "Write this change?", "default": false } },
            "required": ["approve"],
        });
        let Ok(requested_schema) = serde_json::from_value::<ElicitationSchema>(schema) else {
            return Answer::Red("the form could not be made".into());
        };
        let form = ElicitRequestParams::FormElicitationParams { meta: None, message: question.text(SHOWN_BYTES), requested_schema };
        let asked = runtime.block_on(peer.create_elicitation_with_timeout(form, Some(ANSWER_DEADLINE)));
        match asked {
            Ok(result) if result.action == ElicitationAction::Accept => {
                let is_green = result.content.as_ref().and_then(|content| content.get("approve")) == Some(&Value::Bool(true));
                if is_green { Answer::Green("the client's user".into()) } else { Answer::Red("the client's user said no".into()) }
            }
            Ok(_) => Answer::Red("the client's user declined".into()),
            Err(e) => Answer::Red(format!("the client gave no answer: {e}")),
        }
    }
}

/// The server.
struct Server {
    tools: Tools,
    elicit: Arc<Elicit>,
}

/// Serves one client over standard input and output until it goes.
///
/// # Errors
/// The transport's or the protocol's failure.
pub fn serve(tools: Tools, elicit: Arc<Elicit>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let _ = elicit.runtime.set(runtime.handle().clone());
    let result = runtime.block_on(async {
        let running = Server { tools, elicit }.serve(rmcp::transport::stdio()).await?;
        running.waiting().await?;
        Ok(())
    });
    // A call that still waits for an answer does not keep the process.
    runtime.shutdown_background();
    result
}

fn object(value: Value) -> Arc<JsonObject> {
    match value {
        Value::Object(object) => Arc::new(object),
        _ => Arc::default(),
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_protocol_version(NEWEST)
            .with_server_info(Implementation::new("nda", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(ProtocolVersion::known_up_to(&NEWEST))
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListToolsResult, ErrorData> {
        let tools = self.tools.all().map(|tool| {
            let hints = ToolAnnotations::with_title(tool.title)
                .read_only(tool.effect == Effect::Reads)
                .destructive(tool.effect != Effect::Reads)
                .idempotent(tool.effect != Effect::Proposes)
                .open_world(false);
            McpTool::new(tool.name, tool.description, object(tool.input())).with_raw_output_schema(object(tool.output())).annotate(hints)
        });
        Ok(ListToolsResult::with_all_items(tools.collect()))
    }

    async fn call_tool(&self, call: CallToolRequestParams, context: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        if let Some(client) = context.peer.peer_info() {
            self.tools.context().set_who(&client.client_info.name);
        }
        self.elicit.set(context.peer);
        let (tools, stop) = (self.tools.clone(), Stop::default());
        let wish = stop.clone();
        let work = move || tools.call_until(&call.name, call.arguments.map_or(Value::Null, Value::Object), wish);
        let mut working = tokio::task::spawn_blocking(work);
        let answer = tokio::select! {
            answer = &mut working => answer,
            () = context.ct.cancelled() => {
                stop.set();
                working.await
            }
        };
        let answer = answer.map_err(|e| ErrorData::internal_error(e.to_string(), None))?;
        Ok(match answer {
            Ok(value) => CallToolResult::structured(value).into(),
            Err(e) => CallToolResult::error(vec![ContentBlock::text(e.to_string())]).into(),
        })
    }
}
