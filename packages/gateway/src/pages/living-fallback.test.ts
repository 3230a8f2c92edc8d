import assert from 'node:assert/strict'
import { test } from 'node:test'
import { livingFallback } from './living-fallback.ts'

const SCRIPT = '<script src="/_hydra/live.js" data-wait async></script>'

test('the script stands before the end of the body, or at the end', () => {
  for (const [before, after] of [
    ['<h1>Closed</h1>', ''],
    ['<html><body><h1>Closed</h1>', '</body></html>'],
    ['<html><body><h1>Closed</h1>', '</BODY >\n</html>'],
    ['<p>A body</bodyguard>', ''],
    ['<pre></body></pre>', '</body>'],
    ['', '</body'.concat('>')],
  ] as const) {
    assert.equal(livingFallback(before + after), before + SCRIPT + after)
  }
})

test('who says that the page stays as it is, or brings the script, is left alone', () => {
  for (const html of [
    '<meta name="hydra-live" content="off"><h1>Closed</h1>',
    "<META\n content='off' name='hydra-live'/><h1>Closed</h1>",
    '<meta content=off name=hydra-live><h1>Closed',
    '<h1>Closed</h1><script src="/_hydra/live.js" data-wait defer></script>',
  ]) {
    assert.equal(livingFallback(html), html)
  }
})

test('other words of the same kind change nothing', () => {
  for (const html of [
    '<meta name="hydra-live" content="on">',
    '<meta name="hydra-lively" content="off">',
    '<meta name="robots" content="off"><p>hydra-live off',
    '<p title="hydra-live">content="off"',
  ]) {
    assert.equal(livingFallback(html), html + SCRIPT)
  }
})

test('a large fallback of nothing but beginnings is read in no time', () => {
  const started = performance.now()
  for (const piece of ['<meta name=hydra-live ', '</', '</body', '<meta '])
    livingFallback(`<${piece.repeat(20_000)}`)
  assert.ok(performance.now() - started < 1000)
})
