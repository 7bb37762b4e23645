/**
 * What addresses stand for: functions, from the `/proc/kallsyms` that a trace.dat embeds, and
 * texts, from its `printk_formats`. Called by the printer for `%pS`, `%ps`, and `%s` of an address.
 * Nothing is parsed before the first address is asked for.
 */

/** Looks up addresses. */
export class KernelSymbols {
  readonly #kallsyms: string;
  readonly #printk: string;
  #texts: Map<bigint, string> | null = null;
  #addresses: BigUint64Array | null = null;
  #names: string[] = [];

  /** Both as they stand; a kallsyms whose addresses are masked has no names. */
  constructor(kallsyms: string, printk: string) {
    this.#kallsyms = kallsyms;
    this.#printk = printk;
  }

  /** The text that the kernel keeps at an address, undefined if it is not known. */
  text(address: bigint): string | undefined {
    if (this.#texts === null) {
      this.#texts = new Map();
      // 0xffffffff82a1b0c8 : "rcu_sched"
      for (const [, at, text = ''] of this.#printk.matchAll(/^(0x[0-9a-f]{1,16}) : "(.*)"$/gm)) {
        this.#texts.set(BigInt(`${at}`), text);
      }
    }
    return this.#texts.get(address);
  }

  /** `name [module]` with `+0xoffset/0xsize` if asked for; the address in hex if not known. */
  name(address: bigint, withOffset: boolean): string {
    const addresses = this.#load();
    const index = lastAtMost(addresses, address);
    const start = addresses[index];
    if (start === undefined || start === 0n) return `0x${address.toString(16)}`;
    const [, name = '', module = ''] = /^(\S+)(.*)$/.exec(this.#names[index] as string) ?? [];
    if (!withOffset) return name + module;
    const next = addresses[index + 1] ?? start;
    return `${name}+0x${(address - start).toString(16)}/0x${(next - start).toString(16)}${module}`;
  }

  #load(): BigUint64Array {
    if (this.#addresses !== null) return this.#addresses;
    const found: [bigint, string][] = [];
    // ffffffffc0a1b000 t afs_alloc_call	[kafs]
    for (const match of this.#kallsyms.matchAll(/^([0-9a-f]{1,16}) \w (\S+)(?:\s+(\[\S+\]))?$/gm)) {
      const [, address, name, module] = match;
      found.push([BigInt(`0x${address}`), module === undefined ? `${name}` : `${name} ${module}`]);
    }
    found.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#names = found.map(([, name]) => name);
    this.#addresses = BigUint64Array.from(found, ([address]) => address);
    return this.#addresses;
  }
}

/** Index of the last of the ascending `values` that is at most `wanted`; -1 if none is. */
function lastAtMost(values: BigUint64Array, wanted: bigint): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] as bigint) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
