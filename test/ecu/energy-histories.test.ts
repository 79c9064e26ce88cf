/** The rules for energy counters with generated histories (docs/protocol.md#lifetime-energy). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { validateCounters } from "../../src/ecu/energy-counters.ts";
import { type Memory, noMemory } from "../../src/ecu/memory.ts";
import type { Reading } from "../../src/ecu/reading.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ROUND = 5 * MINUTE;
const none = undefined;

/** One reply, and the time since the last one. Without `life`, 0001 failed. */
interface Step {
  readonly after: number;
  readonly life?: number;
  readonly today?: number;
  readonly registered?: number;
  readonly online?: number;
  readonly ecuId?: string;
}

const createReading = (step: Step): Reading => {
  const nothing = { inverters: [], notes: [] };
  if (step.life === undefined) return nothing;
  return {
    ...nothing,
    identity: { ecuId: step.ecuId ?? "216200000001", model: "", firmware: "", timezone: "UTC" },
    lifetimeEnergyJoules: step.life,
    todayEnergyJoules: step.today ?? 50,
    registeredByInfo: step.registered ?? 6,
    invertersOnline: step.online ?? 6,
    lastReportAt: 1_750_507_200,
    lastReportLocal: "20250621120000",
  };
};

/** The accepted values of each step, and the memory after the last. */
const validateSteps = (steps: readonly Step[]) => {
  let memory: Memory = noMemory;
  let at = 0;
  const shown = steps.map((step) => {
    at += step.after;
    const { reading, memory: next } = validateCounters(memory, createReading(step), at);
    memory = next;
    return [reading.lifetimeEnergyJoules, reading.todayEnergyJoules];
  });
  return { shown, memory };
};

describe("the first reply after a start", () => {
  it.each<[string, Omit<Step, "after">, (number | undefined)[]]>([
    ["is accepted if it is complete", { life: 9, today: 5 }, [9, 5]],
    ["has no lifetime energy if that is 0", { life: 0, today: 5 }, [none, 5]],
    ["has no lifetime energy if that is 0 at night", { life: 0, today: 0, online: 0 }, [none, 0]],
    [
      "has no counters if no inverter is registered but some are online",
      { life: 0, today: 0, registered: 0 },
      [none, none],
    ],
    [
      "has no counters in that case, also if they are above 0",
      { life: 9, today: 5, registered: 0 },
      [none, none],
    ],
  ])("%s, and the next one is accepted", (_, first, shown) => {
    const next = { after: MINUTE, life: 10, today: 6 };
    expect(validateSteps([{ ...first, after: 0 }, next]).shown).toEqual([shown, [10, 6]]);
  });
});

const anyTime = fc.integer({ min: 1, max: 3 * DAY });
const atMost = (length: number) => ({ minLength: 1, maxLength: length });
const anyLower = { life: fc.integer({ min: 1, max: 99 }), today: fc.integer({ min: 1, max: 9 }) };
const zero = { life: fc.constant(0), today: fc.constant(0) };

/** Wrong replies of one kind after a reply of 100 or more, too few or too short to be confirmed. */
const glitch: fc.Arbitrary<readonly Step[]> = fc.oneof(
  fc.array(fc.record({ after: fc.integer({ min: 1, max: HOUR }), ...zero }), atMost(23)),
  fc.array(fc.record({ after: anyTime, ...zero }), atMost(2)),
  fc.array(fc.record({ after: anyTime, ...anyLower }), atMost(2)),
  fc.array(fc.record({ after: fc.integer({ min: 1, max: ROUND / 10 }), ...anyLower }), atMost(10)),
  fc
    .array(fc.record({ after: anyTime, ...anyLower }), atMost(20))
    .map((steps) => falling(steps, "life"))
    .map((steps) => falling(steps, "today")),
  fc.array(
    fc.record({ after: anyTime, life: fc.nat(500), registered: fc.constant(0) }),
    atMost(20),
  ),
  fc
    .record({ after: anyTime, ...anyLower, ecuId: fc.constant("216200000002") })
    .map((step) => [step]),
  fc.array(fc.record({ after: anyTime }), atMost(20)),
);

/** The same steps, each with a value below the one before. Steps for which no value is left are dropped. */
const falling = (steps: readonly Step[], field: "life" | "today"): readonly Step[] => {
  let below = Number.POSITIVE_INFINITY;
  return steps.flatMap((step) => {
    const value = Math.min(step[field] ?? 0, below - 1);
    if (value < 1) return [];
    below = value;
    return [{ ...step, [field]: value }];
  });
};

/** The true counters of a plant, which start at 100 and never fall, with wrong replies in between. */
const history = fc
  .array(fc.record({ rise: fc.nat(3), after: anyTime, wrong: fc.option(glitch) }), atMost(30))
  .map((parts) => {
    let risen = 0;
    return parts.flatMap(({ rise, after, wrong }) => {
      risen += rise;
      const right = { after, life: 100 + risen, today: 10 + risen, isRight: true };
      return [right, ...(wrong ?? []).map((step) => ({ ...step, isRight: false }))];
    });
  });

describe("over any history of one day", () => {
  it("an unconfirmed wrong value is never accepted, and a right value is always accepted", () => {
    const seen = { right: 0, wrong: 0 };
    fc.assert(
      fc.property(history, (steps) => {
        // A second reply with the same new id would be accepted, so each reply has its own id.
        let newIds = 0;
        const replies = steps.map((step) =>
          "ecuId" in step ? { ...step, ecuId: String(300_000_000_000 + newIds++) } : step,
        );
        const { shown } = validateSteps(replies);
        for (const [i, { isRight, life, today }] of replies.entries()) {
          expect(shown[i], `reply ${i}`).toEqual(isRight ? [life, today] : [none, none]);
          seen[isRight ? "right" : "wrong"]++;
        }
      }),
      { numRuns: 1_000 },
    );
    expect(seen.wrong).toBeGreaterThan(seen.right / 2);
  });

  it("today's energy falls by day only after three lower replies over at least one round", () => {
    const step = fc.record({
      after: fc.constantFrom(MINUTE, 2 * MINUTE, ROUND),
      life: fc.constant(1),
      today: fc.integer({ min: 0, max: 4 }),
      registered: fc.constantFrom(0, 6, 6, 6),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { shown } = validateSteps(steps);
        let last = 0;
        let leftOut: { count: number; ms: number } = { count: 0, ms: 0 };
        for (const [i, { after }] of steps.entries()) {
          const today = shown[i]?.[1];
          const ms = leftOut.count === 0 ? 0 : leftOut.ms + after;
          leftOut = { count: leftOut.count + 1, ms };
          if (today === undefined) continue;
          if (today < last) {
            expect(leftOut.count).toBeGreaterThanOrEqual(3);
            expect(leftOut.ms).toBeGreaterThanOrEqual(ROUND);
          }
          last = today;
          leftOut = { count: 0, ms: 0 };
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("after any replies", () => {
  const garbage = fc.array(
    fc.record({
      after: anyTime,
      life: fc.nat(1_000),
      today: fc.nat(1_000),
      registered: fc.constantFrom(0, 6),
      online: fc.constantFrom(0, 6),
      ecuId: fc.constantFrom("1", "2", "3", "4", "5", "6", "216200000001"),
    }),
    { maxLength: 40 },
  );

  /** Energies far below or above those of `rising`, so that a fall is a reset. */
  const low = fc.oneof(fc.constant(0), fc.integer({ min: 1_000, max: 9_000 }));
  const rising = (first: number) =>
    fc.array(fc.nat(5), { minLength: 5, maxLength: 10 }).map((rises) => {
      let life = first;
      return rises.map((rise, i) => {
        life += rise;
        return { after: i === 0 ? DAY : ROUND / 2, life, today: life };
      });
    });

  // Up to three replies for the id of the ECU, and three for a reset; 24 hours later, earlier turns of ids do not matter.
  it.each([
    ["above all earlier values", 10_000],
    ["below a tenth of all earlier values", 1],
  ])(
    "counters that rise are accepted from the fifth reply, two rounds after the first: %s",
    (_, first) => {
      const before = garbage.chain((steps) =>
        fc
          .array(fc.tuple(low, low), { minLength: steps.length, maxLength: steps.length })
          .map((values) =>
            steps.map((step, i) => ({
              ...step,
              life: values[i]?.[0] ?? 0,
              today: values[i]?.[1] ?? 0,
            })),
          ),
      );
      fc.assert(
        fc.property(before, rising(first), (earlier, steps) => {
          const { shown } = validateSteps([...earlier, ...steps]);
          expect(shown.slice(earlier.length + 4)).toEqual(
            steps.slice(4).map(({ life, today }) => [life, today]),
          );
        }),
        { numRuns: 1_000 },
      );
    },
  );

  it("the memory does not grow", () => {
    fc.assert(
      fc.property(garbage, (steps) => {
        expect(JSON.stringify(validateSteps(steps).memory).length).toBeLessThan(2_000);
      }),
    );
  });
});
