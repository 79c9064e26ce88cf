/** Parses a YAML file and validates it with a schema. Reports all problems at once, with their lines. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";

/** The value of a file, or its problems, one line each. */
export type ParseResult<T> = { readonly value: T } | { readonly problems: readonly string[] };

/** Maximum number of aliases, because nested aliases can expand without limit. */
const MAX_ALIASES = 100;

/**
 * Reads a YAML file. A problem is reported as `FILE:LINE: path.of.the.key: problem`. A problem only quotes a value that must
 * be one of a list of words, so that no password gets into a log. A schema's own messages must follow the same rule.
 */
export const parseYaml = <S extends z.ZodType>(
  bytes: Uint8Array | string,
  fileName: string,
  schema: S,
): ParseResult<z.output<S>> => {
  const text = typeof bytes === "string" ? bytes : decodeUtf8(bytes);
  if (text === undefined) return failure(`${fileName}: is not valid UTF-8`);
  const lines = new LineCounter();
  const at = (offset: number): string => `${fileName}:${lines.linePos(offset).line}`;
  let document: Document.Parsed;
  let content: unknown;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const problems = findProblems(document, text);
    if (problems.length > 0)
      return failure(...problems.map(({ offset, problem }) => `${at(offset)}: ${problem}`));
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
  found.sort((a, b) => a.offset - b.offset);
  return failure(...found.map(({ offset, text }) => `${at(offset)}: ${text}`));
};

const failure = (...problems: string[]): { problems: readonly string[] } => ({ problems });

/** Decodes bytes; `undefined` if they are not valid UTF-8. */
const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/** Describes an error that the library throws while it resolves aliases. It has no position. */
const describeAliasError = (error: Error): string => {
  if (error instanceof RangeError) return TOO_DEEP;
  const [, name] = /^Unresolved alias.*: (\S+)$/.exec(error.message) ?? [];
  return name === undefined
    ? `uses aliases (*name) more than ${MAX_ALIASES} times`
    : `the alias *${name} is not defined: there is no &${name} before it`;
};

interface YamlProblem {
  readonly offset: number;
  readonly problem: string;
}

/** For invalid YAML, only the first error, because others can follow from it; otherwise every invalid key. */
const findProblems = (document: Document.Parsed, text: string): YamlProblem[] => {
  const found = [...document.errors, ...document.warnings];
  const problems = found.map((error) => ({
    offset: error.pos[0],
    problem: describeYamlError(error, text),
  }));
  if (found.every(({ code }) => code === "DUPLICATE_KEY"))
    return [...problems, ...findInvalidKeys(document.contents)];
  return problems.slice(0, 1);
};

const TOO_DEEP = "is nested too deeply";

/** Describes an error of the parser, with clearer words for common errors. */
const describeYamlError = (error: Document.Parsed["errors"][number], text: string): string => {
  const key = /^[^:\s]*/.exec(text.slice(error.pos[0], error.pos[0] + 100))?.[0] ?? "";
  switch (error.code) {
    case "DUPLICATE_KEY":
      return `${key}: is set twice`;
    case "TAB_AS_INDENT":
      return "starts with a tab; indent with spaces";
    case "MULTIPLE_DOCS":
      return "a second document starts here; only one is allowed";
    case "TAG_RESOLVE_FAILED":
      return `${key} is an unknown tag`;
    default:
      return error.message.startsWith("Maximum call stack")
        ? TOO_DEEP
        : `is not valid YAML: ${error.message.replace(/:? ?["`\n].*/s, "").trim()}`; // the quoted part may be a secret
  }
};

/** Finds keys that are not words, and `__proto__`, which is unsafe in JavaScript objects. */
const findInvalidKeys = (node: unknown): YamlProblem[] => {
  if (isSeq(node)) return node.items.flatMap(findInvalidKeys);
  if (!isMap(node)) return [];
  return node.items.flatMap(({ key, value }) => {
    const offset = nodeOffset(key) ?? nodeOffset(node) ?? 0;
    const inside = findInvalidKeys(value);
    if (!isScalar(key)) return [{ offset, problem: "a key must be a word, not a list or a map" }];
    return key.value === "__proto__"
      ? [{ offset, problem: "__proto__: is not allowed as a key" }, ...inside]
      : inside;
  });
};

const nodeOffset = (node: unknown): number | undefined =>
  (node as { range?: readonly [number, ...number[]] } | null | undefined)?.range?.[0];

type Path = readonly PropertyKey[];

/** The paths of an issue: one for each unknown key. */
const issuePaths = (issue: z.core.$ZodIssue): Path[] =>
  issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];

/** `tls_server_config.cipher_suites[1]` */
const formatPath = (path: Path): string =>
  path
    .map((step, i) =>
      typeof step === "number" ? `[${step}]` : `${i > 0 ? "." : ""}${String(step)}`,
    )
    .join("");

/** Offset of the last key of a path or, if it is missing, of the map that should have it. */
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
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map of names and values",
  record: "a map of names and values",
};

/** Replaces the messages of the schema library. */
const describeIssue = (issue: z.core.$ZodRawIssue): string => {
  const { input } = issue;
  switch (issue.code) {
    case "invalid_type": {
      if (input === undefined) return "is missing";
      if (input === null) return "is empty; set a value or remove the key";
      return `must be ${TYPE_NAMES[issue.expected] ?? `a ${issue.expected}`}, not ${describeType(input)}`;
    }
    case "invalid_value": {
      if (input === undefined) return "is missing";
      const words = issue.values.map(String).join(", ");
      return typeof input === "object"
        ? `must be one of ${words}, not ${describeType(input)}`
        : `"${String(input)}" is not one of ${words}`;
    }
    case "unrecognized_keys":
      return `is not a known key; known keys are ${schemaKeys(issue.inst).join(", ")}`;
    case "too_small":
      return issue.origin === "number" || issue.origin === "int"
        ? `is below ${issue.minimum}`
        : "is empty";
    case "too_big":
      return issue.origin === "number" || issue.origin === "int"
        ? `is above ${issue.maximum}`
        : `is longer than ${issue.maximum}`;
    case "invalid_key":
      return issue.issues[0]?.message ?? "is not allowed as a key";
    default:
      return input === undefined ? "is missing" : "is invalid";
  }
};

const describeType = (input: unknown): string => {
  if (input === null) return "empty";
  if (Array.isArray(input)) return "a list";
  if (typeof input === "object") return "a map";
  if (typeof input === "boolean") return "true or false";
  return typeof input === "number" ? "a number" : "a string";
};

/** The keys of the schema that rejected an unknown key. */
const schemaKeys = (schema: unknown): string[] =>
  Object.keys((schema as { def?: { shape?: object } } | undefined)?.def?.shape ?? {});
