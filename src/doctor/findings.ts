/** What the doctor finds, one line each. */
import type { QueryError, Reason } from "../ecu/errors.ts";
import { encodeRequest } from "../protocol/requests.ts";
import type { VerdictName } from "./verdicts.ts";

/** A fact, how it is to be taken, and the verdict that it speaks for. */
export interface Finding {
  readonly mark: "ok" | "odd" | "wrong";
  /** One word or two: name, port, answer … */
  readonly subject: string;
  readonly text: string;
  readonly verdict?: VerdictName;
}

/** Takes findings down. */
export type Put = (...findings: readonly Finding[]) => void;

export const ok = (subject: string, text: string, verdict?: VerdictName): Finding => ({
  mark: "ok",
  subject,
  text,
  ...(verdict && { verdict }),
});
export const odd = (subject: string, text: string, verdict?: VerdictName): Finding => ({
  mark: "odd",
  subject,
  text,
  ...(verdict && { verdict }),
});
export const wrong = (subject: string, text: string, verdict: VerdictName): Finding => ({
  mark: "wrong",
  subject,
  text,
  verdict,
});

const verdictOfReason: Readonly<Record<Reason, VerdictName>> = {
  refused: "refused",
  unreachable: "no such host",
  timeout: "silent",
  closed: "hangs up",
  truncated: "cut short",
  malformed: "unreadable",
  wrong_command: "wrong answer",
  id_mismatch: "two ECUs",
  status: "refuses",
};

/** The verdict that a failed question speaks for. */
export const verdictOfFailure = ({ reason, received }: QueryError): VerdictName => {
  if (reason === "timeout" && received.length > 0) return "cut short";
  if (reason === "malformed" && !looksLikeAnEcu(received)) return "not an ECU";
  return verdictOfReason[reason];
};

const question = encodeRequest("info");

/** Every reply begins so (protocol document, 2.1); what only sends the question back is none. */
export const looksLikeAnEcu = (received: Uint8Array): boolean =>
  Buffer.from(received.subarray(0, 3)).toString("latin1") === "APS" && !question.equals(received);

/** The first few of a list, and how many more there are. */
export const some = (items: readonly string[], most = 5): string =>
  items.length <= most
    ? items.join(", ")
    : `${items.slice(0, most).join(", ")} and ${items.length - most} more`;
