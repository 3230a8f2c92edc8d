/**
 * Whom to ask for a fragment: an instance the visitor's version allows that offers it and can be reached, or
 * why there is none.
 *
 * @module
 */
import type { FallbackReason } from '@hydra-gateway/protocol'
import type { FragmentTag } from '@hydra-gateway/protocol/fragments'
import type { Caller, Refusal as CallerRefusal, RouteGuard } from '../identity/port.ts'
import { FOR_EVERYBODY } from '../routing/access.ts'
import type { Access } from '../routing/route.ts'
import type { RoutingTable } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import type { Renderer, VisitorContext } from './port.ts'

/** An instance, and the way to it. */
export interface Provider {
  readonly instance: Instance
  readonly renderer: Renderer
}

/** Why a fallback is shown, with a sentence for people. */
export interface Refusal {
  readonly reason: FallbackReason
  readonly detail: string
}

/** What is wanted, from whom, for whom. */
export interface Wanted {
  readonly service: string
  readonly ref: string
  readonly tag: FragmentTag
  readonly visitor: VisitorContext
  readonly caller: Caller | undefined
  /** Failed for it already. */
  readonly tried: readonly Instance[]
  /** Instance that renders other fragments of this service for the page: one visitor should see one of them. */
  readonly preferred: Instance | undefined
}

export interface ChooseDeps {
  readonly table: () => RoutingTable
  /** In the order of preference. */
  readonly renderers: readonly Renderer[]
  /** @default nobody can sign in: what is for some is for none */
  readonly admits?: RouteGuard['admits'] | undefined
}

/** Makes the choice of instances for fragments. */
export function createChoose(deps: ChooseDeps): (wanted: Wanted) => Provider | Refusal {
  const { table, renderers, admits = admitsNobody } = deps
  const rendererFor = (instance: Instance): Renderer | undefined => {
    for (const renderer of renderers) if (renderer.reaches(instance)) return renderer
    return undefined
  }

  return ({ service, ref, tag, visitor, caller, tried, preferred }) => {
    const known = table()
    if (!known.service(service))
      return { reason: 'unknown-service', detail: `no service is called ${service}` }
    const isFit = (instance: Instance): boolean =>
      offers(instance, ref) &&
      rendererFor(instance) !== undefined &&
      conflictOf(tag, instance, ref) === undefined
    const instance =
      preferred &&
      !tried.includes(preferred) &&
      known.instances(service).includes(preferred) &&
      isFit(preferred)
        ? preferred
        : visitor.select(service, isFit, tried)
    const renderer = instance && rendererFor(instance)
    if (renderer) {
      // Of the version the visitor sees: one that lets everybody in is not asked instead.
      const refused = admits(caller, service, accessTo(instance, ref))
      return refused ? { reason: 'not-allowed', detail: NOT_ALLOWED[refused] } : { instance, renderer }
    }
    return refusalOf(known.instances(service), service, ref, tag)
  }
}

/** Whom an instance renders a fragment for. */
export function accessTo({ refs, access = FOR_EVERYBODY }: Instance, ref: string): Access {
  return refs?.get(ref) ?? access
}

function admitsNobody(_: Caller | undefined, __: string, { auth }: Access): CallerRefusal | undefined {
  return auth === 'required' ? 'login' : undefined
}

const NOT_ALLOWED: Readonly<Record<CallerRefusal, string>> = {
  login: 'it is for people who are signed in, and nobody is, as far as this page tells',
  provider: 'it is for people one of its providers knows, and none of them knows this visitor yet',
  forbidden: 'the visitor has none of the roles it asks for',
  renew: 'the sign-in is too old',
}

function refusalOf(instances: readonly Instance[], service: string, ref: string, tag: FragmentTag): Refusal {
  if (instances.length === 0)
    return { reason: 'no-instance', detail: `no instance of ${service} is there now` }
  for (const instance of instances) {
    const conflict = offers(instance, ref) ? conflictOf(tag, instance, ref) : undefined
    if (conflict !== undefined)
      return {
        reason: 'import-conflict',
        detail: `${service}#${ref} sets "${conflict}" by itself, so nothing may be imported under that name; give it another one: imports="… as other"`,
      }
  }
  if (instances.some((instance) => offers(instance, ref)))
    return { reason: 'no-instance', detail: `no instance of ${service} that renders ${ref} can be asked now` }
  for (const { refusedRefs } of instances) {
    const why = refusedRefs?.get(ref)
    if (why !== undefined) return { reason: 'refused-ref', detail: why }
  }
  return { reason: 'unknown-ref', detail: `${service} has no fragment ${ref}` }
}

/** Whether an instance may be asked for a fragment. Who doesn't say what it renders may be asked for anything. */
export function offers({ refs, refusedRefs }: Pick<Instance, 'refs' | 'refusedRefs'>, ref: string): boolean {
  return (refs === undefined || refs.has(ref)) && !refusedRefs?.has(ref)
}

/** A name the tag would give to something the fragment sets by itself. */
function conflictOf({ imports }: FragmentTag, { refs }: Instance, ref: string): string | undefined {
  if (imports.length === 0) return undefined
  const attributes = refs?.get(ref)?.attributes
  if (!attributes || attributes.length === 0) return undefined
  for (const { to } of imports) if (attributes.includes(to)) return to
  return undefined
}
