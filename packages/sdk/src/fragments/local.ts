/**
 * The fragments of this service, rendered: by its own pages in process, and for others by `renders.ts`.
 *
 * What crosses is what was declared, in both directions, as copies. What a handler returns is read in `output.ts`.
 *
 * @module
 */
import { setMaxListeners } from 'node:events'
import {
  type FragmentAssets,
  type FragmentContext,
  MOST_ASSETS,
  MOST_CHAIN,
  MOST_REF_LENGTH,
  nearest,
} from '@hydra-gateway/protocol'
import { mayHoldTags } from '@hydra-gateway/protocol/fragments'
import { type AccessOptions, refusalOf } from '../identity/access.ts'
import { type Log, nameForLog } from '../log.ts'
import type {
  FragmentDefinition,
  FragmentOptions,
  FragmentUser,
  Identify,
  LocalFragments,
  LocalRequest,
  LocalResult,
  ResolveNested,
} from './definition.ts'
import { FragmentFailure } from './failure.ts'
import { createOutputReader } from './output.ts'

export interface LocalDeps {
  /** Name of this service. */
  readonly service: string
  readonly definitions: readonly FragmentDefinition[]
  readonly identify: Identify | undefined
  /** Whom a fragment is for; absent where nobody here can tell, and the gateway alone does. @default as it says itself */
  readonly accessOf?: (options: FragmentOptions) => AccessOptions
  readonly log: Log
  /** Puts fragments into HTML fragments rendered; asked for anew each time. */
  readonly nested: () => ResolveNested | undefined
}

/** Makes the fragments of a service ready to be rendered. */
export function createLocalFragments(deps: LocalDeps): LocalFragments {
  const { service, log, accessOf = (options) => options } = deps
  const definitions = new Map(deps.definitions.map((definition) => [definition.ref, definition]))
  const users = new WeakMap<FragmentContext, Promise<FragmentUser | undefined>>()
  const readOutput = createOutputReader(log)

  /** Who it is for: one question for all fragments of a page. */
  function userOf(context: FragmentContext): Promise<FragmentUser | undefined> {
    let user = users.get(context)
    if (!user) {
      user = identified(context.token)
      users.set(context, user)
    }
    return user
  }

  async function identified(token: string | null | undefined): Promise<FragmentUser | undefined> {
    if (!deps.identify || !token) return undefined
    try {
      return (await deps.identify(token)) ?? undefined
    } catch (fault) {
      // Never the token: it is as good as a password.
      log.warn(`identify failed, so fragments know nobody: ${messageOf(fault)}`)
      return undefined
    }
  }

  async function render(request: LocalRequest, definition: FragmentDefinition): Promise<LocalResult> {
    const { ref, context, signal, session } = request
    const { options, handler } = definition
    const imports = importsOf(request.values, options.imports)
    // One that never answers must not keep the place of a handler that never began.
    const user = await orAborted(signal, userOf(context))
    signal.throwIfAborted()
    // The gateway has looked at it for pages of others; nobody has for those of this service.
    const refusal = refusalOf(accessOf(options), user)
    if (refusal)
      throw new FragmentFailure(
        'declined',
        `${service}#${ref} is not for ${user ? 'this visitor' : 'visitors who are not signed in'}`,
      )
    const given = await handler({
      imports,
      user,
      session: session === undefined ? undefined : structuredClone(session),
      locale: context.locale ?? undefined,
      signal,
    })
    const output = await readOutput(definition, given)
    const { html, exports, attributes, ...rest } = output
    const nested = mayHoldTags(html) ? deps.nested() : undefined
    if (!nested) return { html, exports: exportsOf(options.exports, exports, attributes), ...rest }
    signal.throwIfAborted()
    // Everything the fragment knows by name, and nothing of the page around it. What a page gave wins.
    const scope = { ...attributes, ...exports, ...imports }
    const around = { ...context, chain: [...(context.chain ?? []), `${service}#${ref}`] }
    users.set(around, userOf(context))
    const page = await nested(html, { attributes: scope, context: around, signal })
    const gained = Object.fromEntries(
      Object.entries(page.attributes).filter(([name]) => !Object.hasOwn(imports, name)),
    )
    return {
      html: page.html,
      exports: exportsOf(options.exports, exports, attributes, gained),
      ...rest,
      assets: withAssets(rest.assets, page.assets),
    }
  }

  return {
    has: (ref) => definitions.has(ref),
    definition: (ref) => definitions.get(ref),
    async render(request) {
      const { ref, context, signal, onDone } = request
      // A page has one signal for all of its fragments; Node 20 warns of more than ten listeners.
      setMaxListeners(0, signal)
      const definition = definitions.get(ref)
      const chain = context.chain ?? []
      try {
        if (!definition) throw unknownRef(service, ref, definitions.keys())
        if (chain.includes(`${service}#${ref}`))
          throw new FragmentFailure(
            'recursion',
            `${service}#${ref} stands inside itself: ${chain.join(' > ')}`,
          )
        if (chain.length >= MOST_CHAIN)
          throw new FragmentFailure('depth', `${service}#${ref} stands inside ${chain.length} others`)
        signal.throwIfAborted()
      } catch (fault) {
        onDone?.()
        throw fault
      }
      const rendering = render(request, definition).catch((fault) => {
        throw fault instanceof FragmentFailure || signal.aborted
          ? fault
          : new FragmentFailure('failed', messageOf(fault), fault)
      })
      // A handler that doesn't look at the signal is not waited for, but it is busy.
      if (onDone) rendering.then(onDone, onDone)
      return orAborted(signal, rendering)
    },
  }
}

/** Values a fragment gets: those it declared, or all where it declared nothing. */
function importsOf(
  values: Readonly<Record<string, unknown>>,
  declared: readonly string[] | undefined,
): Readonly<Record<string, unknown>> {
  const names = declared ?? Object.keys(values).filter((name) => name !== '__proto__')
  return Object.freeze(
    Object.fromEntries(
      names.filter((name) => Object.hasOwn(values, name)).map((name) => [name, values[name]]),
    ),
  )
}

/** What the fragment needs, and those inside of it: each once, and as many as an answer may name. */
function withAssets(own: FragmentAssets | undefined, inside: FragmentAssets | undefined) {
  if (!inside) return own
  const all = (...lists: readonly (readonly string[] | undefined)[]) =>
    [...new Set(lists.flatMap((list) => list ?? []))].slice(0, MOST_ASSETS)
  return { styles: all(own?.styles, inside.styles), scripts: all(own?.scripts, inside.scripts) }
}

/** Declared exports, each from the first of the scopes that has it. */
function exportsOf(
  declared: readonly string[] = [],
  ...scopes: readonly Readonly<Record<string, unknown>>[]
): Record<string, unknown> {
  const exports: Record<string, unknown> = {}
  for (const name of declared) {
    const scope = scopes.find((scope) => Object.hasOwn(scope, name))
    if (scope) exports[name] = scope[name]
  }
  return exports
}

function unknownRef(service: string, ref: string, known: Iterable<string>): FragmentFailure {
  // A longer one is nobody's, and would be compared for seconds.
  const meant = ref.length <= MOST_REF_LENGTH ? nearest(ref, known) : undefined
  return new FragmentFailure(
    'unknown-ref',
    `${service} has no fragment "${nameForLog(ref)}"${meant ? `; did you mean "${meant}"?` : ''}`,
  )
}

/** The promise, or a rejection as soon as nobody waits any more. */
function orAborted<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** What was thrown, in words. */
export function messageOf(fault: unknown): string {
  try {
    return fault instanceof Error ? fault.message || fault.name : String(fault)
  } catch {
    return 'something that is no text'
  }
}
