/**
 * The access log: one line for each exchange, in the words of the log and at its place, but made without objects
 * and written by the batch.
 *
 * Lines are encoded into one buffer and leave together: at the end of this turn of the event loop when the last
 * batch is a while ago, so that somebody who watches sees them at once; else once per tick, or when the buffer is
 * full. A destination that stands still costs one buffer and then lines, which are counted and told of.
 *
 * @module
 */
import type { Clock } from './clock.ts'
import {
  constant,
  MOST_BYTES_PER_UNIT,
  putBytes,
  putHundredths,
  putInteger,
  putMilliseconds,
  putText,
} from './line-bytes.ts'

export interface AccessLogDeps {
  /**
   * Takes finished lines in UTF-8, whose memory is used again; false when it could not, and wants to be asked again.
   * `log.rawBytes` is one.
   */
  readonly write: (bytes: Buffer) => boolean
  /** False while lines of level `info` are not wanted. */
  readonly isOn: () => boolean
  readonly clock: Clock
  /** Hides what may not stand in a log, such as keys in paths. @default the path as it is */
  readonly maskPath?: ((path: string) => string) | undefined
  /** Hears how many lines were lost, each time some were. */
  readonly onDropped?: ((lines: number) => void) | undefined
  /** Most time between two batches. @default 100 */
  readonly everyMs?: number
  /** A batch of this size is written at once. @default 65536 */
  readonly maxBytes?: number
}

export interface AccessLog {
  /**
   * Notes one finished exchange. Positions instead of an object, because this runs for every request.
   * `service` and `instance` are undefined where nobody served; `trace` is the 32 digits of a trace id, `tracer`
   * what services behind hydra-router know a request by.
   */
  record(
    exchange: string,
    method: string,
    path: string,
    status: number,
    isAborted: boolean,
    service: string | undefined,
    instance: string | undefined,
    durationMs: number,
    attempts: number,
    client: string,
    trace: string | undefined,
    tracer: string | undefined,
  ): void
  /** Writes what waits. */
  flush(): void
  /** Writes what waits, and nothing after that: `record` is not heard any more. */
  close(): void
}

/** Room beyond `maxBytes`, for the line that crosses it. */
const SLACK_BYTES = 64 * 1024
/** Of a path that is too long even for that, this much is shown. */
const SHOWN_UNITS = 1024
/** More than all constants, numbers and the time of one line. */
const FRAME_BYTES = 512
/** Instances whose part of a line is kept ready. */
const MOST_KNOWN = 4096

const DATE_AT = '{"level":"info","time":"'.length
const MS_AT = DATE_AT + '2026-11-20T14:03:27.'.length

const METHOD = constant('","method":"')
const PATH = constant('","path":"')
const STATUS = constant('","status":')
const ABORTED = constant(',"aborted":true')
const DURATION = constant(',"durationMs":')
const ATTEMPTS = constant(',"attempts":')
const CLIENT = constant(',"client":"')
const TRACE = constant('","trace":"')
const TRACER = constant('","tracer":"')
const END = constant('","msg":"exchange"}\n')
const NOBODY = constant('')

/** Makes the access log of one gateway. */
export function createAccessLog(deps: AccessLogDeps): AccessLog {
  const { write, isOn, clock, maskPath, onDropped, everyMs = 100, maxBytes = 64 * 1024 } = deps
  const buffer = Buffer.allocUnsafeSlow(maxBytes + SLACK_BYTES)
  const opening = Buffer.from('{"level":"info","time":"2026-11-20T14:03:27.000Z","exchange":"', 'latin1')
  let openingMs = Number.NaN
  let openingSecond = Number.NaN
  let length = 0
  let lines = 0
  let lost = 0
  let flushedAt = Number.NEGATIVE_INFINITY
  let isScheduled = false
  /** The destination took nothing when it was last asked: it is asked again once per tick, not once per line. */
  let isStalled = false
  let isClosed = false
  let known = new Map<string, Known>()

  function setTime(nowMs: number): void {
    const second = Math.floor(nowMs / 1000)
    if (second !== openingSecond) {
      openingSecond = second
      opening.write(new Date(second * 1000).toISOString().slice(0, 20), DATE_AT, 'latin1')
    }
    openingMs = nowMs
    putMilliseconds(opening, Math.floor(nowMs) - second * 1000, MS_AT)
  }

  function whoOf(service: string | undefined, instance: string | undefined): Uint8Array {
    if (service === undefined && instance === undefined) return NOBODY
    const key = instance ?? ''
    const found = known.get(key)
    if (found !== undefined && found.service === service && found.instance === instance) return found.bytes
    const bytes = constant(
      (service === undefined ? '' : `,"service":${JSON.stringify(service)}`) +
        (instance === undefined ? '' : `,"instance":${JSON.stringify(instance)}`),
    )
    // Instances come and go, and an entry is quickly made again.
    if (known.size >= MOST_KNOWN) known = new Map()
    known.set(key, { service, instance, bytes })
    return bytes
  }

  function schedule(): void {
    if (isScheduled) return
    isScheduled = true
    const waitMs = flushedAt + everyMs - clock.monotonic()
    if (waitMs <= 0) setImmediate(due)
    else clock.after(waitMs, due)
  }

  function due(): void {
    isScheduled = false
    flush()
  }

  function flush(): void {
    if (length === 0 && lost === 0) return
    flushedAt = clock.monotonic()
    isStalled = length > 0 && !write(buffer.subarray(0, length))
    if (isStalled) {
      if (!isClosed) schedule()
      return
    }
    length = 0
    lines = 0
    if (lost > 0 && write(Buffer.from(lossLine(clock.now(), lost)))) lost = 0
  }

  function drop(count: number): void {
    lost += count
    onDropped?.(count)
  }

  return {
    record(
      exchange,
      method,
      path,
      status,
      isAborted,
      service,
      instance,
      durationMs,
      attempts,
      client,
      trace,
      tracer,
    ) {
      if (isClosed || !isOn()) return
      let shown = maskPath === undefined ? path : maskPath(path)
      const who = whoOf(service, instance)
      const units =
        exchange.length + method.length + client.length + (trace?.length ?? 0) + (tracer?.length ?? 0)
      let needed = FRAME_BYTES + who.length + (units + shown.length) * MOST_BYTES_PER_UNIT
      if (needed > SLACK_BYTES) {
        shown = shown.slice(0, SHOWN_UNITS)
        needed = FRAME_BYTES + who.length + (units + shown.length) * MOST_BYTES_PER_UNIT
      }
      if (needed > buffer.length - length) {
        if (!isStalled) flush()
        if (needed > buffer.length - length) {
          drop(1)
          return
        }
      }
      const now = clock.now()
      if (now !== openingMs) setTime(now)
      let at = putBytes(buffer, opening, length)
      at = putText(buffer, exchange, at)
      at = putBytes(buffer, METHOD, at)
      at = putText(buffer, method, at)
      at = putBytes(buffer, PATH, at)
      at = putText(buffer, shown, at)
      at = putBytes(buffer, STATUS, at)
      at = putInteger(buffer, status, at)
      if (isAborted) at = putBytes(buffer, ABORTED, at)
      at = putBytes(buffer, who, at)
      at = putBytes(buffer, DURATION, at)
      at = putHundredths(buffer, durationMs, at)
      at = putBytes(buffer, ATTEMPTS, at)
      at = putInteger(buffer, attempts, at)
      at = putBytes(buffer, CLIENT, at)
      at = putText(buffer, client, at)
      if (trace !== undefined) {
        at = putBytes(buffer, TRACE, at)
        at = putText(buffer, trace, at)
      }
      if (tracer !== undefined) {
        at = putBytes(buffer, TRACER, at)
        at = putText(buffer, tracer, at)
      }
      length = putBytes(buffer, END, at)
      lines++
      if (length >= maxBytes && !isStalled) flush()
      if (!isScheduled && length > 0) schedule()
    },
    flush,
    close() {
      if (isClosed) return
      isClosed = true
      flush()
      if (lines > 0) drop(lines)
      length = 0
      lines = 0
      lost = 0
    },
  }
}

/** One instance as it stands in a line. Ids are unique, but nothing here depends on it. */
interface Known {
  readonly service: string | undefined
  readonly instance: string | undefined
  readonly bytes: Uint8Array
}

function lossLine(nowMs: number, lines: number): string {
  const time = new Date(nowMs).toISOString()
  return `${JSON.stringify({ level: 'warn', time, lines, msg: 'lines of the access log were lost: its destination stood still' })}\n`
}
