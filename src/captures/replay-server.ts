/** A capture on TCP: each question is answered with the bytes that were recorded, in the manner of the ECU's family. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Logger } from "pino";
import { ecuKind } from "../ecu/models.ts";
import { ecuIdIn } from "../protocol/explain.ts";
import { isComplete } from "../protocol/frame.ts";
import { encodeStatus } from "../protocol/replies.ts";
import { commandOf, decodeRequest, type Request } from "../protocol/requests.ts";
import { bytesOfQuestion, type CaptureFile, type Question } from "./format.ts";

export interface ReplayServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

export interface ReplayOptions {
  readonly capture: CaptureFile;
  readonly host?: string;
  readonly port?: number;
  readonly log: Pick<Logger, "debug" | "warn">;
  readonly idleMs?: number;
}

/** What happens to the connection once the bytes are sent. */
type End = "stay" | "close";
interface Reaction {
  readonly bytes: Uint8Array;
  readonly end: End;
}

/** Without a request for so long, an ECU closes the connection (protocol document, 1.2). */
const IDLE_MS = 20_000;

/** Serves until it is disposed of. @throws Error of `listen` */
export const startReplayServer = async (options: ReplayOptions): Promise<ReplayServer> => {
  const { capture, log, idleMs = IDLE_MS } = options;
  const closes = ecuKind(capture.ecu.model) === "L";
  const react = reactions(capture, closes);
  const sockets = new Set<Socket>();

  const onRequest = (socket: Socket, bytes: Buffer): void => {
    const request = requestIn(bytes);
    if (request === undefined) {
      if (closes) socket.end();
      return;
    }
    const { code, parameter } = request;
    if (commandOf(code) === undefined) {
      log.warn({ code: JSON.stringify(code) }, "asked for what no reader asks; nothing was done");
    } else log.debug({ code, parameter }, "asked");
    const { bytes: answer, end } = react(request);
    if (end === "close") socket.end(answer);
    else if (answer.length > 0) socket.write(answer);
  };

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // a client that is gone is no news to an ECU
    socket.on("close", () => sockets.delete(socket));
    socket.setTimeout(idleMs, () => socket.end());
    socket.on("data", (bytes) => onRequest(socket, bytes));
  });
  server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
  await once(server, "listening");
  const { address: host, port } = server.address() as AddressInfo;
  return {
    host,
    port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};

const requestIn = (bytes: Buffer): Request | undefined => {
  try {
    return decodeRequest(bytes);
  } catch {
    return undefined; // not a request: an ECU says nothing to it
  }
};

/** What is done on a request. @param closes whether the connection ends with each reply */
const reactions = (capture: CaptureFile, closes: boolean): ((request: Request) => Reaction) => {
  const afterReply = closes ? "close" : "stay";
  const ecuId = idOf(capture);
  const unanswered: Reaction = { bytes: Buffer.of(), end: afterReply };
  return ({ code, ecuId: asked, parameter }) => {
    const command = commandOf(code);
    if (command === undefined) return unanswered;
    if (command !== "info" && ecuId !== undefined && asked !== ecuId) {
      return { bytes: encodeStatus(command, "01"), end: afterReply };
    }
    const question = capture.questions.find(
      (one) => one.code === code && (one.parameter ?? "") === parameter,
    );
    if (question === undefined) return unanswered;
    return { bytes: bytesOfQuestion(question), end: endOf(question) ?? afterReply };
  };
};

/** How the recorded exchange ended, where that was not in the way of the family. */
const endOf = (question: Question): End | undefined => {
  const reason = question.failed?.reason;
  if (reason === undefined) return undefined;
  if (reason === "timeout") return "stay";
  return isComplete(bytesOfQuestion(question)) ? undefined : "close";
};

const idOf = ({ questions }: CaptureFile): string | undefined => {
  const info = questions.find(({ name }) => name === "info");
  return info && ecuIdIn(bytesOfQuestion(info));
};
