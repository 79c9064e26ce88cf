import type { ProtocolReason } from "../protocol/errors.ts";

/** Why no reply arrived at all. */
type ConnectionReason = "refused" | "unreachable" | "timeout" | "closed";

/** What a reason means to the owner of an ECU. */
interface ReasonText {
  readonly happened: string;
  readonly remedy: string;
}

/** Every reason for which a query can fail. The closed list is also that of the metric's label `reason`. */
export const errorReasons = {
  refused: {
    happened: "the ECU refused the connection",
    remedy:
      "an ECU-R or ECU-B accepts connections at its Wi-Fi address only; around 3:00 at night ECUs are in maintenance for half an hour; otherwise unplug the ECU for a minute",
  },
  unreachable: {
    happened: "the host name or the address cannot be reached in this network",
    remedy: "check the address, and have your router reserve an address for the ECU",
  },
  timeout: {
    happened: "the ECU did not accept the connection, or accepted it and did not reply",
    remedy: "let no other program read the ECU; if it persists, unplug the ECU for a minute",
  },
  closed: {
    happened: "the ECU closed the connection without a reply",
    remedy: "this usually passes; if it persists, unplug the ECU for a minute",
  },
  truncated: {
    happened: "the ECU closed the connection in the middle of its reply",
    remedy: "this usually passes; if it persists, check the Wi-Fi signal at the ECU",
  },
  malformed: {
    happened: "the reply is invalid",
    remedy:
      "check the address, and let no other program read the ECU; if it persists, please send a capture",
  },
  wrong_command: {
    happened: "the reply belongs to another request",
    remedy: "let no other program read the ECU: it mixes up the replies to two clients",
  },
  id_mismatch: {
    happened: "the id of the ECU has changed",
    remedy:
      "this passes after an ECU was replaced; otherwise check whether two devices share the address",
  },
  status: {
    happened: "the ECU refused the request",
    remedy: "an ECU that has just started needs up to 10 minutes; otherwise please send a capture",
  },
} as const satisfies Record<ProtocolReason | ConnectionReason, ReasonText>;

/** Why a query failed. */
export type Reason = keyof typeof errorReasons;
export const reasons = Object.keys(errorReasons) as readonly Reason[];

/** A query that got no valid reply: why, and what had been received by then. */
export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly reason: Reason;
  /** The bytes that arrived, to be decoded by hand. */
  readonly received: Uint8Array;
  /** What to do, if the cause is not at the ECU; otherwise it follows from the reason. */
  readonly remedy: string | undefined;

  constructor(
    message: string,
    { reason, received = new Uint8Array(), remedy, cause }: QueryErrorOptions,
  ) {
    super(message, { cause });
    this.reason = reason;
    this.received = received;
    this.remedy = remedy;
  }
}

/** The error in one sentence: what happened, to what, and what to do. */
export const describeError = ({ message, reason, remedy }: QueryError): string =>
  `${message}; ${remedy ?? errorReasons[reason].remedy}`;

interface QueryErrorOptions {
  readonly reason: Reason;
  readonly received?: Uint8Array;
  readonly remedy?: string | undefined;
  readonly cause?: unknown;
}
