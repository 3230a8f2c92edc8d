/**
 * Reads what an instance answered: bytes or parsed JSON, in the two forms there are, an array of fragments (Medusa) or
 * an object with `fragments` and `session` (ours).
 *
 * Fragments are checked one by one, as `renderedFragment` of the protocol would: one that is none costs itself only.
 * What a provider has no say in (`service`, `version`, `report`) is left out.
 *
 * @module
 */
import { isAscii, isUtf8 } from 'node:buffer'
import {
  FALLBACK_REASONS,
  type FallbackReason,
  type FragmentAssets,
  isJsonTooDeep,
  MOST_ASSET_LENGTH,
  MOST_ASSETS,
  type RenderedFragment,
  type RenderRequest,
} from '@hydra-gateway/protocol'
import { MOST_VALUE_DEPTH } from '@hydra-gateway/protocol/fragments'
import { isPlainData } from './plain-data.ts'
import type { RenderFailure, RenderReceiver } from './port.ts'

/** What came. */
export interface Rendered {
  readonly fragments: readonly RenderedFragment[]
  /** Undefined leaves what is kept as it is. */
  readonly session: unknown
  /** Something in it could not be used; the rest could. */
  readonly fault: string | undefined
}

/** Largest HTML of a fragment when a request doesn't say. */
const DEFAULT_FRAGMENT_BYTES = 1024 * 1024
/** Exports, assets and a session beside the HTML. */
const ROOM_BYTES = 64 * 1024
/** Nothing larger is parsed, as that is done in one piece; one fragment of 4 MiB always fits. */
const MOST_ANSWER_BYTES = 9 * 1024 * 1024

/** What one fragment may have on its way: twice its HTML, as quotes and line ends are escaped in JSON. */
export function fragmentLimit({ maxBytes = DEFAULT_FRAGMENT_BYTES }: RenderRequest): number {
  return 2 * maxBytes + ROOM_BYTES
}

/** What an answer may have that is read in one piece. */
export function answerLimit(request: RenderRequest): number {
  return Math.min(MOST_ANSWER_BYTES, request.requests.length * fragmentLimit(request))
}

/** What is smaller has room for few brackets. */
const DEEP_BYTES = 16 * 1024

const NOTHING: readonly RenderedFragment[] = []

function nothing(fault: string): Rendered {
  return { fragments: NOTHING, session: undefined, fault }
}

/** Of valid UTF-8, without the mark some put before it. */
function textOf(bytes: Uint8Array): string {
  const from = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, bytes.byteLength - from)
  return text.toString(isAscii(text) ? 'latin1' : 'utf8')
}

/** Reads the body of an answer. */
export function readBody(bytes: Uint8Array): Rendered {
  if (!isUtf8(bytes)) return nothing('the answer is not UTF-8')
  const text = textOf(bytes)
  if (bytes.length > DEEP_BYTES && isJsonTooDeep(text)) return nothing('the answer is nested too deep')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return nothing('the answer is not JSON')
  }
  return readRendered(value)
}

/** Reads parsed JSON. */
export function readRendered(value: unknown): Rendered {
  if (Array.isArray(value)) return { ...readFragments(value), session: undefined }
  const list = own(value, 'fragments')
  if (!Array.isArray(list)) return nothing('the answer is neither an array nor an object with fragments')
  const { fragments, fault } = readFragments(list)
  const session = own(value, 'session')
  // It goes back in other messages than the one it came in.
  if (isPlainData(session, MOST_VALUE_DEPTH)) return { fragments, session, fault }
  return {
    fragments,
    session: undefined,
    fault: fault ?? 'the session is nested too deep or has a forbidden key',
  }
}

/** Tells a receiver what came and that it was all; it may cancel at any of it. */
export function giveRendered(rendered: Rendered, receiver: RenderReceiver, isCancelled: () => boolean): void {
  giveFragments(rendered, receiver, isCancelled)
  if (!isCancelled()) receiver.onEnd(rendered.fault === undefined ? undefined : unreadable(rendered.fault))
}

/** Tells a receiver what came, with more to come. */
export function giveFragments(
  { fragments, session }: Rendered,
  receiver: RenderReceiver,
  isCancelled: () => boolean,
): void {
  // First: with the last fragment the page may be done, and what comes later is not kept.
  if (session !== undefined) receiver.onSession(session)
  for (const fragment of fragments) {
    if (isCancelled()) return
    receiver.onFragment(fragment)
  }
}

/** What came is not what was agreed. */
export function unreadable(detail: string): RenderFailure {
  return { reason: 'unreadable', nothingSent: false, isRefusal: false, detail }
}

/** More came than was allowed. */
export function tooLarge(mostBytes: number): RenderFailure {
  const detail = `the answer has more than ${mostBytes} bytes`
  return { reason: 'too-large', nothingSent: false, isRefusal: false, detail }
}

/** A fragment may come in several pieces, but not in any number. */
const MOST_PIECES = 10_000

function readFragments(list: readonly unknown[]): Pick<Rendered, 'fragments' | 'fault'> {
  if (list.length > MOST_PIECES) return nothing(`the answer has more than ${MOST_PIECES} fragments`)
  const fragments: RenderedFragment[] = []
  for (const each of list) {
    const fragment = readFragment(each)
    if (fragment) fragments.push(fragment)
  }
  const bad = list.length - fragments.length
  return { fragments, fault: bad === 0 ? undefined : `${bad} of ${list.length} fragments are not as agreed` }
}

function readFragment(value: unknown): RenderedFragment | undefined {
  const id = own(value, 'id')
  const renderedHTML = own(value, 'renderedHTML')
  if (typeof id !== 'string' || (typeof renderedHTML !== 'string' && renderedHTML !== null)) return undefined
  const exports = own(value, 'exports') ?? undefined
  const assets = own(value, 'assets') ?? undefined
  if (renderedHTML === null) {
    const reason = REASONS.find((word) => word === own(value, 'reason'))
    return reason ? { id, renderedHTML, reason } : { id, renderedHTML }
  }
  if (exports === undefined && assets === undefined) return { id, renderedHTML }
  if (exports !== undefined && !(isRecord(exports) && isPlainData(exports))) return undefined
  if (assets !== undefined && !isAssets(assets)) return undefined
  return { id, renderedHTML, ...(exports && { exports }), ...(assets && { assets: plainAssets(assets) }) }
}

const REASONS: readonly FallbackReason[] = FALLBACK_REASONS

function isAssets(value: unknown): value is FragmentAssets {
  return isRecord(value) && isAssetList(own(value, 'styles')) && isAssetList(own(value, 'scripts'))
}

function isAssetList(value: unknown): boolean {
  if (value === undefined) return true
  if (!Array.isArray(value) || value.length > MOST_ASSETS) return false
  return value.every((each) => typeof each === 'string' && each.length <= MOST_ASSET_LENGTH)
}

function plainAssets({ styles, scripts }: FragmentAssets): FragmentAssets {
  return { ...(styles && { styles }), ...(scripts && { scripts }) }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function own(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}
