/**
 * The lists of a fragment tag: `imports="dob, countryOrigin as country"` (`medusa.md` 6.2).
 *
 * @module
 */
import type { Transfer } from './model.ts'

/**
 * Reads a list; empty text is an empty list.
 *
 * @throws FragmentError FragmentSyntaxError; `column` of its place counts from 1 inside the list
 */
export function parseTransfers(_list: string): Transfer[] {
  throw new Error('not there yet')
}

/** `name`, or `name as alias` where they differ: the form of the wire. */
export function formatTransfer({ from, to }: Transfer): string {
  return from.slice(from.lastIndexOf('.') + 1) === to ? from : `${from} as ${to}`
}

/** The value of a possibly dotted name, a copy of it; undefined when it is not there. Own properties only. */
export function readValue(_attributes: Readonly<Record<string, unknown>>, _name: string): unknown {
  throw new Error('not there yet')
}

/** Fills `${name}` in a service or ref; undefined when a name is not there, or is no string or number. */
export function fillNames(_text: string, _attributes: Readonly<Record<string, unknown>>): string | undefined {
  throw new Error('not there yet')
}
