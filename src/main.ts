#!/usr/bin/env node
/** Starts the program. SIGHUP is handled before the rest of the code is loaded, which takes a good part of a second. */
import { holdHangups } from "./cli/hangup.ts";
import { keepHeapSmall } from "./cli/heap.ts";
import { showSourceLines } from "./cli/source-lines.ts";

holdHangups();
showSourceLines();
keepHeapSmall();
const { runProgram } = await import("./program.ts");
await runProgram();
