import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNavigation, leavesPage } from './navigation.ts'
import { headerLines } from './testing/header-lines.ts'

const cases: [string, string, string[], { navigation: boolean; leaves?: boolean }][] = [
  [
    'a link',
    'GET',
    ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document'],
    { navigation: true, leaves: true },
  ],
  [
    'a link in a browser that sends nothing more',
    'GET',
    ['Accept', 'text/html,*/*;q=0.8'],
    { navigation: true, leaves: true },
  ],
  [
    'a frame',
    'GET',
    ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'iframe'],
    { navigation: true, leaves: false },
  ],
  [
    'a form that is sent',
    'POST',
    ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document'],
    { navigation: true, leaves: false },
  ],
  [
    'a page fetched ahead of a click',
    'GET',
    ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document', 'Sec-Purpose', 'prefetch;prerender'],
    { navigation: true, leaves: false },
  ],
  ['a fetch of HTML', 'GET', ['Sec-Fetch-Mode', 'cors', 'Accept', 'text/html'], { navigation: false }],
  ['a script', 'GET', ['Sec-Fetch-Mode', 'no-cors', 'Sec-Fetch-Dest', 'script'], { navigation: false }],
  ['curl', 'GET', ['Accept', '*/*'], { navigation: false }],
  ['a client without any headers', 'GET', [], { navigation: false }],
  ['an old browser that sends a form', 'POST', ['Accept', 'text/html'], { navigation: false }],
]
for (const [what, method, flat, { navigation, leaves }] of cases) {
  test(`${what} is ${navigation ? 'a' : 'no'} navigation${leaves === false ? ' that belongs to the page before' : ''}`, () => {
    const asked = { method, headers: headerLines(flat), isUpgrade: false }
    assert.equal(isNavigation(asked), navigation)
    if (leaves !== undefined) assert.equal(leavesPage(asked), leaves)
  })
}

test('a socket is no navigation', () => {
  assert.equal(
    isNavigation({ method: 'GET', headers: headerLines(['Accept', 'text/html']), isUpgrade: true }),
    false,
  )
})
