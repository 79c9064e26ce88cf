/** The way to an ECU: its name, its port, and the first question. */
import { isIP } from "node:net";
import { QueryError } from "../ecu/errors.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { decodeReply, type Info } from "../protocol/replies.ts";
import type { Clock } from "../time/clock.ts";
import type { Call } from "./call.ts";
import {
  type Finding,
  looksLikeAnEcu,
  odd,
  ok,
  type Put,
  verdictOfFailure,
  wrong,
} from "./findings.ts";
import type { VerdictName } from "./verdicts.ts";

export interface DoorOptions {
  readonly ecu: { readonly host: string; readonly port: number };
  /** Zone of ECUs that do not tell theirs. */
  readonly zone: string;
  /** Addresses of a name. @throws Error with the code of node's resolver */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** One question, watched closely: 0001. */
  readonly call: () => Promise<Call>;
  readonly clock: Clock;
  /** Between two connections. */
  readonly pauseMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const RESOLVE_MS = 5_000;
const USUAL_PORT = 8899;

/** @returns whether there is an address to ask */
export const nameStep = async (
  { ecu: { host }, resolve, clock, signal }: DoorOptions,
  put: Put,
): Promise<boolean> => {
  if (isIP(host) !== 0) {
    put(ok("name", `${host} is an address, and needs no name service`));
    return true;
  }
  const late = clock.sleep(RESOLVE_MS, signal).then(() => undefined);
  try {
    const addresses = await Promise.race([resolve(host), late]);
    if (addresses === undefined) {
      put(wrong("name", `${host}: no answer within 5 s`, "name service silent"));
      return false;
    }
    const several = addresses.length > 1 ? "; the first that answers is asked" : "";
    put(ok("name", `${host} is ${addresses.join(" and ")}${several}`));
    return true;
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    const verdict = code === "EAI_AGAIN" ? "name service silent" : "name unknown";
    put(wrong("name", `${host}: no address (${code})`, verdict));
    return false;
  }
};

/** What is known after the first call. */
export interface First {
  readonly info?: Info | undefined;
  readonly hungUp?: boolean;
  /** The verdict that the call speaks for, if the next one fails too. */
  readonly failed?: Finding;
}

/** @returns `undefined` where there is nobody to ask */
export const doorStep = async (options: DoorOptions, put: Put): Promise<First | undefined> => {
  const { ecu, clock } = options;
  if (ecu.port !== USUAL_PORT) {
    put(odd("port", `${ecu.port} was named; every ECU's is ${USUAL_PORT}`));
  }
  const call = await options.call();
  if (call.stage === "outside") {
    put(outside(call.code, options));
    return undefined;
  }
  put(ok("port", `${ecu.port} is open (${inMs(call.connectMs)})`));
  await clock.sleep(options.pauseMs, options.signal);
  if (call.stage === "inside") return { failed: inside(call) };
  try {
    const info = decodeReply("info", call.reply);
    put(ok("answer", `${call.reply.length} bytes in ${inMs(call.replyMs)}`));
    return { info, hungUp: call.hungUp };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const { message, reason } = error;
    return { failed: failureOf(new QueryError(message, { reason, received: call.reply })) };
  }
};

const inMs = (ms: number): string => `${Math.max(1, Math.round(ms))} ms`;

const outside = (code: string, options: DoorOptions): Finding => {
  const { port } = options.ecu;
  switch (code) {
    case "ECONNREFUSED":
      return wrong("port", `${port} refuses the connection`, refusal(options));
    case "TIME":
    case "ETIMEDOUT":
      return wrong("port", `${port} neither accepts nor refuses`, "not accepted");
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return wrong("name", `no address (${code})`, "name unknown");
    case "ECONNRESET":
      return wrong("port", `${port} resets the connection`, "hangs up");
    default:
      return wrong("port", `nobody is reached (${code})`, "no such host");
  }
};

/** From and to, hours and minutes of the ECU's clock (protocol document, 1.6). */
const MAINTENANCE = ["02:45", "03:15"] as const;

const refusal = ({ clock, zone }: DoorOptions): VerdictName => {
  const time = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(clock.now());
  return time >= MAINTENANCE[0] && time <= MAINTENANCE[1] ? "maintenance" : "refused";
};

const inside = ({ received, hungUp }: Extract<Call, { stage: "inside" }>): Finding => {
  if (received.length > 0 && !looksLikeAnEcu(received)) {
    return wrong("answer", `"${beginningOf(received)}" is no ECU's answer`, "not an ECU");
  }
  const end = hungUp ? "the other side hung up" : "then silence";
  if (received.length === 0) {
    return hungUp
      ? wrong("answer", "none: the other side hung up", "hangs up")
      : wrong("answer", "none: silence", "silent");
  }
  const isReadable = received.length < 9 || /^\d{4}$/.test(received.toString("latin1", 5, 9));
  return isReadable
    ? wrong("answer", `it ends after ${received.length} bytes; ${end}`, "cut short")
    : wrong("answer", `"${beginningOf(received)}" cannot be read`, "unreadable");
};

const beginningOf = (received: Buffer): string =>
  received.toString("latin1", 0, 24).replace(/[^ -~]/g, "?");

export const failureOf = (error: QueryError): Finding =>
  wrong("answer", error.message, verdictOfFailure(error));
