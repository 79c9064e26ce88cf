/** Names and passwords against bcrypt hashes, at a bounded cost, and without telling which of the two was wrong. */
import { createHmac, randomBytes } from "node:crypto";
import bcrypt from "bcryptjs";

/** Name → bcrypt hash. */
export type Users = ReadonlyMap<string, string>;

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** `busy`: too many others wait to be checked. */
export type PasswordResult = "right" | "wrong" | "busy";

export interface PasswordCheckOptions {
  /** Whether the password is that of the hash; takes long on purpose. */
  readonly compare?: (password: string, hash: string) => Promise<boolean>;
  /** Checks that may wait or run at one time. */
  readonly maxPending?: number;
}

/** Right passwords that are remembered; wrong ones never are, so nobody can push these out. */
const MAX_REMEMBERED = 100;

/** Checks are made one after the other, so that a flood of them leaves room for other work. */
export const createPasswordChecker = (options: PasswordCheckOptions = {}) => {
  const { compare = bcrypt.compare, maxPending = 8 } = options;
  const secret = randomBytes(32); // what is remembered is of no use outside this process
  const seal = (...parts: readonly string[]): Buffer =>
    createHmac("sha256", secret).update(JSON.stringify(parts)).digest();
  const remembered = new Set<string>();
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  /** For a name that nobody has: a hash of a cost that one of the users has, the same each time. */
  const decoy = (users: Users, user: string): string => {
    const hashes = [...users.values()];
    const like = hashes[seal(user).readUInt32BE() % hashes.length] ?? "";
    return like.slice(0, 7) + DECOY; // "$2y$10$"
  };

  return async (users: Users, { user, password }: Credentials): Promise<PasswordResult> => {
    const hash = users.get(user);
    const against = hash ?? decoy(users, user);
    const key = seal(user, against, password).toString("base64");
    if (remembered.has(key)) return "right";
    if (waiting >= maxPending) return "busy";
    waiting++;
    try {
      const check = last.then(() => compare(password, against));
      last = check.catch(() => undefined);
      if (!(await check) || hash === undefined) return "wrong";
    } finally {
      waiting--;
    }
    if (remembered.size >= MAX_REMEMBERED)
      remembered.delete(remembered.values().next().value ?? "");
    remembered.add(key);
    return "right";
  };
};

/** Salt and digest of no known password. */
const DECOY = ".".repeat(53);

/** Name and password in an Authorization header (RFC 7617); `undefined` where it has none. */
export const parseBasicAuth = (header: string | undefined): Credentials | undefined => {
  const [, encoded] = /^Basic +([A-Za-z0-9+/_-]+=*)$/i.exec(header?.trim() ?? "") ?? [];
  const text = Buffer.from(encoded ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
};
