/** Joules, as all energy is in here, in the unit of people. */
export const toKilowattHours = (joules: number): number => joules / 3_600_000;
