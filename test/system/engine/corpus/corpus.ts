/**
 * Everything a visitor may send that two servers might read differently, by category.
 *
 * @module
 */
import type { Case, Category } from './case.ts'
import { chunks } from './chunks.ts'
import { grammar } from './grammar.ts'
import { hopByHop } from './hop-by-hop.ts'
import { hosts } from './host.ts'
import { limits } from './limits.ts'
import { paths } from './path.ts'
import { smuggling } from './smuggling.ts'

export const CORPUS: readonly (readonly [Category, readonly Case[]])[] = [
  ['smuggling', smuggling],
  ['chunks', chunks],
  ['grammar', grammar],
  ['host', hosts],
  ['hop-by-hop', hopByHop],
  ['path', paths],
  ['limits', limits],
]
