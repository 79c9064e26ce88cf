// Compares passwords with bcrypt hashes, one after another, in a worker thread. JavaScript, because Node.js 20 starts no
// thread from TypeScript, and the tests run the sources.
import { parentPort } from "node:worker_threads";
import bcrypt from "bcryptjs";

parentPort?.on("message", (/** @type {{ password: string, hash: string }} */ message) => {
  parentPort?.postMessage(bcrypt.compareSync(message.password, message.hash));
});
