/** The examination of one ECU: step by step, each with what it finds, until there is nothing more to be learnt. */
import { isFinal, type Outcome } from "../ecu/ask.ts";
import { tellsZone } from "../ecu/models.ts";
import { withholdImplausible } from "../ecu/plausible.ts";
import { joinReplies } from "../ecu/reading.ts";
import type { Info, Messages } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";
import { clockFindings } from "./clock.ts";
import { type DoorOptions, doorStep, type First, failureOf, nameStep } from "./door.ts";
import { type Finding, odd, ok, type Put, verdictOfFailure, wrong } from "./findings.ts";
import {
  closeFinding,
  counterFindings,
  identityFindings,
  inverterFindings,
  signalFindings,
} from "./inspect.ts";
import { foremost, type VerdictName } from "./verdicts.ts";

export interface ExamineOptions extends DoorOptions {
  /** Whether the user named the zone. */
  readonly isZoneSet: boolean;
  /** One question, one attempt. */
  readonly ask: <C extends Command>(
    command: C,
    asked?: { readonly ecuId?: string },
  ) => Promise<Outcome<Messages[C]>>;
  /** Told each finding as it is made. */
  readonly tell: (finding: Finding) => void;
}

/** Asks 0001 twice, 0002, 0030 and 0012, each again once where it fails. @returns the verdict */
export const examine = async (options: ExamineOptions): Promise<VerdictName> => {
  const found: VerdictName[] = [];
  const put = (...findings: readonly Finding[]): void => {
    for (const finding of findings) {
      options.tell(finding);
      if (finding.verdict !== undefined) found.push(finding.verdict);
    }
  };
  const canBeAsked = await nameStep(options, put);
  const first = canBeAsked ? await doorStep(options, put) : undefined;
  if (first !== undefined) await questions(options, first, put);
  return foremost(found);
};

/** The questions after the first, and what all of them tell. */
const questions = async (options: ExamineOptions, first: First, put: Put): Promise<void> => {
  const { zone, clock } = options;
  const second = await options.ask("info");
  if (!second.ok && first.info === undefined) {
    put(first.failed ?? failureOf(second.error));
    return;
  }
  if (!second.ok) put(odd("answer", `none the second time: ${second.error.message}`, "unsteady"));
  else if (first.failed) put(odd("answer", `the first: ${first.failed.text}`, "unsteady"));
  const info = second.ok ? second.value : first.info;
  if (info === undefined) return;
  const { ecuId } = info;
  if (first.info !== undefined && first.info.ecuId !== ecuId) {
    put(wrong("id", `first ${first.info.ecuId}, then ${ecuId}`, "two ECUs"));
    return;
  }
  const infoOutcome = { ok: true, value: info, durationMs: 0 } as const;
  const who = joinReplies({ info: infoOutcome }, { zone, now: clock.now() });
  const { identity } = who;
  put(...identityFindings(who, info));
  if (first.hungUp !== undefined) put(closeFinding(first.hungUp, identity?.model ?? ""));
  put(zoneFinding(info, identity?.timezone ?? zone, options));

  const realtime = await askAgain("realtime", ecuId, options, put);
  const table = realtime?.ok ? realtime.value : undefined;
  put(...counterFindings(info, table, first.info));
  if (realtime === undefined || table === undefined) return;
  const hasNoData = table.kind === "none";
  const signal = hasNoData ? undefined : await askAgain("signal", ecuId, options, put);
  const time = signal?.ok ? await options.ask("clock", { ecuId }) : undefined;

  const replies = { info: infoOutcome, realtime, ...(signal && { signal }) };
  const judged = withholdImplausible(joinReplies(replies, { zone, now: clock.now() }));
  const { reading } = judged;
  put(...inverterFindings(judged, table));
  put(...signalFindings(reading, signal?.ok ? signal.value : undefined));
  if (hasNoData) return;
  put(
    ...clockFindings({
      clock: time?.ok ? time.value.now : undefined,
      lastReportAt: reading.lastReportAt,
      zone: identity?.timezone ?? zone,
      isToldZone: tellsZone(info),
      isAtWork: reading.inverters.some(({ online }) => online),
      now: clock.now(),
    }),
  );
};

const zoneFinding = (info: Info, zone: string, { isZoneSet }: ExamineOptions): Finding => {
  if (info.layout === "01" && info.timezone === zone && tellsZone(info))
    return ok("zone", `${zone}, as the ECU tells`);
  const source = isZoneSet ? "as named with --ecu.timezone" : "this machine's";
  return ok("zone", `this ECU does not tell its own; ${zone} is assumed, ${source}`);
};

/** A second attempt shows whether a failure passes. @returns `undefined` where both failed */
const askAgain = async <C extends "realtime" | "signal">(
  command: C,
  ecuId: string,
  options: ExamineOptions,
  put: Put,
): Promise<Outcome<Messages[C]> | undefined> => {
  const what = command === "realtime" ? "inverters" : "signal";
  const once = await options.ask(command, { ecuId });
  if (once.ok) return once;
  const again = isFinal(once.error) ? once : await options.ask(command, { ecuId });
  if (again.ok) {
    put(odd(what, `not told the first time: ${once.error.message}`, "unsteady"));
    return again;
  }
  put(wrong(what, again.error.message, verdictOfFailure(again.error)));
  return undefined;
};
