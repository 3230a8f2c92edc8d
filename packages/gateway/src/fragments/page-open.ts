/**
 * The fragments and menus of a page whose end has not come yet, and what they hold so far.
 *
 * One that never ends, or holds more than may be kept, is left out: what it holds belongs to the page then.
 *
 * @module
 */
import { type FragmentTag, type MenuTag, neverClosed, type Position } from '@hydra-gateway/protocol/fragments'

/** A fragment as it stands in the page. Fallbacks are copies. */
export interface FragmentPart {
  readonly tag: FragmentTag
  /** Of its `<` in the page. */
  readonly offset: number
  /** Of its start tag, as it is written. */
  readonly tagBytes: number
  readonly fallback: readonly Part[]
}
export type Part = Buffer | FragmentPart

/** A fragment or a menu. Without a tag it was left out, and only its content counts. */
export interface OpenPart {
  readonly tag?: FragmentTag | undefined
  readonly menu?: MenuTag | undefined
  /** Of its name: `m` in `<m:fragment …>`. */
  readonly prefix: string
  readonly offset: number
  readonly tagBytes: number
  readonly fallback: Part[]
}

export interface OpenHandler {
  /** Page as it is; valid during the call only unless it is a copy. */
  onText(bytes: Buffer, isCopy: boolean): void
  onFragment(part: FragmentPart): void
  onDropped(what: 'unclosed' | 'fallback-too-large', at: Position, detail: string): void
}

export class OpenParts {
  readonly #handler: OpenHandler
  readonly #maxFallbackBytes: number
  /** The outermost first. */
  readonly #open: OpenPart[] = []
  #bytes = 0
  #menus = 0

  constructor(handler: OpenHandler, maxFallbackBytes: number) {
    this.#handler = handler
    this.#maxFallbackBytes = maxFallbackBytes
  }

  get isEmpty(): boolean {
    return this.#open.length === 0
  }

  /** Whether a menu is open, however far out. */
  get isInMenu(): boolean {
    return this.#menus > 0
  }

  /** Where the outermost begins; infinite without one. */
  get openAt(): number {
    return this.#open[0]?.offset ?? Number.POSITIVE_INFINITY
  }

  /** Something begins. One that is left out holds nothing back where it is the outermost: nobody hears of its end. */
  begin(part: OpenPart): void {
    const isInside = !this.isEmpty
    if (!isInside && placeOf(part) === undefined) return
    this.#open.push(part)
    if (part.menu) this.#menus++
    if (isInside) this.grow(part.tagBytes)
  }

  /** The innermost ends. What it counted for counts on, as part of what is around it. */
  end(): OpenPart | undefined {
    const ended = this.#open.pop()
    if (ended?.menu) this.#menus--
    if (this.isEmpty) this.#bytes = 0
    return ended && { ...ended, fallback: joined(ended.fallback) }
  }

  /** Puts content where it belongs: into what is around it, or into the page. */
  place(part: Part): void {
    const around = this.#open.at(-1)
    if (around) around.fallback.push(part)
    else this.#tell(part)
  }

  /** Text that is a copy. */
  put(bytes: Buffer): void {
    this.place(bytes)
    this.grow(bytes.length)
  }

  /** What is open holds so much more; less, where it is negative. */
  grow(bytes: number): void {
    if (this.isEmpty) return
    this.#bytes += bytes
    if (this.#bytes > this.#maxFallbackBytes) this.#unwrapLarge()
  }

  /** The page is over: what is open has no end. */
  unwrapAll(): void {
    while (!this.isEmpty) {
      const [{ tag, menu, prefix }] = this.#open as [OpenPart]
      if (tag) this.#handler.onDropped('unclosed', tag.at, neverClosed(prefix))
      if (menu) this.#handler.onDropped('unclosed', menu.at, neverClosed(prefix, 'menu'))
      this.#unwrap()
    }
  }

  /** The outermost is left out: what it holds belongs to the page, and the next one is the outermost. */
  #unwrap(): void {
    const outermost = this.#open.shift()!
    if (outermost.menu) this.#menus--
    const next = this.#open[0]
    // What counted as content of the one around it does no more.
    this.#bytes = next ? this.#bytes - next.tagBytes : 0
    for (const part of outermost.fallback) this.#tell(part)
  }

  #unwrapLarge(): void {
    const most = this.#maxFallbackBytes
    while (!this.isEmpty && (this.#bytes > most || placeOf(this.#open[0]!) === undefined)) {
      const [outermost] = this.#open as [OpenPart]
      const at = placeOf(outermost)
      if (at) {
        const detail = `its fallback has more than ${most} bytes (fragments.maxFallbackBytes)`
        this.#handler.onDropped('fallback-too-large', at, detail)
      }
      this.#bytes -= sizeOf(outermost.fallback)
      this.#unwrap()
    }
  }

  #tell(part: Part): void {
    if (Buffer.isBuffer(part)) this.#handler.onText(part, true)
    else this.#handler.onFragment(part)
  }
}

/** Where it stands; undefined for one that was left out. */
function placeOf({ tag, menu }: OpenPart): Position | undefined {
  return (tag ?? menu)?.at
}

/** Text that stands together as one: what holds it, in any number of others, moves it as one each time one of them ends. */
function joined(parts: Part[]): Part[] {
  const whole: Part[] = []
  for (let at = 0; at < parts.length; ) {
    const part = parts[at]!
    let to = at + 1
    if (Buffer.isBuffer(part)) while (to < parts.length && Buffer.isBuffer(parts[to])) to++
    whole.push(to - at > 1 ? Buffer.concat(parts.slice(at, to) as Buffer[]) : part)
    at = to
  }
  return whole
}

/** Bytes of a fallback, tags and all: each of them costs memory too. */
export function sizeOf(parts: readonly Part[]): number {
  let size = 0
  for (const part of parts)
    size += Buffer.isBuffer(part) ? part.length : part.tagBytes + sizeOf(part.fallback)
  return size
}
