/**
 * Reads JSON that a stranger sent: bounded, valid UTF-8, and without keys that reach into object machinery.
 *
 * @module
 */
import { HydraError } from '../errors.ts'

/** Reads a body as text, or throws HYDRA_TOO_LARGE as soon as more than `maxBytes` came. */
export async function readText(request: Request, maxBytes: number): Promise<string> {
  const tooLarge = () =>
    new HydraError('HYDRA_TOO_LARGE', `the body may have ${maxBytes} bytes; nothing was registered`)
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge()
  if (!request.body) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (cause) {
    throw new HydraError('HYDRA_BAD_REQUEST', 'the body is not valid UTF-8', { cause })
  }
}

/** Reads a body as JSON, or throws HYDRA_TOO_LARGE or HYDRA_BAD_REGISTRATION with what is wrong. */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const text = await readText(request, maxBytes)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new HydraError('HYDRA_BAD_REGISTRATION', `the body is not JSON: ${(cause as Error).message}`, {
      cause,
    })
  }
  if (hasForbiddenKey(value)) {
    throw new HydraError('HYDRA_BAD_REGISTRATION', 'the keys __proto__ and constructor can not be used')
  }
  return value
}

/** Looks through parsed JSON of any depth without recursion: its depth is the sender's choice. */
export function hasForbiddenKey(value: unknown): boolean {
  const open: unknown[] = [value]
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next !== 'object' || next === null) continue
    if (!Array.isArray(next) && (Object.hasOwn(next, '__proto__') || Object.hasOwn(next, 'constructor')))
      return true
    for (const child of Object.values(next)) if (typeof child === 'object') open.push(child)
  }
  return false
}
