/** A reply as the faults that act on it make it. */
import { encodeReply, type Messages, type Version } from "../protocol/replies.ts";
import type { Command } from "../protocol/requests.ts";
import { type Delivery, type Fault, faults } from "./faults.ts";
import type { Acting } from "./switchboard.ts";

export interface FaultyReply {
  readonly bytes: Buffer;
  /** The way in which they are sent: that of the first fault that has one. */
  readonly delivery: Delivery | undefined;
  /** Faults that did change something: a fault that has nothing to change has not been there. */
  readonly used: ReadonlySet<Acting>;
}

/** What is said, the bytes in which it is said, and the way they are sent, in this order. */
export const faultyReply = <C extends Command>(
  acting: readonly Acting[],
  command: C,
  message: Messages[C],
  { version, ecuId }: { readonly version: Version; readonly ecuId: string },
): FaultyReply => {
  const used = new Set<Acting>();
  /** What all of them make of a value, one after another. */
  const changed = <T>(value: T, change: (fault: Fault, value: T) => T | undefined): T => {
    let made = value;
    for (const one of acting) {
      const next = change(faults[one.name], made) ?? made;
      if (next !== made) used.add(one);
      made = next;
    }
    return made;
  };
  const said = changed(message, (fault, made) => fault.message?.(command, made, ecuId));
  const plain = encodeReply(command, said, version);
  const bytes = changed(plain, (fault, made) => fault.bytes?.(made, command));
  const sender = acting.find(({ name }) => deliveryOf(faults[name]) !== undefined);
  if (sender !== undefined) used.add(sender);
  return { bytes, delivery: sender && deliveryOf(faults[sender.name]), used };
};

const deliveryOf = ({ delivery }: Fault): Delivery | undefined => delivery;
