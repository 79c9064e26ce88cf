/** A simulated ECU on TCP: messages encoded, faults applied (docs/protocol.md#what-a-simulated-ecu-does). */
import type { Logger } from "pino";
import { encodeStatus, type Messages, type Version } from "../protocol/replies.ts";
import { type Command, type DecodedRequest, findCommand } from "../protocol/requests.ts";
import { type ActiveFaults, createActiveFaults } from "./active-faults.ts";
import { applyFaults } from "./apply-faults.ts";
import { behaviours, type Family } from "./behaviours.ts";
import { type FakeEcu, type FakeReply, startFakeEcu } from "./fake-ecu.ts";
import { createOtherEcuId, type FaultName, type FaultSpec } from "./faults.ts";

/** The messages of each command by parameter. An ECU does not know a command without one. */
export type MessageSources = {
  readonly [C in Command]?: (parameter: string) => Messages[C] | undefined;
};

export interface SimulatedEcuOptions {
  readonly messages: MessageSources;
  readonly family: Family;
  readonly host?: string;
  readonly port?: number;
  /** Delay of each reply. */
  readonly replyDelayMs?: number;
  /** Version of its replies to 0004; without it, that of the family. */
  readonly energyVersion?: Version | undefined;
  readonly faults?: readonly (FaultName | FaultSpec)[];
  /** Seed of the random numbers of faults. */
  readonly seed?: number;
  readonly log?: Logger;
}

export interface SimulatedEcu extends Omit<FakeEcu, "setRefusing"> {
  /** Faults that are on; they may be changed at any time. */
  readonly faults: Pick<ActiveFaults, "add" | "delete" | "clear" | "active">;
  /** Requests that would have changed a real ECU. A client must never send one. */
  readonly writes: readonly DecodedRequest[];
}

const version11: Readonly<Record<Command, Version>> = {
  info: "11",
  realtime: "11",
  signal: "11",
  dayPower: "11",
  energy: "11",
  clock: "11",
};
const versions: Readonly<Record<Family, typeof version11>> = {
  R: version11,
  L: { ...version11, info: "12", energy: "12" },
};

/** Commands that change settings or erase data (docs/protocol.md#commands-that-write). They are recorded and never carried out. */
const WRITES = /^00(05|06|07|10|15|16|21|24|25|26|27|28|31|33|35|45)$/;

/** Starts a simulated ECU; it stops when it is closed or disposed of. @throws Error of `listen` */
export const startSimulatedEcu = async (options: SimulatedEcuOptions): Promise<SimulatedEcu> => {
  const { family, log } = options;
  const writes: DecodedRequest[] = [];
  const ecu = await startFakeEcu({
    ...options,
    behaviour: behaviours[family],
    shouldIgnoreConnection: () => faults.shouldIgnoreConnection(),
    onRequest: (request) => {
      const isWrite = WRITES.test(request.code);
      if (isWrite) writes.push(request);
      log?.debug({ ...request }, isWrite ? "write request ignored" : "request");
    },
    reply: (request) => buildReply(request, options, faults),
  });
  const faults = createActiveFaults({
    initial: options.faults ?? [],
    seed: options.seed ?? 1,
    onRefusingChange: ecu.setRefusing,
  });

  const close = (): Promise<void> => {
    const closed = ecu.close(); // first, so that cleared faults do not open the port again
    faults.clear();
    return closed;
  };
  const { host, port, requests } = ecu;
  return {
    host,
    port,
    requests,
    faults,
    writes,
    get connections() {
      return ecu.connections;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
};

/** Builds the reply to a request with the active faults; `undefined` if the ECU does not know the request. */
const buildReply = (
  request: DecodedRequest,
  { messages, family, energyVersion }: SimulatedEcuOptions,
  faults: ActiveFaults,
): FakeReply | undefined => {
  const command = findCommand(request.code);
  if (command === undefined) return undefined;
  const ecuId = messages.info?.("")?.ecuId ?? "";
  const isOtherEcu =
    request.ecuId === createOtherEcuId(ecuId) &&
    faults.active.some(({ name }) => name === "idChange");
  if (command !== "info" && ecuId !== "" && request.ecuId !== ecuId && !isOtherEcu) {
    return { bytes: encodeStatus(command, "01") };
  }
  const source = messages[command] as
    | ((parameter: string) => Messages[Command] | undefined)
    | undefined;
  const message = source?.(request.parameter);
  if (message === undefined) return undefined;
  const version = (command === "energy" ? energyVersion : undefined) ?? versions[family][command];
  const reply = applyFaults(faults.selectFor(command), command, message, { version, ecuId });
  faults.countUse(reply.used);
  return reply;
};
