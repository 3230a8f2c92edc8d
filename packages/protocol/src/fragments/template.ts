/**
 * The compiler of pages: HTML with fragment tags becomes parts and nodes, or errors that say where and what to do.
 *
 * @module
 */
import type { Template } from './model.ts'

export interface CompileOptions {
  /** What errors call the page, such as a file name. @default 'the page' */
  readonly name?: string
  /** Attributes the page has by itself; without them nothing is known of what an import may mean. */
  readonly attributes?: readonly string[]
  /** Attributes local fragments set by themselves, by ref: for `service` empty or `self`. */
  readonly local?: (ref: string) => readonly string[] | undefined
  /** Name of the service whose page it is: a tag that names it is a local one. */
  readonly service?: string
}

/**
 * Compiles a page and checks it (`medusa.md` 6.3): syntax, export and import conflicts, cycles, unknown imports.
 *
 * @throws FragmentError the first fault; `compileFaults` lists all
 */
export function compileTemplate(_html: string, _options: CompileOptions = {}): Template {
  throw new Error('not there yet')
}
