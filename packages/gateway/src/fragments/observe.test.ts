import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Span, type SpanOptions, trace } from '@opentelemetry/api'
import { createManualClock } from '../observe/manual-clock.ts'
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
      ['debug', 'down', 'no-instance'],
      ['warn', 'a', 'failed'],
    ],
    'what is down is ordinary',
  )
  clock.advance(10_000)
  await times(1)
  assert.deepEqual(
    page.lines.slice(2).map(({ fields }) => fields.skipped),
    [4, 4],
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
