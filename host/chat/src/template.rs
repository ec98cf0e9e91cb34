//! Chat templates: Jinja as the Python package `transformers` runs it.

use crate::clock;
use crate::dumps;
use crate::error::ChatError;
use crate::python;
use minijinja::machinery::{CodeGenerator, eval, make_string_output, parse};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// What the environment calls the one template in it.
const NAME: &str = "chat_template";
/// Steps that a template may take, so that one out of an unknown file ends: about a thousand a message of a long talk.
const FUEL: u64 = 10_000_000;

/// What a template is told.
pub(crate) struct Scene<'t> {
    /// Objects of `role`, `content` and whatever else.
    pub messages: &'t Json,
    /// Tools in OpenAI's words; none if there are none.
    pub tools: Option<&'t Json>,
    /// Further variables.
    pub variables: &'t Json,
    /// Texts of the tokens that begin and end a text, empty if there are none.
    pub begin: &'t str,
    pub end: &'t str,
    /// Whether the assistant speaks next.
    pub is_answered: bool,
}

/// A chat template that compiles.
#[derive(Debug)]
pub struct Template {
    environment: Environment<'static>,
    source: String,
    syntax: SyntaxConfig,
}

impl Template {
    /// Compiles a template's source.
    ///
    /// # Errors
    /// [`ChatError::Template`] with the place of what is wrong.
    pub fn new(source: &str) -> Result<Template, ChatError> {
        let mut environment = Environment::new();
        // transformers compiles its templates with these two.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(failed)?;
        python::extend(&mut environment);
        environment.set_fuel(Some(FUEL));
        environment.add_filter("tojson", dumps::to_json);
        environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_function("strftime_now", |format: String| clock::format(SystemTime::now(), &format));
        let template = Template { environment, source: python::source::respelled(&without_marks(source)).map_err(failed)?, syntax };
        template.compile()?;
        Ok(template)
    }

    /// The instructions of the template with Python's operators. They borrow the source, and are made in less time than they take to run.
    fn compile(&self) -> Result<CodeGenerator<'_>, ChatError> {
        let parsed = parse(&self.source, NAME, self.syntax.clone()).map_err(failed)?;
        let mut generator = CodeGenerator::new(NAME, &self.source);
        generator.compile_stmt(&python::rewrite::template(&parsed));
        Ok(generator)
    }

    /// The text of a conversation.
    pub(crate) fn render(&self, scene: &Scene<'_>) -> Result<String, ChatError> {
        let (instructions, blocks) = self.compile()?.finish();
        let mut variables: BTreeMap<&str, Value> = [
            ("messages", of_json(scene.messages)),
            ("tools", scene.tools.map_or_else(|| Value::from(()), of_json)),
            ("documents", Value::from(())),
            ("add_generation_prompt", scene.is_answered.into()),
            ("bos_token", scene.begin.into()),
            ("eos_token", scene.end.into()),
        ]
        .into();
        for (name, value) in scene.variables.as_object().into_iter().flatten() {
            variables.insert(name, of_json(value));
        }
        let mut text = String::new();
        let mut out = make_string_output(&mut text);
        let root = Value::from_pairs(variables);
        eval(&self.environment, &instructions, root, &blocks, &mut out, AutoEscape::None).map_err(failed)?;
        drop(out);
        Ok(text)
    }
}

/// JSON as a template sees it, objects in their order.
fn of_json(value: &Json) -> Value {
    Value::from(Serde(value))
}

fn failed(error: Error) -> ChatError {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        reason = format!("{reason}: {inner}");
        source = inner.source();
    }
    ChatError::Template { reason }
}

/// The source without the marks around what an assistant generates, which matter to training alone.
fn without_marks(source: &str) -> String {
    let mut text = source.to_owned();
    for (name, instead) in [("generation", "if true"), ("endgeneration", "endif")] {
        for (open, close) in [("{%", "%}"), ("{%-", "%}"), ("{%", "-%}"), ("{%-", "-%}")] {
            text = text.replace(&format!("{open} {name} {close}"), &format!("{open} {instead} {close}"));
        }
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Nobody has said anything.
    pub(crate) const EMPTY: Scene<'_> =
        Scene { messages: &Json::Null, tools: None, variables: &Json::Null, begin: "", end: "", is_answered: false };

    fn render(source: &str, turns: &[(&str, &str)]) -> Result<String, ChatError> {
        let turns: Json = turns.iter().map(|(role, content)| serde_json::json!({ "role": role, "content": content })).collect();
        let scene = Scene { messages: &turns, tools: None, variables: &Json::Null, begin: "<s>", end: "</s>", is_answered: true };
        Template::new(source)?.render(&scene)
    }

    const SMOLLM2: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n\
You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' \
+ message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

    #[test]
    fn the_template_of_smollm2_renders_as_transformers_renders_it() {
        let system = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n";
        let talk = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n";
        let turns = [("user", "Hi"), ("assistant", "Hello!"), ("user", "Bye")];
        assert_eq!(render(SMOLLM2, &turns).unwrap(), format!("{system}{talk}"));
        let own = render(SMOLLM2, &[("system", "Be brief."), ("user", "Hi")]).unwrap();
        assert_eq!(own, "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    }

    #[test]
    fn a_template_in_the_manner_of_gemma_trims_renames_and_checks_turns() {
        let source = "{{ bos_token }}\n{%- for message in messages -%}\n    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}\n        \
{{ raise_exception(\"Conversation roles must alternate\") }}\n    {%- endif -%}\n    {%- if message['role'] == 'assistant' -%}\n        \
{%- set role = \"model\" -%}\n    {%- else -%}\n        {%- set role = message['role'] -%}\n    {%- endif -%}\n    \
{{ '<start_of_turn>' + role + '\n' }}\n    {%- if message['content'] is string -%}\n        {{ message['content'] | trim }}\n    {%- endif -%}\n    \
{{ '<end_of_turn>\n' }}\n{%- endfor -%}\n{%- if add_generation_prompt -%}\n    {{'<start_of_turn>model\n'}}\n{%- endif -%}\n";
        let text = render(source, &[("user", " Hi "), ("assistant", "Yes?"), ("user", "Go")]).unwrap();
        let expected = "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\nYes?<end_of_turn>\n<start_of_turn>user\nGo<end_of_turn>\n<start_of_turn>model\n";
        assert_eq!(text, expected);
        let refused = render(source, &[("assistant", "I first")]).unwrap_err().to_string();
        assert!(refused.contains("Conversation roles must alternate"), "{refused}");
    }

    #[test]
    fn blocks_are_trimmed_and_python_methods_work() {
        let source = "{% for m in messages %}\n  {% if m.role == 'tool' %}\n    {% continue %}\n  {% endif %}\n{{ m.content.strip().upper() }}{{ m.get('x', '-') }}\n{% endfor %}\n";
        assert_eq!(render(source, &[("user", " a "), ("tool", "b"), ("user", "c")]).unwrap(), "A-\nC-\n");
        assert_eq!(render("{%- generation -%} x {%- endgeneration %}!", &[]).unwrap(), "x!");
        assert_eq!(render("{{ tools is none }}{{ eos_token }}", &[]).unwrap().to_lowercase(), "true</s>");
    }

    #[test]
    fn json_is_as_python_writes_it() {
        let content = "a<b>&'\"\\ \\u003c é\n";
        let text = render("{{ messages[0].content | tojson }}{{ [1, {'a': none}] | tojson }}", &[("user", content)]).unwrap();
        assert_eq!(text, "\"a<b>&'\\\"\\\\ \\\\u003c é\\n\"[1, {\"a\": null}]");
    }

    #[test]
    fn a_template_that_is_wrong_or_never_ends_is_an_error() {
        assert!(matches!(Template::new("{% for %}"), Err(ChatError::Template { .. })));
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}";
        assert!(matches!(render(endless, &[]), Err(ChatError::Template { .. })));
        let text = render("{{ strftime_now('%Y') }}", &[]).unwrap();
        assert!(text.parse::<u32>().unwrap() > 2024, "{text}");
    }

    /// templates.json: constructs of published templates, and what Jinja2 3.1.6 makes of them, set up as transformers does.
    #[test]
    fn constructs_of_published_templates_render_as_jinja2_renders_them() {
        let file: Json = serde_json::from_str(include_str!("../tests/templates.json")).unwrap();
        let (begin, end) = (file["bos_token"].as_str().unwrap(), file["eos_token"].as_str().unwrap());
        let scene = Scene { messages: &file["messages"], tools: None, variables: &Json::Null, begin, end, is_answered: true };
        let mut wrong = Vec::new();
        for (name, case) in file["cases"].as_object().unwrap() {
            let text = Template::new(case["template"].as_str().unwrap()).and_then(|template| template.render(&scene));
            if text.as_ref().ok().map(String::as_str) != case["text"].as_str() {
                wrong.push(format!("{name}: {text:?}, not {}", case["text"]));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// constructs.json: what Jinja2 3.1.6 makes of each, set up as transformers does; `refused` are those that Jinja2 renders and this does not.
    #[test]
    fn constructs_render_as_jinja2_renders_them_or_are_refused() {
        let file: Json = serde_json::from_str(include_str!("../tests/templates/constructs.json")).unwrap();
        let mut wrong = Vec::new();
        for case in file["cases"].as_array().unwrap() {
            let text = rendered(&file["scene"], case["template"].as_str().unwrap());
            let expected = case["text"].as_str().filter(|_| case["refused"] != true);
            if text.as_ref().ok().map(String::as_str) != expected {
                wrong.push(format!("{}: {text:?}, not {expected:?}", case["template"]));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn rendered(scene: &Json, source: &str) -> Result<String, ChatError> {
        let (begin, end) = (scene["bos_token"].as_str().unwrap(), scene["eos_token"].as_str().unwrap());
        let scene = Scene { messages: &scene["messages"], tools: None, variables: &scene["variables"], begin, end, is_answered: true };
        Template::new(source)?.render(&scene)
    }

    /// Templates out of a grammar, by Jinja2 itself: each is rendered as Jinja2 renders it, or refused; what Jinja2 refuses is refused.
    #[test]
    fn random_templates_render_as_jinja2_renders_them_or_are_refused() {
        let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates");
        let python = tests.join("../../../../.tools/chat/bin/python");
        if !python.exists() {
            return nda_tests::skip("Jinja2 beside", "it is not installed; run './tools.sh chat'");
        }
        let number = |name: &str, usual: u64| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
        let (first, count) = (number("SEED", 0), 1500 * number("SOAK", 1));
        let output = std::process::Command::new(python)
            .args(["-B".as_ref(), tests.join("fuzz.py").as_os_str()])
            .args([first.to_string(), count.to_string()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut rows = output.stdout.split(|byte| *byte == b'\n').filter(|row| !row.is_empty());
        let scene: Json = serde_json::from_slice(rows.next().unwrap()).unwrap();
        let (mut same, mut refused) = (0, 0);
        for row in rows.map(|row| serde_json::from_slice::<Json>(row).unwrap()) {
            let text = rendered(&scene, row["template"].as_str().unwrap());
            match (row["text"].as_str(), text) {
                (Some(expected), Ok(text)) => {
                    assert_eq!(text, expected, "SEED={} {}", row["seed"], row["template"]);
                    same += 1;
                }
                (Some(_), Err(_)) => refused += 1,
                (None, text) => assert!(text.is_err(), "SEED={} {}: Jinja2 refuses it, not {text:?}", row["seed"], row["template"]),
            }
        }
        println!("{same} rendered as Jinja2 renders them, {refused} refused that Jinja2 renders, of {count}");
        assert!(same > 0 && refused * 40 <= same.max(40), "{refused} refused, {same} rendered");
    }

    #[test]
    fn tools_keep_the_order_of_their_fields_and_variables_reach_the_template() {
        let tools = serde_json::json!([{ "type": "function", "function": { "name": "f", "description": "d", "parameters": { "b": 1, "a": 2.5 } } }]);
        let variables = serde_json::json!({ "enable_thinking": false });
        let source = "{% for tool in tools %}{{ tool | tojson }}{% endfor %}{{ enable_thinking is false }}{{ add_generation_prompt }}";
        let scene = Scene { messages: &Json::Null, tools: Some(&tools), variables: &variables, begin: "", end: "", is_answered: false };
        let text = Template::new(source).unwrap().render(&scene).unwrap();
        let expected = r#"{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"b": 1, "a": 2.5}}}TrueFalse"#;
        assert_eq!(text, expected);
    }
}
