import { expect, it } from "vitest";
import { UsageError } from "../../src/config/usage-error.ts";
import { findSystemdSockets } from "../../src/exporter/systemd-sockets.ts";

it("finds the sockets from descriptor 3 on", () => {
  expect(findSystemdSockets({ LISTEN_PID: "17", LISTEN_FDS: "2" }, 17)).toEqual([
    { fd: 3 },
    { fd: 4 },
  ]);
});

it.each([
  {},
  { LISTEN_PID: "17" },
  { LISTEN_FDS: "1" },
  { LISTEN_PID: "18", LISTEN_FDS: "1" }, // for another process
  { LISTEN_PID: "17", LISTEN_FDS: "0" },
  { LISTEN_PID: "17", LISTEN_FDS: "-1" },
  { LISTEN_PID: "17", LISTEN_FDS: "many" },
])("finds none with %j", (env) => {
  expect(() => findSystemdSockets(env, 17)).toThrow(UsageError);
});
