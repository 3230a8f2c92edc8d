/**
 * Signs in by the form of a gateway, as a browser would.
 *
 * @module
 */
import assert from 'node:assert/strict'

/** Fills the form in and sends it. Resolves with the answer: 303 for who is signed in; its body is not read. */
export async function sendLogin(url: string, username: string, password: string): Promise<Response> {
  const page = await fetch(`${url}/login?ref=/shop`)
  const csrf = /name="_csrf" value="([^"]+)"/.exec(await page.text())![1]!
  const cookies = page.headers.getSetCookie().map((line) => line.split(';')[0])
  return fetch(`${url}/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      cookie: cookies.join('; '),
      origin: url,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ username, password, _csrf: csrf, ref: '/shop' }),
  })
}

/** Signs in; resolves with the cookie that services see. */
export async function signIn(url: string, username: string, password: string): Promise<string> {
  const response = await sendLogin(url, username, password)
  assert.equal(response.status, 303, await response.text())
  const set = response.headers.getSetCookie().find((line) => line.startsWith('HYDRA-SSO='))
  return set!.split(';')[0]!
}
