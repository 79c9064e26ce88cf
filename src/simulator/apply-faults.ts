/** Applies faults to a reply. */
import { encodeReply, type Messages, type Version } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";
import type { ActiveFault } from "./active-faults.ts";
import { type Delivery, type FaultDefinition, faults } from "./faults.ts";

export interface FaultyReply {
  readonly bytes: Buffer;
  /** How the bytes are sent: set by the first fault that changes it. */
  readonly delivery: Delivery | undefined;
  /** The faults that changed something. */
  readonly used: ReadonlySet<ActiveFault>;
}

/** Changes the message, then its bytes, then how they are sent. */
export const applyFaults = <C extends Command>(
  acting: readonly ActiveFault[],
  command: C,
  message: Messages[C],
  { version, ecuId }: { readonly version: Version; readonly ecuId: string },
): FaultyReply => {
  const used = new Set<ActiveFault>();
  /** Applies the changes of all faults, one after another. */
  const applyAll = <T>(
    value: T,
    change: (fault: FaultDefinition, value: T) => T | undefined,
  ): T => {
    let current = value;
    for (const fault of acting) {
      const next = change(faults[fault.name], current) ?? current;
      if (next !== current) used.add(fault);
      current = next;
    }
    return current;
  };
  const changedMessage = applyAll(message, (fault, current) =>
    fault.message?.(command, current, ecuId),
  );
  const usual = encodeReply(command, changedMessage, version);
  const bytes = applyAll(usual, (fault, current) => fault.bytes?.(current, command));
  const sender = acting.find(({ name }) => getDelivery(faults[name]) !== undefined);
  if (sender !== undefined) used.add(sender);
  return { bytes, delivery: sender && getDelivery(faults[sender.name]), used };
};

const getDelivery = ({ delivery }: FaultDefinition): Delivery | undefined => delivery;
