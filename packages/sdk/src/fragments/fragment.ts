/**
 * `fragment`: declares a piece of HTML this service renders for pages, its own and those of other services.
 *
 * @module
 */
import { fragmentAssets, MOST_REF_LENGTH, nearest } from '@hydra-gateway/protocol'
import { FragmentError } from '@hydra-gateway/protocol/fragments'
import { accessFaults } from '../identity/access.ts'
import type { FragmentDefinition, FragmentHandler, FragmentOptions } from './definition.ts'

const OPTIONS = ['imports', 'exports', 'attributes', 'assets', 'auth', 'roles', 'providers'] as const
const LISTS = ['imports', 'exports', 'attributes'] as const
const KINDS_OF_ASSETS = ['styles', 'scripts']

/** One part of a name, as tags write it (`medusa.md` 6.2). */
const NAME = /^[A-Za-z_$][\w$-]*$/
const MOST_NAMES = 256
const LONGEST_NAME = 256
const NO_REF = /[\x00-\x1f\x7f]|^\s|\s$|\$\{/

/**
 * Declares a fragment. Give it to the service in the option `fragments`; pages then have it by
 * `<m:fragment service="orders" ref="checkout" imports="sku" exports="total">fallback</m:fragment>`.
 *
 * Only what is declared crosses: the handler gets the `imports` a page gives, the page gets the `exports` it asks for.
 *
 * @example
 * const checkout = fragment('checkout', { imports: ['sku'], exports: ['total'] }, async ({ imports, signal }) => {
 *   const total = await priceOf(imports.sku, { signal })
 *   return { html: `<p>${total} €</p>`, exports: { total } }
 * })
 * await hydra(app, { name: 'orders', fragments: [checkout] })
 * @throws TypeError for a declaration that can't be read, FragmentError (FragmentImportConflict) for one whose names collide.
 */
export function fragment(ref: string, handler: FragmentHandler): FragmentDefinition
export function fragment(ref: string, options: FragmentOptions, handler: FragmentHandler): FragmentDefinition
export function fragment(
  ref: string,
  ...rest: readonly [FragmentHandler] | readonly [FragmentOptions, FragmentHandler]
): FragmentDefinition {
  const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest
  if (typeof ref !== 'string' || ref === '' || ref.length > MOST_REF_LENGTH || NO_REF.test(ref))
    throw new TypeError(
      `a fragment is called by a text of 1 to ${MOST_REF_LENGTH} characters such as 'checkout', not ${JSON.stringify(ref) ?? String(ref)}`,
    )
  const name = `fragment "${ref}"`
  if (typeof handler !== 'function')
    throw new TypeError(`${name}: the last argument must be the function that renders it`)
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(`${name}: options must be an object such as { imports: ['sku'], exports: ['total'] }`)
  refuseUnknown(name, 'option of a fragment', options, OPTIONS)
  for (const list of LISTS) checkNames(`${name}: ${list}`, list, options[list])
  checkAssets(name, options.assets)
  const [wrong] = accessFaults(options)
  if (wrong) throw new TypeError(`${name}: ${wrong}`)
  checkConflicts(name, options)
  return Object.freeze({ ref, options: Object.freeze({ ...options }), handler })
}

/** A mistyped `import` would otherwise let everything in. */
function refuseUnknown(name: string, what: string, given: object, known: readonly string[]): void {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue
    const meant = nearest(key, known)
    throw new TypeError(`${name}: "${key}" is no ${what}${meant ? `; did you mean "${meant}"?` : ''}`)
  }
}

function checkNames(where: string, list: string, names: readonly string[] | undefined): void {
  if (names === undefined) return
  if (!Array.isArray(names)) throw new TypeError(`${where} must be a list such as ['sku']`)
  if (names.length > MOST_NAMES)
    throw new TypeError(`${where} has ${names.length} names, at most ${MOST_NAMES}`)
  const seen = new Set<string>()
  for (const name of names) {
    if (typeof name !== 'string' || !NAME.test(name) || name.length > LONGEST_NAME || name === '__proto__')
      throw new TypeError(`${where} has ${JSON.stringify(name)}, which is no name${hintOn(name, list)}`)
    if (seen.has(name)) throw new TypeError(`${where} has "${name}" twice`)
    seen.add(name)
  }
}

/** What somebody probably meant by what is no name. */
function hintOn(name: unknown, list: string): string {
  if (typeof name === 'string' && / as /.test(name))
    return `; a fragment declares its own names, and the tag renames them: ${list}="…"`
  if (typeof name === 'string' && name.includes('.')) return '; declare what stands before the dot'
  if (typeof name === 'string' && name.includes(',')) return '; each name is a text of its own'
  return '; letters, digits, _ $ and -, a letter, _ or $ first'
}

function checkAssets(name: string, assets: FragmentOptions['assets']): void {
  if (assets === undefined) return
  const parsed = fragmentAssets.safeParse(assets)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new TypeError(
      `${name}: ${['assets', ...(issue?.path ?? [])].join('.')}: ${issue?.message}; such as { styles: ['checkout.css'], scripts: ['checkout.js'] }`,
    )
  }
  refuseUnknown(name, 'kind of assets', assets, KINDS_OF_ASSETS)
}

/** What comes in under a name the fragment sets itself would be lost, or would overwrite it. */
function checkConflicts(
  name: string,
  { imports = [], exports = [], attributes = [] }: FragmentOptions,
): void {
  const own = new Map<string, string>([
    ...attributes.map((own) => [own, 'attributes'] as const),
    ...exports.map((own) => [own, 'exports'] as const),
  ])
  for (const imported of imports) {
    const list = own.get(imported)
    if (list)
      throw new FragmentError(
        'FragmentImportConflict',
        `${name}: "${imported}" stands in imports and in ${list}; call one of them differently, pages rename with "as"`,
      )
  }
}
