/** `doctor`: finds out why an ECU does not reply and what to do, or finds the ECUs of a network. */
import { lookup } from "node:dns/promises";
import { type Style, standardOutput, styled, type Terminal } from "../../cli/terminal.ts";
import { UsageError } from "../../config/usage-error.ts";
import type { EcuAddress } from "../../config/values.ts";
import { LOCAL_API_PORT } from "../../doctor/connection-checks.ts";
import { contact } from "../../doctor/contact.ts";
import { diagnose } from "../../doctor/diagnose.ts";
import type { Finding } from "../../doctor/findings.ts";
import { isWell, type VerdictName, verdicts } from "../../doctor/verdicts.ts";
import { ECU_PORT } from "../../ecu/address.ts";
import { exchange } from "../../ecu/client.ts";
import { createQuerier } from "../../ecu/querier.ts";
import { encodeRequest } from "../../protocol/requests.ts";
import { printable, wrapText } from "../../text.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import { resolveMachineZone } from "../../time/zone-name.ts";
import type { DoctorConfig } from "./command.ts";
import { findEcus } from "./find.ts";

/** The environment of the command; tests replace it. */
export interface DoctorEnvironment {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly exchange: typeof exchange;
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Port at which ECUs are searched. */
  readonly port: number;
  /** Port of other products' HTTP interface. */
  readonly localApiPort: number;
}

/** Maximum time of a diagnosis. docs/doctor.md promises at most a minute. */
const TIMEOUT_MS = 55_000;
/** Pause between two connections. */
const PAUSE_MS = 250;
/** Maximum time for the ECU to close the connection after its first reply. */
const CLOSE_MS = 3_000;

const LOCAL_API_REQUEST = Buffer.from(
  "GET /getDeviceInfo HTTP/1.1\r\nHost: ecu\r\nConnection: close\r\n\r\n",
);
const LOCAL_API_LIMITS = { connectMs: 2_000, silenceMs: 3_000 };

/** @returns the exit code: 0 if the ECU works or an ECU was found, otherwise 1. @throws UsageError */
export const doctor = (
  { ecu, find, timezone }: DoctorConfig,
  environment: Partial<DoctorEnvironment> = {},
): Promise<number> => {
  const complete: DoctorEnvironment = {
    terminal: standardOutput(),
    clock: systemClock,
    exchange,
    resolve: resolveHost,
    port: ECU_PORT,
    localApiPort: LOCAL_API_PORT,
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
  { terminal, clock, exchange, resolve, localApiPort }: DoctorEnvironment,
): Promise<number> => {
  const timeUp = new AbortController();
  const cancel = clock.schedule(TIMEOUT_MS, () => timeUp.abort());
  const { signal } = timeUp;
  const querier = createQuerier({ ecu, pauseMs: PAUSE_MS, retries: 0, signal, clock, exchange });
  const limits = { closeMs: CLOSE_MS };
  terminal.write(`${styled("strong", `Checking ${ecu.name}`, terminal)}\n\n`);
  const verdict = await diagnose({
    ecu,
    zone: timezone ?? resolveMachineZone(),
    isZoneSet: timezone !== undefined,
    resolve,
    contact: () => contact(ecu, encodeRequest("info"), { exchange, clock, limits, signal }),
    contactLocalApi: () =>
      contact({ host: ecu.host, port: localApiPort }, LOCAL_API_REQUEST, {
        exchange,
        clock,
        limits: LOCAL_API_LIMITS,
        signal,
      }),
    query: querier.query,
    clock,
    pauseMs: PAUSE_MS,
    signal,
    onFinding: (finding) => terminal.write(formatFinding(finding, terminal)),
  }).finally(cancel);
  terminal.write(formatVerdict(verdict, ecu, terminal));
  return isWell(verdict) ? 0 : 1;
};

/** The verdict and what to do next, after an empty line. */
const formatVerdict = (name: VerdictName, ecu: EcuAddress, terminal: Terminal): string => {
  const { means, next } = verdicts[name];
  const format = (label: string, text: string, style: Style): string => {
    const wrapped = wrapText(text, terminal.columns, " ".repeat(label.length));
    return `${label}${styled(style, wrapped, terminal)}\n`;
  };
  return `\n${[
    format("Verdict: ", `${means} [${name}]`, isWell(name) ? "good" : "bad"),
    format("Next:    ", next.replace("{ecu}", ecu.name), "strong"),
  ].join("")}`;
};

const styles: Readonly<Record<Finding["mark"], Style>> = { ok: "good", warn: "fair", fail: "bad" };
const MARK_WIDTH = 6;
const SUBJECT_WIDTH = 11;

const formatFinding = ({ mark, subject, text }: Finding, terminal: Terminal): string => {
  const indent = " ".repeat(MARK_WIDTH + SUBJECT_WIDTH);
  const wrapped = wrapText(printable(text), terminal.columns, indent);
  return `${styled(styles[mark], mark.padEnd(MARK_WIDTH), terminal)}${subject.padEnd(SUBJECT_WIDTH)}${wrapped}\n`;
};
