/**
 * What a page says of itself to its fragments: `<script type="application/json" m:attributes>`.
 *
 * @module
 */
import { isJsonTooDeep } from '../json-depth.ts'

/** Reads the content of the script: an object, or why it is none, to be read behind "the attributes script". */
export function readPageAttributes(json: string): Readonly<Record<string, unknown>> | string {
  if (isJsonTooDeep(json)) return 'is nested too deep'
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    return `is no JSON: ${(error as Error).message}`
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject
    ? (value as Readonly<Record<string, unknown>>)
    : 'must hold an object such as {"sku": "ab-1"}'
}
