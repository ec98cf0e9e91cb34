"""Claims about the server, made with the official client. Its one argument is the base URL."""

import sys
import typing

import openai
import pydantic

client = openai.OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0, timeout=60)
HELLO = [{"role": "system", "content": "Be old."}, {"role": "user", "content": "Hello"}]


def the_model_is_listed():
    assert [model.id for model in client.models.list()] == ["tiny"]
    assert client.models.retrieve("tiny").owned_by == "nda"


def a_chat_is_answered():
    answer = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=12, temperature=0)
    choice = answer.choices[0]
    assert choice.message.role == "assistant" and choice.finish_reason == "length" and choice.message.content
    usage = answer.usage
    assert usage.completion_tokens == 12 and usage.total_tokens == usage.prompt_tokens + 12, usage
    return choice.message.content


def a_stream_is_the_same_text(whole):
    options = {"include_usage": True}
    stream = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=12, temperature=0, stream=True, stream_options=options)
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "length"
    assert chunks[-1].usage.completion_tokens == 12 and not chunks[-1].choices


def a_stop_ends_it(whole):
    stop = whole[4:7]
    answer = client.chat.completions.create(model="tiny", messages=HELLO, max_completion_tokens=12, temperature=0, stop=[stop])
    assert answer.choices[0].finish_reason == "stop" and answer.choices[0].message.content == whole[: whole.index(stop)]


def a_text_is_completed():
    answer = client.completions.create(model="tiny", prompt="She was ", max_tokens=8, temperature=0)
    pieces = list(client.completions.create(model="tiny", prompt="She was ", max_tokens=8, temperature=0, stream=True))
    assert "".join(p.choices[0].text for p in pieces) == answer.choices[0].text and answer.usage.completion_tokens == 8


def a_seed_repeats():
    def say(seed):
        answer = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=12, temperature=1.5, top_p=0.95, seed=seed)
        return answer.choices[0].message.content

    assert say(3) == say(3) and len({say(seed) for seed in range(4)}) > 1


def errors_are_the_clients_own():
    long = [{"role": "user", "content": "x" * 5000}]
    for expected, code, arguments in [
        (openai.BadRequestError, "unsupported_value", {"messages": HELLO, "extra_body": {"dry_multiplier": 1}}),
        (openai.BadRequestError, "context_length_exceeded", {"messages": long}),
        (openai.BadRequestError, "context_length_exceeded", {"messages": long, "stream": True}),
    ]:
        try:
            client.chat.completions.create(**{"model": "tiny", **arguments})
        except expected as error:
            assert error.code == code and error.body["message"], error
        else:
            raise AssertionError(f"{arguments} was not refused")


def a_stream_that_is_closed_frees_the_model():
    stream = client.chat.completions.create(model="tiny", messages=HELLO, stream=True)
    next(iter(stream))
    stream.close()
    assert client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=1).choices


def a_foreign_name_is_answered(whole):
    answer = client.chat.completions.create(model="gpt-4o", messages=HELLO, max_tokens=12, temperature=0)
    assert answer.choices[0].message.content == whole and answer.model == "tiny"


def scores_are_told():
    answer = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=4, temperature=0, logprobs=True, top_logprobs=2)
    content = answer.choices[0].logprobs.content
    assert len(content) == 4 and all(one.logprob == one.top_logprobs[0].logprob and len(one.top_logprobs) == 2 for one in content)
    echoed = client.completions.create(model="tiny", prompt=[[72, 105]], max_tokens=1, echo=True, logprobs=1)
    assert len(echoed.choices[0].logprobs.token_logprobs) == 3 and echoed.choices[0].text.startswith("Hi")


class Place(pydantic.BaseModel):
    name: typing.Literal["Ulm", "Oslo"]
    size: int = pydantic.Field(ge=0, le=99)


def an_answer_is_parsed_into_a_model():
    for seed in range(3):
        arguments = {"model": "tiny", "messages": HELLO, "temperature": 1, "seed": seed}
        place = client.chat.completions.parse(**arguments, response_format=Place).choices[0].message.parsed
        assert place.name in ("Ulm", "Oslo"), place


def a_tool_is_called():
    tool = openai.pydantic_function_tool(Place, name="place")
    answer = client.chat.completions.create(model="tiny", messages=HELLO, temperature=1, tools=[tool], tool_choice="required", parallel_tool_calls=False)
    (call,) = answer.choices[0].message.tool_calls
    Place.model_validate_json(call.function.arguments)
    assert call.function.name == "place" and answer.choices[0].finish_reason == "tool_calls"
    history = HELLO + [answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "42"}]
    assert client.chat.completions.create(model="tiny", messages=history, max_tokens=1).usage.prompt_tokens > answer.usage.completion_tokens


the_model_is_listed()
WHOLE = a_chat_is_answered()
a_stream_is_the_same_text(WHOLE)
a_stop_ends_it(WHOLE)
a_text_is_completed()
a_seed_repeats()
a_foreign_name_is_answered(WHOLE)
scores_are_told()
an_answer_is_parsed_into_a_model()
a_tool_is_called()
errors_are_the_clients_own()
a_stream_that_is_closed_frees_the_model()
print("all claims hold")
