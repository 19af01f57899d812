import { Socket } from "node:net";
import pg from "pg";

/**
 * Makes a kind of connection that hangs up once it was asked something and heard no answer for so many wall milliseconds: what
 * it was asked fails, and its pool takes another. A firewall that forgot the line, or a host that died, says nothing, and the
 * system gives such a line up after a quarter of an hour.
 *
 * Not pg's `query_timeout`: without pipelining that leaves the connection open, and the pool gives it out again, with the
 * query that is not answered before the next.
 */
export function hangingUp(silentMs: number): typeof pg.Client {
  return class extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      const socket = new Socket();
      super({ ...(typeof config === "string" ? { connectionString: config } : config), stream: () => socket });
      const ask = this.query.bind(this) as (...asked: unknown[]) => unknown;
      let asked = 0;
      let timer: NodeJS.Timeout | undefined;
      let last: NodeJS.Immediate | undefined;
      const hangUp = () => socket.destroy(new Error(`Muster's database said nothing for ${silentMs} ms`));
      const wait = () => {
        clearTimeout(timer);
        clearImmediate(last);
        // A process that stood still reads first what came meanwhile.
        timer = asked > 0 ? setTimeout(() => (last = setImmediate(hangUp)), silentMs) : undefined;
      };
      const query = (...what: unknown[]) => {
        const answer = ask(...what);
        if (!(answer instanceof Promise)) return answer;
        asked += 1;
        // The server works on one after another: only the first in the line waits from here.
        if (asked === 1) wait();
        const heard = () => {
          asked -= 1;
          wait();
        };
        answer.then(heard, heard);
        return answer;
      };
      this.query = query as typeof this.query;
    }
  };
}
