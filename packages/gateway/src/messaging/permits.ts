/**
 * Who may send what to a service: as the service says in its registration (`messages`), for each type of message.
 *
 * A type that is not declared follows `*`, and without one what the registration says for all its routes. While instances
 * of one service say different things, all of them hold: what a version closes is closed for as long as it runs. What
 * can't be kept as it is said, such as a schema nobody understands, closes its type.
 *
 * Services with a line hold the keys: whom a type is for is no question to them, only `from` and `schema` are. Answers
 * (`rmid`) of services are for whoever asked, and not judged here.
 *
 * @module
 */
import type { MessageDeclaration, Registration } from '@hydra-gateway/protocol'
import { DEFAULT_TYPE, REFUSED_TYPE } from '@hydra-gateway/protocol/umf'
import type { RouteGuard } from '../identity/port.ts'
import type { Log } from '../observe/log.ts'
import { accessOf, FOR_EVERYBODY } from '../routing/access.ts'
import type { Access } from '../routing/route.ts'
import type { KnownServices } from './known-services.ts'
import type { MessageFault, Permit, Sender } from './port.ts'
import { compileSchema, type MessageSchema } from './schemas/compile.ts'
import { SchemaError } from './schemas/keyword.ts'

/** What is wrong with a declaration: `path` is `messages of the type order.created`. */
export interface RefusedType {
  readonly path: string
  readonly reason: string
}

export interface Permits {
  readonly permit: Permit
  refusedOf(registration: Registration): readonly RefusedType[]
}

export interface PermitsDeps {
  readonly services: Pick<KnownServices, 'of' | 'onChange'>
  /** `identity.guard.admits`; absent where nobody signs in: what needs a sign-in is closed then. */
  readonly admits?: RouteGuard['admits'] | undefined
  readonly log: Log
}

interface Rule {
  readonly access: Access
  readonly from: NonNullable<MessageDeclaration['from']>
  readonly schema?: MessageSchema
  /** It takes nothing. */
  readonly isBroken?: true
}

/** What instances with the same declaration take. */
interface Variant {
  readonly types: ReadonlyMap<string, Rule>
  readonly others: Rule
}

type Refusal = NonNullable<ReturnType<Permit>>

const ALL_OTHERS = '*'
const OPEN: Rule = { access: FOR_EVERYBODY, from: 'all' }

export function createPermits({ services, admits = closed, log }: PermitsDeps): Permits {
  /** Read when a message comes, and again after something of the service changed. */
  const rules = new Map<string, readonly Variant[]>()
  const schemas = new WeakMap<object, MessageSchema | string>()
  services.onChange((service) => void rules.delete(service))

  /** A schema, or why it is none; read once for a registration. */
  function schemaOf(said: unknown): MessageSchema | string {
    const isKept = typeof said === 'object' && said !== null
    const before = isKept ? schemas.get(said) : undefined
    if (before !== undefined) return before
    let read: MessageSchema | string
    try {
      read = compileSchema(said)
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error
      read = `its schema can't be used: ${error.message}`
    }
    if (isKept) schemas.set(said, read)
    return read
  }

  /** What holds for a type, or why it can't be told. */
  function ruleOf(declared: MessageDeclaration, usual: Access): Rule | string {
    const access = accessOf(declared, usual)
    if (typeof access === 'string') return access
    const { from = 'all', schema: said } = declared
    const schema = said === undefined ? undefined : schemaOf(said)
    return typeof schema === 'string' ? schema : { access, from, ...(schema ? { schema } : {}) }
  }

  function variantOf(registration: Registration): Variant {
    const usual = usualOf(registration)
    const types = new Map<string, Rule>()
    for (const declared of registration.messages ?? []) {
      const rule = ruleOf(declared, usual)
      const isTwice = types.has(declared.type)
      types.set(declared.type, typeof rule === 'string' || isTwice ? { ...OPEN, isBroken: true } : rule)
    }
    return { types, others: types.get(ALL_OTHERS) ?? { ...OPEN, access: usual } }
  }

  function variantsOf(service: string): readonly Variant[] {
    const before = rules.get(service)
    if (before) return before
    const entry = services.of(service)
    if (!entry) return []
    const said = new Map<string, Registration>()
    for (const { registration } of entry.members.values()) said.set(textOf(registration), registration)
    const read = [...said.values()].map(variantOf)
    rules.set(service, read)
    return read
  }

  function judge(
    rule: Rule,
    service: string,
    type: string,
    body: unknown,
    sender: Sender,
  ): Refusal | undefined {
    const of = `${service} takes ${type === DEFAULT_TYPE ? 'messages' : `messages of the type ${type}`}`
    if (rule.isBroken)
      return refusal(
        'not-allowed',
        `${service} declares messages of the type ${type} in a way that can't be kept`,
      )
    const isService = sender.kind === 'service'
    if (rule.from === 'clients' && isService) return refusal('not-allowed', `${of} from clients only`)
    const hasLine = isService && !sender.isHearsay
    if (rule.from === 'services' && !hasLine)
      return refusal('not-allowed', `${of} from services that hold the keys only`)
    if (!hasLine) {
      const caller = sender.kind === 'service' ? undefined : sender.caller
      const fault = admits(caller, service, rule.access)
      if (fault === 'login' || fault === 'renew')
        return refusal('login', `${of} from people who are signed in only`)
      if (fault) return refusal('not-allowed', `${of} from others than you`)
    }
    const faults = rule.schema?.faultsOf(body) ?? []
    if (faults.length === 0) return undefined
    return refusal('schema', `the body does not fit what ${service} takes: ${faults.join('; ')}`)
  }

  return {
    permit({ type = DEFAULT_TYPE, rmid, body }, { service }, sender) {
      if (rmid !== undefined && sender.kind === 'service') return undefined
      for (const { types, others } of variantsOf(service)) {
        const refused = judge(types.get(type) ?? others, service, type, body, sender)
        if (refused) return refused
      }
      return undefined
    },
    refusedOf(registration) {
      const usual = usualOf(registration)
      const seen = new Set<string>()
      const refused = (registration.messages ?? []).flatMap((declared) => {
        const { type } = declared
        const rule = seen.has(type) ? 'it is declared twice' : ruleOf(declared, usual)
        seen.add(type)
        if (typeof rule !== 'string') return []
        return [{ path: `${REFUSED_TYPE}${type}`, reason: `${rule}; none of them are taken` }]
      })
      if (refused.length > 0)
        log.warn({ service: registration.name, refused }, 'types of messages are refused')
      return refused
    },
  }
}

/** What of a registration decides here. */
function textOf({ messages, auth, roles, providers }: Registration): string {
  return JSON.stringify([messages, auth, roles, providers])
}

function usualOf(registration: Registration): Access {
  const usual = accessOf(registration, FOR_EVERYBODY)
  // It was refused as a whole if it contradicts itself.
  return typeof usual === 'string' ? { auth: 'required' } : usual
}

/** Where nobody can sign in. */
function closed(_caller: unknown, _service: string, { auth }: Access): 'login' | undefined {
  return auth === 'required' ? 'login' : undefined
}

function refusal(fault: MessageFault, reason: string): Refusal {
  return { fault, reason }
}
