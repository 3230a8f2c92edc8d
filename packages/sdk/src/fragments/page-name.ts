/**
 * What a page is called in errors, in the log and towards the gateway: by its name, or by its number among the pages of its
 * service, with the advice to give it one.
 *
 * @module
 */
import { FragmentError, type FragmentFaultName } from '@hydra-gateway/protocol/fragments'
import type { PageBinding } from './binding.ts'
import { compileProgram, type Program, type ProgramOptions } from './page-program.ts'

/** What a page is called, and its places; `advice` where nobody gave it a name. */
export interface Named extends Pick<ProgramOptions, 'name' | 'place'> {
  readonly advice?: string
}

/** `number`: among the pages of its service. */
export function nameOf(name: string | undefined, number: number | undefined): Named {
  if (name !== undefined) return { name }
  const meant = number === undefined ? 'the page' : `page ${number}`
  return {
    name: meant,
    place: ({ line, column }) => `${meant}, line ${line}, column ${column}`,
    advice: `${number === undefined ? 'this page has no name' : `it is number ${number} of the option pages`}; give it one to read here: { name: 'product.html' }`,
  }
}

/**
 * Compiles a page under its name.
 *
 * @throws FragmentError for the first fault
 */
export function compileNamed(
  html: string,
  binding: PageBinding,
  { attributes, isMade = false }: Pick<ProgramOptions, 'attributes' | 'isMade'>,
  { advice, ...named }: Named,
): Program {
  try {
    return compileProgram(html, binding, { ...named, isMade, ...(attributes && { attributes }) })
  } catch (fault) {
    if (advice === undefined || !(fault instanceof FragmentError)) throw fault
    const { at, other } = fault
    throw new FragmentError(fault.name as FragmentFaultName, `${fault.message} (${advice})`, {
      ...(at && { at }),
      ...(other && { other }),
    })
  }
}
