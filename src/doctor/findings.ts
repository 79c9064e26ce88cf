/** Findings: the results of the checks, one line each. */
import type { QueryError, Reason } from "../ecu/errors.ts";
import { encodeRequest } from "../protocol/requests.ts";
import type { VerdictName } from "./verdicts.ts";

/** The result of a check, and the verdict that it supports. */
export interface Finding {
  readonly mark: "ok" | "warn" | "fail";
  /** What was checked, in one word: name, port, reply … */
  readonly subject: string;
  readonly text: string;
  readonly verdict?: VerdictName;
}

/** Takes findings as they are made. */
export type Report = (...findings: readonly Finding[]) => void;

const createFinding = (
  mark: Finding["mark"],
  subject: string,
  text: string,
  verdict: VerdictName | undefined,
): Finding => ({ mark, subject, text, ...(verdict && { verdict }) });

export const ok = (subject: string, text: string, verdict?: VerdictName): Finding =>
  createFinding("ok", subject, text, verdict);
export const warn = (subject: string, text: string, verdict?: VerdictName): Finding =>
  createFinding("warn", subject, text, verdict);
export const fail = (subject: string, text: string, verdict: VerdictName): Finding =>
  createFinding("fail", subject, text, verdict);

const verdictByReason: Readonly<Record<Reason, VerdictName>> = {
  refused: "refused",
  unreachable: "no such host",
  timeout: "silent",
  closed: "closed",
  truncated: "cut short",
  malformed: "unreadable",
  wrong_command: "wrong reply",
  id_mismatch: "two ECUs",
  status: "refuses",
};

/** The verdict that a failed query supports. */
export const failureVerdict = ({ reason, received }: QueryError): VerdictName => {
  if (reason === "timeout" && received.length > 0) return "cut short";
  if (reason === "malformed" && !looksLikeEcu(received)) return foreignVerdict(received);
  return verdictByReason[reason];
};

/** The verdict on bytes that do not look like those of an ECU. */
export const foreignVerdict = (received: Uint8Array): VerdictName =>
  looksLikeHttp(received) ? "another product" : "not an ECU";

/** Whether bytes start as the answer of a web server does. */
export const looksLikeHttp = (received: Uint8Array): boolean =>
  Buffer.from(received.subarray(0, 7)).toString("latin1") === "HTTP/1.";

/** The finding on a failed query. */
export const failureFinding = (error: QueryError): Finding =>
  fail("reply", error.message, failureVerdict(error));

const infoRequest = encodeRequest("info");

/** Whether bytes start as every reply does (docs/protocol.md#frame) and are not the request, sent back. */
export const looksLikeEcu = (received: Uint8Array): boolean =>
  Buffer.from(received.subarray(0, 3)).toString("latin1") === "APS" &&
  !infoRequest.equals(received);

const MAX_LISTED = 5;

/** The first items of a list, and the number of the others. */
export const listSome = (items: readonly string[]): string =>
  items.length <= MAX_LISTED
    ? items.join(", ")
    : `${items.slice(0, MAX_LISTED).join(", ")} and ${items.length - MAX_LISTED} more`;
