/** `doctor`: why an ECU does not answer, and the one thing to do; or which ECUs are in a network. */
import { lookup } from "node:dns/promises";
import type { connect } from "node:net";
import { type Style, standardOutput, styled, type Terminal } from "../../cli/terminal.ts";
import { UsageError } from "../../config/usage-error.ts";
import { ECU_PORT, type EcuAddress } from "../../config/values.ts";
import { type CallLimits, call, callLimits } from "../../doctor/call.ts";
import { examine } from "../../doctor/examine.ts";
import type { Finding } from "../../doctor/findings.ts";
import { isWell, verdicts } from "../../doctor/verdicts.ts";
import { createConversation } from "../../ecu/conversation.ts";
import { exchange } from "../../ecu/exchange.ts";
import { encodeRequest } from "../../protocol/requests.ts";
import { printable, wrapText } from "../../text.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import { machineZone } from "../../time/zone.ts";
import type { DoctorConfig } from "./command.ts";
import { findEcus } from "./find.ts";

/** What the command has around it. */
export interface DoctorSurroundings {
  readonly screen: Terminal;
  readonly clock: Clock;
  readonly limits: CallLimits;
  /** Between two connections. */
  readonly pauseMs: number;
  /** Of the whole examination. */
  readonly longestMs: number;
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly dial?: typeof connect;
  /** Port at which ECUs are looked for. */
  readonly port: number;
}

/** Whatever the ECU does, it is over then. */
const LONGEST_MS = 55_000;
const PAUSE_MS = 250;

/** @returns the exit code: 0 all is well or an ECU was found, 1 if not. @throws UsageError */
export const doctor = (
  { ecu, find, timezone }: DoctorConfig,
  given: Partial<DoctorSurroundings> = {},
): Promise<number> => {
  const around: DoctorSurroundings = {
    screen: standardOutput(),
    clock: systemClock,
    limits: callLimits,
    pauseMs: PAUSE_MS,
    longestMs: LONGEST_MS,
    resolve: addressesOf,
    port: ECU_PORT,
    ...given,
  };
  if (ecu !== undefined && find === undefined) return examineEcu(ecu, timezone, around);
  if (ecu === undefined && find !== undefined) return findEcus(find, around);
  throw new UsageError([
    ecu === undefined
      ? "name the ECU, as in doctor 192.168.1.50, or the network to look in, as in doctor --find=192.168.1.0/24"
      : "name an ECU or the network to look in, and not both",
  ]);
};

const addressesOf = async (host: string): Promise<readonly string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address);

const examineEcu = async (
  ecu: EcuAddress,
  timezone: string | undefined,
  around: DoctorSurroundings,
): Promise<number> => {
  const { screen, clock, limits, pauseMs, resolve, dial } = around;
  const signal = AbortSignal.timeout(around.longestMs);
  const conversation = createConversation({
    ecu,
    pauseMs,
    retries: 0,
    signal,
    clock,
    through: () => (request, until) => exchange(ecu, request, until, limits),
  });
  screen.write(`${styled("strong", `Examining ${ecu.name}`, screen)}\n\n`);
  const verdict = await examine({
    ecu,
    zone: timezone ?? machineZone(),
    isZoneSet: timezone !== undefined,
    resolve,
    call: () => call(ecu, encodeRequest("info"), limits, signal, dial),
    ask: conversation.ask,
    clock,
    pauseMs,
    tell: (finding) => screen.write(lineOf(finding, screen)),
    signal,
  });
  const { means, next } = verdicts[verdict];
  const mood = isWell(verdict) ? "good" : "bad";
  const lines = [
    ["Verdict: ", `${means} [${verdict}]`, mood],
    ["Next:    ", next.replace("{ecu}", ecu.name), "strong"],
  ] as const;
  for (const [label, text, colour] of lines) {
    const room = wrapText(text, screen.columns, " ".repeat(label.length));
    screen.write(`${label === "Verdict: " ? "\n" : ""}${label}${styled(colour, room, screen)}\n`);
  }
  return isWell(verdict) ? 0 : 1;
};

const moods: Readonly<Record<Finding["mark"], Style>> = { ok: "good", odd: "fair", wrong: "bad" };
const MARK_WIDTH = 7;
const SUBJECT_WIDTH = 11;

const lineOf = ({ mark, subject, text }: Finding, screen: Terminal): string => {
  const indent = " ".repeat(MARK_WIDTH + SUBJECT_WIDTH);
  const shown = wrapText(printable(text), screen.columns, indent);
  return `${styled(moods[mark], mark.padEnd(MARK_WIDTH), screen)}${subject.padEnd(SUBJECT_WIDTH)}${shown}\n`;
};
