import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createLineWriter } from "../../src/cli/line-writer.ts";
import { folder } from "../captures/run.ts";

/** What Linux and macOS keep of a pipe that nobody reads. */
const PIPE_BYTES = 65_536;

/** A pipe. @param writeFlags of its end for writing */
const openPipe = (writeFlags: number) => {
  const at = folder();
  const path = at.file("pipe");
  execFileSync("mkfifo", [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const fd = openSync(path, writeFlags);
  const read = (): string => {
    const buffer = Buffer.alloc(PIPE_BYTES);
    try {
      return buffer.toString("latin1", 0, readSync(readEnd, buffer));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return "";
      throw error;
    }
  };
  const fill = (): void => {
    const other = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    expect(writeSync(other, Buffer.alloc(2 * PIPE_BYTES, "-"))).toBe(PIPE_BYTES);
    closeSync(other);
  };
  return {
    fd,
    read,
    fill,
    [Symbol.dispose]: () => {
      closeSync(readEnd);
      closeSync(fd);
      at[Symbol.dispose]();
    },
  };
};

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};
/** A line of 100 bytes with a number. */
const line = (number: number): string => `${String(number).padStart(99, "0")}\n`;

describe.each([
  ["blocking", constants.O_WRONLY],
  ["non-blocking", constants.O_WRONLY | constants.O_NONBLOCK],
])("a %s pipe that nobody reads", (_mode, flags) => {
  it("keeps what fits, drops and counts the rest, and has all of it in order when it is read", async () => {
    using pipe = openPipe(flags);
    const writer = createLineWriter({ fd: pipe.fd, maxBytes: 10_000 });
    const reports: number[] = [];
    writer.onRecovery((lines) => {
      reports.push(lines);
      writer.write(`${lines} lines were dropped\n`);
    });
    pipe.fill();
    const lines = Array.from({ length: 2_000 }, (_, number) => line(number));
    for (const text of lines) writer.write(text);
    // The first 10,000 bytes wait: a hundred lines.
    expect(writer.countDropped()).toBe(1_900);
    await new Promise((resolve) => setTimeout(resolve, 300)); // three attempts to write
    expect(reports).toEqual([]);

    let text = "";
    await until(() => {
      text += pipe.read();
      return /dropped\n/.test(text);
    });
    expect(text.slice(PIPE_BYTES)).toBe(`${lines.slice(0, 100).join("")}1900 lines were dropped\n`);
    expect(reports).toEqual([1_900]);

    writer.write(line(7));
    text = "";
    await until(() => {
      text += pipe.read();
      return text.length >= 100;
    });
    expect(text).toBe(line(7));
  });
});

it("a file that cannot be written loses its lines, which are counted", async () => {
  const fd = openSync("/dev/null", "r"); // for reading only: every write fails with EBADF
  const writer = createLineWriter({ fd });
  for (let number = 0; number < 3; number++) writer.write(line(number));
  await until(() => writer.countDropped() === 3);
  writer.write(line(3));
  await until(() => writer.countDropped() === 4);
  closeSync(fd);
});
