/**
 * How we ask a provider: only over TLS unless its operator said otherwise, for so long and for so much at most, and
 * never where an answer sends us.
 *
 * @module
 */
import { isLoopback } from '@hydra-gateway/protocol'
import { compileAddressList } from '../../address/address-list.ts'
import { NEVER_ASKED } from '../../address/never-asked.ts'

/** A provider was asked, or was to be asked, in a way we don't ask. A constant word. */
export class AskingError extends Error {
  readonly code: 'insecure' | 'oversize'

  constructor(code: AskingError['code']) {
    super(code)
    this.name = 'AskingError'
    this.code = code
  }
}

/** What this part needs of `fetch`; the options of both libraries fit. */
export type Ask = (
  url: string,
  options: {
    readonly method: string
    readonly headers: Record<string, string> | Headers
    readonly body?: unknown
    readonly signal?: AbortSignal | undefined
  },
) => Promise<Response>

/** Largest answer: metadata, keys, tokens and claims are a few KB. */
const MAX_BYTES = 256 * 1024

/** What of a provider's own words decides where it is asked. */
export interface AskingRules {
  /** http is taken from anywhere. */
  readonly allowInsecure: boolean
  /** It may be asked on this machine: because its issuer is there, or its operator says so. */
  readonly isHere: boolean
}

/** What holds for a provider with this issuer. */
export function askingRules(issuer: string, allowInsecure: boolean): AskingRules {
  return { allowInsecure, isHere: allowInsecure || isOwnMachine(new URL(issuer).hostname) }
}

/** Asks one provider. Answers are read whole: what the library gets is all there is. */
export function createAsk({
  rules,
  timeoutMs,
  maxBytes = MAX_BYTES,
}: {
  readonly rules: AskingRules
  readonly timeoutMs: number
  readonly maxBytes?: number
}): Ask {
  return async (url, { method, headers, body, signal }) => {
    if (!isTakenUrl(url, rules)) throw new AskingError('insecure')
    const limit = AbortSignal.timeout(timeoutMs)
    const response = await fetch(url, {
      method,
      headers,
      body: (body ?? null) as URLSearchParams | null,
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    })
    const { status, statusText, headers: answered } = response
    return new Response(await readUpTo(response, maxBytes), { status, statusText, headers: answered })
  }
}

/**
 * Whether a provider may be asked there, or a browser be sent there: by https, or http on this machine. A provider that
 * is elsewhere has nothing to say about this machine, and none about addresses of link-local and metadata services.
 */
export function isTakenUrl(text: unknown, { allowInsecure, isHere }: AskingRules): text is string {
  if (typeof text !== 'string' || !URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '' || NEVER_ASKED.has(bare(hostname))) return false
  const isOwn = isOwnMachine(hostname)
  if (isOwn && !isHere) return false
  return protocol === 'https:' || (protocol === 'http:' && (allowInsecure || isOwn))
}

function isOwnMachine(hostname: string): boolean {
  // The URL parser has written every form of an IPv4 address out.
  const host = bare(hostname)
  return host === 'localhost' || host.endsWith('.localhost') || isLoopback(host) || LOOPBACK.has(host)
}

/** Also IPv4 written as IPv6. */
const LOOPBACK = compileAddressList(['loopback'])

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}

async function readUpTo(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!response.body) return null
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    // Leaving the loop cancels the rest.
    if (size > maxBytes) throw new AskingError('oversize')
    chunks.push(chunk)
  }
  return [204, 205, 304].includes(response.status) ? null : new Uint8Array(Buffer.concat(chunks))
}
