/** Parses a YAML file and validates it with a schema. Reports all problems at once, with their lines. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  Scalar,
  type YAMLMap,
} from "yaml";
import type { z } from "zod";
import { limitProblems } from "./usage-error.ts";

/** The value of a file, or its problems, one line each. */
export type ParseResult<T> = { readonly value: T } | { readonly problems: readonly string[] };

/** Maximum number of aliases, because nested aliases can expand without limit. */
const MAX_ALIASES = 100;

interface YamlOptions {
  /** Keys with values that are texts: `01` is not the number 1, and 1.10 is not 1.1. */
  readonly textKeys?: ReadonlySet<string>;
}

/**
 * Reads a YAML file. A problem is reported as `FILE:LINE: path.of.the.key: problem`. A problem only quotes a value that must
 * be one of a list of words, so that no password gets into a log. A schema's own messages must follow the same rule.
 */
export const parseYaml = <S extends z.ZodType>(
  bytes: Uint8Array | string,
  fileName: string,
  schema: S,
  { textKeys = new Set() }: YamlOptions = {},
): ParseResult<z.output<S>> => {
  const text = typeof bytes === "string" ? bytes : decodeUtf8(bytes);
  if (text === undefined) return failure(`${fileName}: is not valid UTF-8`);
  const lines = new LineCounter();
  const fail = (found: readonly YamlProblem[]): { problems: readonly string[] } => {
    const { first, others } = limitProblems(found.toSorted((a, b) => a.offset - b.offset));
    const problems = first.map(
      ({ offset, problem }) => `${fileName}:${lines.linePos(offset).line}: ${problem}`,
    );
    return failure(
      ...problems,
      ...(others > 0 ? [`${fileName}: and ${others} more problems`] : []),
    );
  };
  let document: Document.Parsed;
  let content: unknown;
  try {
    // The library compares each key with all keys before it; checkNode does it in linear time.
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
    const problems = findProblems(document, { text, textKeys });
    if (problems.length > 0) return fail(problems);
    content = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    return failure(`${fileName}: ${describeAliasError(error as Error)}`);
  }
  if (content === null) return failure(`${fileName}: is empty`);
  const result = schema.safeParse(content, { error: describeIssue });
  if (result.success) return { value: result.data };
  const locate = createLocator(document);
  return fail(
    result.error.issues.flatMap((issue) =>
      issuePaths(issue).map((path) => ({
        offset: locate(path),
        problem: [formatPath(path), issue.message].filter((part) => part !== "").join(": "),
      })),
    ),
  );
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
const findProblems = (
  document: Document.Parsed,
  { text, textKeys }: { readonly text: string } & Required<YamlOptions>,
): YamlProblem[] => {
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined)
    return [{ offset: error.pos[0], problem: describeYamlError(error, text) }];
  const problems: YamlProblem[] = [];
  checkNode(document.contents, textKeys, problems);
  return problems;
};

const TOO_DEEP = "is nested too deeply";

/** Describes an error of the parser, with clearer words for common errors. */
const describeYamlError = (error: Document.Parsed["errors"][number], text: string): string => {
  const key = /^[^:\s]*/.exec(text.slice(error.pos[0], error.pos[0] + 100))?.[0] ?? "";
  switch (error.code) {
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

/**
 * Finds keys that are set twice, keys that are not words, and `__proto__`, which is unsafe in JavaScript objects. Keys, and the values
 * of text keys, get the text that is in the file.
 */
const checkNode = (node: unknown, textKeys: ReadonlySet<string>, problems: YamlProblem[]): void => {
  if (isSeq(node)) for (const item of node.items) checkNode(item, textKeys, problems);
  if (!isMap(node)) return;
  const keys = new Set<string>();
  for (const { key, value } of node.items) {
    const report = (problem: string): void => {
      problems.push({ offset: nodeOffset(key) ?? nodeOffset(node) ?? 0, problem });
    };
    if (isScalar(key)) {
      keepSourceText(key);
      const name = String(key.value);
      if (keys.has(name)) report(`${name}: is set twice`);
      if (name === "__proto__") report("__proto__: is not allowed as a key");
      keys.add(name);
      if (textKeys.has(name)) keepSourceText(value);
    } else report("a key must be a word, not a list or a map");
    checkNode(value, textKeys, problems);
  }
};

/** Replaces a number, true or false by its text in the file. */
const keepSourceText = (node: unknown): void => {
  if (isScalar(node) && node.type === Scalar.PLAIN && node.value !== null && node.source)
    node.value = node.source;
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

/** Returns a function for the offset of the last key of a path or, if it is missing, of the map that should have it. */
const createLocator = (document: Document): ((path: Path) => number) => {
  const indexes = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();
  const findPair = (map: YAMLMap, step: PropertyKey): Pair | undefined => {
    const index =
      indexes.get(map) ??
      new Map(map.items.map((pair) => [String(isScalar(pair.key) ? pair.key.value : ""), pair]));
    indexes.set(map, index);
    return index.get(String(step));
  };
  return (path) => {
    let offset = 0;
    let node: unknown = document.contents;
    for (const step of path) {
      if (isAlias(node)) node = node.resolve(document);
      if (isMap(node)) {
        const pair = findPair(node, step);
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

const EMPTY = "is empty; set a value or remove the key";

/** Replaces the messages of the schema library. */
const describeIssue = (issue: z.core.$ZodRawIssue): string => {
  const { input } = issue;
  switch (issue.code) {
    case "invalid_type": {
      if (input === undefined) return "is missing";
      if (input === null) return EMPTY;
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
      if (input === null) return EMPTY;
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
