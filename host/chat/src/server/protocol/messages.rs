//! The messages of a conversation.

use super::super::problem::Problem;
use super::fields::{Fields, wrong};
use crate::dialect::{Message, Role};
use serde_json::{Map, Value};

/// Messages of a request.
pub(super) fn messages(items: Vec<Value>) -> Result<Vec<Message>, Problem> {
    if items.is_empty() {
        return Err(Problem::field("messages", "there are no messages; give at least one"));
    }
    items.into_iter().enumerate().map(|(at, item)| message(item, format!("messages[{at}]"))).collect()
}

fn message(item: Value, path: String) -> Result<Message, Problem> {
    let mut fields = Fields::new(item, path)?;
    let role = fields.text("role")?.ok_or_else(|| Problem::field(fields.at("role"), "a message needs a role"))?;
    let role = match role.as_str() {
        "system" => Role::System,
        "developer" => Role::Developer,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        // The name of tools before there were several.
        "tool" | "function" => Role::Tool,
        other => {
            let message = format!("no role '{other}'; use system, developer, user, assistant or tool");
            return Err(Problem::field(fields.at("role"), message));
        }
    };
    let (at, calls) = (fields.at("content"), calls(&mut fields)?);
    let content = match fields.take("content") {
        None if role == Role::Assistant => String::new(),
        None => return Err(Problem::field(at, "a message needs content")),
        Some(Value::String(text)) => text,
        Some(Value::Array(parts)) => {
            parts.into_iter().enumerate().map(|(i, part)| text_of(part, format!("{at}[{i}]"))).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(wrong(&at, "a text or a list of parts", &other)),
    };
    // Clients send these empty where a message has none of them.
    for name in ["annotations", "refusal", "audio", "function_call"] {
        fields.neutral(name, |value| value == "" || value.as_array().is_some_and(Vec::is_empty))?;
    }
    // Whatever else there is, the template must read ([`crate::dialect::Dialect::unread`]).
    let mut rest = fields.rest();
    if !calls.is_empty() {
        rest.insert("tool_calls".into(), calls.into());
    }
    Ok(Message { role, content, fields: rest })
}

fn text_of(part: Value, path: String) -> Result<String, Problem> {
    let mut part = match part {
        Value::String(text) => return Ok(text),
        part => Fields::new(part, path)?,
    };
    let at = part.at("type");
    match (part.text("type")?.as_deref(), part.text("text")?) {
        (Some("text" | "input_text" | "output_text") | None, Some(text)) => {
            part.neutral("annotations", |value| value.as_array().is_some_and(Vec::is_empty))?;
            // Others charge less for what is marked so; here every beginning is kept.
            let _ = part.take("cache_control");
            part.end().map(|()| text)
        }
        (kind, _) => {
            Err(Problem::field(at, format_args!("a part of type '{}' is not text; this model reads text alone", kind.unwrap_or("none"))))
        }
    }
}

/// Calls that the model made before. Their arguments come as JSON in a text, and templates want the object.
fn calls(message: &mut Fields) -> Result<Vec<Value>, Problem> {
    let at = message.at("tool_calls");
    let calls = message.list("tool_calls")?.unwrap_or_default();
    calls.into_iter().enumerate().map(|(i, call)| read_call(call, format!("{at}[{i}]"))).collect()
}

fn read_call(call: Value, path: String) -> Result<Value, Problem> {
    let mut call = Fields::new(call, path)?;
    let mut function = call.object("function")?.ok_or_else(|| Problem::field(call.at("function"), "a call needs a function"))?;
    let name = function.text("name")?.ok_or_else(|| Problem::field(function.at("name"), "a function needs a name"))?;
    let arguments = match function.take("arguments") {
        Some(Value::String(text)) if text.trim().is_empty() => Value::Object(Map::new()),
        // A model's own words, whatever they were.
        Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        Some(object) => object,
        None => Value::Object(Map::new()),
    };
    let mut rest = call.rest();
    rest.entry("type").or_insert_with(|| "function".into());
    rest.insert("function".into(), serde_json::json!({ "name": name, "arguments": arguments }));
    Ok(rest.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_are_texts_or_parts_of_text() {
        let list = json!([
            { "role": "developer", "content": "a" },
            { "role": "user", "content": [{ "type": "text", "text": "b" }, { "type": "input_text", "text": "c" }] },
            { "role": "assistant", "content": null, "refusal": null },
        ]);
        let expected = [(Role::Developer, "a"), (Role::User, "bc"), (Role::Assistant, "")].map(|(role, text)| Message::new(role, text));
        assert_eq!(messages(list.as_array().unwrap().clone()).unwrap(), expected);
    }

    #[test]
    fn calls_and_what_they_returned_keep_their_fields() {
        let call = json!({ "id": "1", "type": "function", "function": { "name": "f", "arguments": "{\"b\": 1, \"a\": 2}" } });
        let list = [json!({ "role": "assistant", "tool_calls": [call] }), json!({ "role": "tool", "tool_call_id": "1", "content": "42" })];
        let read = messages(list.into()).unwrap();
        let expected = json!([{ "id": "1", "type": "function", "function": { "name": "f", "arguments": { "b": 1, "a": 2 } } }]);
        assert_eq!((read[0].content.as_str(), read[0].fields["tool_calls"].to_string()), ("", expected.to_string()));
        assert_eq!((read[1].role, &read[1].fields["tool_call_id"]), (Role::Tool, &json!("1")));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path() {
        for (item, path) in [
            (json!(3), "messages[0]"),
            (json!({ "content": "x" }), "messages[0].role"),
            (json!({ "role": "wizard", "content": "" }), "messages[0].role"),
            (json!({ "role": "user" }), "messages[0].content"),
            (json!({ "role": "user", "content": 5 }), "messages[0].content"),
            (json!({ "role": "user", "content": [{ "type": "image_url" }] }), "messages[0].content[0].type"),
            (json!({ "role": "assistant", "tool_calls": [{ "id": "1" }] }), "messages[0].tool_calls[0].function"),
            (json!({ "role": "assistant", "tool_calls": [{ "function": { "name": 1 } }] }), "messages[0].tool_calls[0].function.name"),
        ] {
            assert_eq!(messages(vec![item.clone()]).unwrap_err().param.as_deref(), Some(path), "{item}");
        }
        assert_eq!(messages(vec![]).unwrap_err().param.as_deref(), Some("messages"));
    }
}
