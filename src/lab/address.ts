import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { messageOf, UserError } from "../errors.ts";

/** The addresses of one lab: a network 127.x.y.0/24 that no other lab of this machine uses. */
export type Addresses = {
  /** The network, without its last number: "127.41.7". */
  network: string;
  /** The address of a host of this lab. DESIGN §6 says who lives where. */
  host: (number: number) => string;
  /** Lets the next lab have the network. */
  release(): Promise<void>;
};

/** Ports that are the same in every lab, so that A records need no port. */
export const ports = { postgres: 5432, dns: 5353, edge: 8080, plainEdge: 8081 } as const;

/** Whoever listens here holds the network; no server of a lab lives on this host. */
const guardHost = 254;

/** Claims a free 127.x.y.0/24 and holds it until it is released or this process ends. */
export async function claimAddresses(): Promise<Addresses> {
  let last: unknown;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const network = `127.${between(10, 250)}.${between(1, 250)}`;
    try {
      return await claim(network);
    } catch (error) {
      last = error;
    }
  }
  // A listener on 0.0.0.0 takes its port on every address of 127/8, so all networks fail for the same reason.
  const taken = [ports.postgres, ports.dns, ports.edge].join(", ");
  throw new UserError(
    {
      happened: `No network 127.x.y.0/24 is free for a lab: ${messageOf(last)}.`,
      means: "The lab was not opened, and nothing was started.",
      todo: `Stop the program that listens on all addresses at one of the ports ${taken}, then start the lab again.`,
    },
    { cause: last },
  );
}

async function claim(network: string): Promise<Addresses> {
  const host = (number: number) => `${network}.${number}`;
  const guard = await listen(host(guardHost), ports.postgres);
  try {
    for (const number of [9, 110, 120]) await probe(host(number), ports.postgres);
    for (const port of [ports.edge, ports.dns]) await probe(host(guardHost), port);
    await probeUdp(host(guardHost), ports.dns);
  } catch (error) {
    await guard.close();
    throw error;
  }
  return { network, host, release: () => guard.close() };
}

async function probe(host: string, port: number): Promise<void> {
  await (await listen(host, port)).close();
}

function listen(host: string, port: number): Promise<{ close(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen({ host, port }, () => {
      // A lab that was never released must not keep its process alive.
      server.unref();
      resolve({ close: () => new Promise((closed) => server.close(() => closed())) });
    });
  });
}

/** Multicast DNS often holds 5353 on all addresses, but shares it with sockets that say reuseAddr, as the lab's do. */
function probeUdp(address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: "udp4", reuseAddr: true });
    socket.once("error", reject);
    socket.bind({ address, port }, () => socket.close(() => resolve()));
  });
}

function between(low: number, high: number): number {
  return low + Math.floor(Math.random() * (high - low + 1));
}
