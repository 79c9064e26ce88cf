import { type Command, findCommand } from "../../src/protocol/requests.ts";
import { behaviours } from "../../src/simulator/behaviours.ts";
import { type FakeEcu, startFakeEcu } from "../../src/simulator/fake-ecu.ts";

/** An ECU of family L that sends given bytes. */
export interface ReplyingEcu extends FakeEcu {
  /** Bytes by command; a test may change them. A command without bytes gets no reply, and the connection is closed. */
  readonly replies: Partial<Record<Command, Uint8Array>>;
  /** The received requests as text. */
  readonly requestTexts: readonly string[];
}

/** Starts an ECU that replies with these bytes. */
export const startReplyingEcu = async (replies: ReplyingEcu["replies"]): Promise<ReplyingEcu> => {
  const current = { ...replies };
  const requestTexts: string[] = [];
  const ecu = await startFakeEcu({
    behaviour: behaviours.L,
    onRequest: (_request, bytes) => requestTexts.push(bytes.toString("latin1")),
    reply: ({ code }) => {
      const bytes = current[findCommand(code) as Command];
      return bytes && { bytes };
    },
  });
  return Object.assign(ecu, { replies: current, requestTexts });
};
