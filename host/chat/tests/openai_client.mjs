// Claims about the server, made with the official client for JavaScript. Its last argument is the base URL.
import assert from "node:assert/strict";
import OpenAI from "openai";

const baseURL = process.argv.at(-1);
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0, timeout: 60_000 });
const messages = [{ role: "system", content: "Be old." }, { role: "user", content: "Hello" }];

const models = await client.models.list();
assert.deepEqual(models.data.map((model) => model.id), ["tiny"]);

const answer = await client.chat.completions.create({ model: "tiny", messages, max_tokens: 12, temperature: 0 });
const whole = answer.choices[0].message.content;
assert.equal(answer.usage.completion_tokens, 12);

let streamed = "";
const stream = await client.chat.completions.create({ model: "gpt-4o", messages, max_tokens: 12, temperature: 0, stream: true });
for await (const chunk of stream) streamed += chunk.choices[0]?.delta?.content ?? "";
assert.equal(streamed, whole);

const schema = {
  type: "object", required: ["name", "size"], additionalProperties: false,
  properties: { name: { enum: ["Ulm", "Oslo"] }, size: { type: "integer", minimum: 0, maximum: 99 } },
};
const format = { type: "json_schema", json_schema: { name: "place", strict: true, schema } };
const formed = await client.chat.completions.create({ model: "tiny", messages, temperature: 1, seed: 3, response_format: format });
const place = JSON.parse(formed.choices[0].message.content);
assert.ok(["Ulm", "Oslo"].includes(place.name) && Number.isInteger(place.size));

const tools = [{ type: "function", function: { name: "place", parameters: schema } }];
const called = await client.chat.completions.create({ model: "tiny", messages, temperature: 1, tools, tool_choice: "required", parallel_tool_calls: false });
const [call] = called.choices[0].message.tool_calls;
assert.equal(call.function.name, "place");
assert.ok(Number.isInteger(JSON.parse(call.function.arguments).size));

// The client's own assembly of a streamed call.
const runner = client.chat.completions.stream({ model: "tiny", messages, temperature: 1, seed: 2, tools, tool_choice: "required", parallel_tool_calls: false });
const final = await runner.finalChatCompletion();
assert.ok(["Ulm", "Oslo"].includes(JSON.parse(final.choices[0].message.tool_calls[0].function.arguments).name));

await assert.rejects(
  client.chat.completions.create({ model: "tiny", messages, dry_multiplier: 1 }),
  (error) => error instanceof OpenAI.BadRequestError && error.code === "unsupported_value" && error.param === "dry_multiplier",
);
console.log("all claims hold");
