import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DIALECTS, type Dialect } from '../registration.ts'
import { MAX_COMBINATIONS, MAX_LENGTH, MAX_SEGMENTS } from './parts.ts'
import { PatternError } from './pattern.ts'
import { translate } from './translate.ts'

/** Path, our patterns for it; then what a warning must mention, when one is due. */
type Row = readonly [path: string, patterns: readonly string[], warning?: RegExp]

const TRANSLATED: Readonly<Record<Dialect, readonly Row[]>> = {
  hydra: [
    ['/', ['/']],
    ['/orders', ['/orders']],
    ['/orders/', ['/orders/']],
    ['//', ['//']],
    ['/orders/{id}', ['/orders/{id}']],
    ['/orders/{}', ['/orders/{}']],
    ['/orders/{id?}', ['/orders', '/orders/{id}']],
    ['/{lang?}', ['/', '/{lang}']],
    ['/a/{x:hex?}/b', ['/a/b', '/a/{x:hex}/b']],
    ['/f/{n}.html', ['/f/{n}.html']],
    ['/f/*', ['/f/*']],
    ['/f/**', ['/f/**']],
    ['/f/{rest+}', ['/f/{rest+}']],
    ['/f/{rest*}', ['/f/{rest*}']],
    ['/f/\\{a\\}', ['/f/\\{a\\}']],
    ['/f/\\*', ['/f/\\*']],
    ['/a\\/b', ['/a\\/b']],
    ['/café', ['/café']],
    ['/__proto__/{constructor}', ['/__proto__/{constructor}']],
    ['/a%20b', ['/a%20b'], /written decoded/],
    ['/{a}-{b}', ['/{a}'], /several parameters/],
  ],
  spring: [
    ['', ['/']],
    ['order', ['/order']],
    ['/order', ['/order']],
    ['/order/{id}', ['/order/{id}']],
    ['/f/{*rest}', ['/f/{rest*}']],
    ['/a/**', ['/a/**']],
    ['/**', ['/**']],
    ['/*', ['/', '/*']],
    ['/a/*/b', ['/a/*/b']],
    ['/a/*.html', ['/a/.html', '/a/{}.html']],
    ['/a*b', ['/ab', '/a{}b']],
    ['/a**b', ['/ab', '/a{}b']],
    ['/*a*', ['/{}'], /several parameters/],
    ['/a?c', ['/a{}c'], /\?/],
    ['/x/{n:[0-9]+}', ['/x/{n:digits}']],
    ['/x/{n:\\d+}', ['/x/{n:digits}']],
    ['/x/{n:\\w+}', ['/x/{n:word}']],
    ['/x/{n:[a-zA-Z0-9]+}', ['/x/{n:alphanumeric}']],
    ['/x/{n:[A-Za-z0-9_]+}', ['/x/{n:word}']],
    ['/x/{n:[0-9a-fA-F]+}', ['/x/{n:hex}']],
    ['/x/{n:.+}', ['/x/{n}']],
    ['/x/{n:[^/]+}', ['/x/{n}']],
    ['/x/{n:[0-9]{3}}', ['/x/{n:digits}'], /only digits/],
    ['/x/{n:[0-9a-f]+}', ['/x/{n:hex}'], /only hex/],
    ['/x/{n:[a-z]+}', ['/x/{n}'], /left to the service/],
    ['/x/{n:(a+)+$}', ['/x/{n}'], /left to the service/],
    ['/x/{a}-{b}', ['/x/{a}'], /several parameters/],
    ['/x/v{a}.{b}z', ['/x/v{a}z'], /several parameters/],
    ['/caf%C3%A9', ['/caf%C3%A9']],
    ['/a:b', ['/a:b']],
  ],
  express: [
    ['', ['/']],
    ['/users', ['/users']],
    ['/:id', ['/{id}']],
    ['/users/:id?', ['/users', '/users/{id}']],
    ['/:a?/:b?', ['/', '/{b}', '/{a}/{b}']],
    ['/users/:id(\\d+)', ['/users/{id:digits}']],
    ['/users/:id(\\\\d+)', ['/users/{id:digits}']],
    ['/users/:id([0-9a-fA-F]{24})', ['/users/{id:hex}'], /only hex/],
    ['/:lang(en|de)/x', ['/{lang}/x'], /left to the service/],
    ['/users{/:opt}', ['/users', '/users/{opt}']],
    ['{/:lang}/about', ['/about', '/{lang}/about']],
    ['/file{.:ext}', ['/file', '/file.{ext}']],
    ['/:file.json', ['/{file}.json']],
    ['/:from-:to', ['/{from}'], /several parameters/],
    ['/files/*splat', ['/files/{splat+}']],
    ['/files{/*splat}', ['/files/{splat*}']],
    ['/files/*"my rest"', ['/files/{+}']],
    ['/files/*', ['/files/{+}']],
    ['*', ['/{+}']],
    ['/files/(.*)', ['/files/{+}']],
    ['/files/:rest(.*)', ['/files/{rest+}']],
    ['/files/:rest*', ['/files/{rest*}']],
    ['/files/:rest+', ['/files/{rest+}']],
    ['/files*', ['/files/**', '/files{}/**']],
    ['/ab?cd', ['/acd', '/abcd']],
    ['/a\\:b', ['/a:b']],
    ['/caf%C3%A9', ['/café']],
    ['/a%2fb', ['/a\\/b']],
    ['/100%', ['/100%']],
    ['/:__proto__', ['/{__proto__}']],
  ],
  urlpattern: [
    ['/users/:id', ['/users/{id}']],
    ['/users/:id{[0-9]+}', ['/users/{id:digits}']],
    ['/users/:id([0-9]+)', ['/users/{id:digits}']],
    ['/users/:id?', ['/users', '/users/{id}']],
    ['/:x{[a-z]+}/y', ['/{x}/y'], /left to the service/],
    ['*', ['/**']],
    ['/a/*', ['/a/**']],
    ['/a/*/c', ['/a/*/c']],
    ['/*.png', ['/{}.png'], /any number of segments/],
    ['/a/:rest+', ['/a/{rest+}']],
    ['/a/:rest*', ['/a/{rest*}']],
    ['/a/:rest{.+}', ['/a/{rest+}']],
    ['/a{/b}?', ['/a', '/a/b']],
    ['/{x}', ['/x']],
    ['/caf%C3%A9', ['/café']],
    ['/a\\*', ['/a\\*']],
  ],
  'route-parser': [
    ['', ['/']],
    ['v1/orders', ['/v1/orders']],
    ['/v1/orders/', ['/v1/orders/']],
    ['/v1/orders/:id', ['/v1/orders/{id}']],
    ['/v1/orders/:id/lines/:line', ['/v1/orders/{id}/lines/{line}']],
    ['/shop/:rest', ['/shop/{rest}']],
    ['/files/*path', ['/files/{path+}']],
    ['/files(/*path)', ['/files/{path*}']],
    ['/f*rest', ['/f/{rest*}', '/f{}/{rest*}']],
    ['/a(/b)', ['/a', '/a/b']],
    ['/a(/b(/:c))', ['/a', '/a/b', '/a/b/{c}']],
    ['(/:lang)/about', ['/about', '/{lang}/about']],
    ['/a/:id(/edit)', ['/a/{id}', '/a/{id}/edit']],
    ['/:file(.:format)', ['/{file}'], /several parameters/],
    ['/:file.json', ['/{file}.json']],
    ['/:from-:to', ['/{from}'], /several parameters/],
    ['/*path(/edit)', ['/{path+}']],
    ['/a/*path/edit', ['/a/{path}/edit'], /read as one/],
    ['/a/*path.json', ['/a/{path}.json'], /read as one/],
    ['/a:', ['/a:']],
    ['/a+b', ['/a+b']],
    ['/a?b', ['/a?b']],
    ['/a[b]', ['/a[b]']],
    ['/{a}', ['/\\{a\\}']],
    ['/caf%C3%A9', ['/café']],
    ['/100%', ['/100%']],
    ['/::__proto__', ['/{__proto__}']],
    // What services wrote for Express.
    ['/v1/x/*', ['/v1/x/{+}']],
    ['*', ['/{+}']],
    ['/*', ['/{+}']],
    ['/x/*/y', ['/x/{}/y'], /read as one/],
    ['/files/(.*)', ['/files/{+}']],
    ['/files/:rest(.*)', ['/files/{rest+}']],
    ['/files/:rest*', ['/files/{rest*}']],
    ['/orders/:id?', ['/orders', '/orders/{id}']],
    ['/orders(/:id?)', ['/orders', '/orders/{id}']],
    ['/orders/:id?/lines', ['/orders/lines', '/orders/{id}/lines']],
    ['/orders/:id([0-9]+)', ['/orders/{id:digits}']],
    ['/orders/:id(\\d+)', ['/orders/{id:digits}']],
    ['/orders/:id(\\d+)?', ['/orders', '/orders/{id:digits}']],
    ['/:lang(en|de)/x', ['/{lang}/x'], /left to the service/],
    ['/:id([0-9a-fA-F]{24})', ['/{id:hex}'], /only hex/],
  ],
}

const REFUSED: Readonly<Record<Dialect, readonly (readonly [path: string, reason: RegExp])[]>> = {
  hydra: [
    ['', /begin with/],
    ['a', /begin with/],
    ['/a*', /stands alone/],
    ['/a/***', /stands alone/],
    ['/\\/*', /stands alone/],
    ['/a/**/b', /last part/],
    ['/{r+}/b', /last part/],
    ['/{a', /no }/],
    ['/a}', /no {/],
    ['/{a:foo}', /none of digits/],
    ['/{a b}', /is not/],
    ['/x{a?}', /stand alone/],
    ['/x{a+}', /stand alone/],
    ['/{a:hex+}', /character class/],
    ['/a\\', /nothing follows/],
    ['/a/../b', /\.\. segment/],
    ['/.', /segment/],
  ],
  spring: [
    ['/{', /no }/],
    ['/}', /no {/],
    ['/{}', /no name/],
    ['/{:a}', /no name/],
    ['/**/b', /last part/],
    ['/a/{*r}/b', /last part/],
    ['/a{*r}', /whole segment/],
    ['/../a', /segment/],
  ],
  express: [
    ['/a+b', /meaning/],
    ['/:', /no name/],
    ['/:"a', /no name/],
    ['/*"a', /no end/],
    ['/{a', /no }/],
    ['/(a', /no \)/],
    ['/a)', /meaning/],
    ['/a[b]', /meaning/],
    ['/*a/b', /last part/],
    ['/x:a+', /whole segment/],
    ['/a\\', /nothing follows/],
  ],
  urlpattern: [
    ['/:', /no name/],
    ['/a{b}+', /repeated/],
    ['/a)', /closes nothing/],
    ['/:a{b', /no }/],
    ['/:r+/b', /last part/],
    ['/a\\', /nothing follows/],
  ],
  'route-parser': [
    ['/(', /no \)/],
    ['/a(/b', /no \)/],
    ['/a)', /closes nothing/],
    ['/a()', /empty/],
    ['/a(/*rest)(/edit)', /last part/],
    ['/a/../b', /segment/],
  ],
}

for (const dialect of DIALECTS) {
  for (const [path, patterns, warning] of TRANSLATED[dialect]) {
    test(`${dialect} ${JSON.stringify(path)} is ${patterns.join(' and ')}`, () => {
      const translation = translate(dialect, path)
      assert.deepEqual(
        translation.patterns.map(({ text }) => text),
        patterns,
      )
      if (warning) assert.match(translation.warnings.join('\n'), warning)
      else assert.deepEqual(translation.warnings, [])
    })
  }
  for (const [path, reason] of REFUSED[dialect]) {
    test(`${dialect} ${JSON.stringify(path)} is refused with a reason`, () => {
      assert.throws(
        () => translate(dialect, path),
        (error) => error instanceof PatternError && reason.test(error.message),
      )
    })
  }
}

test('what is too much is refused, and just below it is not', () => {
  const refused = (dialect: Dialect, path: string, reason: RegExp) =>
    assert.throws(() => translate(dialect, path), reason)
  refused('spring', `/${'a'.repeat(MAX_LENGTH)}`, /4096 characters/)
  translate('spring', `/${'a'.repeat(MAX_LENGTH - 1)}`)
  for (const dialect of DIALECTS) {
    refused(dialect, '/a'.repeat(MAX_SEGMENTS + 1), /64 segments/)
    assert.equal(translate(dialect, '/a'.repeat(MAX_SEGMENTS)).patterns[0]?.segments.length, MAX_SEGMENTS)
  }
  assert.equal(translate('express', '/:a?/:b?/:c?/:d?').patterns.length, 5)
  assert.equal(translate('express', '/:a?x/:b?y/:c?z/:d?w').patterns.length, MAX_COMBINATIONS)
  refused('express', '/:a?/:b?/:c?/:d?/:e?', /16 combinations/)
  refused('hydra', '/{a?}/{b?}/{c?}/{d?}/{e?}', /16 combinations/)
  refused('express', '{a'.repeat(9) + '}'.repeat(9), /nested/)
})

test('hostile text of the greatest length is answered at once', () => {
  const units = [
    '{',
    '}',
    '(',
    ')',
    '*',
    '?',
    ':a',
    ':a?',
    '{a?}/',
    '/{/',
    '\\',
    '[',
    '/{a:',
    '((a+)+)',
    '{a{',
    '/:a(.*)',
    '*a',
    '%',
    '/../',
    'a?',
    '{/',
    '|',
    '(a',
    '(:a',
    ':a(:',
    '::',
    '**a',
  ]
  for (const dialect of DIALECTS) {
    for (const unit of units) {
      const path = `/${unit.repeat(MAX_LENGTH)}`.slice(0, MAX_LENGTH)
      const begin = performance.now()
      try {
        translate(dialect, path)
      } catch (error) {
        assert.ok(error instanceof PatternError, String(error))
        assert.ok(error.message.length < 500)
      }
      // A pattern that backtracks takes minutes; a busy machine never takes this long for linear work.
      assert.ok(performance.now() - begin < 5000, `${dialect} ${unit}`)
    }
  }
})

test('any text is translated or refused with a reason', () => {
  const unit = fc.constantFrom(
    '/',
    ':',
    '*',
    '{',
    '}',
    '(',
    ')',
    '?',
    '+',
    '\\',
    '[',
    ']',
    'a',
    'é',
    '\0',
    '\ud800',
    '%41',
    '"',
    '.',
    '|',
    '^',
    '$',
  )
  const path = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(unit, { maxLength: 20 }).map((units) => `/${units.join('')}`),
  )
  fc.assert(
    fc.property(fc.constantFrom(...DIALECTS), path, (dialect, text) => {
      try {
        const { patterns } = translate(dialect, text)
        assert.ok(patterns.length > 0 && patterns.length <= 2 * MAX_COMBINATIONS)
        for (const pattern of patterns) {
          assert.deepEqual(
            translate('hydra', pattern.text).patterns.map(({ text }) => text),
            [pattern.text],
          )
          assert.ok(pattern.segments.slice(0, -1).every(({ kind }) => kind !== 'splat'))
        }
      } catch (error) {
        assert.ok(error instanceof PatternError, String(error))
      }
    }),
    { numRuns: 5000 },
  )
})
