/** What the doctor finds, one line each. */
import type { QueryError, Reason } from "../ecu/errors.ts";
import { encodeRequest } from "../protocol/requests.ts";
import type { VerdictName } from "./verdicts.ts";

/** A fact, how good it is, and the verdict that it supports. */
export interface Finding {
  readonly mark: "ok" | "odd" | "wrong";
  /** One word or two: name, port, reply … */
  readonly subject: string;
  readonly text: string;
  readonly verdict?: VerdictName;
}

/** Takes findings as they are made. */
export type Report = (...findings: readonly Finding[]) => void;

const finding = (
  mark: Finding["mark"],
  subject: string,
  text: string,
  verdict: VerdictName | undefined,
): Finding => ({ mark, subject, text, ...(verdict && { verdict }) });

export const ok = (subject: string, text: string, verdict?: VerdictName): Finding =>
  finding("ok", subject, text, verdict);
export const odd = (subject: string, text: string, verdict?: VerdictName): Finding =>
  finding("odd", subject, text, verdict);
export const wrong = (subject: string, text: string, verdict: VerdictName): Finding =>
  finding("wrong", subject, text, verdict);

const verdictOfReason: Readonly<Record<Reason, VerdictName>> = {
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
  if (reason === "malformed" && !looksLikeEcu(received)) return "not an ECU";
  return verdictOfReason[reason];
};

/** The finding on a failed query. */
export const failureFinding = (error: QueryError): Finding =>
  wrong("reply", error.message, failureVerdict(error));

const infoRequest = encodeRequest("info");

/** Whether bytes begin as every reply does (docs/protocol.md#frame) and are not merely our request sent back. */
export const looksLikeEcu = (received: Uint8Array): boolean =>
  Buffer.from(received.subarray(0, 3)).toString("latin1") === "APS" &&
  !infoRequest.equals(received);

/** The first items of a list, and how many more there are. */
export const listSome = (items: readonly string[], max = 5): string =>
  items.length <= max
    ? items.join(", ")
    : `${items.slice(0, max).join(", ")} and ${items.length - max} more`;
