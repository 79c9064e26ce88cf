/** Every verdict of the doctor: what it means, and the one thing to do. docs/doctor.md shows the same table. */

interface Verdict {
  readonly means: string;
  /** `{ecu}` stands for the address as it was given. */
  readonly next: string;
  /** Nothing is wrong. */
  readonly isWell?: true;
}

/**
 * In the order in which they explain things: of several that fit, the first is the verdict. Sections are those of the
 * protocol document.
 */
export const verdicts = {
  "name unknown": {
    means: "The ECU's name is not known in this network.",
    next: "Give the ECU's address as a number, such as 192.168.1.50, as the router's list of devices shows it.",
  },
  "name service silent": {
    means: "This machine cannot look up names now, so the ECU was not asked.",
    next: "Give the ECU's address as a number, such as 192.168.1.50, as the router's list of devices shows it.",
  },
  "no such host": {
    means: "There is no device at this address, or no way to it.",
    next: "Look up the ECU's address in the router's list of devices, and let the router give it that address always (a fixed address).",
  },
  maintenance: {
    means:
      "The ECU refuses the connection, as ECUs do in their nightly maintenance between 2:45 and 3:15.", // 1.6
    next: "Wait until half past three, and run the doctor again.",
  },
  refused: {
    means:
      "There is a device at this address, and it refuses the connection. An ECU-R or ECU-B (id 2160, 2163) answers at its Wi-Fi address only, and an ECU-3 (2030) not at all.", // 1.1, E1
    next: "Find the ECU's Wi-Fi address in the router's list of devices, and use it in place of that of its cable; if it is the Wi-Fi address, unplug the ECU for a minute.",
  },
  "not accepted": {
    means:
      "Nothing takes the connection and nothing refuses it: the ECU hangs, or a firewall is in between, or nobody has this address.", // E2
    next: "Unplug the ECU for a minute, and run the doctor again ten minutes later.",
  },
  "not an ECU": {
    means: "Something else than an ECU answers at this address.",
    next: "Look up the ECU's address in the router's list of devices, and let the router give it that address always (a fixed address).",
  },
  silent: {
    means:
      "The ECU takes the connection and does not answer: it hangs, or it is busy with another program.", // E4, 1.7
    next: "Unplug the ECU for a minute, and run the doctor again ten minutes later.",
  },
  "hangs up": {
    means: "The ECU takes the connection and hangs up without an answer.", // E3, 1.7
    next: "Unplug the ECU for a minute, and run the doctor again ten minutes later.",
  },
  "cut short": {
    means: "The ECU begins its answer and does not end it: its Wi-Fi is bad.", // E7
    next: "Move the ECU nearer to the Wi-Fi access point, or connect it by cable if it is an ECU-R-Pro or ECU-C.",
  },
  "wrong answer": {
    means: "The ECU gives the answer to another question: it mixes up two programs that ask it.", // E25, 1.4
    next: "Stop every other program that asks the ECU, the app on the phone too, and run the doctor again.",
  },
  "two ECUs": {
    means: "The id of the ECU changes from one answer to the next: two devices share an address.", // E11
    next: "Let the router give each ECU an address of its own (a fixed address).",
  },
  refuses: {
    means: "The ECU answers, and refuses a question that every ECU should answer.", // 2.3
    next: "Send a capture: apsystems-ecu-exporter capture {ecu} --output=capture.json",
  },
  unreadable: {
    means: "The ECU's answer is of a form that this program does not know.", // E8, E13
    next: "Send a capture: apsystems-ecu-exporter capture {ecu} --output=capture.json",
  },
  "counters zero": {
    means:
      "The ECU says for the moment that it has made no energy, though it has: its database is busy. The exporter leaves such values out.", // E20, E21
    next: "Wait ten minutes, and run the doctor again.",
  },
  "no inverters": {
    means: "The ECU answers, and no inverter is registered with it.",
    next: "Enter the inverters' serial numbers with the installer's app (EMA Manager).",
  },
  "no data yet": {
    means: "The ECU was started a moment ago, and has not heard from its inverters yet.", // E10
    next: "Wait ten minutes, and run the doctor again.",
  },
  "old report": {
    means: "The ECU answers, and repeats old values: it has stopped asking its inverters.", // E27
    next: "Unplug the ECU for a minute, and run the doctor again ten minutes later.",
  },
  "zone not set": {
    means:
      "The ECU's clock runs in another time zone than was assumed; an ECU-R or ECU-B does not tell which.", // 4.8
    next: "Name the time zone in which the ECU stands, here and for the exporter: --ecu.timezone=Europe/Amsterdam, for example.",
  },
  "clock wrong": {
    means: "The ECU's clock is wrong, or set to the wrong time zone.", // E24
    next: "Set the ECU's time zone with the installer's app (EMA Manager), and let the ECU reach the internet, where it gets its time.",
  },
  "records unknown": {
    means:
      "The ECU has an inverter of a kind that this program does not know; all others are shown.", // E17
    next: "Send a capture: apsystems-ecu-exporter capture {ecu} --output=capture.json",
  },
  "counters stuck": {
    means:
      "The inverters make power, and the ECU counts no energy for today: a fault of its firmware.", // E22
    next: "Ask the maker's support for newer firmware of the ECU, which the maker installs from afar.",
  },
  "all off by day": {
    means: "It is day, and no inverter answers the ECU.",
    next: "See whether the circuit breaker of the inverters is on.",
  },
  "never reached": {
    means: "The ECU has never heard from an inverter that is registered with it.", // E14
    next: "Compare the serial number that is registered with the one on the inverter's label.",
  },
  "no grid": {
    means: "An inverter has light, and sees no grid.", // E32
    next: "See whether the circuit breaker of that inverter is on.",
  },
  "not reached": {
    means: "Some inverters answer the ECU, and others do not.",
    next: "Run the doctor again at noon; where the same inverters are missing, see whether their circuit breaker is on.",
  },
  "weak signal": {
    means: "The ECU hears an inverter only faintly, and will lose it now and then.",
    next: "Move the ECU nearer to the inverters, away from metal and from other radios.",
  },
  unsteady: {
    means: "The ECU answers, but not every time.",
    next: "Let only one program ask the ECU, and not more often than once a minute.",
  },
  night: {
    means: "All is well: the ECU answers, and its inverters sleep.",
    next: "Nothing needs to be done; run the doctor again by day to see the inverters.",
    isWell: true,
  },
  well: {
    means: "All is well.",
    next: "Nothing needs to be done; the exporter can read this ECU: --ecu.address={ecu}",
    isWell: true,
  },
} as const satisfies Record<string, Verdict>;

export type VerdictName = keyof typeof verdicts;
const order = Object.keys(verdicts) as readonly VerdictName[];

/** The one of several verdicts that explains the others. */
export const foremost = (names: readonly VerdictName[]): VerdictName =>
  order.find((name) => names.includes(name)) ?? "well";

export const isWell = (name: VerdictName): boolean => "isWell" in verdicts[name];
