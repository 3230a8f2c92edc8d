/**
 * What of a page has not left yet, in the order of the document: text, and things that are no text.
 *
 * Text is borrowed until `keep`, which copies what has not left by then; small pieces are put together.
 *
 * @module
 */

/** What waits in small pieces is put together in pieces of this size. */
const KEPT_BYTES = 2048

/** Text that waits; a copy with room behind it. */
class Kept {
  readonly #bytes: Buffer
  #end = 0

  constructor(bytes: number) {
    this.#bytes = Buffer.allocUnsafe(bytes)
  }

  get text(): Buffer {
    return this.#bytes.subarray(0, this.#end)
  }

  hasRoom(bytes: number): boolean {
    return this.#end + bytes <= this.#bytes.length
  }

  add(text: Buffer): void {
    this.#end += text.copy(this.#bytes, this.#end)
  }
}

export class PageQueue<T extends object | number> {
  /** Bytes that wait: text, and what `reserve` was told. */
  bytes = 0
  readonly #items: (Buffer | Kept | T)[] = []
  /** Of the first item that has not left; those before it are gone. */
  #at = 0
  /** Items since the last `keep`, which are the last ones: their memory may be borrowed. */
  #borrowed = 0

  get isEmpty(): boolean {
    return this.#at === this.#items.length
  }

  /** The first item; undefined when there is none. */
  get first(): Buffer | T | undefined {
    const item = this.#items[this.#at]
    return item instanceof Kept ? item.text : item
  }

  push(item: Buffer | T): void {
    this.#items.push(item)
    this.#borrowed++
    if (Buffer.isBuffer(item)) this.bytes += item.length
  }

  /** Something that is no text needs memory while it waits; negative when it doesn't any more. */
  reserve(bytes: number): void {
    this.bytes += bytes
  }

  /** The first one leaves. */
  shift(): void {
    const { first } = this
    if (Buffer.isBuffer(first)) this.bytes -= first.length
    this.#at++
    if (this.#at === this.#items.length) this.clear()
    else if (this.#at > 1000) {
      this.#items.splice(0, this.#at)
      this.#at = 0
    }
  }

  /** These stand where the first one stood; texts among them are copies, and what they need was reserved. */
  replace(items: readonly (Buffer | T)[]): void {
    this.#items.splice(this.#at, 1, ...items)
  }

  /** Nothing waits any more. */
  clear(): void {
    this.#items.length = 0
    this.#at = 0
    this.#borrowed = 0
  }

  /** The memory of the last texts is about to change: they are copied. */
  keep(): void {
    const items = this.#items
    const from = Math.max(this.#at, items.length - this.#borrowed)
    this.#borrowed = 0
    if (from >= items.length) return
    const late = items.splice(from)
    for (let i = 0; i < late.length; ) {
      const item = late[i]!
      if (!Buffer.isBuffer(item)) {
        items.push(item)
        i++
        continue
      }
      let end = i
      let bytes = 0
      for (let text = late[i]; Buffer.isBuffer(text); text = late[++end]) bytes += text.length
      // Room is left behind the last one alone: only there more text may come.
      const last = items.length > this.#at ? items.at(-1) : undefined
      let kept = last instanceof Kept && last.hasRoom(bytes) ? last : undefined
      if (!kept) {
        kept = new Kept(end < late.length ? bytes : Math.max(bytes, KEPT_BYTES))
        items.push(kept)
      }
      for (; i < end; i++) kept.add(late[i] as Buffer)
    }
  }
}
