import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fallbackProblem, parseFallback } from './fallback.ts'

test('a fallback is HTML, a path of this site, or an http(s) URL', () => {
  const readings: [text: string, kind: string, shown: string][] = [
    ['<p>Back soon</p>', 'html', '<p>Back soon</p>'],
    ['  \n<!doctype html>', 'html', '  \n<!doctype html>'],
    ['/closed', 'path', '/closed'],
    [' /closed ', 'path', '/closed'],
    ['/closed?from=orders#top', 'path', '/closed?from=orders#top'],
    ['/a/../closed', 'path', '/closed'],
    ['/caf\u00e9 au lait', 'path', '/caf%C3%A9%20au%20lait'],
    ['http://status.example', 'url', 'http://status.example/'],
    ['HTTPS://Status.Example:8443/now?x=1', 'url', 'https://status.example:8443/now?x=1'],
  ]
  for (const [text, kind, shown] of readings) {
    const fallback = parseFallback(text)
    assert.equal(fallback?.kind, kind, text)
    assert.equal(fallback?.kind === 'html' ? fallback.html : fallback?.location, shown, text)
    assert.equal(fallbackProblem(text), undefined, text)
  }
})

test('a fallback that would surprise visitors is refused with its reason', () => {
  const refused: [text: string, reason: RegExp][] = [
    ['', /empty/],
    ['  \t ', /empty/],
    ['closed', /neither/],
    ['Sorry, closed', /neither/],
    ['//elsewhere.example', /another host/],
    ['/\\elsewhere.example', /another host/],
    ['/.//elsewhere.example', /another host/],
    ['/x/..//elsewhere.example', /another host/],
    ['/.\\/elsewhere.example', /another host/],
    ['/\t/elsewhere.example', /control/],
    ['/closed\r\nset-cookie: a=b', /control/],
    ['javascript:alert(1)', /neither/],
    ['data:text/html,hi', /neither/],
    ['ftp://files.example/', /neither/],
    ['http:status.example', /neither/],
    ['http://', /neither/],
    ['https://mira:secret@status.example/', /user name/],
    [`/${'a'.repeat(2048)}`, /2048/],
  ]
  for (const [text, reason] of refused) {
    assert.match(fallbackProblem(text) ?? 'accepted', reason, JSON.stringify(text))
    assert.equal(parseFallback(text), undefined, JSON.stringify(text))
  }
})

test('whatever is accepted as a path stays on this site and fits in a header', () => {
  const piece = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    'a',
    '%2f',
    '@',
    ':',
    '?',
    '#',
    ' ',
    '\t',
    '\u00e9',
    '\u{1f411}',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const fallback = parseFallback(`/${pieces.join('')}`)
      if (fallback?.kind !== 'path') return
      assert.equal(new URL(fallback.location, 'https://shop.example/orders').host, 'shop.example')
      assert.match(fallback.location, /^[\u0021-\u007e]+$/)
    }),
    { numRuns: 2000 },
  )
})
