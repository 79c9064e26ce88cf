/** The verdicts of the doctor: what each means, and what to do next. docs/doctor.md has the same table. */

interface Verdict {
  readonly means: string;
  /** What to do; `{ecu}` stands for the address that the user wrote. */
  readonly next: string;
  /** Present if the ECU works. */
  readonly isWell?: true;
}

/** Ordered by cause: if several verdicts fit, the first one explains the others. */
export const verdicts = {
  "name unknown": {
    means: "The name of the ECU has no address in this network.",
    next: "Use the numeric address of the ECU, such as 192.168.1.50, from your router's device list.",
  },
  "name service silent": {
    means: "This machine cannot look up names now, so no connection was tried.",
    next: "Use the numeric address of the ECU, such as 192.168.1.50, from your router's device list.",
  },
  "no such host": {
    means: "There is no device at this address, or no route to it.",
    next: "Look up the ECU's address in your router's device list, and have the router reserve it (a fixed address).",
  },
  "another product": {
    means:
      "The device answers HTTP on this port, which no ECU does: it is another product. An EZ1 or EZHI has no ECU; it has an HTTP interface of its own, on port 8050.",
    next: "If it is an EZ1 or EZHI, use a program for its HTTP interface, such as the APsystems integration of Home Assistant; this program reads ECUs only. If not, look up the ECU's address in your router's device list.",
  },
  maintenance: {
    means:
      "The ECU refuses the connection, as every ECU does during its nightly maintenance between 2:45 and 3:15.",
    next: "Wait until 3:30, and run doctor again.",
  },
  refused: {
    means:
      "The device at this address refuses the connection. An ECU-R or ECU-B (id 2160, 2163) accepts connections at its Wi-Fi address only; an ECU-3 (2030) accepts none.",
    next: "If you gave a port, leave it out: every ECU uses 8899. Find the ECU's Wi-Fi address in your router's device list, and use it instead of the address of its Ethernet port. If it is the Wi-Fi address already, unplug the ECU for a minute.",
  },
  "not accepted": {
    means:
      "The connection is neither accepted nor refused: the ECU hangs, a firewall blocks it, or no device has this address.",
    next: "Unplug the ECU for a minute, and run doctor again ten minutes later.",
  },
  "not an ECU": {
    means: "The device at this address is not an ECU.",
    next: "Look up the ECU's address in your router's device list, and have the router reserve it (a fixed address).",
  },
  silent: {
    means:
      "The ECU accepts the connection and does not reply: it hangs, or it is busy with another program.",
    next: "Unplug the ECU for a minute, and run doctor again ten minutes later.",
  },
  closed: {
    means: "The ECU accepts the connection and closes it without a reply.",
    next: "Unplug the ECU for a minute, and run doctor again ten minutes later.",
  },
  "cut short": {
    means: "The ECU starts its reply and does not complete it: its Wi-Fi connection is poor.",
    next: "Move the ECU closer to the Wi-Fi access point, or connect an ECU-R-Pro or ECU-C by Ethernet cable.",
  },
  "wrong reply": {
    means: "The ECU sends the reply to another request: it mixes up the replies to two programs.",
    next: "Stop every other program that reads the ECU, including the app on your phone, and run doctor again.",
  },
  "two ECUs": {
    means: "The id of the ECU changes from one reply to the next: two devices share an address.",
    next: "Have the router reserve a different address for each ECU.",
  },
  refuses: {
    means: "The ECU replies, but refuses a request that every ECU should accept.",
    next: "Send a capture: apsystems-ecu-exporter capture {ecu} --output=capture.json",
  },
  unreadable: {
    means: "The ECU's reply has a format that this program does not know.",
    next: "Send a capture: apsystems-ecu-exporter capture {ecu} --output=capture.json",
  },
  "counters zero": {
    means:
      "The ECU wrongly reports an energy of 0 at the moment: its database is busy. The exporter leaves such values out.",
    next: "Wait ten minutes, and run doctor again.",
  },
  "empty list": {
    means:
      "The ECU counts its inverters but sends an empty list of them: a fault of its firmware, seen after an update.",
    next: "Unplug the ECU for a minute. If the list stays empty, wait for the next update of the firmware; the inverters are still registered.",
  },
  "no inverters": {
    means: "The ECU replies, but no inverter is registered with it.",
    next: "Enter the inverters' serial numbers with the installer's app (EMA Manager).",
  },
  "no data yet": {
    means: "The ECU has just started and has no data from its inverters yet.",
    next: "Wait ten minutes, and run doctor again.",
  },
  "old report": {
    means: "The ECU replies with old values: it has stopped polling its inverters.",
    next: "Unplug the ECU for a minute, and run doctor again ten minutes later.",
  },
  "zone not set": {
    means:
      "The ECU's clock is in a different time zone from the assumed one; an ECU-R or ECU-B does not report its zone.",
    next: "Set the time zone of the ECU, such as --ecu.timezone=Europe/Amsterdam here and for the exporter.",
  },
  "clock wrong": {
    means: "The ECU's clock is wrong, or its time zone is.",
    next: "Set the ECU's time zone in the installer's app (EMA Manager), and connect the ECU to the internet, from which it gets the time.",
  },
  "records unknown": {
    means: "The ECU has an inverter of an unknown type; all others are shown.",
    next: "Send a capture: apsystems-ecu-exporter capture {ecu} --output=capture.json",
  },
  "counters stuck": {
    means:
      "The inverters produce power, but the ECU counts no energy for today: a fault of its firmware.",
    next: "Ask the manufacturer's support for newer firmware of the ECU; they install it remotely.",
  },
  "all off by day": {
    means: "It is day, and no inverter is in contact with the ECU.",
    next: "Check that the circuit breaker of the inverters is on.",
  },
  "never reached": {
    means: "A registered inverter has never been in contact with the ECU.",
    next: "Compare the registered serial number with the one on the inverter's label.",
  },
  "no grid": {
    means: "An inverter has light but no grid voltage.",
    next: "Check that the circuit breaker of that inverter is on.",
  },
  "not reached": {
    means: "Some inverters are in contact with the ECU and others are not.",
    next: "Run doctor again at noon. If the same inverters are missing, check that their circuit breaker is on.",
  },
  "weak signal": {
    means: "The radio signal of an inverter is weak; the ECU will lose contact with it at times.",
    next: "Move the ECU closer to the inverters, away from metal and from other radio devices.",
  },
  unsteady: {
    means: "The ECU does not reply to every request.",
    next: "Let only one program read the ECU, at most once a minute.",
  },
  night: {
    means: "No problem found: the ECU replies, and its inverters are off for the night.",
    next: "Nothing to do; run doctor again by day to check the inverters.",
    isWell: true,
  },
  well: {
    means: "No problem found.",
    next: "Nothing to do; the exporter can read this ECU: --ecu.address={ecu}",
    isWell: true,
  },
} as const satisfies Record<string, Verdict>;

export type VerdictName = keyof typeof verdicts;
const order = Object.keys(verdicts) as readonly VerdictName[];

/** The verdict that explains the others: the first in the order of the table; `well` without any. */
export const rootCause = (names: readonly VerdictName[]): VerdictName =>
  order.find((name) => names.includes(name)) ?? "well";

/** Whether a verdict means that the ECU works. */
export const isWell = (name: VerdictName): boolean => "isWell" in verdicts[name];
