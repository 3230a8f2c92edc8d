/**
 * Pins: what a visitor stays with, and how that is written where it is kept.
 *
 * ```
 * i:<service>:<instance id>   v:<owner of the route>:<service@version>     oldest first, joined by |
 * ```
 *
 * @module
 */
import type { Route } from '../routing/route.ts'
import { type Slice, sliceKey } from '../routing/share.ts'
import type { Instance } from '../routing/upstream.ts'

/** An instance of a service, or the version that serves the routes of a service. */
export interface Pin {
  readonly kind: 'instance' | 'version'
  /** Service the instance is of, or the owner of the routes. */
  readonly of: string
  /** Id of the instance, or key of the slice (`service@version`). */
  readonly is: string
}

export const NO_PINS: readonly Pin[] = Object.freeze([])

/**
 * What the version of a route is pinned as. Routes several services of a group share have a name of their own
 * (no service has an `@`): pages that only one of them has say nothing about those.
 */
export function pinName({ service, claims }: Route): string {
  const isShared = claims.length > 1 && claims.some((claim) => !claim.startsWith(`${service}\0`))
  return isShared ? `${service}@` : service
}

/** The version this visitor stays with: the one of these routes, or of others that know it. */
export function pinnedSlice(pins: readonly Pin[], name: string, slices: readonly Slice[]): Slice | undefined {
  const own = pinned(pins, 'version', name)
  const slice = own === undefined ? undefined : slices.find(({ key }) => key === own)
  if (slice) return slice
  const others = pins.filter(({ kind }) => kind === 'version').map(({ is }) => is)
  return slices.find(({ key }) => others.includes(key))
}

function isPin(pin: Pin, kind: Pin['kind'], of: string): boolean {
  return pin.kind === kind && pin.of === of
}

export function pinned(pins: readonly Pin[], kind: Pin['kind'], of: string): string | undefined {
  for (const pin of pins) if (isPin(pin, kind, of)) return pin.is
  return undefined
}

/** The pins with this one as their newest; the same list when it is in there already. */
function withPin(pins: readonly Pin[], kind: Pin['kind'], of: string, is: string): readonly Pin[] {
  if (pinned(pins, kind, of) === is) return pins
  return [...pins.filter((pin) => !isPin(pin, kind, of)), { kind, of, is }]
}

/** The pins after a page was opened, with what its own route needs. `isDrawn`: its version was drawn. */
export function openedPins(
  before: readonly Pin[],
  route: Route,
  instance: Instance,
  isDrawn: boolean,
): readonly Pin[] {
  const name = pinName(route)
  let pins = before
  if (instance.affinity) pins = withPin(pins, 'instance', instance.service, instance.id)
  // A pin from before is moved even when one version is left: when another returns, it would bring it back
  // for what belongs to this page.
  if (isDrawn || pinned(before, 'version', name) !== undefined)
    pins = withPin(pins, 'version', name, sliceKey(instance))
  return pins
}

/**
 * The pins with this one, which gives way to all others: one that is there is changed in its place, a new one is the
 * oldest, and left out when that makes more than `room` characters.
 */
export function withMinorPin(
  pins: readonly Pin[],
  { kind, of, is }: Pin,
  room: number,
): { readonly pins: readonly Pin[]; readonly isKept: boolean } {
  const known = pinned(pins, kind, of)
  if (known === is) return { pins, isKept: true }
  const pin = { kind, of, is }
  if (known !== undefined)
    return { pins: pins.map((one) => (isPin(one, kind, of) ? pin : one)), isKept: true }
  const more = [pin, ...pins]
  return formatPins(more).length <= room ? { pins: more, isKept: true } : { pins, isKept: false }
}

export function formatPin({ kind, of, is }: Pin): string {
  return `${kind === 'instance' ? 'i' : 'v'}:${encodeText(of)}:${encodeText(is)}`
}

export function formatPins(pins: readonly Pin[]): string {
  return pins.map(formatPin).join('|')
}

/** Pins as `formatPins` wrote them, or none when somebody else did. */
export function parsePins(text: string): readonly Pin[] | undefined {
  if (text === '') return NO_PINS
  const pins: Pin[] = []
  for (const written of text.split('|')) {
    const [, kind, ...texts] = /^([iv]):([^:]+):([^:]+)$/.exec(written) ?? []
    const [of, is] = texts.map(decodeText)
    if (of === undefined || is === undefined) return undefined
    pins.push({ kind: kind === 'i' ? 'instance' : 'version', of, is })
  }
  return pins
}

/** Percent-encoded, with ~ for the dot: dots part what pins stand in, and versions have many. */
function encodeText(text: string): string {
  return encodeURIComponent(text).replace(/[.~]/g, (character) => (character === '.' ? '~' : '%7E'))
}

function decodeText(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('~', '.'))
  } catch {
    return undefined
  }
}
