/**
 * A request for fragments of this service, read: whoever sends it, only what is understood goes on.
 *
 * @module
 */
import { type FragmentContext, fragmentContext } from '@hydra-gateway/protocol'
import { parseTransfers, readValue, type Transfer } from '@hydra-gateway/protocol/fragments'

/** One fragment that is asked for. */
export interface AskedFragment {
  readonly id: string
  readonly ref: string
  /** By the names the fragment knows them by. */
  readonly values: Readonly<Record<string, unknown>>
}

export interface AskedFragments {
  readonly fragments: readonly AskedFragment[]
  readonly session: unknown
  readonly context: FragmentContext
  readonly maxBytes: number | undefined
}

const MOST_FRAGMENTS = 10_000
type Values = Readonly<Record<string, unknown>>

/** Reads a request. @throws TypeError with a sentence when it is none */
export function readRenderRequest(data: unknown): AskedFragments {
  if (!isObject(data)) throw new TypeError('a request for fragments is an object')
  const { requests, session } = data
  if (!Array.isArray(requests)) throw new TypeError('requests must be a list')
  if (requests.length > MOST_FRAGMENTS)
    throw new TypeError(`${requests.length} fragments at once are too many, at most ${MOST_FRAGMENTS}`)
  const context = fragmentContext.safeParse(data.context ?? {})
  if (!context.success) {
    const [issue] = context.error.issues
    throw new TypeError(`${['context', ...(issue?.path ?? [])].join('.')}: ${issue?.message}`)
  }
  const attributes = isObject(data.attributes) ? data.attributes : {}
  const fragments = new Map<string, AskedFragment>()
  for (const [index, item] of requests.entries()) {
    if (!isObject(item) || !isName(item.id) || !isName(item.ref))
      throw new TypeError(`requests.${index}: id and ref must be texts`)
    // Whoever asks for one id twice has one place for it.
    if (!fragments.has(item.id))
      fragments.set(item.id, { id: item.id, ref: item.ref, values: valuesOf(item, attributes) })
  }
  return {
    fragments: [...fragments.values()],
    session: session ?? undefined,
    context: context.data,
    maxBytes: typeof data.maxBytes === 'number' && data.maxBytes >= 0 ? data.maxBytes : undefined,
  }
}

/** A gateway of ours sends each fragment its own values; Medusa's all attributes of the page, and the tag's imports. */
function valuesOf({ values, imports }: Values, attributes: Values): Values {
  if (isObject(values)) return values
  if (!Array.isArray(imports) || imports.length === 0) return attributes
  const transfers = imports.filter(isName).flatMap(readImport)
  return Object.fromEntries(
    transfers.flatMap(({ from, to }) => {
      const value = readValue(attributes, from)
      return value === undefined ? [] : [[to, value]]
    }),
  )
}

function readImport(item: string): Transfer[] {
  try {
    return parseTransfers(item)
  } catch (fault) {
    throw new TypeError(`imports: ${(fault as Error).message}`)
  }
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
