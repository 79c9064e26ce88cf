/** Writes lines to a file descriptor, and never waits for the program that reads them. */
import { write } from "node:fs";

export interface LineWriter {
  /** Takes a line. It is dropped if too many lines wait. */
  readonly write: (line: string) => void;
  /** The number of lines dropped since the start, because too many waited or because writing failed. */
  readonly countDropped: () => number;
  /** Sets the function to call with the number of lines dropped, once lines can be written again. */
  readonly onRecovery: (callback: (dropped: number) => void) => void;
}

export interface LineWriterOptions {
  /** A file, terminal, pipe or socket, in blocking mode or not. */
  readonly fd: number;
  /** Maximum size of the lines that wait. */
  readonly maxBytes?: number;
}

/** At least a thousand lines. */
const MAX_BYTES = 1024 * 1024;
/** Time until the next attempt to write to a pipe that is full. */
const RETRY_MS = 100;
const LINE_FEED = 0x0a;

/**
 * Creates a writer. The calls of the operating system run in a thread of Node.js, one at a time: a pipe that nobody reads
 * occupies that thread and nothing else. Lines that wait keep the process alive.
 */
export const createLineWriter = ({ fd, maxBytes = MAX_BYTES }: LineWriterOptions): LineWriter => {
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  let isWriting = false;
  let dropped = 0;
  let unreported = 0;
  let report = (_dropped: number): void => {};

  const drop = (lines: number): void => {
    dropped += lines;
    unreported += lines;
  };
  const put = (line: string): void => {
    const bytes = Buffer.from(line);
    if (waitingBytes + bytes.length > maxBytes) {
      drop(1);
      return;
    }
    waiting.push(bytes);
    waitingBytes += bytes.length;
    if (!isWriting) writeWaiting();
  };
  const writeWaiting = (): void => {
    isWriting = waiting.length > 0;
    if (isWriting) writeChunk(Buffer.concat(waiting.splice(0)));
  };
  const writeChunk = (chunk: Buffer): void =>
    write(fd, chunk, (error, written) => {
      if (error?.code === "EAGAIN") {
        setTimeout(writeChunk, RETRY_MS, chunk);
        return;
      }
      // A full disk or a closed pipe must not end the program, nor stop the log for good.
      if (error) drop(countLines(chunk));
      waitingBytes -= error ? chunk.length : written;
      if (!error && unreported > 0 && waitingBytes <= maxBytes / 2) reportDropped();
      if (!error && written < chunk.length) writeChunk(chunk.subarray(written));
      else writeWaiting();
    });
  const reportDropped = (): void => {
    const lines = unreported;
    unreported = 0;
    report(lines);
  };
  return {
    write: put,
    countDropped: () => dropped,
    onRecovery: (callback) => {
      report = callback;
    },
  };
};

const countLines = (chunk: Buffer): number =>
  chunk.reduce((lines, byte) => lines + Number(byte === LINE_FEED), 0);
