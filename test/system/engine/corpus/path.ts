/**
 * Paths: one canonical form is matched and forwarded, and what has none is turned down.
 *
 * @module
 */
import { accepted, HOST, turnedDown } from './case.ts'

const at = (path: string) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`

/** Readable in more than one way. */
const REFUSED = [
  '/%00', '/a%00b', '/a%00.html', '/%5c', '/a%5Cb', '/a\\b', '/\\evil.example', '/..\\a',
  '/%', '/%4', '/%zz', '/a%g0', '/%%30%30', '/%u002e', '/%u2215',
  '/%c3', '/%c0%af', '/%c0%ae%c0%ae/a', '/%e0%80%af', '/%ed%a0%80', '/%f8%88%80%80%80', '/%ff', '/%fe',
  '/%2e', '/%2E%2e', '/%2e%2e/a', '/.%2e', '/%2e.', '/a/%2e%2e/b', '/a/%2e/b', '/a/.%2E/b', '/a/%2e%2e',
  '/..;', '/..;/a', '/a/..;x=1/b', '/.;', '/a/.;x', '/a/..;/..;/b', '/..%3b', '/%2e%2e;x', '/a/.%3B/b',
  '/..', '/../a', '/a/../..', '/a/../../b', '/./..', '/a//../b', '/a/./../..',
  '/a%2fb', '/a%2Fb', '/%2f', '/..%2fa', '/a%2f..', '/a%2f..%2fb', '/x/.%2fa', '/a%2fb/..', '/a%2Fb/../c', '/%2f%2e%2e%2fa',
] // biome-ignore format: a table

/** Resolved as every browser does. */
const RESOLVED: readonly (readonly [path: string, canonical: string])[] = [
  ['/.', '/'],
  ['/./', '/'],
  ['/a/.', '/a/'],
  ['/a/./b', '/a/b'],
  ['/a/././b', '/a/b'],
  ['/a/..', '/'],
  ['/a/../', '/'],
  ['/a/b/..', '/a/'],
  ['/a/b/../c', '/a/c'],
  ['/a/../b/', '/b/'],
  ['/a/b/../../c', '/c'],
  ['/a%20b/../c', '/c'],
  ['/a//./b', '/a//b'],
  ['/a/../b?c=/../d', '/b?c=/../d'],
]

/** Left exactly as received. */
const KEPT = [
  '/', '//', '///', '/a', '/a/', '/a//b', '//evil.example/a', '/a;v=1/b', '/a.b/c..d', '/...', '/.hidden', '/..hidden',
  '/a%20b', '/caf%C3%A9', '/caf%c3%a9', '/%F0%9F%98%80', '/a%2eb', '/a%252fb', '/a%255cb', '/%252e%252e/a', '/%0d%0aX:y', '/%0a',
  '/a%3Fb', '/a%23b', '/%2e%2e%2e', '/;', '/a;..', "/!$&'()*+,;=:@-._~", '/a|b^c{d}`"<>[]', '/%41', '/%7e', '/%25',
  '/a?', '/a?b', '/a?b?c', '/a?/../%00', '/a?%zz', '/a?\\', '/a?..;/b', '/a?b=http://evil.example/%2f..',
] // biome-ignore format: a table

export const paths = [
  ...REFUSED.map((path) => turnedDown(`${path} is turned down`, at(path))),
  ...RESOLVED.map(([path, target]) => accepted(`${path} is ${target}`, at(path), { target })),
  ...KEPT.map((path) => accepted(`${path} goes on as it is`, at(path), { target: path })),
]
