import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createFlow, type Flow } from './flow.ts'
import { rootOf } from './lists.ts'
import type { FragmentTag, Transfer } from './model.ts'
import { wavesOf } from './testing/waves.ts'

/** A page as it may come: tags with the holder of each, what it has itself, how many tags are ahead, who fails. */
interface Page {
  readonly tags: readonly FragmentTag[]
  readonly parents: readonly (number | undefined)[]
  readonly attributes: Readonly<Record<string, unknown>>
  readonly ahead: number
  readonly fails: readonly boolean[]
}

/** What becomes of a tag: the values it is rendered from, why it is declined, or that nobody sees it. */
type Fate = { readonly values: Record<string, unknown>; readonly wave: number } | string

interface Outcome {
  readonly fates: readonly Fate[]
  readonly attributes: Readonly<Record<string, unknown>>
}

/** What a fragment answers: made of what it was given, so that every wrong value shows. */
function answerOf(page: Page, index: number, values: unknown): Record<string, unknown> | undefined {
  if (page.fails[index]) return undefined
  const said = JSON.stringify(values)
  return Object.fromEntries(
    page.tags[index]!.exports.map(({ from }) => [rootOf(from), { of: index, said, deep: { from } }]),
  )
}

function lookUp(attributes: Readonly<Record<string, unknown>>, name: string): unknown {
  let value: any = attributes
  for (const part of name.split('.')) value = Object.hasOwn(Object(value), part) ? value[part] : undefined
  return value
}

/** The rules, written plainly: one fragment after the other, the first in the document whose providers have settled. */
function sequential({ tags, parents, attributes: own, ahead, ...page }: Page): Outcome {
  const provider = new Map<string, number>()
  const declined: (string | undefined)[] = tags.map((tag, index) => {
    const targets = tag.imports.map(({ to }) => to)
    if (new Set(targets).size < targets.length) return 'import-conflict'
    const names = tag.exports.map(({ to }) => to)
    const isTaken = names.some((name) => Object.hasOwn(own, name) || provider.has(name))
    if (isTaken || new Set(names).size < names.length) return 'export-conflict'
    for (const name of names) provider.set(name, index)
    return undefined
  })
  /** Who provides an import, as far as its tag can know. */
  const source = (index: number, { from }: Transfer): number | 'page' | undefined => {
    const name = rootOf(from)
    if (Object.hasOwn(own, name)) return 'page'
    const by = provider.get(name)
    return by !== undefined && by < Math.max(ahead, index + 1) ? by : undefined
  }
  const providers = tags.map((tag, index) => {
    const sources = declined[index] ? [] : tag.imports.map((transfer) => source(index, transfer))
    return [...new Set([...sources, parents[index]])].filter((by) => typeof by === 'number')
  })
  const reaches = providers.map((list) => tags.map((_, to) => list.includes(to)))
  for (const via of tags.keys()) {
    for (const row of reaches) if (row[via]) for (const to of tags.keys()) row[to] ||= reaches[via]![to]!
  }
  for (const index of tags.keys()) if (!declined[index] && reaches[index]![index]) declined[index] = 'cycle'

  const attributes: Record<string, unknown> = { ...own }
  const fates: (Fate | undefined)[] = tags.map(() => undefined)
  const waves: number[] = []
  const waitsFor = (index: number) =>
    declined[index] ? [parents[index]].filter((by) => by !== undefined) : providers[index]!
  const isSettled = (index: number) => fates[index] !== undefined
  const isHidden = (index: number): boolean => {
    const parent = parents[index]
    return parent !== undefined && (fates[parent] === 'hidden' || hidesFallback[parent] === true)
  }
  const hidesFallback: boolean[] = []

  for (;;) {
    const index = tags.findIndex((_, i) => {
      const parent = parents[i]
      if (isSettled(i)) return false
      return waitsFor(i).every(isSettled) || (parent !== undefined && isSettled(parent) && isHidden(i))
    })
    if (index === -1) break
    const waveOfHolder = parents[index] === undefined ? 0 : waves[parents[index]]!
    waves[index] = waveOfHolder
    if (isHidden(index)) fates[index] = 'hidden'
    else if (declined[index]) fates[index] = declined[index]
    else {
      const tag = tags[index]!
      const values: Record<string, unknown> = {}
      for (const transfer of tag.imports) {
        if (source(index, transfer) === undefined) continue
        const value = lookUp(attributes, transfer.from)
        if (value !== undefined) values[transfer.to] = value
      }
      waves[index] = 1 + Math.max(0, ...waitsFor(index).map((by) => waves[by]!))
      fates[index] = { values, wave: waves[index] }
      const answer = answerOf({ tags, parents, attributes: own, ahead, ...page }, index, values)
      hidesFallback[index] = answer !== undefined
      for (const { from, to } of answer ? tag.exports : []) {
        const value = lookUp(answer!, from)
        if (value !== undefined) attributes[to] = value
      }
    }
  }
  return { fates: fates.map((fate) => fate!), attributes }
}

/** The flow, driven in some order that `choose` decides: one of so many possible next things. */
function driven(page: Page, choose: (count: number) => number): Outcome {
  const flow = createFlow({ attributes: page.attributes })
  const fates: (Fate | undefined)[] = page.tags.map(() => undefined)
  const running = new Map<number, unknown>()
  let added = 0
  let isClosed = false
  let isIdle = false // nothing was done since the last take
  const see = (index: number, fate: Fate) => {
    assert.equal(fates[index], undefined, 'a tag is returned once')
    fates[index] = fate
  }
  for (;;) {
    const steps: (() => void)[] = []
    if (added === page.ahead && !isClosed) {
      steps.push(() => {
        flow.closeAhead()
        isClosed = true
        isIdle = false
      })
    }
    if (added < page.tags.length && (added < page.ahead || isClosed)) {
      steps.push(() => {
        assert.equal(flow.add(page.tags[added]!, page.parents[added]), added)
        added++
        isIdle = false
      })
    }
    for (const [index, values] of running) {
      steps.push(() => {
        running.delete(index)
        flow.settle(index, answerOf(page, index, values))
        isIdle = false
      })
    }
    if (!isIdle) {
      steps.push(() => {
        takeInto(flow, running, see)
        isIdle = true
      })
    }
    if (steps.length === 0) break
    steps[choose(steps.length)]!()
  }
  assert.equal(flow.isSettled, true, 'everything settled')
  return { fates: fates.map((fate) => fate ?? 'hidden'), attributes: { ...flow.attributes } }
}

function takeInto(flow: Flow, running: Map<number, unknown>, see: (index: number, fate: Fate) => void): void {
  const { starts, declined } = flow.take()
  for (const { index, values, wave } of starts) {
    see(index, { values: { ...values }, wave })
    running.set(index, values)
  }
  for (const { index, reason } of declined) see(index, reason)
}

const at = { line: 1, column: 1 }
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'constructor', 'toString')

function transfers(from: fc.Arbitrary<string>, to: fc.Arbitrary<string>): fc.Arbitrary<Transfer[]> {
  return fc.array(
    fc
      .record({ from: fc.tuple(from, fc.constantFrom('', '', '.deep', '.deep.from')), to })
      .map((transfer) => ({
        from: transfer.from.join(''),
        to: transfer.to,
      })),
    { maxLength: 3 },
  )
}

/** Any tags at all: conflicts, cycles, tags within fallbacks. */
const anyPage: fc.Arbitrary<Page> = fc
  .array(
    fc.record({
      imports: transfers(name, fc.constantFrom('p', 'q', 'r', 's', 't')),
      exports: transfers(fc.constantFrom('x', 'y'), name),
      parent: fc.option(fc.nat(30), { freq: 2 }),
      fails: fc.boolean(),
    }),
    { minLength: 1, maxLength: 9 },
  )
  .chain((drafts) =>
    fc.record({
      tags: fc.constant(
        drafts.map(({ imports, exports }, index): FragmentTag => {
          const rest = { timeoutMs: undefined, required: false, live: false, at }
          return { service: 's', ref: `ref${index}`, imports, exports, ...rest }
        }),
      ),
      parents: fc.constant(
        drafts.map(({ parent }, index) => (parent === null || index === 0 ? undefined : parent % index)),
      ),
      fails: fc.constant(drafts.map(({ fails }) => fails)),
      attributes: fc.dictionary(name, fc.constantFrom<unknown>(1, null, { deep: { from: 'page' } }), {
        maxKeys: 2,
        noNullPrototype: true,
      }),
      ahead: fc.nat(drafts.length),
    }),
  )

/** Pages nobody finds anything wrong with: each tag imports from some before it or behind it, in no circle. */
const soundPage: fc.Arbitrary<Page> = fc
  .array(
    fc.record({ importsOf: fc.array(fc.nat(30), { maxLength: 3 }), fails: fc.boolean(), place: fc.nat() }),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((drafts) => {
    const places = drafts.map((_, i) => i).sort((i, j) => drafts[i]!.place - drafts[j]!.place)
    const tags = places.map((i): FragmentTag => {
      const sources = new Set(i === 0 ? [] : drafts[i]!.importsOf.map((n) => n % i))
      const imports = [...sources].map((n) => ({ from: `n${n}`, to: `n${n}` }))
      const exports = [{ from: 'x', to: `n${i}` }]
      return {
        service: 's',
        ref: `r${i}`,
        imports,
        exports,
        timeoutMs: undefined,
        required: false,
        live: false,
        at,
      }
    })
    const fails = places.map((i) => drafts[i]!.fails)
    return { tags, parents: tags.map(() => undefined), attributes: {}, ahead: tags.length, fails }
  })

const choices = fc.infiniteStream(fc.nat(1000))

function chooser(stream: Iterator<number>): (count: number) => number {
  return (count) => stream.next().value % count
}

test('whatever order tags and answers come in, the result is that of asking one after the other', () => {
  fc.assert(
    fc.property(anyPage, choices, (page, stream) => {
      assert.deepEqual(driven(page, chooser(stream)), sequential(page))
    }),
    { numRuns: 1000 },
  )
})

test('the same holds for long pages without any conflict', () => {
  fc.assert(
    fc.property(soundPage, choices, (page, stream) => {
      const outcome = driven(page, chooser(stream))
      assert.deepEqual(outcome, sequential(page))
      assert.ok(outcome.fates.every((fate) => typeof fate === 'object'))
    }),
    { numRuns: 300 },
  )
})

test('a page takes as many rounds as its longest chain, and not one more', () => {
  fc.assert(
    fc.property(soundPage, (page) => {
      const flow = createFlow({ attributes: {} })
      for (const tag of page.tags) flow.add(tag)
      flow.closeAhead()
      const rounds: number[] = []
      for (let round = 1; !flow.isSettled; round++) {
        const { starts } = flow.take()
        assert.ok(starts.length > 0)
        for (const { index, wave } of starts) {
          assert.equal(wave, round)
          rounds[index] = round
        }
        for (const { index, values } of starts) flow.settle(index, answerOf(page, index, values))
      }
      const nodes = page.tags.map((tag, index) => ({ ...tag, index, parent: undefined }))
      assert.deepEqual(rounds, wavesOf(nodes))
    }),
  )
})

test('with any graph and fragments given up at any time, a page comes to an end', () => {
  fc.assert(
    fc.property(anyPage, choices, (page, stream) => {
      const choose = chooser(stream)
      const flow = createFlow({ attributes: page.attributes })
      const seen = new Set<number>()
      const running = new Map<number, unknown>()
      const step = () => {
        takeInto(flow, running, (index) => {
          assert.ok(!seen.has(index))
          seen.add(index)
        })
        for (const [index, values] of running) {
          if (choose(3) === 0) continue
          running.delete(index)
          flow.settle(index, answerOf(page, index, values))
        }
      }
      for (const [index, tag] of page.tags.entries()) {
        if (index === page.ahead) flow.closeAhead()
        flow.add(tag, page.parents[index])
        if (choose(2) === 0) step()
        const other = choose(index + 1)
        if (choose(3) > 0) continue
        flow.settle(other, undefined)
        running.delete(other)
      }
      flow.closeAhead()
      for (let rounds = 0; !flow.isSettled; rounds++) {
        assert.ok(rounds < 1000, 'it never ends')
        step()
      }
    }),
    { numRuns: 500 },
  )
})
