/** Why bytes that arrived are not the reply that was asked for. */
export type ProtocolReason = "truncated" | "malformed" | "wrong_command" | "id_mismatch" | "status";

/** Where in a frame an error lies: the field's path and the byte's offset from the `A` of `APS`. */
export interface Place {
  readonly field: string;
  readonly offset: number;
}

/**
 * Bytes that cannot be read as the reply asked for.
 * `reason` is one of the closed list that is also the metric's label; `place` is where it went wrong.
 */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly reason: ProtocolReason;
  readonly place: Place;

  constructor(reason: ProtocolReason, problem: string, place: Place) {
    super(`${place.field} at byte ${place.offset}: ${problem}`);
    this.reason = reason;
    this.place = place;
    this.#problem = problem;
  }

  readonly #problem: string;

  /** The same error, seen from the structure that holds the field: `powerWatts` becomes `channels.0.powerWatts`. */
  within(parent: string): ProtocolError {
    const { field, offset } = this.place;
    const path = field === "" ? parent : `${parent}.${field}`;
    return new ProtocolError(this.reason, this.#problem, { field: path, offset });
  }
}
