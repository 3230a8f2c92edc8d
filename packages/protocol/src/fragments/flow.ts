/**
 * The flow of a page: which fragments may be asked for now, what they are given, what the page gets of them.
 *
 * A fragment starts as soon as every fragment that exports what it imports has settled; those that depend on nothing
 * start at once. So a page takes as long as its longest chain, and the result is that of asking one after the other
 * in the order of the document, waves first (`medusa.md` 6.3). Pure: no clock, no I/O. One flow serves one page.
 *
 * Tags may still be added while others run: until `closeAhead`, an import that nobody provides yet waits; after it, a
 * later tag can be imported from by later ones only. The outcome depends on the tags and results alone, never on how
 * they were cut or timed. Therefore:
 * - in document order the first tag that exports a name has it; one turned down for a conflict or a name that can't
 *   be filled in has none, a member of a cycle keeps its names and exports nothing under them;
 * - cycles are looked for once, in `closeAhead`: before it their members wait;
 * - `${name}` in a service or ref is filled from what the page has by itself, never from what a fragment exports.
 *
 * @module
 */
import { cycle } from './faults.ts'
import { type Cell, createCell, judge, place, type Verdict } from './flow-cell.ts'
import { cyclesOf, cycleThrough } from './graph.ts'
import { readValue, rootOf } from './lists.ts'
import type { FragmentTag } from './model.ts'
import { put } from './values.ts'

/** A fragment that may be asked for now. */
export interface Start {
  readonly index: number
  /** With its names filled in. Empty for the service that made the page. */
  readonly service: string
  readonly ref: string
  /** Imported values by the fragment's own names; copies. What nobody provides is absent. */
  readonly values: Readonly<Record<string, unknown>>
  /** From 1. */
  readonly wave: number
}

/** A fragment the flow itself turned down. */
export interface Declined extends Verdict {
  readonly index: number
}

export interface Flow {
  /**
   * Adds the next tag of the document. `parent`: index of the tag in whose fallback it stands, which is then asked for
   * only when that one falls back. Returns its index, counting from 0.
   */
  add(tag: FragmentTag, parent?: number): number
  /** No tag that was added before may import from one that is added from now on. */
  closeAhead(): void
  /**
   * What may be asked for now and was not returned before, in document order; and what was declined since. Each tag is
   * returned once, as one or the other, or never: when it stands in a fallback nobody shows, or was given up.
   */
  take(): { readonly starts: readonly Start[]; readonly declined: readonly Declined[] }
  /**
   * A fragment was rendered: `exports` by its own names; undefined when it falls back and exports nothing. The first
   * call for a fragment counts. With undefined, one that was not taken yet is given up: it won't be.
   *
   * @throws RangeError for a fragment that is not there, or that has exports and was never taken
   */
  settle(index: number, exports: Readonly<Record<string, unknown>> | undefined): void
  /** The page's attributes with all exports so far. Values that were there are never overwritten. Always the same object. */
  readonly attributes: Readonly<Record<string, unknown>>
  /** Every fragment that will ever be asked for has settled, as far as tags are known. Those in fallbacks nobody shows count as settled. */
  readonly isSettled: boolean
}

export interface FlowOptions {
  /** What the page has by itself. */
  readonly attributes: Readonly<Record<string, unknown>>
  /**
   * For who sends values on and never changes them: each is copied once, however many tags and aliases it is
   * for, instead of once for each.
   */
  readonly isReadOnly?: boolean
}

const NOTHING = Object.freeze({ starts: Object.freeze([]), declined: Object.freeze([]) })

/** Makes the flow of one page. */
export function createFlow({ attributes: given, isReadOnly = false }: FlowOptions): Flow {
  const page: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) put(page, name, value)
  const attributes = { ...page }
  const cells: Cell[] = []
  const providers = new Map<string, Cell>()
  /** Imports nobody provides yet, by name. */
  const awaited = new Map<string, { readonly cell: Cell; readonly position: number }[]>()
  const copies = isReadOnly ? new Map<string, unknown>() : undefined
  const isOfPage = (name: string) => Object.hasOwn(page, name)
  const providerOf = (name: string) => providers.get(name)
  let isAhead = true
  let mayHaveCycles = false
  let unsettled = 0
  let ready: Cell[] = []
  let declined: Declined[] = []

  function waitFor(cell: Cell, other: Cell, name: string | undefined): void {
    const isHolder = name === undefined
    cell.edges.push({ from: other.index, name })
    if (other.index >= cell.index) mayHaveCycles = true
    if (other.isReleased) {
      meet(cell, other, isHolder)
    } else {
      cell.unmet++
      other.dependents.push({ cell, isHolder })
    }
  }

  function meet(cell: Cell, other: Cell, isHolder: boolean): void {
    cell.waveBefore = Math.max(cell.waveBefore, other.wave)
    if (isHolder) cell.waveOfHolder = other.wave
  }

  /** Takes the names a tag exports, and joins those who waited for them. */
  function claim(cell: Cell): void {
    for (const { to: name } of cell.tag.exports) {
      providers.set(name, cell)
      for (const { cell: importer, position } of awaited.get(name) ?? []) {
        importer.isProvided[position] = true
        importer.unmet--
        waitFor(importer, cell, name)
      }
      awaited.delete(name)
    }
  }

  function resolveImports(cell: Cell): void {
    for (const [position, { from }] of cell.tag.imports.entries()) {
      const name = rootOf(from)
      const provider = isOfPage(name) ? undefined : providerOf(name)
      cell.isProvided[position] = isOfPage(name) || provider !== undefined
      if (provider) waitFor(cell, provider, name)
      else if (!cell.isProvided[position] && isAhead) {
        cell.unmet++
        const waiting = awaited.get(name)
        if (waiting) waiting.push({ cell, position })
        else awaited.set(name, [{ cell, position }])
      }
    }
  }

  /** It waits for nobody any more. */
  function proceed(cell: Cell): void {
    if (cell.phase !== 'waiting') return
    if (cell.verdict) {
      declined.push({ index: cell.index, ...cell.verdict })
      cell.wave = cell.waveOfHolder
      finish(cell, false)
    } else {
      cell.phase = 'ready'
      cell.wave = cell.waveBefore + 1
      ready.push(cell)
    }
  }

  function finish(cell: Cell, hidesFallback: boolean): void {
    cell.phase = 'over'
    cell.hidesFallback = hidesFallback
    unsettled--
  }

  /** It stands in a fallback that is not shown. */
  function hide(cell: Cell, holder: Cell): void {
    cell.wave = holder.wave
    finish(cell, true)
  }

  /** Tells those who wait for it, and whoever is over because of that. */
  function release(first: Cell): void {
    const queue = [first]
    for (let cell = queue.pop(); cell; cell = queue.pop()) {
      if (cell.phase !== 'over') continue
      if (cell.hidesFallback) {
        for (const inner of cell.held) {
          if (inner.phase === 'over') continue
          hide(inner, cell)
          queue.push(inner)
        }
      }
      // While tags may be added that close a cycle through it, nobody may get past one that skipped its turn.
      if (cell.isReleased || (isAhead && cell.unmet > 0)) continue
      cell.isReleased = true
      for (const { cell: dependent, isHolder } of cell.dependents) {
        if (dependent.verdict && !isHolder) continue
        meet(dependent, cell, isHolder)
        if (--dependent.unmet > 0) continue
        proceed(dependent)
        queue.push(dependent)
      }
    }
  }

  function declineCycles(): void {
    const edges = cells.map((cell) => cell.edges)
    const tags = cells.map((cell) => cell.tag)
    for (const members of cyclesOf(edges)) {
      const verdict: Verdict = {
        reason: 'cycle',
        detail: cycle(place, tags, cycleThrough(edges, members)),
      }
      for (const member of members) {
        const cell = cells[member]!
        if (cell.phase !== 'waiting' || cell.verdict) continue
        cell.verdict = verdict
        cell.unmet = cell.holder && !cell.holder.isReleased ? 1 : 0
      }
    }
  }

  return {
    add(tag, parent) {
      const holder = parent === undefined ? undefined : cells[parent]
      if (parent !== undefined && !holder) throw new RangeError(`there is no fragment ${parent}`)
      const cell = createCell(tag, cells.length, holder, page)
      cell.verdict = judge(cell, { isAhead, isOfPage, providerOf })
      cells.push(cell)
      unsettled++
      holder?.held.push(cell)
      if (holder) waitFor(cell, holder, undefined)
      if (!cell.verdict || cell.verdict.reason === 'cycle') claim(cell)
      if (!cell.verdict) resolveImports(cell)
      if (holder?.hidesFallback) hide(cell, holder)
      else if (cell.unmet === 0) proceed(cell)
      release(cell)
      return cell.index
    },

    closeAhead() {
      if (!isAhead) return
      isAhead = false
      if (mayHaveCycles) declineCycles()
      for (const { cell } of [...awaited.values()].flat()) if (!cell.verdict) cell.unmet--
      awaited.clear()
      for (const cell of cells) {
        if (cell.unmet === 0) proceed(cell)
        release(cell)
      }
    },

    take() {
      if (ready.length === 0 && declined.length === 0) return NOTHING
      const starts = ready
        .filter((cell) => cell.phase === 'ready')
        .sort((one, other) => one.index - other.index)
        .map((cell): Start => {
          cell.phase = 'started'
          const values: Record<string, unknown> = {}
          for (const [position, { from, to }] of cell.tag.imports.entries()) {
            const value = cell.isProvided[position] ? readOnce(attributes, from, copies) : undefined
            if (value !== undefined) put(values, to, value)
          }
          const { index, service = '', ref = '', wave } = cell
          return { index, service, ref, values, wave }
        })
      const taken = { starts, declined: declined.sort((one, other) => one.index - other.index) }
      ready = []
      declined = []
      return taken
    },

    settle(index, exports) {
      const cell = cells[index]
      if (!cell) throw new RangeError(`there is no fragment ${index}`)
      if (cell.phase === 'over') return
      if (exports && cell.phase !== 'started') throw new RangeError(`fragment ${index} was never asked for`)
      const given = isReadOnly ? new Map<string, unknown>() : undefined
      for (const { from, to } of exports ? cell.tag.exports : []) {
        const value = readOnce(exports!, from, given)
        if (value !== undefined) put(attributes, to, value)
      }
      if (cell.phase !== 'started') cell.wave = cell.waveOfHolder
      finish(cell, exports !== undefined)
      release(cell)
    },

    get attributes() {
      return attributes
    },
    get isSettled() {
      return unsettled === 0
    },
  }
}

/** A copy, the one of before where there is one: what is there never changes. */
function readOnce(
  attributes: Readonly<Record<string, unknown>>,
  name: string,
  copies: Map<string, unknown> | undefined,
): unknown {
  const known = copies?.get(name)
  if (known !== undefined) return known
  const value = readValue(attributes, name)
  if (value !== undefined) copies?.set(name, value)
  return value
}
