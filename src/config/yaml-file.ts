/** The text of a YAML file → its value by a schema, or everything that is wrong with it, each with its line. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";

/** What a file says, or what is wrong with it, a line each. */
export type ParseResult<T> = { readonly value: T } | { readonly problems: readonly string[] };

/** As many places as one file may name by anchors; more is a text made to grow without end. */
const MAX_ALIASES = 100;

/**
 * Reads a YAML file. A problem is told as `FILE:LINE: path.of.the.key: what is wrong`. No value is repeated but one that
 * is none of a list of words, so that no password gets into a log; a schema's own messages keep to the same.
 */
export const parseYaml = <S extends z.ZodType>(
  bytes: Uint8Array | string,
  fileName: string,
  schema: S,
): ParseResult<z.output<S>> => {
  const text = typeof bytes === "string" ? bytes : decodeUtf8(bytes);
  if (text === undefined) return failure(`${fileName}: is not a text in UTF-8`);
  const lines = new LineCounter();
  const at = (offset: number): string => `${fileName}:${lines.linePos(offset).line}`;
  let document: Document.Parsed;
  let content: unknown;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const faults = findProblems(document, text);
    if (faults.length > 0) return failure(...faults.map((it) => `${at(it.offset)}: ${it.problem}`));
    content = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    return failure(`${fileName}: ${describeAliasError(error as Error)}`);
  }
  if (content === null) return failure(`${fileName}: is empty`);
  const result = schema.safeParse(content, { error: describeIssue });
  if (result.success) return { value: result.data };
  const found = result.error.issues.flatMap((issue) =>
    issuePaths(issue).map((path) => ({
      offset: pathOffset(document.contents, path, document),
      text: [formatPath(path), issue.message].filter((part) => part !== "").join(": "),
    })),
  );
  found.sort((one, other) => one.offset - other.offset);
  return failure(...found.map(({ offset, text }) => `${at(offset)}: ${text}`));
};

const failure = (...problems: string[]): { problems: readonly string[] } => ({ problems });

/** `undefined` where the bytes are no UTF-8. */
const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/** Faults that are found when aliases are followed have no place: the library throws them. */
const describeAliasError = (error: Error): string => {
  if (error instanceof RangeError) return TOO_DEEP;
  const [, name] = /^Unresolved alias.*: (\S+)$/.exec(error.message) ?? [];
  return name === undefined
    ? `follows its aliases (*name) more than ${MAX_ALIASES} times`
    : `the alias *${name} stands for nothing: no &${name} comes before it`;
};

interface YamlProblem {
  readonly offset: number;
  readonly problem: string;
}

/** Where it is no YAML, the first fault alone, as others follow from it; else every key that cannot be one. */
const findProblems = (document: Document.Parsed, text: string): YamlProblem[] => {
  const found = [...document.errors, ...document.warnings];
  const told = found.map((fault) => ({
    offset: fault.pos[0],
    problem: describeYamlError(fault, text),
  }));
  if (found.every(({ code }) => code === "DUPLICATE_KEY"))
    return [...told, ...findInvalidKeys(document.contents)];
  return told.slice(0, 1);
};

const TOO_DEEP = "is nested too deeply";

/** What the parser finds, in other words where its own help nobody. */
const describeYamlError = (fault: Document.Parsed["errors"][number], text: string): string => {
  const key = /^[^:\s]*/.exec(text.slice(fault.pos[0], fault.pos[0] + 100))?.[0] ?? "";
  switch (fault.code) {
    case "DUPLICATE_KEY":
      return `${key}: stands here for the second time`;
    case "TAB_AS_INDENT":
      return "begins with a tab; indent with spaces";
    case "MULTIPLE_DOCS":
      return "a second document begins here; the file may hold one";
    case "TAG_RESOLVE_FAILED":
      return `${key} is a tag that nobody knows`;
    default:
      return fault.message.startsWith("Maximum call stack")
        ? TOO_DEEP
        : `is no YAML: ${fault.message.replace(/:? ?["`\n].*/s, "").trim()}`; // a quoted part may be a secret
  }
};

/** Keys that are no words, and the one that an object in JavaScript cannot have. */
const findInvalidKeys = (node: unknown): YamlProblem[] => {
  if (isSeq(node)) return node.items.flatMap(findInvalidKeys);
  if (!isMap(node)) return [];
  return node.items.flatMap(({ key, value }) => {
    const offset = nodeOffset(key) ?? nodeOffset(node) ?? 0;
    const inside = findInvalidKeys(value);
    if (!isScalar(key)) return [{ offset, problem: "a key is a list or a map, and not a word" }];
    return key.value === "__proto__"
      ? [{ offset, problem: "__proto__: cannot be a key" }, ...inside]
      : inside;
  });
};

const nodeOffset = (node: unknown): number | undefined =>
  (node as { range?: readonly [number, ...number[]] } | null | undefined)?.range?.[0];

type Path = readonly PropertyKey[];

/** An issue about unknown keys is about each of them. */
const issuePaths = (issue: z.core.$ZodIssue): Path[] =>
  issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];

/** `tls_server_config.cipher_suites[1]` */
const formatPath = (path: Path): string =>
  path
    .map((step, i) =>
      typeof step === "number" ? `[${step}]` : `${i > 0 ? "." : ""}${String(step)}`,
    )
    .join("");

/** Where a path's last key stands; where it is missing, that of the map it is missing in. */
const pathOffset = (root: unknown, path: Path, document: Document): number => {
  let offset = 0;
  let node = root;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(step),
      );
      if (pair === undefined) return offset;
      offset = nodeOffset(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = nodeOffset(node) ?? offset;
    } else return offset;
  }
  return offset;
};

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map of names and values",
  record: "a map of names and values",
};

/** Messages for people instead of the schema library's. */
const describeIssue = (issue: z.core.$ZodRawIssue): string => {
  const { input } = issue;
  switch (issue.code) {
    case "invalid_type": {
      if (input === undefined) return "is missing";
      if (input === null) return "is empty; give it a value or leave it out";
      return `is ${describeType(input)}, and not ${TYPE_NAMES[issue.expected] ?? `a ${issue.expected}`}`;
    }
    case "invalid_value": {
      if (input === undefined) return "is missing";
      const one =
        typeof input === "object" ? `is ${describeType(input)}, and` : `"${String(input)}" is`;
      return `${one} none of ${issue.values.map(String).join(", ")}`;
    }
    case "unrecognized_keys":
      return `is unknown here; known are ${schemaKeys(issue.inst).join(", ")}`;
    case "too_small":
      return issue.origin === "number" || issue.origin === "int"
        ? `is below ${issue.minimum}`
        : "is empty";
    case "too_big":
      return issue.origin === "number" || issue.origin === "int"
        ? `is above ${issue.maximum}`
        : `is longer than ${issue.maximum}`;
    case "invalid_key":
      return issue.issues[0]?.message ?? "cannot be a key here";
    default:
      return input === undefined ? "is missing" : "has not the form it must have";
  }
};

const describeType = (input: unknown): string => {
  if (input === null) return "empty";
  if (Array.isArray(input)) return "a list";
  if (typeof input === "object") return "a map";
  if (typeof input === "boolean") return "true or false";
  return typeof input === "number" ? "a number" : "a text";
};

/** The keys of the schema that refused another one. */
const schemaKeys = (schema: unknown): string[] =>
  Object.keys((schema as { def?: { shape?: object } } | undefined)?.def?.shape ?? {});
