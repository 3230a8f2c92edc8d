/**
 * Nasty pages: built from the words of HTML in every wrong order, and by changing the bytes of good ones.
 *
 * @module
 */
import fc from 'fast-check'

const RAW = 'style script title textarea xmp iframe noembed noframes noscript plaintext'
const FOREIGN =
  'svg math foreignObject desc title mi mo mn ms mtext annotation-xml font g path altGlyph style script'
const PLAIN =
  'p div b i a a a area h1 table tr td template html head body link meta base br li menu frameset select'

const word = (words: string): fc.Arbitrary<string> => fc.constantFrom(...words.split(' '))

const prefix = fc.constantFrom('m', 'm', 'm', 'M', 'x', 'a-b', 'x.1_', 'long-prefix')
const ownName = fc
  .tuple(prefix, fc.constantFrom('fragment', 'fragment', 'fragment', 'menu'))
  .map((parts) => parts.join(':'))
const oddName = fc.constantFrom(
  ':fragment',
  'fragment',
  'm:fragments',
  'menu',
  ':menu',
  'm:menus',
  'm:men\0u',
  'm:a',
  'm:Fragment',
  'M:FRAGMENT',
  'm::fragment',
  'a:m:fragment',
  'm:frag\0ment',
  'm\0:fragment',
  'é:fragment',
  'mé:fragment',
  '1:fragment',
  'm:fragment"',
  'scripts',
  'sc\0ript',
  'styl',
)
const anyCase = (name: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(name, fc.constantFrom(0, 0, 0, 1, 2))
    .map(([text, how]) =>
      how === 0
        ? text
        : how === 1
          ? text.toUpperCase()
          : text.replace(/./g, (c, i: number) => (i % 2 ? c : c.toUpperCase())),
    )

const name = anyCase(
  fc.oneof(
    { arbitrary: ownName, weight: 6 },
    { arbitrary: word(RAW), weight: 3 },
    { arbitrary: word(FOREIGN), weight: 3 },
    { arbitrary: word(PLAIN), weight: 3 },
    { arbitrary: oddName, weight: 1 },
  ),
)

const space = fc.constantFrom(' ', ' ', ' ', '\n', '\t', '\r\n', '\f', '/', ' / ', '', '\0')
const attributeName = fc.constantFrom(
  ...[
    'type',
    'TYPE',
    'm:attributes',
    'X.y:Attributes',
    'm:link',
    'm:link',
    'X-1:LINK',
    ':link',
    'link',
    'm:links',
    'm:li\0nk',
    'a:m:link',
    'href',
    'encoding',
    'color',
    'size',
    'face',
    'a',
    'ref',
    'a"',
    "'",
    '=',
    '<',
    'm\0:attributes',
  ],
)
const value = fc.constantFrom(
  ...[
    'application/json',
    'APPLICATION/json',
    'application&#x2F;json',
    'application&sol;json',
    'text/html',
    'Text/&#104;tml',
    'application/xhtml+xml',
    'application/xhtml&plus;xml',
  ],
  ...[
    '',
    'a',
    'm:link',
    'http://x:link/',
    'x>y',
    '<m:fragment>',
    '</m:fragment>',
    '-->',
    ']]>',
    '/',
    'a/',
    '</script>',
    '\0',
    'é',
    '&quot;',
    '&amp',
    '\r',
  ],
)
const attribute = fc
  .tuple(
    attributeName,
    fc.constantFrom('=', '=', '=', ' = ', '', '=\n', '=='),
    fc.constantFrom('"', '"', '"', "'", "'", '', '"\''),
    value,
  )
  .map(([key, equals, quote, text]) =>
    equals === ''
      ? key
      : quote.length === 2
        ? `${key}${equals}"${text}'`
        : `${key}${equals}${quote}${text}${quote}`,
  )
const attributes = fc
  .array(fc.tuple(space, attribute), { maxLength: 3 })
  .map((list) => list.map((pair) => pair.join('')).join(''))

const startTag = fc
  .tuple(name, attributes, space, fc.constantFrom('>', '>', '>', '>', '/>', '/>', ' / >', '', '<'))
  .map(([tag, list, gap, end]) => `<${tag}${list}${list === '' && gap === '' ? '' : gap}${end}`)
const endTag = fc
  .tuple(
    name,
    fc.constantFrom('', '', '', '', ' ', '\n', '/', ' a="b>c"', ' encoding="text/html"', '\0'),
    fc.constantFrom('>', '>', '>', '>', ''),
  )
  .map((parts) => `</${parts.join('')}`)
const attributesScript = fc
  .tuple(
    fc.constantFrom(
      'type="application/json" m:attributes',
      'M:ATTRIBUTES type=application/json',
      'x:attributes="" type=\'application/JSON\' type=a',
    ),
    fc.constantFrom('{}', '{"a":"<!--"}', '"<!--<script>"', '"</scrip"', ''),
    fc.constantFrom('</script>', '</SCRIPT >', '</script a=">">', ''),
  )
  .map(([list, json, end]) => `<script ${list}>${json}${end}`)

const text = fc.constantFrom(
  ...[
    'text',
    ' ',
    '\n',
    '<',
    '<<',
    '< p>',
    '</',
    '</>',
    '</ x>',
    '<3',
    '>',
    '"',
    "'",
    '&lt;m:fragment>',
    '&',
    '&#60;',
    'é',
    '\xff\xfe',
    '\0',
    '\r\n',
    '--',
    '->',
    ']]',
    ']>',
  ],
)
const comment = fc.constantFrom(
  ...[
    '<!-->',
    '<!--->',
    '<!---->',
    '<!-- -->',
    '<!--',
    '<!-',
    '<!',
    '-->',
    '--!>',
    '<!--a--!>',
    '<!--a--!-->',
    '<!--a--!--!>',
    '<!--<!-->',
    '<!--<!--->',
    '<!--<!---->',
    '<!--a--->',
    '<!--a-',
    '<!--a--',
    '<!--a--!',
  ],
  ...[
    '<!x>',
    '<!x',
    '<?php <m:fragment> ?>',
    '<?',
    '</ m:fragment>',
    '</?>',
    '<!-x-->',
    '<![CDATA[',
    ']]>',
    ']]]>',
    '<![CDATA[<m:fragment>]]>',
    '<![cdata[<m:fragment>]]>',
    '<![CDATA',
    '<![CDATA[]>]]',
  ],
  ...['<!doctype html>', '<!DOCTYPE html PUBLIC "a>', '<!DOCTYPE', "<!doctype x SYSTEM '>'>"],
)
const scriptPiece = fc.constantFrom(
  ...[
    '<!--',
    '-->',
    '<script',
    '<script>',
    '</script',
    '</script>',
    '<script/',
    '</script ',
    '<SCRIPT\n',
    '<scriptx>',
    '</scriptx>',
    '<!-',
    '--',
    '-',
    '<',
    '<m:fragment>',
    '</m:fragment>',
    '\0',
  ],
)

/** What matters inside of drawings and formulas, with something in it that is a tag in one namespace only. */
const foreign = fc
  .tuple(
    fc.constantFrom(
      ...[
        '',
        '<g>',
        '<p>',
        '<font>',
        '<font size>',
        '<FONT Face=a',
        '<br/>',
        '<svg>',
        '</svg>',
        '<svg/>',
        '<math>',
        '</math>',
      ],
      ...[
        '<foreignObject>',
        '<foreignObject/>',
        '</foreignobject>',
        '<desc>',
        '</desc>',
        '<title>',
        '</title>',
        '<mi>',
        '</mi>',
      ],
      ...['<annotation-xml encoding="text/html">', '<annotation-xml>', '</annotation-xml>'],
      ...[
        '</annotation-xml encoding="text/html">',
        '<annotation-xml encoding=a encoding=text/html>',
        '<template>',
      ],
    ),
    fc.constantFrom(
      '',
      '<m:fragment/>',
      '<![CDATA[<m:fragment/>]]>',
      '<style><m:fragment/></style>',
      '<![CDATA[>',
    ),
  )
  .map((parts) => parts.join(''))

/** Pieces that may stand inside of each other. */
const tree = fc.letrec<{ node: string; list: string }>((tie) => ({
  list: fc.array(tie('node'), { maxLength: 5 }).map((nodes) => nodes.join('')),
  node: fc.oneof(
    { depthSize: 'small' },
    { arbitrary: text, weight: 3 },
    { arbitrary: comment, weight: 3 },
    { arbitrary: startTag, weight: 5 },
    { arbitrary: endTag, weight: 4 },
    { arbitrary: attributesScript, weight: 1 },
    {
      arbitrary: fc
        .tuple(ownName, attributes, tie('list'))
        .map(([tag, list, inner]) => `<${tag}${list} >${inner}</${tag}>`),
      weight: 4,
    },
    {
      arbitrary: fc
        .tuple(name, attributes, tie('list'))
        .map(([tag, list, inner]) => `<${tag} ${list}>${inner}</${tag}>`),
      weight: 4,
    },
    {
      arbitrary: fc
        .tuple(word('svg svg math SVG'), fc.array(foreign, { maxLength: 6 }), tie('list'))
        .map(([tag, parts, inner]) => `<${tag}>${parts.join('')}${inner}</${tag}>`),
      weight: 3,
    },
    {
      arbitrary: fc.array(scriptPiece, { maxLength: 8 }).map((parts) => `<script>${parts.join('')}</script>`),
      weight: 2,
    },
  ),
}))

/** A page of every kind of mistake, as bytes. */
export const nastyPage: fc.Arbitrary<Buffer> = fc
  .array(tree.node, { minLength: 1, maxLength: 10 })
  .map((nodes) => Buffer.from(nodes.join(''), 'latin1'))

/** Bytes that mean something somewhere, and a few that don't. */
const telling = fc.constantFrom(...Buffer.from('<<<>>>//!!--""\'\'== \n\r\f\0[]?&:sStTmMxX\xe9', 'latin1'))
const at = fc.nat()

/** Something to do to a page. */
const change: fc.Arbitrary<(page: Buffer) => Buffer> = fc.oneof(
  fc.tuple(at, telling).map(([place, byte]) => (page: Buffer) => {
    const changed = Buffer.from(page)
    if (page.length > 0) changed[place % page.length] = byte
    return changed
  }),
  fc.tuple(at, telling).map(([place, byte]) => (page: Buffer) => {
    const index = place % (page.length + 1)
    return Buffer.concat([page.subarray(0, index), Buffer.of(byte), page.subarray(index)])
  }),
  fc.tuple(at, fc.integer({ min: 1, max: 8 })).map(([place, length]) => (page: Buffer) => {
    const index = place % (page.length + 1)
    return Buffer.concat([page.subarray(0, index), page.subarray(index + length)])
  }),
  fc.tuple(at, at, fc.integer({ min: 1, max: 24 })).map(([place, source, length]) => (page: Buffer) => {
    const index = place % (page.length + 1)
    const from = source % (page.length + 1)
    return Buffer.concat([page.subarray(0, index), page.subarray(from, from + length), page.subarray(index)])
  }),
)

/** Some of the seeds one after the other, with bytes changed, added, taken out and repeated. */
export function mutatedPage(seeds: readonly Buffer[]): fc.Arbitrary<Buffer> {
  return fc
    .tuple(
      fc.array(fc.constantFrom(...seeds), { minLength: 1, maxLength: 4 }),
      fc.array(change, { minLength: 1, maxLength: 6 }),
    )
    .map(([pages, changes]) => changes.reduce<Buffer>((page, apply) => apply(page), Buffer.concat(pages)))
}

/** Where to cut a page: sorted, possibly several times at one place. */
export function cutsOf(page: Uint8Array, picks: readonly number[]): number[] {
  return picks.map((pick) => pick % (page.length + 1)).sort((a, b) => a - b)
}
