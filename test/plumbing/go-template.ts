import { createHash } from "node:crypto";
import { stringify } from "yaml";

/**
 * Renders the templates of a chart as Helm does, as far as those of deploy/helm go: if, with, range, define, and the few functions
 * below. Anything else is an error, so that nobody writes a template that no test has rendered.
 */
export type Templates = Record<string, string>;

type Scope = { dot: unknown; variables: Record<string, unknown>; root: object };
type Node =
  | { kind: "text"; text: string }
  | { kind: "value"; pipe: string }
  | { kind: "if" | "with" | "range"; pipe: string; body: Node[] }
  | { kind: "define"; name: string; body: Node[] };

/** Renders every template but the helpers, by file name. @throws Error for what Helm would refuse, or this does not know */
export function renderChart(templates: Templates, root: object): Templates {
  const parsed = Object.entries(templates).map(([file, text]) => [file, parse(text)] as const);
  const helpers = new Map(
    parsed.flatMap(([, nodes]) => nodes.flatMap((node) => (node.kind === "define" ? [[node.name, node.body]] : []))),
  );
  const render = renderer(helpers);
  const scope = { dot: root, root, variables: { $: root } };
  const pages = parsed.filter(([file]) => !file.startsWith("_"));
  return Object.fromEntries(pages.map(([file, nodes]) => [file, render(nodes, scope)]));
}

function parse(text: string): Node[] {
  const tokens = [...text.matchAll(/\{\{(-?)\s*(.*?)\s*(-?)\}\}/gs)];
  const open: { node?: Node; body: Node[] }[] = [{ body: [] }];
  const add = (node: Node) => open.at(-1)?.body.push(node);
  let at = 0;
  let trimNext = false;
  const addText = (piece: string, trimEnd: boolean) => {
    const start = trimNext ? piece.trimStart() : piece;
    add({ kind: "text", text: trimEnd ? start.trimEnd() : start });
  };
  for (const token of tokens) {
    const [whole, left, action = "", right] = token;
    addText(text.slice(at, token.index), left === "-");
    at = token.index + whole.length;
    trimNext = right === "-";
    const [, word = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(action) ?? [];
    if (word === "end") open.pop();
    else if (word === "if" || word === "with" || word === "range" || word === "define") {
      const body: Node[] = [];
      add(word === "define" ? { kind: word, name: unquoted(rest), body } : { kind: word, pipe: rest, body });
      open.push({ body });
    } else add({ kind: "value", pipe: action });
  }
  addText(text.slice(at), false);
  if (open.length !== 1) throw new Error("an action is not ended");
  return open[0]?.body ?? [];
}

type Render = (nodes: readonly Node[], scope: Scope) => string;

function renderer(helpers: ReadonlyMap<string, Node[]>): Render {
  const render: Render = (nodes, scope) => nodes.map((node) => renderOne(node, scope)).join("");
  const renderOne = (node: Node, scope: Scope): string => {
    if (node.kind === "text") return node.text;
    if (node.kind === "define") return "";
    if (node.kind === "range") return renderRange(node, scope);
    const value = evaluate(node.pipe, scope);
    if (node.kind === "value") return shown(value);
    if (isEmpty(value)) return "";
    return render(node.body, node.kind === "with" ? { ...scope, dot: value } : scope);
  };
  const renderRange = ({ pipe, body }: { pipe: string; body: Node[] }, scope: Scope): string => {
    const [, key = "", item = "", over = ""] = /^(\$\w+),\s*(\$\w+)\s*:=\s*(.*)$/.exec(pipe) ?? [];
    const entries = Object.entries(evaluate(over, scope) ?? {}).toSorted(([one], [other]) => (one < other ? -1 : 1));
    return entries
      .map(([name, dot]) =>
        render(body, { ...scope, dot, variables: { ...scope.variables, [key]: name, [item]: dot } }),
      )
      .join("");
  };

  const evaluate = (pipe: string, scope: Scope): unknown =>
    pipe.split(/\s\|\s/).reduce<unknown[]>((piped, stage) => [runStage(stage.trim(), piped, scope)], [])[0];
  const runStage = (stage: string, piped: unknown[], scope: Scope): unknown => {
    const [head = "", ...rest] = stage.match(/"[^"]*"|\S+/g) ?? [];
    if (!/^[a-z]\w*$/i.test(head)) return operand(head, scope);
    const given = [...rest.map((word) => operand(word, scope)), ...piped];
    if (head === "include") {
      const helper = helpers.get(String(given[0]));
      if (!helper) throw new Error(`there is no helper ${String(given[0])}`);
      return render(helper, { ...scope, dot: given[1] });
    }
    const known = functions[head];
    if (!known) throw new Error(`the function ${head} is not known here`);
    return known(...given);
  };
  return render;
}

const functions: Record<string, (...given: unknown[]) => unknown> = {
  default: (fallback, value) => (isEmpty(value) ? fallback : value),
  or: (...given) => given.find((value) => !isEmpty(value)) ?? given.at(-1),
  quote: (value) => JSON.stringify(shown(value)),
  required(message, value) {
    if (isEmpty(value)) throw new Error(String(message));
    return value;
  },
  nindent: (spaces, text) => `\n${shown(text).replaceAll(/^/gm, " ".repeat(Number(spaces)))}`,
  toYaml: (value) => stringify(value).trimEnd(),
  sha256sum: (text) => createHash("sha256").update(String(text)).digest("hex"),
};

function operand(word: string, { dot, variables, root }: Scope): unknown {
  if (word.startsWith('"')) return unquoted(word);
  if (/^\d+$/.test(word)) return Number(word);
  if (word === ".") return dot;
  if (word.startsWith("$")) {
    if (word in variables) return variables[word];
    throw new Error(`the variable ${word} is not known here`);
  }
  if (!/^(\.\w+)+$/.test(word)) throw new Error(`"${word}" is not known here`);
  // Inside `with`, the dot is what was found: a path from the top would be empty there.
  const from = dot === root || !/^\.(?:Values|Release|Chart)\b/.test(word) ? dot : undefined;
  if (from === undefined) throw new Error(`${word} is not there inside with`);
  return word
    .slice(1)
    .split(".")
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], from);
}

const unquoted = (text: string): string => JSON.parse(text) as string;
const shown = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === false ||
  value === 0 ||
  (typeof value === "object" && Object.keys(value).length === 0);
