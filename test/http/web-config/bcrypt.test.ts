import { expect, it } from "vitest";
import { createBcrypt } from "../../../src/http/web-config/bcrypt.ts";

/** The password "a", hashed by OpenBSD's bcrypt at a cost of 6, and by crypt(3) at a cost of 12. */
const HASH = "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe";
const SLOW_HASH = "$2a$12$k42ZFHFWqBp3vWli.nIn8uBNiomS3jh4QyFBl2KYJX79N51qQCIoa";

it("accepts the right password only", async () => {
  const compare = createBcrypt();
  expect(await compare("a", HASH)).toBe(true);
  expect(await compare("b", HASH)).toBe(false);
});

it("does not delay other work", async () => {
  const compare = createBcrypt();
  let isDone = false;
  const check = compare("a", SLOW_HASH).finally(() => {
    isDone = true;
  });
  let turns = 0;
  for (; !isDone; turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(await check).toBe(true);
  expect(turns).toBeGreaterThan(100);
});

it("reports a failure, and works afterwards", async () => {
  const compare = createBcrypt();
  await expect(compare("a", undefined as unknown as string)).rejects.toThrow("Illegal arguments");
  expect(await compare("a", HASH)).toBe(true);
});
