import type { ProtocolReason } from "../protocol/errors.ts";

/** Why no reply arrived at all. */
type ConnectionReason = "refused" | "unreachable" | "timeout" | "closed";

/** Every reason for which a query can fail: the closed list that is also the metric's label. */
export const reasons = [
  "refused",
  "unreachable",
  "timeout",
  "closed",
  "truncated",
  "malformed",
  "wrong_command",
  "id_mismatch",
  "status",
] as const satisfies readonly (ProtocolReason | ConnectionReason)[];

export type Reason = (typeof reasons)[number];

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

interface QueryFailure {
  readonly reason: Reason;
  readonly received?: Uint8Array;
  readonly cause?: unknown;
}
