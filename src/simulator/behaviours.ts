/** How ECUs of each family behave on TCP (docs/protocol.md#connections, #concurrency): one table for every fake ECU. */

/** R is a microcontroller behind a Wi-Fi module (ECU-R, ECU-B), L is Linux (ECU-R-Pro, ECU-C). */
export type Family = "R" | "L";

/** How an ECU handles connections and requests, whatever their content. */
export interface Behaviour {
  readonly closesAfterReply: boolean;
  /** A connection without a request for this time is closed. */
  readonly idleMs: number;
  /** A longer reply is sent in pieces of this size. */
  readonly pieceBytes: number;
  /** Maximum number of simultaneous connections; further ones are closed at once. */
  readonly links: number;
  /** Number of connections that get replies; the others use a link that the ECU reserves for its cloud. */
  readonly linksAnswered: number;
  /** What follows a request that the ECU does not know. */
  readonly unknownRequest: "silent" | "close";
  /** There is one reply address: a reply goes to the connection of the last request. */
  readonly repliesToLastClient: boolean;
}

export const behaviours: Readonly<Record<Family, Behaviour>> = {
  R: {
    closesAfterReply: false,
    idleMs: 20_000,
    pieceBytes: 1460,
    links: 5,
    linksAnswered: 3,
    unknownRequest: "silent",
    repliesToLastClient: true,
  },
  L: {
    closesAfterReply: true,
    idleMs: 10_000,
    pieceBytes: Number.POSITIVE_INFINITY,
    links: Number.POSITIVE_INFINITY,
    linksAnswered: Number.POSITIVE_INFINITY,
    unknownRequest: "close",
    repliesToLastClient: false,
  },
};
