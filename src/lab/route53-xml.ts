/** An XML element as AWS writes it: text or elements, attributes do not matter. */
export type Element = { name: string; text: string; children: Element[] };

/** Reads the little XML that AWS clients send. Throws on tags that do not match. */
export function parseXml(source: string): Element {
  const root: Element = { name: "", text: "", children: [] };
  const open = [root];
  for (const [, tag, text] of source.matchAll(/<([^>]+)>|([^<]+)/g)) {
    const parent = open.at(-1) ?? root;
    if (text !== undefined) parent.text += unescapeXml(text);
    else if (tag?.startsWith("?") || tag?.startsWith("!")) continue;
    else if (tag?.startsWith("/")) {
      if (open.length < 2 || parent.name !== tag.slice(1).trim()) throw new Error(`unexpected </${tag.slice(1)}>`);
      open.pop();
    } else if (tag) {
      const element = { name: tag.split(/[\s/]/)[0] ?? "", text: "", children: [] };
      parent.children.push(element);
      if (!tag.endsWith("/")) open.push(element);
    }
  }
  const [first] = root.children;
  if (open.length !== 1 || !first) throw new Error("the document ends too early");
  return first;
}

/** Finds the child elements of one name. */
export function childrenOf(element: Element | undefined, name: string): Element[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

/** Finds the text of a child element; undefined when it is not there. */
export function textOf(element: Element | undefined, name: string): string | undefined {
  return childrenOf(element, name)[0]?.text.trim();
}

/** Writes one element; what is undefined is left out, and text is escaped. */
export function xml(name: string, content: string | number | boolean | undefined): string {
  return content === undefined ? "" : `<${name}>${escapeXml(String(content))}</${name}>`;
}

/** Writes one element around elements that are XML already. */
export function wrap(name: string, ...inner: string[]): string {
  return `<${name}>${inner.join("")}</${name}>`;
}

function escapeXml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

function unescapeXml(text: string): string {
  return text
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&#(\d+);/g, (_all, code: string) => String.fromCodePoint(Number(code)))
    .replace(/&#x([0-9a-f]+);/gi, (_all, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replace(/&amp;/g, "&");
}
