/** Converts joules to kilowatt hours, for people. */
export const toKilowattHours = (joules: number): number => joules / 3_600_000;
