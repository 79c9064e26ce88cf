/** Which addresses may be dialled for somebody who names one: a probe must not become a way into the network. */
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { normalizeAddress } from "../ecu/address.ts";

/** A range of addresses: 10.0.0.0/8 is `{ network: "10.0.0.0", prefix: 8 }`. */
export interface AddressRange {
  readonly network: string;
  readonly prefix: number;
}

/**
 * Ranges in which no ECU is, and in which services listen that trust whoever reaches them: this machine, the link, a
 * cloud's metadata, many hosts at once, and IPv6 forms that stand for an IPv4 address (RFC 6890, RFC 6052, RFC 8215, RFC 2765,
 * RFC 3056, RFC 4380).
 */
const specialRanges: readonly AddressRange[] = [
  { network: "0.0.0.0", prefix: 8 },
  { network: "127.0.0.0", prefix: 8 },
  { network: "168.63.129.16", prefix: 32 },
  { network: "192.0.0.0", prefix: 24 },
  { network: "169.254.0.0", prefix: 16 },
  { network: "100.100.100.200", prefix: 32 },
  { network: "224.0.0.0", prefix: 4 },
  { network: "240.0.0.0", prefix: 4 },
  { network: "::", prefix: 96 },
  { network: "::ffff:0:0:0", prefix: 96 },
  { network: "64:ff9b::", prefix: 96 },
  { network: "64:ff9b:1::", prefix: 48 },
  { network: "2001::", prefix: 32 },
  { network: "2002::", prefix: 16 },
  { network: "fd00:ec2::254", prefix: 128 },
  { network: "fd20:ce::254", prefix: 128 },
  { network: "fe80::", prefix: 10 },
  { network: "ff00::", prefix: 8 },
];

const listOf = ({ network, prefix }: AddressRange): BlockList => {
  const list = new BlockList();
  list.addSubnet(network, prefix, isIPv4(network) ? "ipv4" : "ipv6");
  return list;
};
const holds = (list: BlockList, address: string): boolean =>
  list.check(address, isIPv4(address) ? "ipv4" : "ipv6");

const specialLists = specialRanges.map((range) => ({ range, list: listOf(range) }));

/**
 * Whether an address is within one of the ranges. A special address (this machine, the link, metadata …) is so only by
 * a range that lies within its own kind: 0.0.0.0/0 does not open 127.0.0.1, and 127.0.0.0/8 does.
 */
export const createAllowList = (
  ranges: readonly AddressRange[],
): ((address: string) => boolean) => {
  const allowed = ranges.map(unmapRange).map((range) => ({ range, list: listOf(range) }));
  return (given) => {
    const address = normalizeAddress(given);
    if (address === undefined) return false;
    const kind = specialLists.find(({ list }) => holds(list, address));
    return allowed.some(
      ({ range, list }) =>
        holds(list, address) &&
        (kind === undefined ||
          (holds(kind.list, range.network) && range.prefix >= kind.range.prefix)),
    );
  };
};

/** A range of IPv4 addresses that is written as IPv6 is one of IPv4. */
const unmapRange = (range: AddressRange): AddressRange => {
  const network = normalizeAddress(range.network);
  return network !== undefined && isIPv4(network) && isIPv6(range.network) && range.prefix >= 96
    ? { network, prefix: range.prefix - 96 }
    : range;
};
