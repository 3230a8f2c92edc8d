/**
 * Style sheets, scripts and drawings of the pages, read once, with the policy that allows exactly these.
 *
 * A page of ours is one document without a single further request, so it shows when everything behind the
 * gateway is down; a strict content security policy names what is inlined by its hash.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Markup, trusted } from './html.ts'

/** Something inlined: its element, and how a policy names its text. */
export interface Inlined {
  readonly markup: Markup
  readonly source: string
}

/** The text of a file of `assets/`. */
export function readAsset(file: string): string {
  return readFileSync(new URL(`../../assets/${file}`, import.meta.url), 'utf8')
}

/** Without comments, indentation and line breaks; our sheets hold no text in which these would matter. */
export function compactCss(css: string): string {
  return css
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([{};]) ?/g, '$1')
    .trim()
}

/** Without comment lines and indentation; line breaks stay, they end statements. */
export function compactScript(script: string): string {
  return script
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(\/\/|\/?\*)/.test(line))
    .join('\n')
}

function sourceOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

function inlined(element: 'style' | 'script', text: string): Inlined {
  return { markup: trusted(`<${element}>${text}</${element}>`), source: sourceOf(text) }
}

/** Both house sheets and the sheet of these pages. */
export const STYLE: Inlined = inlined(
  'style',
  compactCss(['tokens.css', 'base.css', 'pages.css'].map(readAsset).join('\n')),
)

/** A further sheet of `assets/`, to be inlined behind the house sheets. */
export function inlineStyle(file: string): Inlined {
  return inlined('style', compactCss(readAsset(file)))
}

/** A rule or two that only one answer needs, made of constants and numbers. */
export function inlineRules(css: string): Inlined {
  return inlined('style', css)
}

/** A script of `assets/`, to be inlined. */
export function inlineScript(file: string): Inlined {
  return inlined('script', compactScript(readAsset(file)))
}

const SMALL_MARK = readAsset('mark-16.svg')

/** The mark as an address, for the icon of a page. */
export const ICON = `data:image/svg+xml,${encodeURIComponent(SMALL_MARK)}`

/** What a page has beside the house sheets. */
export interface PolicyParts {
  readonly script?: Inlined | undefined
  readonly styles?: readonly Inlined[] | undefined
  /** It loads `/_hydra/live.js`, which may be a worker, too. */
  readonly isLive?: boolean
  /** Where its forms may lead, redirects included; nowhere when absent. */
  readonly formAction?: readonly string[] | undefined
}

/** The policy of a page with our style sheets and, perhaps, one script that asks this site whether it is back. */
export function policy({ script, styles = [], isLive = false, formAction }: PolicyParts): string {
  return [
    "default-src 'none'",
    `style-src ${[STYLE, ...styles].map(({ source }) => source).join(' ')}`,
    ...(script ? [`script-src ${script.source}${isLive ? " 'self'" : ''}`, "connect-src 'self'"] : []),
    ...(isLive ? ["worker-src 'self'"] : []),
    'img-src data:',
    "base-uri 'none'",
    `form-action ${formAction ? formAction.join(' ') : "'none'"}`,
    "frame-ancestors 'none'",
  ].join('; ')
}

const ASSETS: Readonly<Record<string, string>> = {
  'mark.svg': readAsset('mark.svg'),
  'mark-16.svg': SMALL_MARK,
}

/** A drawing that is served by name, `mark.svg` or `mark-16.svg`; nothing for any other name. */
export function asset(name: string): Response | undefined {
  const body = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined
  if (body === undefined) return undefined
  return new Response(body, {
    headers: {
      'content-type': 'image/svg+xml; charset=utf-8',
      'cache-control': 'public, max-age=3600',
      'content-security-policy': `default-src 'none'; style-src ${styleSourcesOf(body)}; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
    },
  })
}

function styleSourcesOf(svg: string): string {
  return (
    [...svg.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, text]) => sourceOf(text as string)).join(' ') ||
    "'none'"
  )
}
