import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createScanner } from './scanner.ts'
import { SCAN_CASES } from './testing/scanner-cases.ts'
import { expect, type Found, scan, withoutPlaces } from './testing/scanner-oracle.ts'

function bytes(page: string): Buffer {
  return Buffer.from(page, 'latin1')
}

function textOf(found: readonly Found[]): string {
  return found.map(([what, text]) => (what === 'text' ? text : '')).join('')
}

/** A page as it is told: with `[head]` and `[body]` where these end. */
function places(page: string): string {
  return scan(bytes(page))
    .map(([what, text]) => (what === 'head' || what === 'body' ? `[${what}]` : text))
    .join('')
}

for (const [about, cases] of Object.entries(SCAN_CASES)) {
  suite(`the scanner: ${about}`, () => {
    for (const { title, page, tags } of cases) {
      test(title, () => {
        const whole = scan(bytes(page))
        const found = withoutPlaces(whole)
        assert.deepEqual(
          found.filter(([what]) => what !== 'text').map(([, text]) => text),
          tags,
        )
        assert.deepEqual(found, expect(bytes(page)), 'parse5 sees it otherwise')
        for (let cut = 0; cut <= page.length; cut += 1) {
          assert.deepEqual(scan(bytes(page), [cut]), whole, `cut at ${cut}`)
        }
        const everywhere = Array.from(page, (_, at) => at)
        assert.deepEqual(scan(bytes(page), everywhere), whole, 'byte by byte')
      })
    }
  })
}

suite('the scanner: where head and body end', () => {
  const cases: readonly (readonly [title: string, told: string])[] = [
    ['before their end tags', '<html><head><title>x</title>[head]</head><body>x[body]</body></html>'],
    ['before the body where the head has no end tag', '<head><meta>\n[head]<body class="a">x[body]</body>'],
    ['before the first tag that cannot be in a head', '<!doctype html><title>x</title>[head]<p>x[body]'],
    ['before html ends where the body has no end tag', '[head]<p>x[body]</html>'],
    ['at the end of a page without tags', 'x[head][body]'],
    ['a fragment in the head does not end it', '<head><m:fragment/><link>[head]</head>x[body]'],
    ['nor what a fragment holds', '<m:fragment><p></head></body></m:fragment><link>[head]<p>[body]</body>'],
    [
      'not in raw text',
      '<script></head></body></script><noscript><p></noscript>[head]</head><p>[body]</body>',
    ],
    ['not in a comment', '<!--</head><p></body>-->[head]</head><!--</body>-->[body]</body>'],
    ['not in a template', '<template><p></head></body></template>[head]</head>[body]</body>'],
    ['not in a drawing', '[head]<svg></body><desc></body></desc></svg>[body]</body>'],
    ['once, whatever follows', '[head]</head></head><body>[body]</body></body></html><p>'],
    ['in order, even without a head', 'x[head][body]</body>'],
    ['before a body tag that never ends', 'x[head]<body class="a[body]'],
  ]
  for (const [title, told] of cases) {
    test(title, () => {
      const page = told.replace(/\[(head|body)\]/g, '')
      assert.equal(places(page), told)
      const whole = scan(bytes(page))
      for (let cut = 0; cut <= page.length; cut += 1) assert.deepEqual(scan(bytes(page), [cut]), whole)
    })
  }
})

suite('the scanner: limits', () => {
  const tag = `<m:fragment ref="${'a'.repeat(20)}">`

  test('a tag of just the longest size is found, a longer one is text and said to be', () => {
    const page = bytes(`x${tag}y</m:fragment>`)
    assert.equal(scan(page, [], { maxTagBytes: tag.length })[1]?.[0], 'start')
    const found = withoutPlaces(scan(page, [], { maxTagBytes: tag.length - 1 }))
    assert.deepEqual(found, [
      ['text', 'x'],
      ['oversize tag', '', 1],
      ['text', `${tag}y</m:fragment>`],
    ])
  })

  test('the end tag of one that was too long does not close another', () => {
    const page = bytes(`<m:fragment>${tag}</m:fragment>x</m:fragment>`)
    const found = scan(page, [], { maxTagBytes: 20 })
    assert.deepEqual(
      found.filter(([what]) => what === 'end').map(([, , offset]) => offset),
      [page.length - 13],
    )
  })

  test('an attributes script that is too long is text and said to be', () => {
    const page = bytes('<script type="application/json" m:attributes>"123456789"</script>x')
    assert.equal(scan(page, [], { maxTagBytes: page.length - 1 })[0]?.[0], 'attributes')
    for (const maxTagBytes of [page.length - 2, 50, 46]) {
      const found = scan(page, [], { maxTagBytes })
      assert.deepEqual(found[0], ['oversize attributes', '', 0])
      assert.equal(textOf(found), page.toString())
    }
  })

  test('fragments nested deeper than the limit are text with their end tags', () => {
    const page = bytes(`${'<m:fragment>'.repeat(5)}x${'</m:fragment>'.repeat(5)}`)
    const found = withoutPlaces(scan(page, [], { maxDepth: 3 }))
    assert.deepEqual(
      found.map(([what]) => what),
      [
        ...'start start start'.split(' '),
        'oversize depth',
        'text',
        'oversize depth',
        'text',
        'end',
        'end',
        'end',
      ],
    )
    assert.equal(textOf(found), '<m:fragment><m:fragment>x</m:fragment></m:fragment>')
  })

  test('limits do not depend on cuts', () => {
    const page = bytes(
      `<m:fragment>${tag}<script type="application/json" m:attributes>{}</script>${tag}</m:fragment><svg><font ` +
        `${'a '.repeat(20)}color><style>${tag}</style></svg><m:fragment ${'b '.repeat(20)}/></m:fragment>`,
    )
    for (const maxTagBytes of [1, 12, 16, 30, 45, 60]) {
      const whole = scan(page, [], { maxTagBytes, maxDepth: 2 })
      for (let cut = 0; cut <= page.length; cut += 1) {
        assert.deepEqual(scan(page, [cut], { maxTagBytes, maxDepth: 2 }), whole, `cut at ${cut}`)
      }
    }
  })

  const piece = Buffer.alloc(65_536, 'a ')
  const openings: Readonly<Record<string, string>> = {
    tag: '<p ',
    'name of a tag': '<p',
    'fragment tag': '<m:fragment ref="',
    'fragment end tag': '<m:fragment></m:fragment ',
    comment: '<!--',
    attribute: '<p a="',
    menu: '<m:menu ',
    link: '<a m:link ',
    'link that may be one': '<a href="',
    script: '<script>',
    'attributes script': '<script type=application/json m:attributes>"',
    'font in a drawing': '<svg><font ',
  }
  for (const [name, opening] of Object.entries(openings)) {
    test(`an endless ${name} goes on as text, and next to nothing of it is kept`, () => {
      let told = 0
      const scanner = createScanner({
        ...SITE,
        onText: (_, from, to) => {
          told += to - from
        },
      })
      scanner.write(bytes(opening))
      for (let i = 0; i < 100; i += 1) {
        scanner.write(name.startsWith('name') ? Buffer.alloc(piece.length, 'a') : piece)
        const written = opening.length + (i + 1) * piece.length
        assert.ok(written - told <= 65_536 + opening.length, `${written - told} bytes are kept`)
      }
    })
  }

  test('a page of nothing but openings keeps little for each', () => {
    const before = heap()
    const scanner = createScanner(SITE)
    const openings = bytes('<svg><math><m:fragment><m:menu><template>'.repeat(2000))
    for (let i = 0; i < 50; i += 1) scanner.write(openings)
    const grown = heap() - before
    scanner.end()
    assert.ok(grown < 1_000_000, `${grown} bytes`)
  })
})

suite('the scanner: what it lets go', () => {
  test('an end tag that closes nothing is told before it goes on as text', () => {
    const page = bytes('a</m:fragment>b<m:fragment></x:fragment></m:fragment>')
    assert.deepEqual(
      scan(page).filter(([what]) => what !== 'head' && what !== 'body'),
      [
        ['text', 'a'],
        ['stray', '', 1],
        ['text', '</m:fragment>b'],
        ['start', '<m:fragment>', 15],
        ['stray', '', 27],
        ['text', '</x:fragment>'],
        ['end', '</m:fragment>', 40],
      ],
    )
  })

  test('who asks for fragments alone is not told of menus and links', () => {
    const page = '<m:menu name=a><a m:link href=/x></m:menu><m:fragment></m:menu></m:fragment>'
    const told: string[] = []
    const scanner = createScanner({
      ...SILENT,
      onText: (piece, from, to) => void told.push(Buffer.from(piece.subarray(from, to)).toString()),
      onFragmentStart: () => void told.push('[start]'),
      onFragmentEnd: () => void told.push('[end]'),
      onStrayEnd: () => void told.push('[stray]'),
    })
    scanner.write(bytes(page))
    scanner.end()
    assert.equal(told.join(''), '<m:menu name=a><a m:link href=/x></m:menu>[start]</m:menu>[end]')
  })

  test('a link that is too long is said to be one only where it is', () => {
    const long = 'x'.repeat(100)
    const about = (page: string) =>
      scan(bytes(page), [], { maxTagBytes: 64 }).filter(([what]) => what.startsWith('oversize'))
    assert.deepEqual(about(`<a m:link title="${long}">`), [['oversize tag', '', 0]])
    assert.deepEqual(about(`<a href="data:${long}">`), [])
  })

  test('a page without tags of ours is told in one range for each piece', () => {
    const page = bytes(
      '<html><head><title>a</title></head><body><p class="a">b<a href="/x:link">x</a><script>c</script><!--d--></body></html>',
    )
    let calls = 0
    const scanner = createScanner({
      ...SITE,
      onLink: () => assert.fail('there is none'),
      onText: (piece) => {
        assert.equal(piece, page, 'no copy')
        calls += 1
      },
    })
    scanner.write(page)
    scanner.end()
    // Cut where head and body end, and nowhere else.
    assert.equal(calls, 3)
  })

  test('text before a tag that is not whole goes on at once', () => {
    let told = ''
    const scanner = createScanner({
      ...SILENT,
      onText: (piece, from, to) => {
        told += Buffer.from(piece.subarray(from, to)).toString()
      },
    })
    scanner.write(bytes('hello <m:fragment ref='))
    assert.equal(told, 'hello ')
    scanner.write(bytes('"a'))
    assert.equal(told, 'hello ')
    scanner.end()
    assert.equal(told, 'hello <m:fragment ref="a')
  })
})

const SILENT = {
  onText: () => {},
  onFragmentStart: () => {},
  onFragmentEnd: () => {},
  onAttributes: () => {},
  onHeadEnd: () => {},
  onBodyEnd: () => {},
}

const SITE = { ...SILENT, onMenuStart: () => {}, onMenuEnd: () => {}, onLink: () => {} }

function heap(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
