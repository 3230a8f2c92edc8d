/**
 * Nasty pages: built from the words of HTML in every wrong order, and by changing the bytes of good ones.
 *
 * @module
 */
import fc from 'fast-check'

const RAW = 'style script title textarea xmp iframe noembed noframes noscript plaintext'
const FOREIGN =
  'svg math foreignObject desc title mi mo mn ms mtext annotation-xml font g path altGlyph style script'
const PLAIN = 'p div b i a h1 table tr td template html head body link meta base br li menu frameset select'

const word = (words: string): fc.Arbitrary<string> => fc.constantFrom(...words.split(' '))

const prefix = fc.constantFrom('m', 'm', 'm', 'M', 'x', 'a-b', 'x.1_', 'long-prefix')
const fragmentName = prefix.map((name) => `${name}:fragment`)
const oddName = fc.constantFrom(
  ':fragment',
  'fragment',
  'm:fragments',
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
    { arbitrary: fragmentName, weight: 6 },
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
        .tuple(fragmentName, attributes, tie('list'))
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
      arbitrary: fc.array(scriptPiece, { maxLength: 8 }).map((parts) => `<script>${parts.join('')}</script>`),
      weight: 2,
    },
  ),
}))

/** A page of every kind of mistake, as bytes. */
export const nastyPage: fc.Arbitrary<Uint8Array> = fc
  .array(tree.node, { minLength: 1, maxLength: 10 })
  .map((nodes) => Buffer.from(nodes.join(''), 'latin1'))

/** Where to cut a page: sorted, possibly several times at one place. */
export function cutsOf(page: Uint8Array, picks: readonly number[]): number[] {
  return picks.map((pick) => pick % (page.length + 1)).sort((a, b) => a - b)
}
