//! Answers have the form that was asked for, whatever the model would say: this one of 1.1 million weights knows no JSON.

mod common;

use common::{CHAT, Running, TEMPLATE, events, post, receive, send, serve_with, settings};
use nda_chat::Settings;
use serde_json::{Value, json};
use std::time::Duration;

/// A longer context than the model was trained with: what it says there is nonsense, and in form.
const ROOMY: &[(&str, &str)] = &[("chat_template", TEMPLATE), ("context", "4096")];

fn server() -> Running {
    serve_with(Settings { deadline: Duration::from_secs(300), ..settings() }, Duration::ZERO, ROOMY)
}

fn ask(server: &Running, extra: Value) -> Value {
    let mut body = json!({ "messages": [{ "role": "user", "content": "Hello" }], "temperature": 1, "max_tokens": 1500 });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let (status, answer) = post(server.address, CHAT, &body);
    assert_eq!(status, 200, "{body}: {answer}");
    answer["choices"][0].clone()
}

fn tool(name: &str) -> Value {
    let parameters = json!({ "type": "object", "required": ["a", "b"], "additionalProperties": false,
        "properties": { "a": { "type": "integer", "minimum": 0, "maximum": 99 }, "b": { "enum": ["left", "right"] } } });
    json!({ "type": "function", "function": { "name": name, "description": "Moves a thing.", "parameters": parameters } })
}

/// The arguments of a call, checked against [`tool`]'s schema.
fn checked(call: &Value) -> &str {
    let function = &call["function"];
    let arguments: Value = serde_json::from_str(function["arguments"].as_str().unwrap()).unwrap();
    assert!(arguments["a"].as_u64().is_some_and(|a| a <= 99) && (arguments["b"] == "left" || arguments["b"] == "right"), "{call}");
    assert!(call["id"].as_str().unwrap().len() == 9 && call["type"] == "function" && arguments.as_object().unwrap().len() == 2);
    function["name"].as_str().unwrap()
}

#[test]
fn answers_are_json_unless_they_are_cut() {
    let server = server();
    let schema = json!({ "type": "object", "required": ["name", "size"], "additionalProperties": false, "properties": {
        "name": { "type": "string", "maxLength": 20 }, "size": { "type": "integer", "minimum": 0, "maximum": 999 } } });
    let mut whole = 0;
    for seed in 0..8 {
        let format = match seed % 2 {
            0 => json!({ "type": "json_object" }),
            _ => json!({ "type": "json_schema", "json_schema": { "name": "thing", "schema": schema } }),
        };
        let choice = ask(&server, json!({ "seed": seed, "response_format": format }));
        let text = choice["message"]["content"].as_str().unwrap();
        match serde_json::from_str::<Value>(text) {
            Ok(value) => {
                assert!(value.is_object() && (seed % 2 == 0 || (value["name"].is_string() && value["size"].is_u64())), "{text}");
                whole += 1;
            }
            // Nothing is wrong with it but that it is not over.
            Err(error) => assert!(error.is_eof() && choice["finish_reason"] == "length", "{error}: {text}"),
        }
    }
    assert!(whole >= 4, "only {whole} answers ended");
    let lists = json!({ "grammar": "root ::= item (\", \" item){2}\nitem ::= \"yes\" | \"no\"" });
    let text = ask(&server, lists)["message"]["content"].as_str().unwrap().to_owned();
    assert!(text.split(", ").count() == 3 && text.split(", ").all(|item| item == "yes" || item == "no"), "{text}");
    assert_eq!(ask(&server, json!({ "json_schema": { "const": [1, 2] } }))["message"]["content"], "[1, 2]");
}

#[test]
fn calls_come_back_parsed_whole_and_in_streams() {
    let server = server();
    let tools = json!([tool("push"), tool("pull")]);
    for seed in 0..4 {
        let choice = ask(&server, json!({ "seed": seed, "tools": tools, "tool_choice": "required", "parallel_tool_calls": false }));
        let calls = choice["message"]["tool_calls"].as_array().unwrap_or_else(|| panic!("{choice}"));
        assert_eq!((calls.len(), &choice["finish_reason"], &choice["message"]["content"]), (1, &json!("tool_calls"), &Value::Null));
        checked(&calls[0]);
    }
    let named = json!({ "type": "function", "function": { "name": "pull" } });
    let body = json!({ "seed": 3, "tools": tools, "tool_choice": named });
    let whole = ask(&server, body.clone());
    assert_eq!(checked(&whole["message"]["tool_calls"][0]), "pull");
    let mut streamed =
        json!({ "messages": [{ "role": "user", "content": "Hello" }], "temperature": 1, "max_tokens": 1500, "stream": true });
    streamed.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let (_, text) = receive(send(server.address, "POST", CHAT, "", &streamed.to_string()));
    let all = events(&text);
    let calls: Vec<&Value> =
        all.iter().flat_map(|event| event["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten()).collect();
    assert_eq!((calls.len(), &calls[0]["index"]), (1, &json!(0)));
    assert_eq!(calls[0]["function"], whole["message"]["tool_calls"][0]["function"]);
    assert!(all.iter().all(|event| event["choices"][0]["delta"]["content"].as_str().is_none_or(str::is_empty)), "{text}");
    assert_eq!(all[all.len() - 2]["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn an_answer_that_need_not_call_is_text_and_knows_its_tools() {
    let server = server();
    let free = ask(&server, json!({ "tools": [tool("push")], "max_tokens": 40 }));
    assert_eq!((&free["finish_reason"], free["message"].get("tool_calls")), (&json!("length"), None));
    assert!(!free["message"]["content"].as_str().unwrap().is_empty());
    // The template knows no tools: they stand in a system's message in front, calls and results in the text.
    let tokens = |body: Value| post(server.address, CHAT, &body).1["usage"]["prompt_tokens"].as_u64().unwrap();
    let user = json!({ "role": "user", "content": "Hello" });
    let plain = tokens(json!({ "messages": [user], "max_tokens": 1 }));
    assert!(tokens(json!({ "messages": [user], "tools": [tool("push")], "max_tokens": 1 })) > plain + 300);
    let call = json!({ "id": "1", "type": "function", "function": { "name": "push", "arguments": "{\"a\":1,\"b\":\"left\"}" } });
    let history = json!([user, { "role": "assistant", "content": null, "tool_calls": [call] }, { "role": "tool", "tool_call_id": "1", "content": "42" }]);
    let expected = "u: Hello\na: <tool_call>\n{\"name\": \"push\", \"arguments\": {\"a\": 1, \"b\": \"left\"}}\n</tool_call>\n\
                    u: <tool_response>\n42\n</tool_response>\na: ";
    assert_eq!(tokens(json!({ "messages": history, "max_tokens": 1 })), expected.len() as u64);
    // Text or a call, in a form of its own.
    let either = ask(&server, json!({ "tools": [tool("push")], "response_format": { "type": "json_object" }, "seed": 2 }));
    let is_call = either["message"]["tool_calls"].is_array();
    assert!(
        is_call
            || either["finish_reason"] == "length"
            || serde_json::from_str::<Value>(either["message"]["content"].as_str().unwrap()).is_ok(),
        "{either}"
    );
}

#[test]
fn beside_tools_an_answer_is_a_call_or_a_text_of_the_grammar() {
    let server = server();
    let gbnf = json!({ "grammar": "root ::= item (\", \" item){2}\nitem ::= \"yes\" | \"no\"" });
    // Rules that are called as those of a call, and braces: neither meets those of the grammar around.
    let lark = json!({ "grammar": "start: one body | call\none: \"{\"\nbody: /[0-9]{3}/ \"}\"\ncall: \"nothing\"\n" });
    let is_list = |text: &str| text.split(", ").count() == 3 && text.split(", ").all(|item| item == "yes" || item == "no");
    let is_number = |text: &str| {
        let digits = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
        text == "nothing" || (digits.len() == 3 && digits.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let forms: [(&Value, &dyn Fn(&str) -> bool); 2] = [(&gbnf, &is_list), (&lark, &is_number)];
    for ((form, is_one), seed) in forms.into_iter().flat_map(|form| (0..4).map(move |seed| (form, seed))) {
        let mut body = json!({ "seed": seed, "tools": [tool("push"), tool("pull")], "parallel_tool_calls": false });
        body.as_object_mut().unwrap().extend(form.as_object().unwrap().clone());
        let with = |key: &str, value: Value| {
            let mut body = body.clone();
            body[key] = value;
            ask(&server, body)
        };
        // Whether it is a call is decided by its first character: one that no text begins with, made certain or impossible.
        let free = with("logit_bias", json!({ (b'<').to_string(): -100 }));
        let text = free["message"]["content"].as_str().unwrap();
        assert!(is_one(text) && free["finish_reason"] == "stop" && free["message"].get("tool_calls").is_none(), "{free}");
        for called in [with("logit_bias", json!({ (b'<').to_string(): 100 })), with("tool_choice", json!("required"))] {
            assert_eq!((&called["finish_reason"], &called["message"]["content"]), (&json!("tool_calls"), &Value::Null), "{called}");
            checked(&called["message"]["tool_calls"][0]);
        }
        let never = with("tool_choice", json!("none"));
        assert!(is_one(never["message"]["content"].as_str().unwrap()), "{never}");
    }
    // A brace too many is no way out of the grammar around.
    let body = json!({ "messages": [{ "role": "user", "content": "Hello" }], "tools": [tool("push")], "grammar": "start: \"a\" }\nx: %lark {\nstart: \"b\"" });
    let (status, answer) = post(server.address, CHAT, &body);
    assert_eq!((status, answer["error"]["code"].as_str()), (400, Some("invalid_grammar")), "{answer}");
}

#[test]
fn an_answer_that_cannot_be_completed_is_an_error_and_never_half_a_form() {
    let server = server();
    let digits: Value = (b'0'..=b'9').chain([b'-']).map(|byte| (byte.to_string(), json!(-100))).collect::<serde_json::Map<_, _>>().into();
    let number =
        json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"], "additionalProperties": false });
    for extra in [
        json!({ "json_schema": number, "logit_bias": digits }),
        json!({ "response_format": { "type": "json_object" }, "logit_bias": { (b'{').to_string(): -100 } }),
        json!({ "tools": [tool("push")], "tool_choice": "required", "logit_bias": { (b'<').to_string(): -100 } }),
        json!({ "grammar": "root ::= \"a\"", "logit_bias": { (b'a').to_string(): -100 } }),
    ] {
        let mut body = json!({ "messages": [{ "role": "user", "content": "Hello" }] });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let (status, answer) = post(server.address, CHAT, &body);
        assert_eq!((status, answer["error"]["param"].as_str()), (400, Some("logit_bias")), "{extra}: {answer}");
    }
}

#[test]
fn a_form_that_is_none_is_refused_before_the_answer() {
    let server = server();
    let tool = |kind: &str| json!([{ "type": "function", "function": { "name": "f", "parameters": { "type": kind } } }]);
    let format = json!({ "type": "json_schema", "json_schema": { "name": "x", "schema": { "type": "wizard" } } });
    for (extra, param) in [
        (json!({ "grammar": "root ::= nobody" }), "grammar"),
        (json!({ "grammar": "root = 1" }), "grammar"),
        (json!({ "json_schema": { "type": "wizard" } }), "json_schema"),
        (json!({ "response_format": format }), "response_format"),
        (json!({ "tools": tool("wizard") }), "tools"),
        (json!({ "tools": tool("object"), "grammar": "root ::= nobody" }), "grammar"),
    ] {
        let mut body = json!({ "messages": [{ "role": "user", "content": "Hello" }], "stream": true });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let (status, answer) = post(server.address, CHAT, &body);
        assert_eq!((status, answer["error"]["code"].as_str()), (400, Some("invalid_grammar")), "{extra}: {answer}");
        assert_eq!(answer["error"]["param"], param, "{extra}: {answer}");
    }
}
