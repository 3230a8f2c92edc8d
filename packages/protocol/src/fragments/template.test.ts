import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FragmentError, Template, TemplatePart } from './model.ts'
import { type CompileOptions, compileFaults, compileTemplate, readTemplate } from './template.ts'

const name = 'product.html'

/** What is wrong with a page, as people read it. */
function faultsOf(html: string, options: CompileOptions = {}): string[] {
  return compileFaults(html, { name, ...options }).map((fault) => `${fault.name}: ${fault.message}`)
}

/** A page of lines, so that places can be counted. */
function lines(...list: string[]): string {
  return list.join('\n')
}

test('a page becomes the parts it is put together from', () => {
  const html = lines(
    '<h1>Hello</h1>',
    '<m:fragment service="orders" ref="checkout" exports="total" timeout="1.5s" required>',
    '  Fallback <m:fragment ref="cart" imports="user"/> info',
    '</m:fragment>',
    '<!-- <m:fragment ref="none"> --><script>"<m:fragment>"</script>',
  )
  const { parts, nodes, attributes, warnings } = compileTemplate(html)
  assert.deepEqual(parts, [
    '<h1>Hello</h1>\n',
    { fragment: 0, fallback: ['\n  Fallback ', { fragment: 1, fallback: [] }, ' info\n'] },
    '\n<!-- <m:fragment ref="none"> --><script>"<m:fragment>"</script>',
  ])
  assert.deepEqual(
    nodes.map(({ index, parent, ref, at }) => ({ index, parent, ref, at })),
    [
      { index: 0, parent: undefined, ref: 'checkout', at: { line: 2, column: 1 } },
      { index: 1, parent: 0, ref: 'cart', at: { line: 3, column: 12 } },
    ],
  )
  assert.equal(nodes[0]!.timeoutMs, 1500)
  assert.equal(nodes[0]!.required, true)
  assert.equal(attributes, undefined)
  assert.deepEqual(warnings, [])
})

test('a page without fragments is one part, and an empty page none', () => {
  assert.deepEqual(compileTemplate('\ufeff<p>é😀</p>').parts, ['\ufeff<p>é😀</p>'])
  assert.deepEqual(compileTemplate('').parts, [])
})

test('the attributes script is taken out, and says which attributes the page has', () => {
  const html = `<head><script type="application/json" m:attributes>{"user":"ann"}</script></head><m:fragment ref="a" imports="user"/>`
  const { parts, attributes } = compileTemplate(html)
  assert.deepEqual(parts, ['<head></head>', { fragment: 0, fallback: [] }])
  assert.equal(attributes, '{"user":"ann"}')
  assert.deepEqual(faultsOf(html.replace('imports="user"', 'imports="usr, cart" exports="user"')), [
    'FragmentExportConflict: product.html:1:82 exports "user", which is an attribute of the page; write exports="user as aUser"',
    'FragmentUnknownImport: product.html:1:82 imports "usr", which neither the page nor a fragment of it provides; did you mean "user"? Else declare it among the page\'s attributes, or have a fragment export it',
    'FragmentUnknownImport: product.html:1:82 imports "cart", which neither the page nor a fragment of it provides; declare it among the page\'s attributes, or have a fragment export it',
  ])
  assert.deepEqual(
    faultsOf(html.replace('imports="user"', 'imports="user, cart"'), { attributes: ['cart'] }),
    [],
  )
})

test('an attributes script that can’t be used is left out with a warning', () => {
  const script = '<script type="application/json" m:attributes>{"a":1}</script>'
  const late = compileTemplate(`<m:fragment ref="a" imports="x"/>\n${script}`, { name })
  assert.equal(late.attributes, undefined)
  assert.deepEqual(late.warnings, [
    'product.html:2:1: the attributes script is left out, as it stands behind a fragment tag: move it into the head',
  ])
  const second = compileTemplate(`${script}\n${script.replace('1', '2')}`, { name })
  assert.deepEqual(second.parts, ['\n'])
  assert.deepEqual(second.warnings, ['product.html:2:1: this attributes script is left out: a page has one'])
  const filled = compileTemplate(
    `${script.replace('{"a":1}', '{{ attributes }}')}<m:fragment ref="a" imports="x"/>`,
  )
  assert.equal(filled.attributes, '{{ attributes }}')
  assert.deepEqual(filled.warnings, [
    'line 1, column 1: the attributes script holds no JSON object, so nothing is known of its names',
  ])
})

test('warnings about tags name the page', () => {
  assert.deepEqual(compileTemplate('\n <m:fragment ref="a" import="b"/>', { name }).warnings, [
    'product.html:2:22: "import" means nothing: write imports="b"',
  ])
})

test('every syntax error of a page is found, with its place', () => {
  const html = lines(
    '<p>é😀</p></m:fragment><m:fragment>',
    '<m:fragment ref="a"',
    '  imports="b AS c">',
    '</H:FRAGMENT></M:Fragment>',
    '</m:fragment><m:fragment ref="open"><m:fragment ref="in"></m:fragment>',
  )
  assert.deepEqual(faultsOf(html), [
    'FragmentSyntaxError: product.html:1:11: </m:fragment> closes nothing; take it out, or see whether the tag it belongs to ends in "/>" or has another prefix',
    'FragmentSyntaxError: product.html:1:24: a fragment tag says in ref which fragment it wants: write <m:fragment ref="name">',
    'FragmentSyntaxError: product.html:3:14: imports: write "as" in lower case, not "AS"',
    'FragmentSyntaxError: product.html:4:1: </H:FRAGMENT> closes nothing; take it out, or see whether the tag it belongs to ends in "/>" or has another prefix',
    'FragmentSyntaxError: product.html:5:14: this fragment is never closed; write </m:fragment> behind its fallback, or end its tag in "/>"',
  ])
})

test('what is too long or too deep is an error, and nothing runs away', () => {
  assert.deepEqual(faultsOf(`<m:fragment ref="a" class="${'x'.repeat(70_000)}"/>`), [
    'FragmentSyntaxError: product.html:1:1: this tag is longer than 64 KB; is a quote missing?',
  ])
  const script = `<script type="application/json" m:attributes>{"a":"${'x'.repeat(70_000)}"}</script>`
  assert.deepEqual(faultsOf(script), [
    'FragmentSyntaxError: product.html:1:1: the attributes script is longer than 64 KB; keep what fragments import, and leave the rest out',
  ])
  const deep = '<m:fragment ref="a">'.repeat(1025) + '</m:fragment>'.repeat(1025)
  assert.deepEqual(faultsOf(deep), [
    'FragmentSyntaxError: product.html:1:20481: fragments are nested too deeply here',
  ])
})

test('two exports of one name are a conflict that names both places, and an alias nobody has', () => {
  const html = lines(
    '<m:fragment ref="checkout" exports="total"/>',
    '<m:fragment ref="order-summary" exports="sum as total, tax as orderSummaryTotal">',
    `  <m:fragment ref="\${kind}" exports="total"/>`,
    '</m:fragment>',
    '<m:fragment ref="checkout" exports="total"/>',
  )
  assert.deepEqual(faultsOf(html), [
    'FragmentExportConflict: product.html:2:1 exports "total", as the tag at product.html:1:1 does already; write exports="sum as orderSummaryTotal2" in one of them',
    'FragmentExportConflict: product.html:3:3 exports "total", as the tag at product.html:1:1 does already; write exports="total as otherTotal" in one of them',
    'FragmentExportConflict: product.html:5:1 exports "total", as the tag at product.html:1:1 does already; write exports="total as checkoutTotal" in one of them',
  ])
  const [fault] = compileFaults(html) as [FragmentError]
  assert.equal(fault.stack, `${fault.name}: ${fault.message}`, 'the place is in the page, not in our code')
  assert.deepEqual(
    [fault.at, fault.other],
    [
      { line: 2, column: 1 },
      { line: 1, column: 1 },
    ],
  )
})

test('two imports under one name are a conflict, and so is one the fragment sets itself', () => {
  const html = lines(
    '<m:fragment service="orders" ref="a" imports="home.zip, work.zip"/>',
    '<m:fragment service="shop" ref="cart" imports="total"/>',
    '<m:fragment service="self" ref="cart" imports="x as total"/>',
    '<m:fragment ref="menu" imports="total"/>',
    '<m:fragment service="orders" ref="cart" imports="total"/>',
  )
  const local = (ref: string) => (ref === 'cart' ? ['total'] : undefined)
  assert.deepEqual(faultsOf(html, { service: 'shop', local }), [
    'FragmentImportConflict: product.html:1:1 imports "home.zip" and "work.zip", which are both called "zip" in the fragment; write imports="work.zip as otherZip" for one of them',
    'FragmentImportConflict: product.html:2:1 imports "total", which the fragment "cart" sets itself; write imports="total as pageTotal"',
    'FragmentImportConflict: product.html:3:1 imports "total", which the fragment "cart" sets itself; write imports="x as pageTotal"',
  ])
})

test('a cycle is told step by step', () => {
  const html = lines(
    '<m:fragment ref="a" imports="x" exports="y"/>',
    '<m:fragment ref="b" imports="y.z" exports="w"/>',
    '<m:fragment ref="c" imports="w, y" exports="x"/>',
    '<m:fragment ref="d" imports="me" exports="me"/>',
    '<m:fragment ref="e" imports="f"><m:fragment ref="f" exports="f"/></m:fragment>',
  )
  const wayOut = 'take one of these imports out, or let the page provide it'
  assert.deepEqual(faultsOf(html), [
    `FragmentCycle: fragments wait for each other: "a" (product.html:1:1) exports "y" to "c" (product.html:3:1), "c" (product.html:3:1) exports "x" to "a" (product.html:1:1); ${wayOut}`,
    'FragmentCycle: product.html:4:1 imports "me", which it exports itself; take it out of imports, or write exports="… as dMe"',
    `FragmentCycle: fragments wait for each other: "e" (product.html:5:1) holds "f" (product.html:5:33) in its fallback, "f" (product.html:5:33) exports "f" to "e" (product.html:5:1); ${wayOut}`,
  ])
  assert.deepEqual(
    faultsOf(html, { attributes: ['x', 'me', 'f'] }).map((fault) => fault.split(':')[0]),
    ['FragmentExportConflict', 'FragmentExportConflict', 'FragmentExportConflict'],
  )
})

test('the first fault in the document is thrown', () => {
  const html = '<m:fragment ref="a" exports="x"/>\n<m:fragment ref="b" exports="x"/>\n<m:fragment/>'
  assert.throws(() => compileTemplate(html, { name }), {
    name: 'FragmentExportConflict',
    message:
      'product.html:2:1 exports "x", as the tag at product.html:1:1 does already; write exports="x as bX" in one of them',
    at: { line: 2, column: 1 },
    other: { line: 1, column: 1 },
  })
})

test('without knowing the page’s attributes, nothing is said of imports nobody provides', () => {
  assert.deepEqual(faultsOf('<m:fragment ref="a" imports="x"/>'), [])
  assert.equal(faultsOf('<m:fragment ref="a" imports="x"/>', { attributes: [] }).length, 1)
  assert.deepEqual(
    faultsOf('<m:fragment exports="y,,x"/><m:fragment ref="b" imports="x"/>', { attributes: [] }).filter(
      (fault) => fault.startsWith('FragmentUnknownImport'),
    ),
    [],
  )
})

test('names that mean something to JavaScript are names like others', () => {
  const html = lines(
    '<m:fragment ref="a" imports="constructor" exports="__proto__"/>',
    '<m:fragment ref="b" imports="__proto__.x, toString" exports="hasOwnProperty"/>',
  )
  assert.deepEqual(
    faultsOf(html, { attributes: ['toString'] }).map((fault) => fault.slice(0, 61)),
    ['FragmentUnknownImport: product.html:1:1 imports "constructor"'],
  )
})

/** A page put together again, with its tags as they were written. */
function together(parts: readonly TemplatePart[], tags: readonly Pieces[]): string {
  return parts
    .map((part) => {
      if (typeof part === 'string') return part
      const { open, close } = tags[part.fragment]!
      return open + together(part.fallback, tags) + close
    })
    .join('')
}

interface Pieces {
  readonly open: string
  readonly close: string
}

/** A page whose tags are known, in document order. */
interface Written {
  readonly html: string
  readonly tags: readonly Pieces[]
}

const { page } = fc.letrec<{ page: Written; item: Written }>((tie) => ({
  page: fc.array(tie('item'), { maxLength: 5, depthIdentifier: 'page' }).map((items) => ({
    html: items.map((item) => item.html).join(''),
    tags: items.flatMap((item) => item.tags),
  })),
  item: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'page' },
    fc
      .constantFrom(
        ...[
          'text',
          ' ',
          '\r\n',
          'é',
          '😀',
          '<p class="<m:fragment>">',
          '</p>',
          '&amp;',
          '<!-- </m:fragment> -->',
        ],
        ...[
          '<script>"</m:fragment>"</script>',
          '<textarea><m:fragment></textarea>',
          '<br/>',
          '< ',
          '$& $1',
          `\${x}`,
        ],
      )
      .map((html): Written => ({ html, tags: [] })),
    fc
      .record({
        inner: tie('page'),
        open: fc.constantFrom(
          '<m:fragment ref="a">',
          '<m:FRAGMENT\nref=\'b\' x="é>">',
          '<m:fragment ref=c >',
        ),
        close: fc.constantFrom('</m:fragment>', '</M:fragment >'),
      })
      .map(({ inner, open, close }) => ({
        html: open + inner.html + close,
        tags: [{ open, close }, ...inner.tags],
      })),
    fc.constant({ html: '<m:fragment ref="d"/>', tags: [{ open: '<m:fragment ref="d"/>', close: '' }] }),
  ),
}))

test('a page that is only read is not checked for what its tags say beside each other', () => {
  const html =
    '<script type="application/json" m:attributes>{}</script>' +
    '<m:fragment ref="a" imports="none" exports="x"/><m:fragment ref="b" exports="x"/>'
  assert.equal(compileFaults(html).length, 2)
  const { template, faults } = readTemplate(html)
  assert.deepEqual([template.nodes.length, faults], [2, []])
  assert.equal(readTemplate(`${html}<m:fragment>`).faults.length, 2)
})

test('of a page where nothing fits together, the first thousand faults are told', () => {
  const { template, faults } = readTemplate(`${'</m:fragment>'.repeat(5000)}<m:fragment ref="a"/>`)
  assert.deepEqual([template.nodes.length, faults.length], [1, 1000])
  assert.deepEqual(faults[0]!.at, { line: 1, column: 1 })
})

test('pages are cut into parts that make the same page again', () => {
  fc.assert(
    fc.property(page, ({ html, tags }) => {
      const template = compileTemplate(html)
      assert.equal(template.nodes.length, tags.length)
      assert.equal(together(template.parts, tags), html)
      assertTidy(template.parts)
      assertPlaces(template, html)
    }),
    { numRuns: 500 },
  )
})

/** Texts are merged, and none is empty. */
function assertTidy(parts: readonly TemplatePart[]): void {
  for (const [i, part] of parts.entries()) {
    if (typeof part !== 'string') assertTidy(part.fallback)
    else assert.ok(part !== '' && typeof parts[i + 1] !== 'string')
  }
}

/** Each place is that of a tag in the text, counted as an editor does. */
function assertPlaces({ nodes }: Template, html: string): void {
  const rows = html.split(/\r\n|\n|\r/)
  for (const { at } of nodes) assert.match(rows[at.line - 1]!.slice(at.column - 1), /^<m:fragment/i)
}
