"""The tool loop of Pydantic AI against the server. Its one argument is the base URL.

The model knows nothing, so what it says is chance; that each step is a well-formed call is the server's doing.
"""

import os
import sys
import typing

import pydantic
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import UsageLimits

model = OpenAIChatModel("tiny", provider=OpenAIProvider(base_url=sys.argv[1], api_key="none"))


class Verdict(pydantic.BaseModel):
    """How it went."""

    outcome: typing.Literal["done", "given up"]
    steps: int = pydantic.Field(ge=0, le=9)


looked = []


def look(side: typing.Literal["left", "right"]) -> str:
    """Looks to a side."""
    looked.append(side)
    return f"On the {side} there is a wall."


ended = 0
for seed in range(6):
    agent = Agent(model, output_type=Verdict, tools=[look], retries=3)
    settings = ModelSettings(temperature=1.0, seed=seed, parallel_tool_calls=False, max_tokens=400)
    try:
        result = agent.run_sync("Look around, then give your verdict.", model_settings=settings, usage_limits=UsageLimits(request_limit=12))
    except Exception as error:
        # Chance alone decides when it stops looking; a conversation that outgrows the context or the limit is no fault.
        if type(error).__name__ not in ("UsageLimitExceeded",) and "context_length_exceeded" not in str(error):
            raise
        continue
    assert result.output.outcome in ("done", "given up") and 0 <= result.output.steps <= 9, result.output
    ended += 1
assert ended >= 3 and looked and set(looked) <= {"left", "right"}, (ended, looked)
print("all claims hold")
