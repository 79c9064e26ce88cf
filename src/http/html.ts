/** HTML templates that escape every value, so that text from an ECU or a user cannot become markup. */
import escapeHtml from "escape-html";
import { escapeUnprintable } from "../text.ts";

/** Finished HTML, which a template inserts unchanged. */
export interface Html {
  readonly markup: string;
}

type HtmlValue = string | number | Html | readonly Html[];

/** Template tag: escapes text, for an element or a quoted attribute, and inserts `Html` as it is. */
export const html = (literals: TemplateStringsArray, ...values: readonly HtmlValue[]): Html => ({
  markup: String.raw({ raw: literals }, ...values.map(toMarkup)),
});

/** Joins text, which is escaped, and HTML. */
export const joinHtml = (parts: readonly (string | Html)[], separator: string): Html => ({
  markup: parts.map(toMarkup).join(separator),
});

const toMarkup = (value: HtmlValue): string => {
  if (typeof value === "string") return escapeHtml(escapeUnprintable(value));
  if (typeof value === "number") return String(value);
  return "markup" in value ? value.markup : value.map(toMarkup).join("");
};
