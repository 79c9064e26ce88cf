import { ProtocolError } from "./errors.ts";

/**
 * The commands that may be sent. Nothing else may ever reach an ECU: it has no authentication, and other codes clear the
 * energy counters or replace the inverter list (docs/protocol.md#commands, #commands-that-write).
 * `parameter` is the number of digits after the ECU id.
 */
export const commands = {
  /** Base information. The request needs no ECU id; the reply has it. */
  info: { code: "0001", ecuId: false, parameter: 0 },
  /** Realtime data of all inverters. */
  realtime: { code: "0002", ecuId: true, parameter: 0 },
  /** Signal level of all inverters. */
  signal: { code: "0030", ecuId: true, parameter: 0 },
  /** System power of one day; the parameter is yyyymmdd. */
  dayPower: { code: "0003", ecuId: true, parameter: 8 },
  /** Energy of a week by day, a month by day, or a year by month; the parameter is 00, 01 or 02. */
  energy: { code: "0004", ecuId: true, parameter: 2 },
  /** The ECU's clock. */
  clock: { code: "0012", ecuId: true, parameter: 0 },
} as const;

export type Command = keyof typeof commands;

/** The command with this code, or `undefined` if it is not one that may be sent. */
export const findCommand = (code: string): Command | undefined =>
  (Object.keys(commands) as Command[]).find((name) => commands[name].code === code);

const REQUEST_VERSION = "11";
const TERMINATOR = "END";

/**
 * The bytes of a request, to be sent in one write (docs/protocol.md#requests).
 * @throws RangeError if the command may not be sent, the ECU id is not 12 digits, or the parameter has the wrong length
 */
export const encodeRequest = (command: Command, ecuId = "", parameter = ""): Buffer => {
  const rule = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (rule === undefined) throw new RangeError(`"${command}" is not a command that may be sent`);
  if (rule.ecuId && !/^\d{12}$/.test(ecuId)) {
    throw new RangeError(`"${ecuId}" is not an ECU id of 12 digits`);
  }
  if (!/^\d*$/.test(parameter) || parameter.length !== rule.parameter) {
    throw new RangeError(`"${parameter}" is not a parameter of ${rule.parameter} digits`);
  }
  const body = rule.ecuId ? ecuId : "";
  const tail = rule.parameter > 0 ? `${parameter}${TERMINATOR}` : "";
  const text = `${rule.code}${body}${TERMINATOR}${tail}`;
  const length = "APS".length + REQUEST_VERSION.length + 4 + text.length; // the final line feed is not counted
  return Buffer.from(`APS${REQUEST_VERSION}${String(length).padStart(4, "0")}${text}\n`, "latin1");
};

/** A request as an ECU understands it: any code, and the ECU id and parameter as sent. */
export interface DecodedRequest {
  readonly code: string;
  readonly ecuId: string;
  readonly parameter: string;
}

/**
 * Decodes a request as tolerantly as an ECU: only signature and code are checked, not length, terminator and line feed
 * (docs/protocol.md#requests).
 * @throws ProtocolError `malformed` if it does not start with `APS`, or ends before the end of the code
 */
export const decodeRequest = (bytes: Uint8Array): DecodedRequest => {
  const text = Buffer.from(bytes).toString("latin1");
  if (!text.startsWith("APS") || text.length < 13) {
    throw new ProtocolError("malformed", "not a request", { field: "signature", offset: 0 });
  }
  return {
    code: text.slice(9, 13),
    ecuId: text.slice(13, 25),
    parameter: /^END(\d*)/.exec(text.slice(25))?.[1] ?? "",
  };
};
