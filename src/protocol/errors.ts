/** Why received bytes are not the expected reply. The closed list is part of the metric label `reason`. */
export type ProtocolReason = "truncated" | "malformed" | "wrong_command" | "id_mismatch" | "status";

/** Position of an error in a frame: the path of the field, and the offset of the byte from the `A` of `APS`. */
export interface FieldPosition {
  readonly field: string;
  readonly offset: number;
}

/** Bytes cannot be decoded as the expected reply. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly reason: ProtocolReason;
  readonly position: FieldPosition;

  constructor(reason: ProtocolReason, problem: string, position: FieldPosition) {
    super(`${position.field} at byte ${position.offset}: ${problem}`);
    this.reason = reason;
    this.position = position;
    this.#problem = problem;
  }

  readonly #problem: string;

  /** The same error with the path seen from a structure that contains the field: `powerWatts` becomes `channels.0.powerWatts`. */
  within(parent: string): ProtocolError {
    const { field, offset } = this.position;
    const path = field === "" ? parent : `${parent}.${field}`;
    return new ProtocolError(this.reason, this.#problem, { field: path, offset });
  }
}
