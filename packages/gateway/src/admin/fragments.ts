/**
 * What operators are told of fragments: who renders which, who asks for them, what does not fit, what nobody has.
 *
 * @module
 */
import {
  type FragmentInfo,
  type FragmentsAnswer,
  nearest,
  type RefDeclaration,
  type ServiceInfo,
  type ServiceState,
  type UnmetUse,
  type UseDeclaration,
} from '@hydra-gateway/protocol'
import type { Entry, Member } from '../registry/member.ts'
import type { Registry } from '../registry/registry.ts'

type Source = Pick<Registry, 'entries' | 'fragments'>

/** Everything `/_hydra/api/v1/fragments` lists. */
export function listFragments(
  { entries, fragments }: Source,
  stateOf: (entry: Entry) => ServiceState,
): Omit<FragmentsAnswer, 'revision'> {
  const known = new Map([...entries()].map((entry) => [entry.name, entry]))
  const services = [...known.values()].sort((a, b) => compare(a.name, b.name))
  const { listed, more } = fragments.conflicts()
  return {
    fragments: services.flatMap((entry) => {
      const state = stateOf(entry)
      const here = declarations([...entry.members.values()])
      return [...here, ...leftBy(entry, here)]
        .sort((a, b) => compare(a.ref, b.ref))
        .map((one): FragmentInfo => {
          const { ref, attributes, imports, refused, members } = one
          return {
            service: entry.name,
            state: members.length === 0 ? 'down' : state,
            ref,
            attributes,
            ...(imports ? { imports } : {}),
            versions: one.versions ?? [...new Set(members.map(({ instance }) => instance.version))],
            instances: members.map(({ id }) => id),
            ...(refused === undefined ? {} : { refused }),
            usedBy: fragments.usesOf(entry.name, ref).map(({ page, declared }) => ({
              page,
              place: declared.place,
              imports: declared.imports,
              exports: declared.exports,
            })),
          }
        })
    }),
    conflicts: listed,
    ...(more > 0 ? { moreConflicts: more } : {}),
    unmet: services.flatMap((entry) => unmetOf(entry, known)),
  }
}

/** What a service declares of fragments; nothing for one that says nothing. */
export function declaredFragments(members: readonly Member[]): Pick<ServiceInfo, 'refs' | 'uses'> {
  const saysRefs = members.some(({ fragments }) => fragments.refs !== undefined)
  const uses = usesOf(members)
  return {
    ...(saysRefs
      ? {
          refs: declarations(members).map(({ ref, attributes, imports, refused }) => ({
            ref,
            attributes,
            ...(imports ? { imports } : {}),
            ...(refused === undefined ? {} : { refused }),
          })),
        }
      : {}),
    ...(uses.length > 0 ? { uses } : {}),
  }
}

interface Declared extends Pick<RefDeclaration, 'ref' | 'attributes' | 'imports'> {
  readonly refused: string | undefined
  readonly members: Member[]
  /** Of those that declared it last, where no member does. */
  readonly versions?: readonly (string | number)[]
}

/** Fragments nobody renders now, as the last instances that did declared them; of several the last to leave. */
function leftBy({ leftFragments }: Entry, here: readonly Declared[]): readonly Declared[] {
  const known = new Set(here.map(({ ref }) => ref))
  const left = new Map<string, Declared>()
  for (const { refs, version } of leftFragments.values())
    for (const { ref, attributes, imports } of refs.values())
      if (!known.has(ref))
        left.set(ref, { ref, attributes, imports, refused: undefined, members: [], versions: [version] })
  return [...left.values()]
}

/** The fragments of a service, by ref; instances that declare one alike, and are judged alike, together. */
function declarations(members: readonly Member[]): readonly Declared[] {
  const found = new Map<string, Declared>()
  for (const member of members) {
    for (const { ref, attributes, imports } of member.instance.refs?.values() ?? []) {
      const refused = member.instance.refusedRefs?.get(ref)
      const key = JSON.stringify([ref, attributes, imports ?? null, refused !== undefined])
      const known = found.get(key)
      if (known) known.members.push(member)
      else found.set(key, { ref, attributes, imports, refused, members: [member] })
    }
  }
  return [...found.values()].sort((a, b) => compare(a.ref, b.ref))
}

/** Tags of a service's pages, each once however many instances have it. */
function usesOf(members: readonly Member[]): readonly UseDeclaration[] {
  const found = new Map<string, UseDeclaration>()
  for (const declared of new Set(members.map(({ fragments }) => fragments.uses)))
    for (const use of declared) found.set(JSON.stringify(use), use)
  return [...found.values()]
}

/** Tags that ask for what no known service renders. A service that is down, or doesn't say what it has, may have it. */
function unmetOf(page: Entry, known: ReadonlyMap<string, Entry>): UnmetUse[] {
  return usesOf([...page.members.values()]).flatMap((use) => {
    const reason = whyUnmet(use, known)
    return reason === undefined ? [] : [{ page: page.name, ...use, reason }]
  })
}

function whyUnmet({ service, ref }: UseDeclaration, known: ReadonlyMap<string, Entry>): string | undefined {
  // Known when a page is rendered.
  if (service.includes('${') || ref.includes('${')) return undefined
  const members = [...(known.get(service)?.members.values() ?? [])]
  if (!known.has(service))
    return `no service is called ${service}${didYouMean(nearest(service, known.keys()))}`
  if (members.length === 0 || members.some(({ instance }) => !instance.refs || instance.refs.has(ref)))
    return undefined
  const left = known.get(service)?.leftFragments.values() ?? []
  if ([...left].some(({ refs }) => refs.has(ref))) return undefined
  const refs = members.flatMap(({ instance }) => [...(instance.refs?.keys() ?? [])])
  return `${service} has no fragment ${ref}${didYouMean(nearest(ref, refs))}`
}

const didYouMean = (meant: string | undefined): string =>
  meant === undefined ? '; its fallback is shown until there is one' : `; did you mean ${meant}?`

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
