/** Many simulated ECUs in one process, each with its own loopback address, from 127.1.0.1, and port 8899. */
import { simulateEcu } from "../src/simulator/ecu.ts";

const count = Number(process.argv[2]);
const PORT = 8899;
/** The address with the index n, from 0. */
const formatAddress = (n: number): string => `127.1.${Math.floor(n / 250)}.${(n % 250) + 1}`;

for (let n = 0; n < count; n++) {
  await simulateEcu({
    inverters: [
      ["DS3", 14],
      ["QS1", 6],
    ],
    family: n % 2 === 0 ? "R" : "L",
    site: { latitude: 28, longitude: 0 },
    zone: "Etc/GMT",
    seed: n + 1,
    start: Date.parse("2026-06-21T09:00:00Z"),
    timeScale: 1,
    elapsed: () => performance.now(),
    host: formatAddress(n),
    port: PORT,
  });
}
process.stdout.write("ready\n");
