// What a person does on the server's page, in a headless Chromium. Its last argument is the base URL.
import assert from "node:assert/strict";
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const origin = new URL(process.argv.at(-1)).origin;

const args = puppeteer.defaultArgs({ args: chromium.args, headless: "shell" });
const browser = await puppeteer.launch({ args, executablePath: await chromium.executablePath(), headless: "shell" });
try {
  const page = await browser.newPage();
  const [asked, faults] = [[], []];
  page.on("request", (request) => asked.push(request.url()));
  page.on("pageerror", (error) => faults.push(error.message));
  await page.goto(`${origin}/`);
  await page.waitForFunction(() => document.title === "tiny");

  const set = (id, value) => page.$eval(`#${id}`, (input, value) => { input.value = value; }, value);
  const text = (selector) => page.$$eval(selector, (all) => all.map((one) => one.textContent));
  const say = async (words, count) => {
    await page.type("#text", words);
    await page.keyboard.press("Enter");
    await page.waitForFunction((count) => document.querySelectorAll("article.assistant, article.error").length === count
      && document.getElementById("send").textContent === "Send", {}, count);
  };
  await set("max_tokens", 12);
  await set("temperature", 0);
  // Markup is what it is: text.
  await say("<img src=x onerror=alert(1)>", 1);
  assert.deepEqual(await text("article.user"), ["<img src=x onerror=alert(1)>"]);
  assert.equal(await page.$("main img"), null);
  const [first] = await text("article.assistant");
  assert.ok(first.length > 0);
  const [speed] = await text("#speed");
  assert.match(speed, /tokens\/s, first token after/);

  await say("And then?", 2);
  assert.match((await text("#cache"))[0], /prompt tokens, [1-9]\d* of them kept/);
  assert.equal((await text("#board"))[0], "no board works");
  assert.match((await text("#load"))[0], /cache \d+ of 4096 positions/);

  await set("max_tokens", -7);
  await say("Wrong", 3);
  assert.match((await text("article.error"))[0], /max_tokens/);
  await page.click("#reset");
  assert.deepEqual(await text("article"), []);

  assert.ok(asked.every((url) => url.startsWith(`${origin}/`) || url.startsWith("data:")), asked.join(" "));
  assert.deepEqual(faults, []);
} finally {
  await browser.close();
}
console.log("all claims hold");
