const wakers = new Set<() => void>();

/** Says that something was recorded. Forgetting it costs a third of a second. */
export function wakeInbox(): void {
  for (const wake of wakers) wake();
}

/** Calls back whenever somebody wakes the inbox, until the returned function is called. */
export function onWakeInbox(wake: () => void): () => void {
  wakers.add(wake);
  return () => wakers.delete(wake);
}
