import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'parse5'
import { readAttributes } from './attributes.ts'
import { decodeReferences } from './character-references.ts'
import type { FragmentTag } from './model.ts'
import { parseFragmentTag, readFragmentTag } from './tag.ts'

const at = { line: 1, column: 1 }

test('a tag says which fragment of which service it wants, and what crosses', () => {
  const text = `<m:fragment service="orderService" ref="checkout" exports="postalZipCode, addressLine2 as address" imports="dob, countryOrigin as country">`
  const expected: FragmentTag = {
    service: 'orderService',
    ref: 'checkout',
    imports: [
      { from: 'dob', to: 'dob' },
      { from: 'countryOrigin', to: 'country' },
    ],
    exports: [
      { from: 'postalZipCode', to: 'postalZipCode' },
      { from: 'addressLine2', to: 'address' },
    ],
    timeoutMs: undefined,
    required: false,
    live: false,
    at,
  }
  assert.deepEqual(parseFragmentTag(text, at), { tag: expected, prefix: 'm', warnings: [] })
})

test('a tag may be written as HTML may be written', () => {
  const { tag, prefix, warnings } = parseFragmentTag(
    "<H:FRAGMENT\n\tREF = 'a&#x2d;&quot;b' Service=one exports='' required LIVE=live timeout=2s>",
    at,
  )
  assert.equal(prefix, 'h')
  assert.deepEqual(tag, {
    service: 'one',
    ref: 'a-"b',
    imports: [],
    exports: [],
    timeoutMs: 2000,
    required: true,
    live: true,
    at,
  })
  assert.deepEqual(warnings, [])
})

test('self, nothing and no service at all mean the service that made the page', () => {
  for (const service of ['service="self"', 'service=""', 'service', '']) {
    assert.equal(parseFragmentTag(`<m:fragment ref="a" ${service}>`, at).tag.service, '')
  }
})

test('a timeout is milliseconds, or says its unit', () => {
  const timeouts = {
    '800': 800,
    '800ms': 800,
    '1.5s': 1500,
    ' 2s ': 2000,
    '0.5': 1,
    '2147483647': 2147483647,
  }
  for (const [text, timeoutMs] of Object.entries(timeouts)) {
    assert.equal(parseFragmentTag(`<m:fragment ref=a timeout="${text}">`, at).tag.timeoutMs, timeoutMs)
  }
  const wrong = {
    soon: 'timeout="soon" is no time: write "800", "800ms" or "1.5s"',
    '': 'timeout="" is no time: write "800", "800ms" or "1.5s"',
    '-5': 'timeout="-5" is no time: write "800", "800ms" or "1.5s"',
    '1e3': 'timeout="1e3" is no time: write "800", "800ms" or "1.5s"',
    '0': 'timeout="0" leaves no time: it is at least 1 ms',
    '9999999s': 'timeout="9999999s" is too long: at most 2147483647 ms, 24 days',
  }
  for (const [text, sentence] of Object.entries(wrong)) {
    assert.throws(() => parseFragmentTag(`<m:fragment ref=a timeout="${text}">`, at), {
      name: 'FragmentSyntaxError',
      message: `line 1, column 28: ${sentence}`,
    })
  }
})

test('what is no error but looks like a mistake is told', () => {
  const warningsOf = (attributes: string) => parseFragmentTag(`<m:fragment ${attributes}>`, at).warnings
  assert.deepEqual(warningsOf('ref="a" import="x" class="wide" data-n=1'), [
    'line 1, column 21: "import" means nothing: write imports="x"',
  ])
  assert.deepEqual(warningsOf('ref="a" export'), [
    'line 1, column 21: "export" means nothing: write exports=""',
  ])
  assert.deepEqual(warningsOf('ref="a" REF="b"'), [
    'line 1, column 21: ref stands here a second time: only the first one counts',
  ])
  assert.deepEqual(warningsOf('ref=a/'), [
    'line 1, column 17: the slash belongs to the value "a/": write ref="a"/> if it closes the tag',
  ])
  assert.deepEqual(warningsOf('ref="a" required="false"'), [
    'line 1, column 21: required="false" is read as if it were not there: leave required out',
  ])
  assert.deepEqual(warningsOf('ref="a" live="yes"'), [
    'line 1, column 21: live="yes" is read as live: it takes no value',
  ])
})

test('an attribute whose name has a slip in it is told, one that is none of ours is not', () => {
  const slips = { servce: 'service', requird: 'required', exprots: 'exports', 'time-out': 'timeout' }
  for (const [slip, meant] of Object.entries(slips)) {
    assert.deepEqual(parseFragmentTag(`<m:fragment ref="a" ${slip}="1">`, at).warnings, [
      `line 1, column 21: "${slip}" means nothing; did you mean ${meant}?`,
    ])
  }
  const others =
    'data-ref=1 data-live class=a id=b slot=c style=d xmlns:m=e xmlns=f title=g lang=h hidden aria-live=off'
  assert.deepEqual(parseFragmentTag(`<m:fragment ref="a" ${others}>`, at).warnings, [])
})

test('required="false" means what it says, any other value what HTML says', () => {
  const isRequired = (value: string) =>
    parseFragmentTag(`<m:fragment ref="a" required="${value}">`, at).tag.required
  assert.equal(isRequired('false'), false)
  for (const value of ['', 'true', 'required', 'REQUIRED', 'no']) assert.equal(isRequired(value), true)
})

test('the place of a mistake is right over line breaks of every kind', () => {
  const text = '<m:fragment\n  service="s"\r\n  ref="r"\r  imports="a,\n\tb AS c">'
  assert.throws(() => parseFragmentTag(text, { line: 12, column: 5 }), {
    name: 'FragmentSyntaxError',
    message: 'line 16, column 4: imports: write "as" in lower case, not "AS"',
    at: { line: 16, column: 4 },
  })
})

test('the place of a mistake is right behind character references', () => {
  const text = '<m:fragment ref="r" exports="a&#44;&#32;b&nbsp;c">'
  const column = text.indexOf('&nbsp;') + 1
  assert.deepEqual(readFragmentTag(text, at).faults, [
    {
      at: { line: 1, column },
      sentence:
        'exports: the character U+00A0 can\'t stand in a name, which has letters, digits, "_", "$" and "-"',
    },
  ])
})

test('a tag without ref, or with a name nobody can fill in, is an error', () => {
  const noRef = 'a fragment tag says in ref which fragment it wants: write <m:fragment ref="name">'
  const cases: [attributes: string, message: string][] = [
    ['', `line 1, column 1: ${noRef}`],
    ['ref=" "', `line 1, column 13: ${noRef}`],
    [`ref="\${a"`, `line 1, column 18: this "\${" is never closed: write "}" behind the name`],
    [
      `ref="x\${a()}"`,
      `line 1, column 19: "\${a()}" holds no name: only an attribute of the page can stand here`,
    ],
    ['ref="a', 'line 1, column 17: this quote is never closed'],
    [`ref="${'r'.repeat(257)}"`, 'line 1, column 18: ref has at most 256 characters'],
  ]
  for (const [attributes, message] of cases) {
    assert.throws(() => parseFragmentTag(`<m:fragment ${attributes}>`, at), {
      name: 'FragmentSyntaxError',
      message,
    })
  }
})

test('everything wrong with a tag is found at once', () => {
  const { faults, tag } = readFragmentTag('<m:fragment imports="a,,b" timeout="x">', at)
  assert.deepEqual(
    faults.map((fault) => fault.at.column),
    [1, 24, 37],
  )
  assert.deepEqual(tag.imports, [{ from: 'a', to: 'a' }])
})

/** Attributes of a tag as parse5 reads them. */
function parse5Attributes(tag: string): [name: string, value: string][] {
  const document = parse(`<!doctype html><body>${tag}`)
  const html = document.childNodes.find((node) => node.nodeName === 'html')!
  const body = 'childNodes' in html ? html.childNodes.find((node) => node.nodeName === 'body')! : html
  const [element] = 'childNodes' in body ? body.childNodes : []
  return element && 'attrs' in element ? element.attrs.map(({ name, value }) => [name, value]) : []
}

test('attributes are read as parse5 reads them', () => {
  const scrap = fc.constantFrom(
    ...[
      'a',
      'B',
      '=',
      ' ',
      '\n',
      '/',
      '"x"',
      "'y>'",
      '"',
      "'",
      'ref',
      '&amp;',
      '&lt',
      '&#65;',
      '&#x41',
      '&#128;',
    ],
    ...['&quot;', '&ampx', '&amp=', '&#0;', '&#xD800;', '<', '`', 'é', '&nbsp', '&', ';', '&#', '&AMP'],
  )
  fc.assert(
    fc.property(fc.array(scrap, { maxLength: 12 }), (scraps) => {
      const tag = `<m:fragment ${scraps.join('')}>`
      const read = readAttributes(tag)
      // The scanner gives whole tags only: one whose quote is open goes on, and one that is over is cut there.
      fc.pre(read.openQuote === undefined)
      const seen = new Map<string, string>()
      for (const { name, value } of read.attributes) {
        if (!seen.has(name)) seen.set(name, decodeReferences(value ?? '').text)
      }
      assert.deepEqual([...seen], parse5Attributes(tag))
    }),
    { numRuns: 500 },
  )
})

test('a tag with a note for each of its letters is read in the time its length takes', () => {
  // By the square of it, this would take minutes.
  const count = 200_000
  const { warnings } = readFragmentTag(`<m:fragment ref="a" ${'a '.repeat(count)}/>`, at)
  assert.equal(warnings.length, count - 1)
  assert.deepEqual(warnings.at(-1)!.at, { line: 1, column: 21 + 2 * (count - 1) })
})
