/** Basic authentication with bcrypt hashes. Does not reveal whether the name or the password was wrong. */
import { createHmac, randomBytes } from "node:crypto";
import { createBcrypt } from "./bcrypt.ts";
import { type Connection, createFairQueue, type FairQueueLimits } from "./fair-queue.ts";

/** User name → bcrypt hash. */
export type Users = ReadonlyMap<string, string>;

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** `busy`: the password was not checked, because too many checks are pending. */
export type PasswordResult = "right" | "wrong" | "busy";

export interface PasswordCheckOptions extends Partial<FairQueueLimits> {
  /** Compares a password with a hash; slow by design. */
  readonly compare?: (password: string, hash: string) => Promise<boolean>;
}

/** Only correct passwords are cached, so wrong ones cannot evict them. */
const MAX_CACHED = 100;

/**
 * Creates a function that checks passwords one at a time. A password that was correct before is accepted at once; the
 * others wait for their turn.
 */
export const createPasswordChecker = (options: PasswordCheckOptions = {}) => {
  const { compare = createBcrypt(), maxWaiting = 100, maxWaitMs = 10_000 } = options;
  const enqueue = createFairQueue({ maxWaiting, maxWaitMs });
  const secret = randomBytes(32); // makes the cached keys useless outside this process
  const digest = (...parts: readonly string[]): Buffer =>
    createHmac("sha256", secret).update(JSON.stringify(parts)).digest();
  const cache = new Set<string>();

  /** A hash for an unknown user, with the cost of a user's hash; always the same for the same name. */
  const decoyHash = (users: Users, user: string): string => {
    const hashes = [...users.values()];
    const model = hashes[digest(user).readUInt32BE() % hashes.length] ?? "";
    return model.slice(0, 7) + DECOY_SALT_AND_DIGEST; // "$2y$10$" and 53 characters
  };

  return async (
    users: Users,
    { user, password }: Credentials,
    connection: Connection,
  ): Promise<PasswordResult> => {
    const userHash = users.get(user);
    const hash = userHash ?? decoyHash(users, user);
    const key = digest(user, hash, password).toString("base64");
    if (cache.has(key)) return "right";
    const isRight = await enqueue(
      connection,
      async () => cache.has(key) || (await compare(password, hash)),
    );
    if (isRight === undefined) return "busy";
    if (!isRight || userHash === undefined) return "wrong";
    if (cache.size >= MAX_CACHED) cache.delete(cache.values().next().value ?? "");
    cache.add(key);
    return "right";
  };
};

/** A valid form that matches no known password. */
const DECOY_SALT_AND_DIGEST = ".".repeat(53);

/** Parses the user name and password in an Authorization header (RFC 7617); `undefined` if it has none. */
export const parseBasicAuth = (header: string | undefined): Credentials | undefined => {
  const [, encoded] = /^Basic +([A-Za-z0-9+/_-]+=*)$/i.exec(header?.trim() ?? "") ?? [];
  const text = Buffer.from(encoded ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
};
