/** Repeatable random numbers without state: the same seed and keys give the same number. */

/** A number from 0 (included) to 1 (excluded) that depends only on the seed and the keys. */
export const random = (seed: number, ...keys: readonly number[]): number => {
  let state = seed >>> 0;
  for (const key of keys) state = mix(state ^ mix(Math.floor(key) >>> 0));
  return mix(state) / 2 ** 32;
};

/** A number from 0 to 1 that changes smoothly, with a new direction after every `period` of `at`. */
export const drift = (seed: number, at: number, period: number): number => {
  const step = Math.floor(at / period);
  const part = at / period - step;
  const ease = part * part * (3 - 2 * part);
  return random(seed, step) * (1 - ease) + random(seed, step + 1) * ease;
};

/** Spreads every bit of a 32-bit number over all of them. */
const mix = (number: number): number => {
  let bits = (number + 0x9e3779b9) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
};
