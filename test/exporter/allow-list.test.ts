import { describe, expect, it } from "vitest";
import { normalizeAddress } from "../../src/ecu/address.ts";
import { createAllowList } from "../../src/exporter/allow-list.ts";

const home = [{ network: "192.168.1.0", prefix: 24 }];
const everything = [
  { network: "0.0.0.0", prefix: 0 },
  { network: "::", prefix: 0 },
];

describe("an address within the allowed ranges", () => {
  it.each([
    "192.168.1.0",
    "192.168.1.50",
    "192.168.1.255",
    "::ffff:192.168.1.50",
    "::ffff:c0a8:132",
  ])("is %s", (address) => {
    expect(createAllowList(home)(address)).toBe(true);
  });

  it.each([
    "192.168.2.50",
    "10.0.0.1",
    "127.0.0.1",
    "::ffff:127.0.0.1",
    "::1",
    "fe80::1%eth0",
    "2001:db8::1",
    "",
    "ecu.lan",
    "2130706433",
    "0x7f000001",
    "192.168.1",
  ])("is not %j", (address) => {
    expect(createAllowList(home)(address)).toBe(false);
  });

  it.each([
    ["::", 0],
    ["::", 64],
    ["::ffff:0:0", 90],
  ])("is IPv6 if the range is IPv6: %s/%i does not allow IPv4", (network, prefix) => {
    const isAllowed = createAllowList([{ network, prefix }]);
    for (const address of ["10.0.0.1", "192.168.1.50", "::ffff:192.168.1.50", "8.8.8.8"])
      expect(isAllowed(address), address).toBe(false);
    expect(createAllowList([{ network: "::", prefix: 0 }])("2001:db8::1")).toBe(true);
  });

  it("is link-local in a range of its own kind, whatever its zone", () => {
    const isAllowed = createAllowList([{ network: "fe80::", prefix: 10 }]);
    expect([isAllowed("fe80::1%eth0"), isAllowed("fe80::1")]).toEqual([true, true]);
    expect(createAllowList(everything)("fe80::1%eth0")).toBe(false);
  });

  it("is not allowed without a range", () => {
    expect(createAllowList([])("192.168.1.50")).toBe(false);
  });
});

describe("an address that is not a host of the network", () => {
  const specials = [
    ["this machine", "127.0.0.1", "127.0.0.0", 8],
    ["this machine, far up", "127.255.0.9", "127.255.0.0", 16],
    ["no address", "0.0.0.0", "0.0.0.0", 8],
    ["the link", "169.254.3.4", "169.254.0.0", 16],
    ["a cloud's metadata", "169.254.169.254", "169.254.169.254", 32],
    ["another cloud's metadata", "100.100.100.200", "100.100.100.200", 32],
    ["metadata over IPv6", "fd00:ec2::254", "fd00:ec2::254", 128],
    ["many hosts", "224.0.0.1", "224.0.0.0", 4],
    ["all hosts", "255.255.255.255", "240.0.0.0", 4],
    ["this machine over IPv6", "::1", "::1", 128],
    ["the link over IPv6", "fe80::1", "fe80::", 10],
    ["many hosts over IPv6", "ff02::1", "ff00::", 8],
    ["an IPv4 address behind NAT64", "64:ff9b::7f00:1", "64:ff9b::", 96],
    ["an IPv4 address behind another NAT64", "64:ff9b:1::7f00:1", "64:ff9b:1::", 48],
    ["an IPv4 address in Teredo", "2001:0:7f00:1::", "2001::", 32],
    ["a cloud's wire server", "168.63.129.16", "168.63.129.16", 32],
    ["an IPv4 address as 6to4", "2002:7f00:1::", "2002::", 16],
  ] as const;

  it.each(specials)("%s (%s) is not allowed by the range of all addresses", (_what, address) => {
    expect(createAllowList(everything)(address)).toBe(false);
  });

  it.each(specials)(
    "%s (%s) is allowed by a range of its own kind",
    (_what, address, network, prefix) => {
      expect(createAllowList([{ network, prefix }])(address)).toBe(true);
    },
  );

  it("is also refused in its IPv4-mapped notation, and allowed by the range of the address itself", () => {
    expect(createAllowList(everything)("::ffff:127.0.0.1")).toBe(false);
    expect(createAllowList([{ network: "127.0.0.0", prefix: 8 }])("::ffff:7f00:1")).toBe(true);
  });

  it("is not allowed by a range of IPv4-mapped addresses, because that is an IPv4 range", () => {
    const mapped = createAllowList([{ network: "::ffff:0:0", prefix: 96 }]);
    expect([mapped("0.0.0.0"), mapped("127.0.0.1"), mapped("192.168.1.50")]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it("does not affect other addresses in the range of all addresses", () => {
    for (const address of ["8.8.8.8", "10.1.2.3", "fd12::7", "2001:db8::1"])
      expect(createAllowList(everything)(address)).toBe(true);
  });
});

it.each([
  ["10.0.0.1", "10.0.0.1"],
  ["::FFFF:10.0.0.1", "10.0.0.1"],
  ["0:0:0:0:0:ffff:0a00:0001", "10.0.0.1"],
  ["FD00:0:0::0001", "fd00::1"],
  ["FE80:0::1%eth0", "fe80::1%eth0"],
  ["fd00::1%eth0", "fd00::1"],
  ["::ffff:10.0.0.1%eth0", "10.0.0.1"],
  ["010.0.0.1", undefined],
  ["10.0.0.1 ", undefined],
  ["ecu.lan", undefined],
])("writes %j as %j", (given, address) => {
  expect(normalizeAddress(given)).toBe(address);
});
