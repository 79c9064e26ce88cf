/** Checks on the way to an ECU: its name, its port, and the first request. */
import { isIP } from "node:net";
import { ECU_PORT } from "../ecu/address.ts";
import type { EcuEndpoint } from "../ecu/client.ts";
import { QueryError } from "../ecu/errors.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { decodeReply, type Info } from "../protocol/replies.ts";
import type { Clock } from "../time/clock.ts";
import type { Contact } from "./contact.ts";
import {
  type Finding,
  fail,
  failureFinding,
  foreignVerdict,
  looksLikeEcu,
  looksLikeHttp,
  ok,
  type Report,
  warn,
} from "./findings.ts";
import type { VerdictName } from "./verdicts.ts";

export interface ConnectionOptions {
  readonly ecu: EcuEndpoint;
  /** Zone of an ECU that does not report its own. */
  readonly zone: string;
  /** Addresses of a name. @throws Error with the code of the resolver */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Sends 0001 and watches the connection. */
  readonly contact: () => Promise<Contact>;
  /** Sends an HTTP request to the port of other products' local interface. */
  readonly contactLocalApi: () => Promise<Contact>;
  readonly clock: Clock;
  /** Between two connections. */
  readonly pauseMs: number;
  /** Ends the diagnosis. */
  readonly signal: AbortSignal;
}

/** Maximum time of a name lookup. */
const RESOLVE_MS = 5_000;

/** @returns whether there is an address to connect to */
export const checkName = async (
  { ecu: { host }, resolve, clock }: ConnectionOptions,
  report: Report,
): Promise<boolean> => {
  if (isIP(host) !== 0) {
    report(ok("name", `${host} is an address and needs no name lookup`));
    return true;
  }
  let cancel = (): void => {};
  const tooLate = new Promise<undefined>((resolve) => {
    cancel = clock.schedule(RESOLVE_MS, () => resolve(undefined));
  });
  try {
    const addresses = await Promise.race([resolve(host), tooLate]);
    if (addresses === undefined) {
      report(fail("name", `${host}: no response within 5 s`, "name service silent"));
      return false;
    }
    const several = addresses.length > 1 ? "; the first that accepts a connection is used" : "";
    report(ok("name", `${host} is ${addresses.join(" and ")}${several}`));
    return true;
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    const verdict = code === "EAI_AGAIN" ? "name service silent" : "name unknown";
    report(fail("name", `${host}: no address (${code})`, verdict));
    return false;
  } finally {
    cancel();
  }
};

/** What is known after the first request. */
export interface FirstReply {
  readonly info?: Info | undefined;
  readonly closedByEcu?: boolean;
  /** The finding if the second request fails too. */
  readonly failed?: Finding;
}

/** @returns `undefined` where no connection was made */
export const checkFirstRequest = async (
  options: ConnectionOptions,
  report: Report,
): Promise<FirstReply | undefined> => {
  const { ecu, clock } = options;
  if (ecu.port !== ECU_PORT) {
    report(warn("port", `${ecu.port} was given; every ECU uses ${ECU_PORT}`));
  }
  const contact = await options.contact();
  if (contact.stage === "not connected") {
    report(notConnected(contact.code, options));
    return undefined;
  }
  report(ok("port", `${ecu.port} is open (${formatMs(contact.connectMs)})`));
  await clock.sleep(options.pauseMs, options.signal);
  if (contact.stage === "no reply") return { failed: noReply(contact) };
  const { reply, replyMs, closedByEcu } = contact;
  try {
    const info = decodeReply("info", reply);
    report(ok("reply", `${reply.length} bytes in ${formatMs(replyMs)}`));
    return { info, closedByEcu };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const { message, reason } = error;
    return { failed: failureFinding(new QueryError(message, { reason, received: reply })) };
  }
};

/** Port of the HTTP interface of the EZ1 and the EZHI, which have no ECU. */
export const LOCAL_API_PORT = 8050;

/** Verdicts on a device that sent nothing of an ECU. */
const unrecognized: readonly VerdictName[] = [
  "maintenance",
  "refused",
  "not accepted",
  "not an ECU",
  "silent",
  "closed",
];

/** Whether a device that does not reply as an ECU is another product of the manufacturer. @param supported verdicts so far */
export const checkLocalApi = async (
  { contactLocalApi, signal }: ConnectionOptions,
  supported: readonly VerdictName[],
  report: Report,
): Promise<void> => {
  if (signal.aborted || !supported.some((verdict) => unrecognized.includes(verdict))) return;
  const contact = await contactLocalApi();
  if (contact.stage === "no reply" && looksLikeHttp(contact.received))
    report(fail("http", `port ${LOCAL_API_PORT} answers HTTP`, "another product"));
};

const formatMs = (ms: number): string => `${Math.max(1, Math.round(ms))} ms`;

const notConnected = (code: string, options: ConnectionOptions): Finding => {
  const { port } = options.ecu;
  switch (code) {
    case "ECONNREFUSED":
      return fail("port", `${port} refuses the connection`, refusalVerdict(options));
    case "TIME":
    case "ETIMEDOUT":
      return fail("port", `${port} neither accepts nor refuses the connection`, "not accepted");
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return fail("name", `no address (${code})`, "name unknown");
    case "ECONNRESET":
      return fail("port", `${port} resets the connection`, "closed");
    default:
      return fail("port", `no device can be reached (${code})`, "no such host");
  }
};

/** Hours and minutes of the ECU's clock (docs/protocol.md#availability). */
const MAINTENANCE = { from: "02:45", to: "03:15" };

const refusalVerdict = ({ clock, zone }: ConnectionOptions): VerdictName => {
  const time = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(clock.now());
  return time >= MAINTENANCE.from && time <= MAINTENANCE.to ? "maintenance" : "refused";
};

const noReply = ({ received, closedByEcu }: Extract<Contact, { stage: "no reply" }>): Finding => {
  if (received.length > 0 && !looksLikeEcu(received)) {
    return fail(
      "reply",
      `"${firstCharacters(received)}" is not the reply of an ECU`,
      foreignVerdict(received),
    );
  }
  if (received.length === 0) {
    return closedByEcu
      ? fail("reply", "none: the connection was closed", "closed")
      : fail("reply", "none: no data", "silent");
  }
  const end = closedByEcu ? "then the connection was closed" : "then no more data";
  const hasLength = /^\d{4}$/.test(Buffer.from(received).toString("latin1", 5, 9));
  return received.length < 9 || hasLength
    ? fail("reply", `it ends after ${received.length} bytes; ${end}`, "cut short")
    : fail("reply", `"${firstCharacters(received)}" is not a valid frame`, "unreadable");
};

const firstCharacters = (received: Uint8Array): string =>
  Buffer.from(received)
    .toString("latin1", 0, 24)
    .replace(/[^ -~]/g, "?");
