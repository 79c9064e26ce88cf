/** Which addresses may be read on request: a probe must not become a way into the network. */
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { normalizeAddress } from "../ecu/address.ts";

/** A range of addresses: 10.0.0.0/8 is `{ network: "10.0.0.0", prefix: 8 }`. */
export interface AddressRange {
  readonly network: string;
  readonly prefix: number;
}

/**
 * Ranges without ECUs, in which services may trust every client: loopback, link-local, metadata of clouds, multicast, and
 * IPv6 addresses that contain an IPv4 address (RFC 6890, RFC 6052, RFC 8215, RFC 2765, RFC 3056, RFC 4380).
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

const createBlockList = ({ network, prefix }: AddressRange): BlockList => {
  const list = new BlockList();
  list.addSubnet(network, prefix, isIPv4(network) ? "ipv4" : "ipv6");
  return list;
};
/** Whether the range contains an address without a zone. A range of IPv6 has no IPv4 addresses: `check` alone finds 10.0.0.1 in ::/0. */
const contains = ({ range, list }: Block, address: string): boolean =>
  isIPv4(range.network) === isIPv4(address) &&
  list.check(address, isIPv4(address) ? "ipv4" : "ipv6");

interface Block {
  readonly range: AddressRange;
  readonly list: BlockList;
}
const createBlock = (range: AddressRange): Block => ({ range, list: createBlockList(range) });
const specialBlocks = specialRanges.map(createBlock);

/**
 * Creates the check whether an address is in one of the ranges. An address in a special range is allowed only by a range
 * inside that special range: 0.0.0.0/0 does not allow 127.0.0.1, but 127.0.0.0/8 does.
 */
export const createAllowList = (
  ranges: readonly AddressRange[],
): ((address: string) => boolean) => {
  const allowed = ranges.map(unmapRange).map(createBlock);
  return (text) => {
    const address = normalizeAddress(text)?.replace(/%.*$/, "");
    if (address === undefined) return false;
    const special = specialBlocks.find((block) => contains(block, address));
    return allowed.some(
      (block) =>
        contains(block, address) &&
        (special === undefined ||
          (contains(special, block.range.network) && block.range.prefix >= special.range.prefix)),
    );
  };
};

/** Converts a range of IPv4 addresses in IPv6 notation to IPv4. */
const unmapRange = (range: AddressRange): AddressRange => {
  const network = normalizeAddress(range.network);
  return network !== undefined && isIPv4(network) && isIPv6(range.network) && range.prefix >= 96
    ? { network, prefix: range.prefix - 96 }
    : range;
};
