/** Elements of the page. Text is only ever set as text: names in a trace may hold anything. */

/** What an element may be given besides its children. */
export type Props = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element with attributes and children; a string is a text. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props: Props = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  setAll(made, props);
  made.append(...children);
  return made;
}

const SVG = 'http://www.w3.org/2000/svg';

/** The same of SVG. */
export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  props: Props = {},
  ...children: readonly (Node | string)[]
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS(SVG, tag);
  setAll(made, props);
  made.append(...children);
  return made;
}

function setAll(made: Element, props: Props): void {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? '' : visible(String(value)));
  }
}

// Direction marks would turn the text around them; control characters would not be seen.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is meant.
const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** A text of the trace with what cannot be seen written out: `\u202e`. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (char) => {
    const code = char.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}

/** A section with a heading that the contents list. */
export function section(id: string, title: string, about: string): HTMLElement {
  const heading = el('h2', { id: `${id}-title` }, title);
  return el('section', { id, 'aria-labelledby': `${id}-title` }, heading, el('p', {}, about));
}
