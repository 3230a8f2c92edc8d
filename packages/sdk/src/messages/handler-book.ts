/**
 * The handlers of a service, and what of them the gateway is told.
 *
 * A handler that does not take everything gets messages once the gateway knows what it takes: until then its messages would
 * come unchecked.
 *
 * @module
 */
import { type MessageDeclaration, MOST_MESSAGE_TYPE_LENGTH, nearest } from '@hydra-gateway/protocol'
import { ACCESS_NAMES, accessFaults, accessOf } from '../identity/access.ts'
import type { MessageHandler, MessageOption, MessageOptions } from './message.ts'

export interface Handling {
  readonly handler: MessageHandler
  readonly declaration: MessageDeclaration
  /** It does not take everything. */
  readonly hasConditions: boolean
}

export interface HandlerBook {
  /** @throws TypeError */
  add(type: string, options: MessageOptions, handler: MessageHandler): () => void
  /** Who takes messages of a type; `unready` when the gateway does not know yet what it takes. */
  find(type: string): Handling | 'unready' | undefined
  /** What the gateway is to be told, and a number of what is told by it. */
  declared(): { readonly messages: MessageDeclaration[]; readonly state: number }
  /** The gateway knows what was declared under this number. */
  told(state: number): void
  /** The number of what is declared now. */
  readonly state: number
}

const ALL_OTHERS = '*'
const OPTIONS = ['from', 'schema', ...ACCESS_NAMES] as const
const SENDERS: readonly unknown[] = ['all', 'clients', 'services']

/** `hasUsual`: the service as a whole is not for everybody. `onChange` is called when something else is to be told. */
export function createHandlerBook({
  hasUsual,
  onChange,
}: {
  readonly hasUsual: boolean
  readonly onChange: () => void
}): HandlerBook {
  const handlings = new Map<string, Handling>()
  /** Under which number each was declared first. */
  const since = new Map<Handling, number>()
  let state = 0
  let told = -1

  const changed = (): void => {
    state++
    onChange()
  }

  return {
    add(type, options, handler) {
      const fault = faultOf(type, options, handler)
      if (fault) throw new TypeError(fault)
      if (handlings.has(type)) throw new TypeError(`messages of the type ${type} have a handler already`)
      const { from, schema } = options
      const declaration: MessageDeclaration = {
        type,
        ...accessOf(options),
        ...(from === undefined ? {} : { from }),
        ...(schema === undefined ? {} : { schema: schema as MessageDeclaration['schema'] }),
      }
      const hasConditions = Object.keys(declaration).length > 1 || hasUsual
      const handling = { handler, declaration, hasConditions }
      handlings.set(type, handling)
      changed()
      since.set(handling, state)
      return () => {
        if (handlings.get(type) !== handling) return
        handlings.delete(type)
        since.delete(handling)
        changed()
      }
    },
    find(type) {
      const handling = handlings.get(type) ?? handlings.get(ALL_OTHERS)
      if (!handling?.hasConditions) return handling
      return since.get(handling)! <= told ? handling : 'unready'
    },
    declared: () => ({ messages: [...handlings.values()].map(({ declaration }) => declaration), state }),
    told(known) {
      told = Math.max(told, known)
    },
    get state() {
      return state
    },
  }
}

/** Puts the option `messages` into a book. @throws TypeError */
export function addAll(book: HandlerBook, messages: Readonly<Record<string, MessageOption>> = {}): void {
  for (const [type, option] of Object.entries(messages)) {
    if (typeof option === 'function') book.add(type, {}, option)
    else {
      const { handler, ...options } = option
      book.add(type, options, handler)
    }
  }
}

function faultOf(type: unknown, options: MessageOptions, handler: unknown): string | undefined {
  if (typeof type !== 'string' || type === '' || type.length > MOST_MESSAGE_TYPE_LENGTH)
    return `a type of messages is a text of 1 to ${MOST_MESSAGE_TYPE_LENGTH} characters`
  const of = `messages of the type ${type}`
  if (typeof handler !== 'function') return `${of}: the handler must be a function`
  if (typeof options !== 'object' || options === null) return `${of}: options must be an object`
  const unknown = Object.keys(options).find((name) => !(OPTIONS as readonly string[]).includes(name))
  if (unknown !== undefined) {
    const meant = nearest(unknown, OPTIONS)
    return `${of}: "${unknown}" is no option${meant ? `; did you mean "${meant}"?` : ''}`
  }
  const { from, schema } = options
  if (from !== undefined && !SENDERS.includes(from))
    return `${of}: from must be 'all', 'clients' or 'services'`
  const isSchema = typeof schema === 'boolean' || (typeof schema === 'object' && schema !== null)
  if (schema !== undefined && (!isSchema || Array.isArray(schema)))
    return `${of}: schema must be a JSON Schema`
  const [fault] = accessFaults(options)
  return fault && `${of}: ${fault}`
}
