/** The configured position of one panel. No reply of an ECU contains it. A text that is not configured is empty. */
export interface Panel {
  /** Serial number of the inverter, 12 digits. */
  readonly uid: string;
  /** Input of the inverter, from 1. */
  readonly channel: number;
  readonly panel: string;
  readonly array: string;
  readonly row: string;
  readonly column: string;
}
