/** `doctor`: why an ECU does not reply and what to do, or which ECUs are in a network. */
import { lookup } from "node:dns/promises";
import type { connect } from "node:net";
import { type Style, standardOutput, styled, type Terminal } from "../../cli/terminal.ts";
import { UsageError } from "../../config/usage-error.ts";
import type { EcuAddress } from "../../config/values.ts";
import { contact } from "../../doctor/contact.ts";
import { diagnose } from "../../doctor/diagnose.ts";
import type { Finding } from "../../doctor/findings.ts";
import { isWell, verdicts } from "../../doctor/verdicts.ts";
import { ECU_PORT } from "../../ecu/address.ts";
import { type ExchangeLimits, exchangeLimits } from "../../ecu/client.ts";
import { createQuerier } from "../../ecu/querier.ts";
import { encodeRequest } from "../../protocol/requests.ts";
import { printable, wrapText } from "../../text.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import { resolveMachineZone } from "../../time/zone.ts";
import type { DoctorConfig } from "./command.ts";
import { findEcus } from "./find.ts";

/** What tests replace. */
export interface DoctorEnvironment {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly limits: ExchangeLimits;
  /** Between two connections. */
  readonly pauseMs: number;
  /** Maximum time of a diagnosis. */
  readonly timeoutMs: number;
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly dial?: typeof connect;
  /** Port at which ECUs are searched. */
  readonly port: number;
}

/** A diagnosis ends within this time, whatever the ECU does. */
const TIMEOUT_MS = 55_000;
const PAUSE_MS = 250;
/** The exporter's limits, and time to see whether the ECU closes the connection. */
const LIMITS: ExchangeLimits = { ...exchangeLimits, closeMs: 3_000 };

/** @returns the exit code: 0 if the ECU works or an ECU was found, else 1. @throws UsageError */
export const doctor = (
  { ecu, find, timezone }: DoctorConfig,
  environment: Partial<DoctorEnvironment> = {},
): Promise<number> => {
  const complete: DoctorEnvironment = {
    terminal: standardOutput(),
    clock: systemClock,
    limits: LIMITS,
    pauseMs: PAUSE_MS,
    timeoutMs: TIMEOUT_MS,
    resolve: resolveHost,
    port: ECU_PORT,
    ...environment,
  };
  if (ecu !== undefined && find === undefined) return diagnoseEcu(ecu, timezone, complete);
  if (ecu === undefined && find !== undefined) return findEcus(find, complete);
  throw new UsageError([
    ecu === undefined
      ? "name the ECU, as in: doctor 192.168.1.50, or the network to search, as in: doctor --find=192.168.1.0/24"
      : "name an ECU or a network to search, not both",
  ]);
};

const resolveHost = async (host: string): Promise<readonly string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address);

const diagnoseEcu = async (
  ecu: EcuAddress,
  timezone: string | undefined,
  environment: DoctorEnvironment,
): Promise<number> => {
  const { terminal, clock, limits, pauseMs, resolve, dial } = environment;
  const signal = AbortSignal.timeout(environment.timeoutMs);
  const querier = createQuerier({
    ecu,
    pauseMs,
    retries: 0,
    signal,
    clock,
    limits: { ...limits, closeMs: 0 },
  });
  terminal.write(`${styled("strong", `Checking ${ecu.name}`, terminal)}\n\n`);
  const verdict = await diagnose({
    ecu,
    zone: timezone ?? resolveMachineZone(),
    isZoneSet: timezone !== undefined,
    resolve,
    contact: () =>
      contact(ecu, encodeRequest("info"), signal, { limits, clock, ...(dial && { dial }) }),
    query: querier.query,
    clock,
    pauseMs,
    onFinding: (finding) => terminal.write(formatFinding(finding, terminal)),
    signal,
  });
  const { means, next } = verdicts[verdict];
  const lines = [
    ["Verdict: ", `${means} [${verdict}]`, isWell(verdict) ? "good" : "bad"],
    ["Next:    ", next.replace("{ecu}", ecu.name), "strong"],
  ] as const;
  terminal.write("\n");
  for (const [label, text, style] of lines) {
    const wrapped = wrapText(text, terminal.columns, " ".repeat(label.length));
    terminal.write(`${label}${styled(style, wrapped, terminal)}\n`);
  }
  return isWell(verdict) ? 0 : 1;
};

const styles: Readonly<Record<Finding["mark"], Style>> = { ok: "good", odd: "fair", wrong: "bad" };
const MARK_WIDTH = 7;
const SUBJECT_WIDTH = 11;

const formatFinding = ({ mark, subject, text }: Finding, terminal: Terminal): string => {
  const indent = " ".repeat(MARK_WIDTH + SUBJECT_WIDTH);
  const wrapped = wrapText(printable(text), terminal.columns, indent);
  return `${styled(styles[mark], mark.padEnd(MARK_WIDTH), terminal)}${subject.padEnd(SUBJECT_WIDTH)}${wrapped}\n`;
};
