/**
 * What the registry remembers of services: members (known instances) and the routes that outlive them.
 *
 * @module
 */
import type { Registration, ServiceState } from '@hydra-gateway/protocol'
import type { Manifest } from '../routing/route.ts'
import type { ChannelKind, Instance } from '../routing/upstream.ts'
import type { Refusal } from './declaration.ts'
import type { FragmentFacts } from './fragment-facts.ts'

/** That an instance is to finish. */
export interface Drain {
  readonly reason: string
  /** What it would be otherwise. */
  readonly instead: 'available' | 'recovering'
}

/** One known instance. */
export interface Member {
  readonly id: string
  /** As it was sent, kept for answers and overviews. */
  readonly registration: Registration
  readonly channel: ChannelKind
  /** Address of the TCP peer that registered it. */
  readonly peer: string | undefined
  /** Node that heard it last; another node's members are known through the store. */
  node: string
  readonly manifest: Manifest
  readonly refused: readonly Refusal[]
  /** What of it can hardly be meant, in sentences; it is served as it was said. @default nothing */
  readonly warnings?: readonly string[]
  /** What it says of fragments. */
  readonly fragments: FragmentFacts
  /** What it was answered with: base64 SPKI of the key that signed then. */
  readonly publicKey: string | null
  /** As the data plane sees it. Another object once its fragments are judged otherwise. */
  instance: Instance
  /** `available` serves, `recovering` lost its channel and may return, `draining` finishes and takes nobody new. */
  state: Extract<ServiceState, 'available' | 'recovering' | 'draining'>
  /** Present while it is `draining`. */
  drain?: Drain | undefined
}

/** A service, with or without members. */
export interface Entry {
  readonly name: string
  /** Order of claims: the lowest keeps a contested route. */
  rank: number
  /** The registration of the newest version, whose title, fallback and menu speak for the service. */
  declared: Registration
  readonly channel: ChannelKind
  readonly members: Map<string, Member>
  /** Routes whose last member left without a word, by manifest hash: known but down, never 404 (design D7). */
  readonly orphans: Map<string, { readonly manifest: Manifest; readonly version: string | number }>
  /** Fragments whose last member left, by the hash of what it said of fragments: remembered for as long as those routes. */
  readonly leftFragments: Map<
    string,
    { readonly refs: NonNullable<FragmentFacts['refs']>; readonly version: string | number }
  >
  /** Since when no member serves: epoch ms for people, monotonic ms for durations. */
  down: { readonly since: number; readonly at: number } | undefined
}
