/**
 * A span of OpenTelemetry for each fragment. Without an SDK in the process nobody listens, and it costs next to
 * nothing: a span is made when it is over, with the times it had.
 *
 * @module
 */
import type { FragmentReport } from '@hydra-gateway/protocol'
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'

const tracer = trace.getTracer('@hydra-gateway/gateway')
/** W3C Trace Context, level 1: ids of zeros are none. */
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})/

/** Records a fragment that settled. `startedAt`: wall time, epoch ms. `traceparent`: of the page. */
export function traceFragment(
  { service, ref, instance, version, via, reason, detail, durationMs }: FragmentReport,
  startedAt: number,
  traceparent: string | undefined,
): void {
  const span = tracer.startSpan(
    'fragment',
    { kind: SpanKind.CLIENT, startTime: startedAt },
    traceparent === undefined ? ROOT_CONTEXT : parentOf(traceparent),
  )
  if (!span.isRecording()) return
  span.setAttributes({
    'hydra.fragment.service': service,
    'hydra.fragment.ref': ref,
    'hydra.fragment.instance': instance,
    'hydra.fragment.version': version,
    'hydra.fragment.via': via,
    'hydra.fragment.outcome': reason ?? 'rendered',
  })
  if (reason !== undefined)
    span.setStatus({ code: SpanStatusCode.ERROR, ...(detail === undefined ? {} : { message: detail }) })
  span.end(startedAt + durationMs)
}

function parentOf(traceparent: string): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? []
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags!, 16),
    isRemote: true,
  })
}
