use super::*;
use crate::calls::Calling;
use crate::chooser::{Repetition, Steering};
use serde_json::json;

fn defaults() -> Defaults {
    Defaults { model: "tiny".into(), names: Names::Any, sampling: Sampling { seed: 5, ..Sampling::GREEDY } }
}

fn read_chat(extra: Value) -> Result<Request, Problem> {
    let mut body = json!({ "model": "tiny", "messages": [{ "role": "user", "content": "hi" }] });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    chat(body.to_string().as_bytes(), &defaults())
}

fn read_completion(body: Value) -> Result<Request, Problem> {
    completion(body.to_string().as_bytes(), &defaults())
}

fn tool(name: &str) -> Value {
    json!({ "type": "function", "function": { "name": name, "parameters": { "type": "object" } } })
}

#[test]
fn fields_are_read_and_defaults_filled() {
    let request = read_chat(json!({
        "max_tokens": 7, "max_completion_tokens": 7, "temperature": 0.5, "top_p": 0.9, "seed": -1, "stop": "x", "stream": true,
        "stream_options": { "include_usage": true }, "n": 2, "tools": [], "user": "anyone", "logprobs": true, "top_logprobs": 3,
    }))
    .unwrap();
    assert_eq!((request.manner.max_tokens, request.delivery, request.count), (Some(7), Delivery::StreamWithUsage, 2));
    assert_eq!(request.manner.sampling, Sampling { temperature: 0.5, top_k: None, top_p: Some(0.9), seed: u64::MAX });
    assert_eq!((request.manner.stops, request.manner.telling), (vec!["x".to_owned()], Telling::Drawn(3)));
    let plain = read_chat(json!({})).unwrap();
    assert_eq!((plain.manner.max_tokens, plain.manner.sampling.seed, plain.delivery), (None, 5, Delivery::Whole));
    let request = read_completion(json!({ "prompt": ["once", [1, 2.0]], "echo": true, "logprobs": 0, "parse_special": true })).unwrap();
    let expected = vec![Plain::Text { text: "once".into(), typed: Typed::Recognised }, Plain::Tokens(vec![1, 2])];
    assert_eq!((request.prompt, request.manner.max_tokens), (Prompt::Plain(expected), Some(16)));
    assert_eq!((request.echo, request.manner.telling), (Echo::On, Telling::All(0)));
    assert_eq!(read_completion(json!({ "prompt": [3, 4] })).unwrap().prompt, Prompt::Plain(vec![Plain::Tokens(vec![3, 4])]));
}

#[test]
fn what_others_write_for_no_limit_is_none() {
    let request = read_chat(json!({ "max_tokens": -1, "top_k": -1, "top_p": 0, "temperature": 3, "model": "gpt-4o" })).unwrap();
    let Manner { max_tokens, sampling, .. } = request.manner;
    assert_eq!((max_tokens, sampling.top_k, sampling.top_p, sampling.temperature), (None, None, None, 3.0));
    assert_eq!(read_chat(json!({ "top_k": 0 })).unwrap().manner.sampling.top_k, None);
    assert_eq!(read_chat(json!({ "max_tokens": 8.0 })).unwrap().manner.max_tokens, Some(8));
    assert_eq!(read_chat(json!({ "seed": 1_u64 << 63 })).unwrap().manner.sampling.seed, 1 << 63);
    let strict = Defaults { names: Names::Own, ..defaults() };
    let body = |model: &str| json!({ "model": model, "prompt": "a" }).to_string();
    assert_eq!(completion(body("gpt-4o").as_bytes(), &strict).unwrap_err().status, StatusCode::NOT_FOUND);
    assert!(completion(body("tiny").as_bytes(), &strict).is_ok() && completion(body("").as_bytes(), &strict).is_ok());
}

#[test]
fn steering_is_read() {
    let request = read_chat(json!({
        "logit_bias": { "5": -100, "7": 2.5 }, "min_p": 0.1, "presence_penalty": 0.5, "frequency_penalty": 0.25,
        "repeat_penalty": 1.2, "repeat_last_n": 64, "stop_token_ids": [9], "min_tokens": 3,
    }))
    .unwrap();
    let expected = Steering {
        bias: vec![(5, f32::NEG_INFINITY), (7, 2.5)],
        min_p: Some(0.1),
        presence: 0.5,
        frequency: 0.25,
        repetition: Some(Repetition { factor: 1.2, reach: Some(64) }),
        stop_tokens: vec![9],
        min_tokens: 3,
    };
    assert_eq!(request.manner.steering, expected);
    assert_eq!(read_chat(json!({ "ignore_eos": true })).unwrap().manner.steering.min_tokens, usize::MAX);
    let neutral = json!({ "repeat_penalty": 1, "min_p": 0, "presence_penalty": 0, "logit_bias": {}, "ignore_eos": false });
    assert_eq!(read_chat(neutral).unwrap().manner.steering, Steering::default());
}

#[test]
fn a_last_message_of_the_assistant_goes_on_unless_it_is_not_to() {
    let talk = |extra: Value| {
        let messages = json!([{ "role": "user", "content": "hi" }, { "role": "assistant", "content": "Sure" }]);
        let mut body = json!({ "messages": messages });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        match read_chat(body).unwrap().prompt {
            Prompt::Talk(talk) => talk,
            Prompt::Plain(_) => panic!("a chat is a talk"),
        }
    };
    assert_eq!(talk(json!({})).ending, Ending::Continue);
    assert_eq!(talk(json!({ "continue_final_message": true, "add_generation_prompt": false })).ending, Ending::Continue);
    assert_eq!(talk(json!({ "continue_final_message": false })).ending, Ending::Answer);
    assert_eq!(talk(json!({ "add_generation_prompt": false })).ending, Ending::Bare);
    let variables = talk(json!({ "chat_template_kwargs": { "enable_thinking": false }, "reasoning_effort": "low" })).variables;
    assert_eq!(Value::Object(variables), json!({ "enable_thinking": false, "reasoning_effort": "low" }));
}

#[test]
fn tools_and_forms_are_read() {
    let tools = |extra: Value| {
        let mut body = json!({ "tools": [tool("f"), tool("g")] });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        read_chat(body).unwrap().tools
    };
    let calling = |extra: Value| tools(extra).calling;
    assert_eq!(
        (calling(json!({})), calling(json!({ "tool_choice": "auto", "parallel_tool_calls": false }))),
        (Calling::May, Calling::MayOnce)
    );
    assert_eq!((calling(json!({ "tool_choice": "required" })), calling(json!({ "tool_choice": "none" }))), (Calling::Must, Calling::Never));
    let only = tools(json!({ "tool_choice": { "type": "function", "function": { "name": "g" } } }));
    assert_eq!((only.calling, only.callable(), only.all.len()), (Calling::MustOnce, vec![&tool("g")], 2));
    let form = |extra: Value| read_chat(extra).unwrap().form;
    assert_eq!(form(json!({ "response_format": { "type": "text" } })), None);
    assert_eq!(form(json!({ "response_format": { "type": "json_object" } })), Some(Form::Json(json!({ "type": "object" }))));
    let schema = json!({ "type": "json_schema", "json_schema": { "name": "x", "strict": true, "schema": { "type": "array" } } });
    assert_eq!(form(json!({ "response_format": schema })), Some(Form::Json(json!({ "type": "array" }))));
    assert_eq!(form(json!({ "grammar": "root ::= \"a\"" })), Some(Form::Gbnf("root ::= \"a\"".into())));
    assert_eq!(form(json!({ "grammar": "start: \"a\"" })), Some(Form::Lark("start: \"a\"".into())));
}

#[test]
fn what_this_server_cannot_do_is_refused_by_its_path() {
    for (extra, param) in [
        (json!({ "n": 0 }), "n"),
        (json!({ "n": 129 }), "n"),
        (json!({ "stop": "" }), "stop"),
        (json!({ "stop": vec!["a"; 17] }), "stop"),
        (json!({ "stop": [null] }), "stop[0]"),
        (json!({ "temperature": -0.5 }), "temperature"),
        (json!({ "top_p": 1.5 }), "top_p"),
        (json!({ "top_k": -2 }), "top_k"),
        (json!({ "max_tokens": -2 }), "max_tokens"),
        (json!({ "max_tokens": 1.5 }), "max_tokens"),
        (json!({ "max_completion_tokens": -2 }), "max_completion_tokens"),
        (json!({ "max_completion_tokens": 6, "max_tokens": 5 }), "max_tokens"),
        (json!({ "repetition_penalty": 1.5, "repeat_penalty": 1.1 }), "repeat_penalty"),
        (json!({ "seed": "x" }), "seed"),
        (json!({ "logit_bias": { "x": 1 } }), "logit_bias.x"),
        (json!({ "stop_token_ids": [-1] }), "stop_token_ids[0]"),
        (json!({ "top_logprobs": 2 }), "top_logprobs"),
        (json!({ "logprobs": true, "top_logprobs": 21 }), "top_logprobs"),
        (json!({ "tools": [{}] }), "tools[0].function"),
        (json!({ "tools": [{ "type": "web_search" }] }), "tools[0].type"),
        (json!({ "tool_choice": "required" }), "tool_choice"),
        (json!({ "tools": [tool("f")], "tool_choice": { "function": { "name": "g" } } }), "tool_choice.function.name"),
        (json!({ "tools": [tool("f")], "tool_choice": { "function": { "name": "f" }, "y": 1 } }), "tool_choice.y"),
        (json!({ "tools": [tool("f")], "tool_choice": { "function": { "name": "f", "x": 1 } } }), "tool_choice.function.x"),
        (json!({ "messages": [{ "role": "user", "content": [{ "text": "a", "image_url": {} }] }] }), "messages[0].content[0].image_url"),
        (json!({ "messages": [{ "role": "assistant", "content": "a", "audio": { "id": "1" } }] }), "messages[0].audio"),
        (json!({ "response_format": { "type": "xml" } }), "response_format.type"),
        (json!({ "response_format": { "type": "json_object" }, "grammar": "root ::= \"a\"" }), "grammar"),
        (json!({ "messages": [] }), "messages"),
        (json!({ "continue_final_message": true }), "continue_final_message"),
        (json!({ "chat_template_kwargs": { "messages": [] } }), "chat_template_kwargs.messages"),
        (json!({ "stream_options": { "other": 1 } }), "stream_options.other"),
        (json!({ "audio": {} }), "audio"),
        (json!({ "modalities": ["audio"] }), "modalities"),
        (json!({ "dry_multiplier": 0.5 }), "dry_multiplier"),
    ] {
        let problem = read_chat(extra.clone()).unwrap_err();
        assert_eq!((problem.status, problem.param.as_deref()), (StatusCode::BAD_REQUEST, Some(param)), "{extra}: {problem:?}");
    }
    for body in ["", "[]", "{", "{}", r#"{"messages": 3}"#] {
        assert_eq!(chat(body.as_bytes(), &defaults()).unwrap_err().status, StatusCode::BAD_REQUEST, "{body}");
    }
    for (body, param) in [
        (json!({}), "prompt"),
        (json!({ "prompt": 3 }), "prompt"),
        (json!({ "prompt": [-1] }), "prompt[0]"),
        (json!({ "prompt": [[1], [1, "a"]] }), "prompt[1][1]"),
        (json!({ "prompt": "a", "suffix": "x" }), "suffix"),
        (json!({ "prompt": "a", "best_of": 2 }), "best_of"),
        (json!({ "prompt": ["a", "b"], "n": 65 }), "n"),
        (json!({ "prompt": "a", "logprobs": 21 }), "logprobs"),
        (json!({ "prompt": "a", "tools": [] }), "tools"),
    ] {
        assert_eq!(read_completion(body.clone()).unwrap_err().param.as_deref(), Some(param), "{body}");
    }
}
