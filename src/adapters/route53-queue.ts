const queues = new WeakMap<object, Map<string, Promise<unknown>>>();

/**
 * Lets one change of a zone follow the other within this process: Route 53 answers PriorRequestNotComplete to the second
 * of two at once. The work of others is waited for, whatever became of it.
 */
export async function inTurn<T>(client: object, zone: string, work: () => Promise<T>): Promise<T> {
  const last = queues.get(client) ?? new Map<string, Promise<unknown>>();
  queues.set(client, last);
  const before = last.get(zone) ?? Promise.resolve();
  const mine = before.then(work, work);
  last.set(zone, mine);
  try {
    return await mine;
  } finally {
    if (last.get(zone) === mine) last.delete(zone);
  }
}
