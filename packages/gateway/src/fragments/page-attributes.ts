/**
 * What a page says of itself to its fragments: `<script type="application/json" m:attributes>`.
 *
 * @module
 */
import { isJsonTooDeep } from '@hydra-gateway/protocol'

export type Attributes = Readonly<Record<string, unknown>>

/** Reads the content of the script: an object, or why it is none. */
export function parsePageAttributes(json: string): Attributes | string {
  if (isJsonTooDeep(json)) return 'it is nested too deep'
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    return error instanceof Error ? error.message : 'it is no JSON'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is no JSON object'
  return value as Attributes
}
