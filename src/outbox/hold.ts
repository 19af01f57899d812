import { takenSeconds } from "./rows.ts";

/**
 * Keeps hold of a row while it is worked on, however long that takes (a long history is read in many calls): another process
 * takes it only from one that died or froze. Who froze and wakes up finds out by asking before it posts.
 */
export async function holding<T>(keep: () => Promise<boolean>, work: () => Promise<T>): Promise<T> {
  const renewal = setInterval(() => void keep().catch(() => undefined), (takenSeconds * 1000) / 3).unref();
  try {
    return await work();
  } finally {
    clearInterval(renewal);
  }
}
