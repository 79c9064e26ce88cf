/** One exchange with whatever listens at an address: whether it connects, what comes back, who closes the connection. */
import type { EcuEndpoint, ExchangeLimits, exchange } from "../ecu/client.ts";
import { QueryError } from "../ecu/errors.ts";
import type { Clock } from "../time/clock.ts";

/** How the exchange ended. */
export type Contact =
  /** Not connected; `code` is that of the operating system, or `TIME` where the time for it was over. */
  | { readonly stage: "not connected"; readonly code: string }
  /** Connected, without a complete reply. */
  | {
      readonly stage: "no reply";
      readonly connectMs: number;
      readonly received: Uint8Array;
      readonly closedByEcu: boolean;
    }
  /** A complete frame; `closedByEcu` says whether the other side closed the connection after it. */
  | {
      readonly stage: "replied";
      readonly connectMs: number;
      readonly replyMs: number;
      readonly reply: Buffer;
      readonly closedByEcu: boolean;
    };

export interface ContactOptions {
  /** The client. */
  readonly exchange: typeof exchange;
  readonly clock: Clock;
  readonly limits: Partial<ExchangeLimits>;
  /** Ends the exchange. */
  readonly signal: AbortSignal;
}

/** Connects, sends one request, and watches how the exchange ends. Never throws for what the other side does. */
export const contact = async (
  ecu: EcuEndpoint,
  request: Uint8Array,
  { exchange, clock, limits, signal }: ContactOptions,
): Promise<Contact> => {
  const startedAt = clock.monotonic();
  let connectedAt: number | undefined;
  let repliedAt = 0;
  let closedByEcu = false;
  const observer = {
    connected: () => {
      connectedAt = clock.monotonic();
    },
    replied: () => {
      repliedAt = clock.monotonic();
    },
    closed: () => {
      closedByEcu = true;
    },
  };
  try {
    const { bytes } = await exchange(ecu, request, signal, { clock, limits, observer });
    const at = connectedAt ?? startedAt;
    return {
      stage: "replied",
      connectMs: at - startedAt,
      replyMs: repliedAt - at,
      reply: bytes,
      closedByEcu,
    };
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    if (connectedAt === undefined) return { stage: "not connected", code: systemCode(error) };
    const { received } = error;
    return { stage: "no reply", connectMs: connectedAt - startedAt, received, closedByEcu };
  }
};

const systemCode = ({ cause }: QueryError): string =>
  (cause as NodeJS.ErrnoException | undefined)?.code ?? "TIME";
