/**
 * `page`: HTML with fragment tags, compiled once and rendered for each visitor.
 *
 * The tag is plain HTML, so any template engine may have written it: `page` takes what is the same for everybody,
 * `page.dynamic` what is made anew for each request.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nearest, type UseDeclaration } from '@hydra-gateway/protocol'
import { FragmentError } from '@hydra-gateway/protocol/fragments'
import { type Log, logOf } from '../log.ts'
import { methodOf } from '../request.ts'
import type { PageBinding, PageOption } from './binding.ts'
import { FragmentFailure } from './failure.ts'
import { sayFor, warnOfMade } from './page-log.ts'
import { compileNamed, nameOf } from './page-name.ts'
import { isFilled, isOwn, type Program } from './page-program.ts'
import { readPageRequest, signalOf } from './page-request.ts'
import { createSiteTags, marksOf } from './page-site.ts'
import { createRendering, type Rendering } from './rendering.ts'
import { createRun } from './rendering-run.ts'
import { sessionsOf } from './sessions.ts'

/** HTML, or a file of it: a name is relative to the working directory. */
export type PageSource = string | URL | { readonly file: string | URL }

export interface PageOptions {
  /** What errors and reports call the page. @default the name of its file, or its number among the pages of its service */
  readonly name?: string
  /** All attributes the page is rendered with: an import nobody provides is found at start then. */
  readonly attributes?: readonly string[]
  /** Nothing leaves before all `required` fragments are there, so that a failure can be answered with its status. @default false */
  readonly hold?: boolean
  /** How long the fragments of the page may take together, ms. @default 3000 */
  readonly budgetMs?: number
}

export interface RenderOptions {
  /** Gives the page up when aborted. What sends a page in an adapter does so by itself when the visitor leaves. */
  readonly signal?: AbortSignal
  readonly hold?: boolean
  readonly budgetMs?: number
}

/** Values of a page, by name. Fragments get those they import. */
export type PageAttributes = Readonly<Record<string, unknown>>

/** A page of a service, to be named in its option `pages`. */
export interface Page extends PageOption {
  readonly name: string
  /**
   * Renders the page. `request` is what the framework has: whom the page is for is read from its headers.
   * Without a gateway each fragment of others shows its fallback.
   */
  render(attributes?: PageAttributes, request?: object, options?: RenderOptions): Rendering
}

/** Pages whose HTML is made for each request, by any template engine. */
export interface DynamicPage extends PageOption {
  /** Renders HTML as `page` does; a fault in it rejects, as it can't be known before. */
  render(html: string, attributes?: PageAttributes, request?: object, options?: RenderOptions): Rendering
}

const OPTIONS: readonly (keyof PageOptions)[] = ['name', 'attributes', 'hold', 'budgetMs']
const BUDGET_MS = 3000
/** Compiled dynamic pages that are kept, for those that say the same to everybody. */
const MOST_PROGRAMS = 100
const MOST_CHARACTERS = 4 * 1024 * 1024

/**
 * Makes a page. Name it in the option `pages` of its service: it is compiled before the service starts, and a page
 * with a fault keeps it from starting.
 *
 * @example
 * const product = page({ file: 'views/product.html' })
 * await hydra(app, { name: 'shop', pages: [product] })
 * app.get('/product/:sku', (request, response) =>
 *   sendPage(response, product.render({ sku: request.params.sku }, request)))
 * @throws TypeError for options that mean nothing
 */
export function page(source: PageSource, options: PageOptions = {}): Page {
  checkOptions(options)
  const file = fileOf(source)
  const given = options.name ?? (file === undefined ? undefined : basename(file))
  let named = nameOf(given, undefined)
  let bound: { readonly binding: PageBinding; readonly program: Program } | undefined

  function compiled(binding: PageBinding): Program {
    const program = compileNamed(htmlOf(source, file), binding, options, named)
    for (const warning of program.warnings) binding.log.warn(warning)
    return program
  }

  function use(): { readonly binding: PageBinding; readonly program: Program } {
    bound ??= { binding: standalone, program: compiled(standalone) }
    return bound
  }

  return {
    get name() {
      return named.name
    },
    compile(binding, number) {
      const owner = bound?.binding.service ?? ''
      if (owner !== '' && owner !== binding.service)
        throw new TypeError(
          `${named.name} is a page of ${owner}, so it can't be one of ${binding.service} as well; call page(…) for each of them`,
        )
      named = nameOf(given, number)
      bound = { binding, program: compiled(binding) }
    },
    bind(binding) {
      bound = { binding, program: bound?.binding === binding ? bound.program : compiled(binding) }
    },
    uses: () => (bound ? usesOf(bound.program, bound.binding.service) : []),
    render: (attributes, request, renderOptions) =>
      render({ use, log: () => bound?.binding.log ?? standalone.log }, attributes, request, {
        ...options,
        ...renderOptions,
      }),
  }
}

page.dynamic = function dynamic(options: PageOptions = {}): DynamicPage {
  checkOptions(options)
  let binding = standalone
  let named = nameOf(options.name, undefined)
  const programs = new Map<string, Program>()
  let characters = 0

  function programOf(html: string): Program {
    if (typeof html !== 'string') throw new TypeError('the HTML of a page must be a text')
    const program = programs.get(html) ?? compileNamed(html, binding, { ...options, isMade: true }, named)
    if (!programs.delete(html)) {
      characters += html.length
      warnOfMade(program.name, program.warnings, binding)
    }
    programs.set(html, program)
    for (const oldest of programs.keys()) {
      if (programs.size <= MOST_PROGRAMS && characters <= MOST_CHARACTERS) break
      programs.delete(oldest)
      characters -= oldest.length
    }
    return program
  }

  function bind(next: PageBinding): void {
    binding = next
    programs.clear()
    characters = 0
  }

  return {
    compile(next, number) {
      named = nameOf(options.name, number)
      bind(next)
    },
    bind,
    uses: () => [],
    render: (html, attributes, request, renderOptions) =>
      render(
        { use: () => ({ binding, program: programOf(html) }), log: () => binding.log },
        attributes,
        request,
        { ...options, ...renderOptions },
      ),
  }
}

/** A page no service has: there is no gateway, and no fragment of its own. */
const standalone: PageBinding = {
  service: '',
  fragments: {
    has: () => false,
    definition: () => undefined,
    render: () => Promise.reject(new FragmentFailure('unknown-ref', 'the page belongs to no service')),
  },
  ask: () => undefined,
  log: logOf(undefined),
  sessions: undefined,
}

interface Compiled {
  /** The page and its service. @throws FragmentError when it has a fault */
  readonly use: () => { readonly binding: PageBinding; readonly program: Program }
  readonly log: () => Log
}

function render(
  { use, log }: Compiled,
  attributes: PageAttributes | undefined,
  request: object | undefined,
  { hold = false, budgetMs = BUDGET_MS, signal = signalOf(request) }: RenderOptions,
): Rendering {
  return createRendering({
    hold,
    signal,
    log,
    isForHead: methodOf(request) === 'HEAD',
    open() {
      checkBudget(budgetMs)
      const { binding, program } = use()
      const { name, nodes } = program
      const given = attributesOf(program, attributes)
      checkExports(program, given)
      const { context, visitor } = readPageRequest(request, binding.readToken)
      const sessions = sessionsOf(binding)(visitor, request)
      const run = createRun({ name, nodes, attributes: given, context, binding, sessions, budgetMs })
      return {
        program,
        run,
        service: binding.service,
        isXray: context.xray === true,
        site:
          binding.site &&
          createSiteTags(binding.site, request, (sentence) => sayFor(name, binding)('menus', sentence)),
        recognise: () => recognise(name, binding, request),
        marks: marksOf(binding, nodes, given, request),
      }
    },
  })
}

/** Who nobody can recognise sees what everybody does. */
async function recognise(name: string, binding: PageBinding, request: object | undefined): Promise<void> {
  const { site } = binding
  if (!request || !site?.recognise) return
  await site.recognise(request).catch((fault) => {
    sayFor(name, binding)('visitor', `its menus are as for nobody: ${fault}`)
  })
}

/** What the call gives, over what the page says of itself. What is undefined is not there. */
function attributesOf(program: Program, given: PageAttributes | undefined): PageAttributes {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given)))
    throw new TypeError(`${program.name}: attributes must be an object such as { sku: 'ab-1' }`)
  const all = new Map([...Object.entries(program.attributes), ...Object.entries(given ?? {})])
  return Object.fromEntries([...all].filter(([, value]) => value !== undefined))
}

/** No fragment may export what the page has by itself (`medusa.md` 6.3, rule b). */
export function checkExports(
  { place, nodes }: Pick<Program, 'place' | 'nodes'>,
  attributes: PageAttributes,
): void {
  for (const node of nodes) {
    const taken = node.exports.find(({ to }) => Object.hasOwn(attributes, to))
    if (!taken) continue
    throw new FragmentError(
      'FragmentExportConflict',
      `${place(node.at)}: the fragment "${node.ref}" exports "${taken.to}", which is an attribute of the page; ` +
        `give it another name: exports="${taken.from} as ${taken.to}2"`,
      { at: node.at },
    )
  }
}

function usesOf({ place, nodes }: Program, own: string): UseDeclaration[] {
  return nodes
    .filter(({ service, ref }) => isFilled(service) && isFilled(ref))
    .map(({ service, ref, imports, exports, at }) => ({
      place: place(at).slice(-512),
      service: isOwn(service, own) ? own : service,
      ref,
      imports: imports.map(({ to }) => to),
      exports: exports.map(({ from }) => from),
    }))
}

function checkOptions(options: PageOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(
      "options of a page must be an object such as { name: 'product' }; page.dynamic is given its HTML in render",
    )
  for (const key of Object.keys(options)) {
    if ((OPTIONS as readonly string[]).includes(key)) continue
    const meant = nearest(key, OPTIONS)
    throw new TypeError(`"${key}" is no option of a page${meant ? `; did you mean "${meant}"?` : ''}`)
  }
  const { attributes, budgetMs } = options
  if (
    attributes !== undefined &&
    !(Array.isArray(attributes) && attributes.every((one) => typeof one === 'string'))
  )
    throw new TypeError(
      "attributes of a page must be a list such as ['sku']; their values are given to render",
    )
  checkBudget(budgetMs)
}

/** A timer that is asked for longer fires at once. */
const MOST_BUDGET_MS = 2 ** 31 - 1

function checkBudget(budgetMs: number | undefined): void {
  if (budgetMs === undefined) return
  if (typeof budgetMs !== 'number' || !(budgetMs > 0 && budgetMs <= MOST_BUDGET_MS))
    throw new TypeError(`budgetMs must be a number of milliseconds, more than 0 and up to ${MOST_BUDGET_MS}`)
}

function fileOf(source: PageSource): string | undefined {
  if (typeof source === 'string') {
    if (/^[^<>\n]+\.\w{2,5}$/.test(source))
      throw new TypeError(`page takes HTML; for a file write page({ file: ${JSON.stringify(source)} })`)
    return undefined
  }
  const file = source instanceof URL ? source : (source as { file?: unknown } | undefined)?.file
  if (file instanceof URL) return fileURLToPath(file)
  if (typeof file === 'string') return resolve(file)
  throw new TypeError("page takes HTML, or a file: page({ file: 'product.html' })")
}

function htmlOf(source: PageSource, file: string | undefined): string {
  if (file === undefined) return source as string
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Error(`the page ${file} can't be read: ${(cause as Error).message}`, { cause })
  }
}
