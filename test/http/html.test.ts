import { describe, expect, it } from "vitest";
import { html, joinHtml } from "../../src/http/html.ts";

describe("a template", () => {
  it.each([
    { value: `<b> & "it's"`, expected: "&lt;b&gt; &amp; &quot;it&#39;s&quot;" },
    { value: "&amp;", expected: "&amp;amp;" },
    { value: "a\n\u202eb", expected: "a\\u000a\\u202eb" },
    { value: "plant – 5 °C", expected: "plant – 5 °C" },
    { value: 0, expected: "0" },
    { value: html`<b>${"<"}</b>`, expected: "<b>&lt;</b>" },
    { value: [html`<i>`, html`<b>`], expected: "<i><b>" },
    { value: [], expected: "" },
  ])("inserts $value as $expected", ({ value, expected }) => {
    expect(html`<p title="${value}">\n</p>`.markup).toBe(`<p title="${expected}">\n</p>`);
  });
});

it("escapes the text that it joins, but not the HTML", () => {
  expect(joinHtml(["<", html`<br>`, ">"], " · ").markup).toBe("&lt; · <br> · &gt;");
});
