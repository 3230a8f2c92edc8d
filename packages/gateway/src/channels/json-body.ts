/**
 * Reads JSON that a stranger sent: bounded, valid UTF-8, and without keys that reach into object machinery.
 *
 * @module
 */
import { isJsonTooDeep, MOST_JSON_DEPTH } from '@hydra-gateway/protocol'
import { HydraError } from '../errors.ts'
import { type BodyLimits as BodyCost, readBytes } from '../request-body.ts'

/** What a body may cost. */
export interface BodyLimits extends BodyCost {
  /** The setting that says `maxBytes`, for who reads the error. */
  readonly setting?: string
}

/**
 * Reads a body as text, or throws HYDRA_TOO_LARGE as soon as more than `maxBytes` came, HYDRA_REQUEST_TIMEOUT
 * when it takes longer than `timeoutMs`, HYDRA_BAD_REQUEST when it is cut off or no UTF-8.
 */
export async function readText(request: Request, limits: BodyLimits): Promise<string> {
  const { maxBytes, setting } = limits
  const tooLarge = `the body may have ${maxBytes} bytes${setting ? ` (${setting})` : ''}`
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes)
    throw new HydraError('HYDRA_TOO_LARGE', tooLarge)
  const bytes = await readBytes(request, limits, { name: 'body', tooLarge })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new HydraError('HYDRA_BAD_REQUEST', 'the body is not valid UTF-8', { cause })
  }
}

/** What is said of a body nobody can read. */
export type BodyFault = 'HYDRA_BAD_REQUEST' | 'HYDRA_BAD_REGISTRATION'

/** Reads a body as JSON: what `readText` and `parseJson` throw, or `fault` for keys that reach into objects. */
export async function readJson(request: Request, limits: BodyLimits, fault: BodyFault): Promise<unknown> {
  return jsonOf(await readText(request, limits), fault)
}

/** The same, where a body may be left out. */
export async function readOptionalJson(
  request: Request,
  limits: BodyLimits,
  fault: BodyFault,
): Promise<unknown> {
  const text = await readText(request, limits)
  return text.trim() === '' ? undefined : jsonOf(text, fault)
}

function jsonOf(text: string, fault: BodyFault): unknown {
  const value = parseJson(text, fault)
  if (hasForbiddenKey(value))
    throw new HydraError(fault, 'the keys __proto__ and constructor can not be used')
  return value
}

/** Parses the text of a body, or throws `fault` with what is wrong. */
export function parseJson(text: string, fault: BodyFault): unknown {
  if (isJsonTooDeep(text)) throw new HydraError(fault, `the body is nested more than ${MOST_JSON_DEPTH} deep`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new HydraError(fault, `the body is not JSON: ${(cause as Error).message}`, { cause })
  }
}

/** Looks through parsed JSON of any depth without recursion: its depth is the sender's choice. */
export function hasForbiddenKey(value: unknown): boolean {
  const open: object[] = isObject(value) ? [value] : []
  for (;;) {
    const next = open.pop()
    if (next === undefined) return false
    if (Array.isArray(next)) {
      for (const child of next) if (isObject(child)) open.push(child)
    } else {
      for (const key in next) {
        if (key === '__proto__' || key === 'constructor') return true
        const child = (next as Record<string, unknown>)[key]
        if (isObject(child)) open.push(child)
      }
    }
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
