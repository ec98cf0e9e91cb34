//! Each field of a request changes the answer as it says.

mod common;

use common::{CHAT, TEMPLATE, events, post, receive, send, serve, serve_with, settings};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const COMPLETE: &str = "/v1/completions";

fn with(mut body: Value, extra: Value) -> Value {
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

struct Server(common::Running);

impl Server {
    fn new() -> Server {
        Server(serve(settings(), Duration::ZERO))
    }

    fn ask(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = post(self.0.address, path, body);
        assert_eq!(status, 200, "{body}: {answer}");
        answer
    }

    fn chat(&self, extra: Value) -> Value {
        let body = json!({ "messages": [{ "role": "user", "content": "Hello" }], "max_tokens": 12, "temperature": 0 });
        self.ask(CHAT, &with(body, extra))
    }

    fn say(&self, extra: Value) -> String {
        let answer = self.chat(extra);
        answer["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    fn complete(&self, extra: Value) -> Value {
        self.ask(COMPLETE, &with(json!({ "prompt": "She was ", "max_tokens": 6, "temperature": 0 }), extra))
    }

    fn refused(&self, path: &str, body: &Value) -> String {
        let (status, answer) = post(self.0.address, path, body);
        assert_eq!(status, 400, "{body}: {answer}");
        answer["error"]["param"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }
}

#[test]
fn what_steers_the_draw_changes_the_text() {
    let server = Server::new();
    let plain = server.say(json!({}));
    let first = plain.bytes().next().unwrap();
    for extra in [
        json!({ "logit_bias": { first.to_string(): -100 } }),
        json!({ "repetition_penalty": 5 }),
        json!({ "repeat_penalty": 5, "repeat_last_n": 4 }),
        json!({ "frequency_penalty": 20 }),
        json!({ "presence_penalty": 20 }),
        json!({ "grammar": "root ::= [0-9]+" }),
        json!({ "max_tokens": null, "max_completion_tokens": 3 }),
        json!({ "stop_token_ids": [plain.as_bytes()[5]] }),
        json!({ "stop": [plain[3..6]] }),
        json!({ "temperature": 3, "seed": 5 }),
    ] {
        assert_ne!(server.say(extra.clone()), plain, "{extra}");
    }
    for limit in ["max_completion_tokens", "max_tokens", "n_predict"] {
        assert_eq!(server.say(json!({ "max_tokens": null, limit: 3 })), plain[..3], "{limit}");
    }
    // Nothing that was said counts as a repetition.
    assert_eq!(server.say(json!({ "repeat_penalty": 5, "repeat_last_n": 0 })), plain);
    let stop = plain.as_bytes()[5];
    let stopped = server.chat(json!({ "stop_token_ids": [stop] }));
    let expected = &plain[..plain.bytes().position(|byte| byte == stop).unwrap()];
    assert_eq!((&stopped["choices"][0]["message"]["content"], &stopped["choices"][0]["finish_reason"]), (&json!(expected), &json!("stop")));
    // Before the fewest tokens no stop is drawn; never, if ends are to be ignored.
    assert!(server.say(json!({ "stop_token_ids": [stop], "min_tokens": 10 })).len() >= 10);
    assert_eq!(server.say(json!({ "stop_token_ids": [stop], "ignore_eos": true })).len(), 12);
    let hot = |extra: Value| server.say(with(json!({ "temperature": 3, "seed": 5, "max_tokens": 60 }), extra));
    assert_ne!(hot(json!({ "min_p": 0.2 })), hot(json!({})));
    assert_ne!(hot(json!({ "top_k": 2 })), hot(json!({})));
    assert_ne!(hot(json!({ "top_p": 0.5 })), hot(json!({})));
    assert_ne!(hot(json!({ "seed": 6 })), hot(json!({})));
    assert_eq!(hot(json!({ "top_k": 0, "top_p": 0, "min_p": 0 })), hot(json!({ "top_k": -1 })));
    assert_eq!(server.say(json!({ "temperature": 3, "seed": 5, "min_p": 1 })), plain);
}

#[test]
fn no_limit_is_as_many_as_there_is_room_for_and_names_of_models_say_nothing() {
    let server = Server::new();
    let answer = server.chat(json!({ "max_tokens": -1, "model": "gpt-4o" }));
    // The token that fills the last position predicts one more.
    assert_eq!(answer["usage"]["total_tokens"], 257);
    assert_eq!(server.chat(json!({ "max_tokens": 0 }))["usage"]["completion_tokens"], 0);
    assert_eq!(server.say(json!({ "max_tokens": 8.0 })).len(), 8);
}

#[test]
fn several_answers_and_prompts_are_choices_of_one_reply() {
    let server = Server::new();
    let answer = server.chat(json!({ "n": 3, "temperature": 1.5, "seed": 4 }));
    let texts: BTreeSet<&str> = answer["choices"].as_array().unwrap().iter().map(|c| c["message"]["content"].as_str().unwrap()).collect();
    assert_eq!((texts.len(), &answer["usage"]["completion_tokens"]), (3, &json!(36)));
    // The first is the one of the seed alone.
    assert_eq!(answer["choices"][0]["message"]["content"], server.say(json!({ "temperature": 1.5, "seed": 4 })));
    let prompts = json!({ "prompt": ["She was ", "He", [72, 101]], "n": 2 });
    let answer = server.complete(prompts.clone());
    let choices = answer["choices"].as_array().unwrap();
    assert_eq!(choices.iter().map(|c| c["index"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!((&choices[0]["text"], &choices[2]["text"]), (&server.complete(json!({}))["choices"][0]["text"], &choices[4]["text"]));
    assert_eq!(
        answer["usage"],
        json!({ "prompt_tokens": 12, "completion_tokens": 36, "total_tokens": 48, "prompt_tokens_details": answer["usage"]["prompt_tokens_details"] })
    );
    let body = with(json!({ "max_tokens": 6, "temperature": 0, "stream": true }), prompts);
    let (_, streamed) = receive(send(server.0.address, "POST", COMPLETE, "", &body.to_string()));
    let mut texts = vec![String::new(); 6];
    for event in events(&streamed).iter().filter(|event| event["choices"].is_array()) {
        texts[event["choices"][0]["index"].as_u64().unwrap() as usize] += event["choices"][0]["text"].as_str().unwrap();
    }
    assert_eq!(texts, choices.iter().map(|c| c["text"].as_str().unwrap()).collect::<Vec<_>>());
}

#[test]
fn scores_are_told_in_the_words_of_both_endpoints() {
    let server = Server::new();
    let answer = server.chat(json!({ "logprobs": true, "top_logprobs": 3 }));
    let content = answer["choices"][0]["logprobs"]["content"].as_array().unwrap();
    let spelled: Vec<u8> = content.iter().flat_map(|one| one["bytes"].as_array().unwrap()).map(|b| b.as_u64().unwrap() as u8).collect();
    assert_eq!(String::from_utf8_lossy(&spelled), answer["choices"][0]["message"]["content"].as_str().unwrap());
    for one in content {
        let top = one["top_logprobs"].as_array().unwrap();
        // Greedy: what was drawn is the likeliest.
        assert_eq!((top.len(), &top[0]["logprob"], &top[0]["bytes"]), (3, &one["logprob"], &one["bytes"]));
        let total: f64 = top.iter().map(|one| one["logprob"].as_f64().unwrap().exp()).sum();
        assert!(total > 0.0 && total <= 1.0 + 1e-9 && top[0]["logprob"].as_f64() >= top[1]["logprob"].as_f64());
    }
    let body = json!({ "messages": [{ "role": "user", "content": "Hello" }], "max_tokens": 12, "temperature": 0, "logprobs": true, "stream": true });
    let (_, streamed) = receive(send(server.0.address, "POST", CHAT, "", &body.to_string()));
    let all: Vec<Value> =
        events(&streamed).iter().flat_map(|e| e["choices"][0]["logprobs"]["content"].as_array().cloned().unwrap_or_default()).collect();
    assert_eq!(all.iter().map(|one| &one["logprob"]).collect::<Vec<_>>(), content.iter().map(|one| &one["logprob"]).collect::<Vec<_>>());
}

#[test]
fn a_harness_scores_a_prompt_by_its_echo() {
    let server = Server::new();
    let score = |tokens: &[u8], extra: Value| {
        let answer =
            server.complete(with(json!({ "prompt": [tokens], "max_tokens": 1, "echo": true, "logprobs": 1, "seed": 1234 }), extra));
        answer["choices"][0].clone()
    };
    let scored = score(b"She was a", json!({}));
    let (lists, text) = (&scored["logprobs"], scored["text"].as_str().unwrap());
    assert!(text.starts_with("She was a"), "{text}");
    let logprobs = lists["token_logprobs"].as_array().unwrap();
    // One for each token of the prompt, the first null, and one for the token drawn.
    assert_eq!((logprobs.len(), &logprobs[0], lists["tokens"].as_array().unwrap().len()), (10, &Value::Null, 10));
    assert_eq!(lists["text_offset"], json!([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    // The chain rule: scores of a beginning do not depend on what follows, and are those of tokens drawn.
    let shorter = score(b"She wa", json!({}));
    assert_eq!(shorter["logprobs"]["token_logprobs"].as_array().unwrap()[..6], logprobs[..6]);
    let drawn = server.complete(json!({ "prompt": "She was", "max_tokens": 2, "logprobs": 5, "logit_bias": { "32": 100 } }));
    let space = &drawn["choices"][0]["logprobs"]["token_logprobs"][0];
    assert!((space.as_f64().unwrap() - logprobs[7].as_f64().unwrap()).abs() < 1e-4, "{space} and {}", logprobs[7]);
    let is_greedy = |at: usize| lists["top_logprobs"][at].as_object().unwrap().values().all(|top| top.as_f64() <= logprobs[at].as_f64());
    let greedy = server.complete(json!({ "prompt": "She was", "max_tokens": 1 }))["choices"][0]["text"] == " ";
    assert_eq!(is_greedy(7), greedy);
    let nothing = score(b"She", json!({ "max_tokens": 0, "logprobs": 0 }));
    assert_eq!((&nothing["text"], nothing["logprobs"]["tokens"].as_array().unwrap().len()), (&json!("She"), 3));
    assert_eq!(server.complete(json!({ "echo": true }))["choices"][0]["text"].as_str().unwrap().len(), "She was ".len() + 6);
}

#[test]
fn an_answer_goes_on_where_it_is_begun() {
    let server = Server::new();
    let messages = json!([{ "role": "user", "content": "Hello" }, { "role": "assistant", "content": "Sure" }]);
    let answer = server.chat(json!({ "messages": messages }));
    assert_eq!(answer["usage"]["prompt_tokens"], "u: Hello\na: Sure".len());
    let plain = server.complete(json!({ "prompt": "u: Hello\na: Sure", "max_tokens": 12 }));
    assert_eq!(answer["choices"][0]["message"]["content"], plain["choices"][0]["text"]);
    let closed = server.chat(json!({ "messages": messages, "continue_final_message": false }));
    assert_eq!(closed["usage"]["prompt_tokens"], "u: Hello\na: Sure\na: ".len());
    let flags = json!({ "messages": messages, "continue_final_message": true, "add_generation_prompt": false });
    assert_eq!(server.chat(flags)["choices"], answer["choices"]);
    // Clients send back what they were given, with what there was nothing of.
    let given = json!({ "role": "assistant", "content": "Sure", "name": "a", "annotations": [], "refusal": null, "audio": null });
    let again = server.chat(json!({ "messages": [{ "role": "user", "content": "Hello" }, given] }));
    assert_eq!(again["choices"], answer["choices"]);
}

#[test]
fn variables_and_roles_reach_the_template() {
    const SOURCE: &str = "{% if enable_thinking is false %}no {% endif %}{{ reasoning_effort | default('') }}{% for m in messages %}\
        {{ m.role }}:{{ m.content }}{% for c in m.tool_calls %}{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}\
        {% endfor %}{% for t in tools or [] %}{{ t.function.name }}{% endfor %}{% if add_generation_prompt %}a: {% endif %}";
    let server = Server(serve_with(settings(), Duration::ZERO, &[("chat_template", SOURCE)]));
    let tokens = |extra: Value| server.chat(extra)["usage"]["prompt_tokens"].as_u64().unwrap() as usize;
    let base = "user:Helloa: ".len();
    assert_eq!(tokens(json!({})), base);
    assert_eq!(tokens(json!({ "chat_template_kwargs": { "enable_thinking": false } })), base + "no ".len());
    assert_eq!(tokens(json!({ "reasoning_effort": "low" })), base + "low".len());
    assert_eq!(tokens(json!({ "add_generation_prompt": false })), base - "a: ".len());
    let tool = json!({ "type": "function", "function": { "name": "add" } });
    assert_eq!(tokens(json!({ "tools": [tool], "max_tokens": 1 })), base + "add".len());
    assert_eq!(tokens(json!({ "tools": [tool], "tool_choice": "none" })), base);
    let call = json!({ "id": "1", "type": "function", "function": { "name": "add", "arguments": "{\"b\":1,\"a\":2}" } });
    let messages = json!([
        { "role": "developer", "content": "x" }, { "role": "user", "content": "Hello" },
        { "role": "assistant", "content": null, "tool_calls": [call] }, { "role": "tool", "tool_call_id": "1", "content": "3" },
    ]);
    let expected = "system:xuser:Helloassistant:add{\"b\": 1, \"a\": 2}tool:3a: ".len();
    assert_eq!(tokens(json!({ "messages": messages })), expected);
}

#[test]
fn what_is_not_done_is_refused_by_its_path() {
    let server = Server::new();
    let chat = |extra: Value| server.refused(CHAT, &with(json!({ "messages": [{ "role": "user", "content": "Hello" }] }), extra));
    assert_eq!(chat(json!({ "dry_multiplier": 1 })), "dry_multiplier");
    assert_eq!(
        chat(json!({ "response_format": { "type": "json_schema", "json_schema": { "schema": {}, "x": 1 } } })),
        "response_format.json_schema.x"
    );
    assert_eq!(chat(json!({ "logit_bias": { "256": 1 } })), "logit_bias.256");
    assert_eq!(chat(json!({ "stop_token_ids": [1, 256] })), "stop_token_ids[1]");
    assert_eq!(server.refused(COMPLETE, &json!({ "prompt": [1, 256] })), "prompt[1]");
    assert_eq!(server.refused(COMPLETE, &json!({ "prompt": [[1], [1, 256]] })), "prompt[1][1]");
    // What the template does not read says nothing to the model.
    assert_eq!(chat(json!({ "messages": [{ "role": "user", "content": "Hello", "bogus": 1 }] })), "messages[0].bogus");
    assert_eq!(server.refused(COMPLETE, &json!({ "prompt": "a", "best_of": 3 })), "best_of");
    // So is what shows only with the model at hand.
    let long = "x".repeat(300);
    assert_eq!(chat(json!({ "messages": [{ "role": "user", "content": long }] })), "messages");
    assert_eq!(server.refused(COMPLETE, &json!({ "prompt": long })), "prompt");
    assert_eq!(server.refused(COMPLETE, &json!({ "prompt": ["a", ""] })), "prompt[1]");
    assert_eq!(chat(json!({ "grammar": "root ::= nobody" })), "grammar");
    assert_eq!(chat(json!({ "json_schema": { "type": "wizard" } })), "json_schema");
    let format = json!({ "type": "json_schema", "json_schema": { "schema": { "type": "wizard" } } });
    assert_eq!(chat(json!({ "response_format": format })), "response_format");
}

#[test]
fn tokens_are_told_and_taken_back() {
    let server = Server::new();
    let told = server.ask("/tokenize", &json!({ "prompt": "héllo", "add_special_tokens": false }));
    assert_eq!((&told["count"], &told["max_model_len"]), (&json!(6), &json!(256)));
    assert_eq!(server.ask("/detokenize", &json!({ "tokens": told["tokens"] }))["prompt"], "héllo");
    assert_eq!(server.refused("/tokenize", &json!({ "text": "x" })), "prompt");
    assert_eq!(server.refused("/detokenize", &json!({ "tokens": [-1] })), "tokens");
    assert_eq!(server.refused("/detokenize", &json!({ "tokens": [1, 256] })), "tokens[1]");
    assert_eq!(server.refused("/tokenize", &json!({ "prompt": "x", "bogus": 1 })), "bogus");
    let (status, info) = receive(send(server.0.address, "GET", "/tokenizer_info", "", ""));
    assert_eq!((status, serde_json::from_str::<Value>(&info).unwrap()["chat_template"].as_str()), (200, Some(TEMPLATE)));
}
