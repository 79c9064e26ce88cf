/** Chance that repeats: the same seed and key give the same number. Stateless, so that any moment can be asked for alone. */

/** A number from 0 up to 1 that depends on the seed and the keys only. */
export const chance = (seed: number, ...keys: readonly number[]): number => {
  let state = seed >>> 0;
  for (const key of keys) state = mix(state ^ mix(Math.floor(key) >>> 0));
  return mix(state) / 2 ** 32;
};

/** A number from 0 to 1 that drifts smoothly; it takes a new direction every `period` of `at`. */
export const drift = (seed: number, at: number, period: number): number => {
  const step = Math.floor(at / period);
  const part = at / period - step;
  const ease = part * part * (3 - 2 * part);
  return chance(seed, step) * (1 - ease) + chance(seed, step + 1) * ease;
};

/** Spreads every bit of a 32-bit number over all of them. */
const mix = (number: number): number => {
  let bits = (number + 0x9e3779b9) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
};
