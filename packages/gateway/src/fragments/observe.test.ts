import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FallbackReason } from '@hydra-gateway/protocol'
import { type Span, type SpanOptions, trace } from '@opentelemetry/api'
import { createManualClock } from '../observe/manual-clock.ts'
import { createFragmentObserver } from './observe.ts'
import { html, instanceOf, start, tag } from './testing/played-services.ts'

test('a broken fragment of a busy page is said once in ten seconds, with the number of those in between', async () => {
  const clock = createManualClock()
  const page = start({ services: [instanceOf('a')], known: ['down'], clock })
  const times = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) page.add(tag('a', 'cart'), tag('down', 'cart'))
    await page.go()
    for (const call of page.calls.splice(0))
      call.answersWith((id) => ({ id, renderedHTML: null, reason: 'failed' }))
    await page.turn()
  }
  await times(5)
  assert.deepEqual(
    page.lines.map(({ level, fields }) => [level, fields.service, fields.reason]),
    [
      ['info', 'down', 'no-instance'],
      ['warn', 'a', 'failed'],
    ],
    'what is down is ordinary',
  )
  clock.advance(10_000)
  await times(1)
  assert.deepEqual(
    page.lines.slice(2).map(({ fields }) => [fields.service, fields.skipped]),
    [['a', 4]],
    'and said once',
  )
})

/** A gateway's log of one fragment that is shown, or not for a reason. */
function logOfOne() {
  const clock = createManualClock()
  const lines: unknown[][] = []
  const log = {
    isLevelEnabled: () => true,
    info: ({ ref, reason, fallbacks, forMs }: Record<string, unknown>, msg: string) =>
      void lines.push([msg, ref, reason, ...(msg === 'fragment is back' ? [fallbacks, forMs] : [])]),
  } as never
  const metrics = { fragment() {}, fragmentDropped() {} }
  const observer = createFragmentObserver({ clock, log, metrics })
  const settle = (reason?: FallbackReason, ref = 'cart') => {
    const report = { id: '', service: 'orders', ref, wave: 1, startMs: 0, durationMs: 1, bytes: 0 }
    observer.settled({
      report: { ...report, imports: [], exports: [], ...(reason && { reason }) },
      exchange: 'x',
      traceparent: undefined,
      isKnown: true,
      startedAt: 0,
    })
  }
  return { clock, lines, settle }
}

test('a service that goes and returns is two lines in the log, however often its fragment was asked for', () => {
  const { clock, lines, settle } = logOfOne()
  settle()
  for (let i = 0; i < 60; i++) {
    settle('no-instance')
    clock.advance(1000)
  }
  settle()
  settle()
  assert.deepEqual(lines, [
    ['fallback shown', 'cart', 'no-instance'],
    ['fragment is back', 'cart', 'no-instance', 60, 60_000],
  ])
})

test('a service that comes and goes each second is said once in ten, and its last end is not missed', () => {
  const { clock, lines, settle } = logOfOne()
  for (let i = 0; i < 20; i++) {
    settle('no-instance')
    clock.advance(500)
    settle()
    clock.advance(500)
  }
  assert.equal(lines.filter(([msg]) => msg === 'fallback shown').length, 2)
  assert.equal(lines.filter(([msg]) => msg === 'fragment is back').length, 2)
  settle('no-instance')
  clock.advance(9000)
  settle('no-instance')
  assert.equal(lines.length, 5, 'an outage that began while nothing was to be said')
})

test('a fragment that has nothing to show for some is back when it was shown to everybody for a while', () => {
  const { clock, lines, settle } = logOfOne()
  for (let i = 0; i < 30; i++) {
    settle('declined')
    settle()
    clock.advance(1000)
  }
  assert.deepEqual(lines, [['fallback shown', 'cart', 'declined']])
  clock.advance(10_000)
  settle()
  assert.deepEqual(lines.slice(1), [['fragment is back', 'cart', 'declined', 30, 40_000]])
})

test('names anybody can make up take a bounded place in what is remembered', () => {
  const { lines, settle } = logOfOne()
  for (let i = 0; i < 5000; i++) settle('declined', `ref-${i}`)
  lines.length = 0
  settle('no-instance', 'ref-4999')
  settle(undefined, 'ref-0')
  settle(undefined, 'ref-4999')
  assert.deepEqual(
    lines.map(([msg, ref]) => [msg, ref]),
    [
      ['fallback shown', 'ref-4999'],
      ['fragment is back', 'ref-4999'],
    ],
  )
})

test('each fragment is a span of the page’s trace, when somebody listens', async (t) => {
  const spans: {
    name: string
    parent: string | undefined
    attributes: Record<string, unknown>
    tookMs: number
  }[] = []
  t.after(() => trace.disable())
  trace.setGlobalTracerProvider({
    getTracer: () => ({
      startSpan(
        name: string,
        { startTime }: SpanOptions = {},
        context?: Parameters<typeof trace.getSpanContext>[0],
      ) {
        const span = {
          name,
          parent: context && trace.getSpanContext(context)?.traceId,
          attributes: {} as Record<string, unknown>,
          tookMs: 0,
          isRecording: () => true,
          setAttributes: (attributes: object) => Object.assign(span.attributes, attributes),
          setStatus() {},
          end(at: number) {
            span.tookMs = at - Number(startTime)
            spans.push(span)
          },
        }
        return span as unknown as Span
      },
      startActiveSpan() {
        throw new Error('nothing runs inside of it')
      },
    }),
  })
  const clock = createManualClock()
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const page = start({
    services: [instanceOf('a', { version: '1.2' })],
    context: { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    clock,
  })
  page.add(tag('a', 'cart'), tag('nobody', 'x'))
  await page.go()
  clock.advance(120)
  page.calls[0]!.answers(html('cart', 'c'))
  await page.turn()
  const said = spans.map(({ name, parent, attributes, tookMs }) => [
    name,
    parent,
    attributes['hydra.fragment.service'],
    attributes['hydra.fragment.version'],
    attributes['hydra.fragment.outcome'],
    tookMs,
  ])
  assert.deepEqual(said, [
    ['fragment', traceId, 'nobody', undefined, 'unknown-service', 0],
    ['fragment', traceId, 'a', '1.2', 'rendered', 120],
  ])
})

test('a second mistake is not hidden behind the first, and a page full of them is a bounded number of lines', () => {
  const clock = createManualClock()
  const lines: unknown[][] = []
  const log = {
    isLevelEnabled: () => true,
    warn: ({ place, detail, skipped }: Record<string, unknown>) => void lines.push([place, detail, skipped]),
  } as never
  const observer = createFragmentObserver({ clock, log, metrics: { fragment() {}, fragmentDropped() {} } })
  const drop = (place: string, detail = 'no ref') =>
    observer.dropped('tag-syntax', { service: 'shop', place, detail })
  for (let i = 0; i < 3; i++) {
    drop(`/goods/${i}:4:1`)
    drop(`/goods/${i}:9:1`)
    drop(`/goods/${i}:9:1`, 'no comma')
  }
  assert.deepEqual(lines, [
    ['/goods/0:4:1', 'no ref', undefined],
    ['/goods/0:9:1', 'no ref', undefined],
    ['/goods/0:9:1', 'no comma', undefined],
  ])
  for (let i = 0; i < 1000; i++) drop(`/goods:${i}:7`)
  assert.equal(lines.length, 21)
  clock.advance(10_000)
  drop('/goods/0:4:1')
  assert.deepEqual(lines.at(-1), ['/goods/0:4:1', 'no ref', 2])
})
