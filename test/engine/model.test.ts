import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { breakableRules } from "../../src/engine/break-glass.ts";
import { Simulation, people, verbs } from "./simulation.ts";

const runs = Number(process.env["MODEL_RUNS"] ?? 2000);
const seed = Number(process.env["MODEL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

type Real = Simulation;
type Command = fc.Command<object, Real>;

/** Makes a command that does one thing to the simulation and then checks every invariant. */
function command(name: string, act: (simulation: Real) => void): Command {
  return {
    check: () => true,
    run: (_model, simulation) => {
      act(simulation);
      simulation.checkInvariants();
    },
    toString: () => name,
  };
}

const stepIds = ["shop/point", "shop/fence", "shop/ask", "shop/promote", "shop/verify", "shop/shift"];
const fault = fc.constantFrom(
  "none",
  "none",
  "none",
  "before",
  "after",
  "refused",
  "crash-before",
  "crash-after",
  "unseen",
  "look-fails",
);

const commandsOn = (ids: readonly string[]) => [
  fc.constant(command("two approve", (s) => s.approve())),
  fc
    .tuple(
      fc.constantFrom(...verbs),
      fc.constantFrom(...people),
      fc.option(fc.constantFrom(...ids), { nil: undefined }),
    )
    .map(([verb, by, step]) => command(`${by} says ${verb} ${step ?? ""}`, (s) => s.signal(verb, by, step))),
  fc.array(fault, { maxLength: 6 }).map((faults) => command(`wake [${faults.join()}]`, (s) => s.wake(faults))),
  fc.integer({ min: 1, max: 900 }).map((seconds) => command(`${seconds} s pass`, (s) => s.pass(seconds))),
  fc.constantFrom(...ids).map((id) => command(`somebody else reverts ${id}`, (s) => s.revert(id))),
];
const commands = commandsOn(stepIds);
const inWaves = commandsOn(new Simulation({ waves: true }).plan.nodes.map(({ id }) => id));

describe(`decide, as a model (seed ${seed})`, () => {
  it("keeps its promises whatever people say, whatever fails and wherever it crashes", () => {
    fc.assert(
      fc.property(fc.commands(commands, { maxCommands: 60, size: "max" }), (sequence) => {
        fc.modelRun(() => ({ model: {}, real: new Simulation() }), sequence);
      }),
      { seed, numRuns: runs },
    );
  });

  it("keeps every rule that nobody broke, whichever others somebody did", () => {
    const broken = fc.subarray([...breakableRules], { minLength: 1 });
    fc.assert(
      fc.property(broken, fc.commands(commands, { maxCommands: 40, size: "max" }), (rules, sequence) => {
        const simulation = new Simulation({ rules });
        fc.modelRun(() => ({ model: {}, real: simulation }), sequence);
        simulation.finishKindly();
        simulation.checkInvariants();
        expect(simulation.view().ended).toBeDefined();
      }),
      { seed, numRuns: runs },
    );
  });

  it("ends every approved run once people say yes and nothing fails any more", () => {
    fc.assert(
      fc.property(fc.commands(commands, { maxCommands: 30, size: "max" }), (sequence) => {
        const simulation = new Simulation();
        fc.modelRun(() => ({ model: {}, real: simulation }), sequence);
        simulation.finishKindly();
        simulation.checkInvariants();
        expect(simulation.view().ended).toBeDefined();
      }),
      { seed, numRuns: runs },
    );
  });

  it("ends every run in waves too, wherever it is turned back", () => {
    fc.assert(
      fc.property(fc.commands(inWaves, { maxCommands: 30, size: "max" }), fc.boolean(), (sequence, back) => {
        const simulation = new Simulation({ waves: true });
        simulation.approve();
        fc.modelRun(() => ({ model: {}, real: simulation }), sequence);
        if (back) simulation.signal("cancel", "ben");
        simulation.finishKindly();
        simulation.checkInvariants();
        expect(simulation.view().ended).toBeDefined();
      }),
      { seed, numRuns: Math.ceil(runs / 4) },
    );
  });

  it("would notice a decision that starts a step before what it waits for", () => {
    const simulation = new Simulation({ breaks: "order" });
    expect(() => {
      simulation.approve();
      simulation.wake([]);
      simulation.checkInvariants();
    }).toThrow(/"shop\/promote" was tried before/);
  });

  it("would notice a settle window shorter than the read lag", () => {
    const simulation = new Simulation({ breaks: "settle" });
    simulation.approve();
    simulation.wake(["after"]);
    simulation.pass(10);
    simulation.wake([]);
    expect(() => simulation.checkInvariants()).toThrow(/though it had been made already/);
  });
});
