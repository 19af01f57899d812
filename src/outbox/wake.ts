const wakers = new Set<() => void>();

/** Says that something was put into the outbox or a card wants to be drawn. Forgetting it costs a third of a second. */
export function wakeOutbox(): void {
  for (const wake of wakers) wake();
}

/** Calls back whenever somebody wakes the outbox, until the returned function is called. */
export function onWake(wake: () => void): () => void {
  wakers.add(wake);
  return () => wakers.delete(wake);
}

/** A bell that is heard once even when it rang while nobody listened. One listens at a time. */
export type Bell = { ring: () => void; heard: () => Promise<void> };

/** Makes a bell. */
export function makeBell(): Bell {
  let rung = false;
  let listener: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      listener?.();
    },
    async heard() {
      if (!rung) await new Promise<void>((resolve) => (listener = resolve));
      rung = false;
    },
  };
}
