/** Addresses of ECUs: their port, and one spelling for each host. */
import { isIPv4, isIPv6 } from "node:net";

/** Port of every ECU (docs/protocol.md#transport). */
export const ECU_PORT = 8899;

/** One spelling for each host: 127.1 is 127.0.0.1, and Barn.lan. is barn.lan. */
export const canonicalHost = (host: string): string => {
  const address = normalizeAddress(host);
  if (address !== undefined) return address;
  const name = new URL(`http://${host.includes(":") ? `[${host}]` : host}`).hostname;
  const bare = name.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  return normalizeAddress(bare) ?? bare;
};

/**
 * An address in its one spelling; an IPv4 address that is written as IPv6 is IPv4. A link-local address keeps its zone, as in
 * fe80::1%eth0: each interface has its own. `undefined` for anything else.
 */
export const normalizeAddress = (address: string): string | undefined => {
  if (isIPv4(address)) return address;
  const [, bare = "", zone = ""] = /^([^%]*)(%.+)?$/.exec(address) ?? [];
  if (!isIPv6(bare)) return undefined;
  const text = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  if (/^fe[89ab]/.test(text)) return text + zone;
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text) ?? [];
  if (high === undefined || low === undefined) return text;
  const bits = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return bits.flatMap((word) => [word >> 8, word & 255]).join(".");
};
