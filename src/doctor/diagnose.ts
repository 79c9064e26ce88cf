/** The diagnosis of one ECU: check by check, until a failure makes further checks impossible. */
import { noMemory } from "../ecu/memory.ts";
import { findReportedZone, reportsOwnZone } from "../ecu/models.ts";
import { observe } from "../ecu/observe.ts";
import { isFinal, type Outcome } from "../ecu/query.ts";
import type { Replies } from "../ecu/read.ts";
import type { Info, Messages } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";
import { clockFindings } from "./clock-checks.ts";
import {
  type ConnectionOptions,
  checkFirstRequest,
  checkLocalApi,
  checkName,
  type FirstReply,
} from "./connection-checks.ts";
import {
  type Finding,
  fail,
  failureFinding,
  failureVerdict,
  ok,
  type Report,
  warn,
} from "./findings.ts";
import {
  closeFinding,
  counterFindings,
  identityFindings,
  inverterFindings,
  signalFindings,
} from "./reply-checks.ts";
import { rootCause, type VerdictName } from "./verdicts.ts";

export interface DiagnoseOptions extends ConnectionOptions {
  /** Whether the user set the zone. */
  readonly isZoneSet: boolean;
  /** Sends a query without retries. */
  readonly query: <C extends Command>(
    command: C,
    params?: { readonly ecuId?: string },
  ) => Promise<Outcome<Messages[C]>>;
  /** Called with each finding as it is made. */
  readonly onFinding: (finding: Finding) => void;
}

/** Sends 0001 twice, then 0002, 0030 and 0012; repeats 0002 and 0030 once if they fail. @returns the verdict */
export const diagnose = async (options: DiagnoseOptions): Promise<VerdictName> => {
  const supported: VerdictName[] = [];
  const report = (...findings: readonly Finding[]): void => {
    for (const finding of findings) {
      options.onFinding(finding);
      if (finding.verdict !== undefined) supported.push(finding.verdict);
    }
  };
  const hasAddress = await checkName(options, report);
  const first = hasAddress ? await checkFirstRequest(options, report) : undefined;
  if (first !== undefined) await checkReplies(options, first, report);
  await checkLocalApi(options, supported, report);
  return rootCause(supported);
};

/** Sends the queries after the first, and checks all replies. */
const checkReplies = async (
  options: DiagnoseOptions,
  first: FirstReply,
  report: Report,
): Promise<void> => {
  const { zone, clock } = options;
  const info = await checkSecondInfo(options, first, report);
  if (info === undefined) return;
  const { ecuId } = info;
  const infoOutcome = { ok: true, value: info, durationMs: 0 } as const;
  const evaluate = (replies: Replies) =>
    observe({
      replies,
      memory: noMemory,
      zone,
      isZoneSet: true, // the zone has its own finding
      now: clock.now(),
      monotonic: clock.monotonic(),
    });
  const fromInfo = evaluate({ info: infoOutcome }).reading;
  const { identity } = fromInfo;
  report(...identityFindings(fromInfo, info));
  report(...fromInfo.notes.map((note) => warn("reply", note)));
  if (first.closedByEcu !== undefined) {
    report(closeFinding(first.closedByEcu, identity?.model ?? ""));
  }
  report(zoneFinding(info, identity?.timezone ?? zone, options));

  const realtime = await queryTwice("realtime", ecuId, options, report);
  const table = realtime?.ok ? realtime.value : undefined;
  report(...counterFindings(info, table, first.info));
  if (realtime === undefined || table === undefined) return;
  const hasNoData = table.kind === "none";
  const signal = hasNoData ? undefined : await queryTwice("signal", ecuId, options, report);
  const time = signal?.ok ? await options.query("clock", { ecuId }) : undefined;

  const observed = evaluate({ info: infoOutcome, realtime, ...(signal && { signal }) });
  const { reading } = observed;
  const tableNotes = reading.notes.filter((note) => !fromInfo.notes.includes(note));
  report(...inverterFindings({ ...observed, reading: { ...reading, notes: tableNotes } }, table));
  report(...signalFindings(reading, signal?.ok ? signal.value : undefined));
  if (hasNoData) return;
  report(
    ...clockFindings({
      clock: time?.ok ? time.value.now : undefined,
      lastReportAt: reading.lastReportAt,
      zone: identity?.timezone ?? zone,
      isZoneReported: reportsOwnZone(info),
      isProducing: reading.inverters.some(({ online }) => online),
      now: clock.now(),
    }),
  );
};

/** A second 0001 shows whether a failure passes, and whether one ECU sent both replies. */
const checkSecondInfo = async (
  options: DiagnoseOptions,
  first: FirstReply,
  report: Report,
): Promise<Info | undefined> => {
  const second = await options.query("info");
  if (!second.ok && first.info === undefined) {
    report(first.failed ?? failureFinding(second.error));
    return undefined;
  }
  if (!second.ok)
    report(warn("reply", `none to the second request: ${second.error.message}`, "unsteady"));
  else if (first.failed)
    report(warn("reply", `to the first request: ${first.failed.text}`, "unsteady"));
  const info = second.ok ? second.value : first.info;
  if (info !== undefined && first.info !== undefined && first.info.ecuId !== info.ecuId) {
    report(fail("id", `first ${first.info.ecuId}, then ${info.ecuId}`, "two ECUs"));
    return undefined;
  }
  return info;
};

const zoneFinding = (info: Info, zone: string, { isZoneSet }: DiagnoseOptions): Finding => {
  if (reportsOwnZone(info)) return ok("zone", `${zone}, as the ECU reports`);
  const reported = findReportedZone(info);
  const source = isZoneSet ? "from --ecu.timezone" : "the zone of this machine";
  if (!reported)
    return ok("zone", `this ECU does not report its zone; ${zone} is assumed, ${source}`);
  const text = `the ECU reports ${reported}, which this machine does not know; ${zone} is assumed, ${source}`;
  return isZoneSet
    ? ok("zone", text)
    : warn("zone", `${text}; set the ECU's zone (--ecu.timezone)`);
};

/** A second attempt shows whether a failure passes. @returns `undefined` where both failed */
const queryTwice = async <C extends "realtime" | "signal">(
  command: C,
  ecuId: string,
  options: DiagnoseOptions,
  report: Report,
): Promise<Outcome<Messages[C]> | undefined> => {
  const subject = command === "realtime" ? "inverters" : "signal";
  const first = await options.query(command, { ecuId });
  if (first.ok) return first;
  const second = isFinal(first.error) ? first : await options.query(command, { ecuId });
  if (second.ok) {
    report(warn(subject, `no reply to the first request: ${first.error.message}`, "unsteady"));
    return second;
  }
  report(fail(subject, second.error.message, failureVerdict(second.error)));
  return undefined;
};
