// @ts-nocheck: the replacements have none of the overloads of the originals.
/** Preloaded into the program: every lookup of a host name blocks a thread, as a silent name server does. BLOCKED is a pipe without a writer. */
import dns from "node:dns";
import { open } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isIP } from "node:net";

const { lookup, promises } = dns;
const block = () => open(process.env["BLOCKED"], "r", () => {});
dns.lookup = (host, ...rest) => (isIP(host) ? lookup(host, ...rest) : block());
promises.lookup = () => new Promise(block);
syncBuiltinESMExports();
