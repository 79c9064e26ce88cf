import type { ProtocolReason } from "../protocol/errors.ts";

/** Why no reply arrived at all. */
type ConnectionReason = "refused" | "unreachable" | "timeout" | "closed";

/** What a reason means to the owner of an ECU: what happened, and what to do about it. */
interface Trouble {
  readonly happened: string;
  readonly remedy: string;
}

/** Every reason for which a query can fail: the closed list that is also the metric's label. */
export const troubles = {
  refused: {
    happened: "the ECU's address refuses the connection",
    remedy:
      "an ECU-R or ECU-B answers at its Wi-Fi address only; around 3 at night ECUs are in maintenance, which passes; else unplug the ECU for a minute",
  },
  unreachable: {
    happened: "there is no such name or host in this network",
    remedy: "check the address, and let the router give the ECU a fixed one",
  },
  timeout: {
    happened: "the ECU takes no connection, or takes it and does not answer",
    remedy: "let no other program ask the ECU; if it stays so, unplug the ECU for a minute",
  },
  closed: {
    happened: "the ECU hung up without an answer",
    remedy: "this passes; if it does not, unplug the ECU for a minute",
  },
  truncated: {
    happened: "the ECU hung up amid its answer",
    remedy: "this passes; if it does not, look at the Wi-Fi signal at the ECU",
  },
  malformed: {
    happened: "the answer makes no sense",
    remedy: "let no other program ask the ECU; if it stays so, please send a capture",
  },
  wrong_command: {
    happened: "the answer is that to another question",
    remedy: "let no other program ask the ECU: it mixes up the answers of two",
  },
  id_mismatch: {
    happened: "the ECU has another id than a moment ago",
    remedy: "this passes after an ECU was replaced; else look for two devices at one address",
  },
  status: {
    happened: "the ECU refuses this question",
    remedy: "an ECU that was just started needs up to 10 minutes; else please send a capture",
  },
} as const satisfies Record<ProtocolReason | ConnectionReason, Trouble>;

export type Reason = keyof typeof troubles;
export const reasons = Object.keys(troubles) as readonly Reason[];

/** A query that gave no valid reply: why, and what had been received by then. */
export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly reason: Reason;
  /** Bytes that arrived, for a log that someone will decode by hand. */
  readonly received: Uint8Array;

  constructor(message: string, { reason, received = new Uint8Array(), cause }: QueryFailure) {
    super(message, { cause });
    this.reason = reason;
    this.received = received;
  }
}

/** The error in a sentence for the ECU's owner: what happened, to what, and what to do. */
export const tell = ({ message, reason }: QueryError): string =>
  `${message}; ${troubles[reason].remedy}`;

interface QueryFailure {
  readonly reason: Reason;
  readonly received?: Uint8Array;
  readonly cause?: unknown;
}
