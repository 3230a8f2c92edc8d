/**
 * What pages say in the log of their service: the same trouble now and then, not for each visitor.
 *
 * @module
 */
import { createSeldom } from '../seldom.ts'
import type { PageBinding } from './binding.ts'

/** Says trouble of a page; of one kind it is said seldom. */
export type Say = (kind: string, sentence: string) => void

const ofServices = new WeakMap<PageBinding, ReturnType<typeof createSeldom>>()

/** The voice of the page `name`. */
export function sayFor(name: string, binding: PageBinding): Say {
  const seldom = seldomOf(binding)
  return (kind, sentence) => seldom(`${name} ${kind}`, `${name}: ${sentence}`)
}

/** Says what is wrong with HTML that was made for one request, as the next may have the same. */
export function warnOfMade(name: string, warnings: readonly string[], binding: PageBinding): void {
  if (warnings.length > 0) seldomOf(binding)(`${name} made`, warnings.join('; '))
}

/** What is said seldom is so for all pages of a service together. */
function seldomOf(binding: PageBinding): ReturnType<typeof createSeldom> {
  let seldom = ofServices.get(binding)
  if (!seldom) {
    seldom = createSeldom(binding.log.warn, () => performance.now())
    ofServices.set(binding, seldom)
  }
  return seldom
}
