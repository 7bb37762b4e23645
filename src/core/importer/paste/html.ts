/**
 * The text of a page: what a browser would copy, as far as lines of a log need it. Called by
 * documents.ts.
 */

const NAMED: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  hellip: '...',
  mdash: '-',
  ndash: '-',
  rsquo: "'",
  lsquo: "'",
  ldquo: '"',
  rdquo: '"',
};

/** Character references as characters; unknown ones stay as they are. */
export function decodeEntities(text: string): string {
  return text.replaceAll(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi,
    (whole, dec, hex, name) => {
      if (name !== undefined) return NAMED[String(name).toLowerCase()] ?? whole;
      const code = dec === undefined ? Number.parseInt(hex, 16) : Number(dec);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

/** True for a page, or a piece of one that was pasted with its markup. */
export function isHtml(text: string): boolean {
  const head = text.slice(0, 1 << 16);
  if (/<(?:!doctype html|html|body)\b/i.test(head)) return true;
  // A log has `<TASK>`, a mail has `<a@b>`; neither closes tags.
  return (
    (head.match(/<\/(?:p|div|pre|code|span|td|li|blockquote|a|b|i)>|<br ?\/?>/gi)?.length ?? 0) >= 2
  );
}

/** Tags that a line ends with. */
const BLOCKS =
  /<\/?(?:p|div|pre|table|tr|li|ul|ol|h\d|blockquote|br|hr|section|article)\b[^<>]{0,2000}>/gi;

/** The text of a page. */
export function htmlText(html: string): string {
  const plain = html
    .replaceAll(/<(script|style|head)\b[\s\S]{0,1000000}?<\/\1>/gi, '')
    .replaceAll(/<!--[\s\S]{0,1000000}?-->/g, '')
    // One line break for the tag and the newline in the source behind it.
    .replaceAll(BLOCKS, '\n')
    .replaceAll(/<\/?(?:td|th)\b[^<>]{0,2000}>/gi, ' ')
    .replaceAll(
      /<\/?(?:a|b|i|u|s|em|strong|code|span|font|tt|kbd|samp|img|body|html|tbody|thead|main|meta|link|button|details|summary|svg|path|small|sup|sub|label|input|form|nav|header|footer|title|!doctype)\b[^<>]{0,4000}>/gi,
      '',
    );
  return decodeEntities(plain);
}
