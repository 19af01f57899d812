import { posix } from "node:path";

export type Pages = ReadonlyMap<string, string>;

/** Lists the links and pictures of a page that lead into this repository. */
function localLinks(page: string): string[] {
  const links = [...withoutCode(page).matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].map((match) => match[1] ?? "");
  const pictures = [...page.matchAll(/<(?:img|source|a)\s[^>]*?(?:src|srcset|href)="([^"]+)"/g)].map(
    (match) => match[1] ?? "",
  );
  return [...links, ...pictures].filter((link) => !/^[a-z]+:/.test(link));
}

/** Says which links of the pages lead nowhere: no such file, or no such heading in it. */
export function brokenLinks(pages: Pages, exists: (file: string) => boolean): string[] {
  return [...pages].flatMap(([file, page]) =>
    localLinks(page).flatMap((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? file : posix.normalize(posix.join(posix.dirname(file), path));
      if (!exists(target)) return [`${file}: ${link} leads to no file`];
      const text = pages.get(target);
      if (anchor === undefined || text === undefined || anchorsOf(text).includes(anchor)) return [];
      return [`${file}: ${link} leads to no heading`];
    }),
  );
}

/** Lists the anchors that GitHub gives the headings of a page. */
export function anchorsOf(page: string): string[] {
  return [...withoutCode(page).matchAll(/^#{1,6}\s+(.+)$/gm)].map((match) =>
    (match[1] ?? "")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/g, "-"),
  );
}

/** Collects what a page tells people to type: the lines of its code blocks, and its code in running text. */
export function typedIn(page: string): string[] {
  const blocks = [...page.matchAll(/^```(?:sh|bash|text|console)?\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? "");
  const inline = [...withoutBlocks(page).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? "");
  return [...blocks.flatMap((block) => block.split("\n")), ...inline].map((line) => line.trim());
}

/** Finds the lines that tell people to type a command that is not there, or an option it does not take. */
export function unknownCommands(pages: Pages, usages: ReadonlyMap<string, string>): string[] {
  const pattern = /^(?:npx muster |muster |\/muster |\/(?=failover\b))(\S+)(.*)$/;
  return [...pages].flatMap(([file, page]) =>
    typedIn(page).flatMap((line) => {
      const [, verb, rest = ""] = pattern.exec(line) ?? [];
      if (verb === undefined || verb.startsWith("<")) return [];
      const options = [...(rest.split("#")[0] ?? "").matchAll(/ (--[a-z-]+)/g)].map((match) => match[1] ?? "");
      const usage = usages.get(verb);
      const known = usage !== undefined && options.every((option) => option === "--code" || usage.includes(option));
      return known ? [] : [`${file}: ${line}`];
    }),
  );
}

const withoutBlocks = (page: string) => page.replaceAll(/^```[\s\S]*?^```/gm, "");
const withoutCode = (page: string) =>
  withoutBlocks(page).replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, ""));
