/**
 * CORS by the rules of hydra-router (`flywheel.md` 3.6): headers that are the same for every answer, whoever asks.
 *
 * @module
 */
import type { FlywheelSettings } from './flywheel-settings.ts'

type Cors = FlywheelSettings['cors']
type Headers = Readonly<Record<string, string>>

const ANY_ORIGIN: Headers = Object.freeze({ 'access-control-allow-origin': '*' })
const PREFLIGHT: Headers = Object.freeze({
  'content-type': 'text/plain; charset=utf-8',
  'access-control-expose-headers': 'Content-Length, Content-Range',
})

/** Of answers of our own: those of the configuration, as they are written there; without any, every page may read them. */
export function corsHeaders(cors: Cors): Headers {
  return cors !== undefined && Object.keys(cors).length > 0 ? cors : ANY_ORIGIN
}

/** Of the answer to OPTIONS. Those of the configuration go before ours, whatever case their names are written in. */
export function preflightHeaders(cors: Cors): Record<string, string> {
  const headers: Record<string, string> = { ...PREFLIGHT }
  for (const [name, value] of Object.entries(corsHeaders(cors))) {
    delete headers[name.toLowerCase()]
    headers[name] = value
  }
  return headers
}
