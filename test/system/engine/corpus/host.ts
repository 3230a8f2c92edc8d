/**
 * Who was asked: Host and absolute targets.
 *
 * @module
 */
import { accepted, get, HOST, refused } from './case.ts'

const hosted = (value: string) => `GET /one HTTP/1.1\r\nHost: ${value}\r\n\r\n`
const target = (address: string) => `GET ${address} HTTP/1.1\r\n${HOST}\r\n`

const NO_HOST: readonly (readonly [name: string, value: string])[] = [
  ['an empty host', ''],
  ['a host of blanks', ' \t '],
  ['a host with a user', 'a@shop.example'],
  ['a host with a user and a word', 'a:b@shop.example'],
  ['a host with a path', 'shop.example/one'],
  ['a host with a query', 'shop.example?a'],
  ['a host with a fragment', 'shop.example#a'],
  ['a host with a scheme', 'http://shop.example'],
  ['a host with a blank', 'shop example'],
  ['a host with a tab', 'shop\texample'],
  ['two hosts in one line', 'shop.example, evil.example'],
  ['a host with a backslash', 'shop.example\\evil'],
  ['a host with an escape', 'shop%2eexample'],
  ['a host beyond ASCII', 'sh\xf6p.example'],
  ['a quoted host', '"shop.example"'],
  ['a host with NUL', 'shop.example\0'],
  ['an empty port', 'shop.example:'],
  ['a port that is no number', 'shop.example:http'],
  ['a port beyond ports', 'shop.example:65536'],
  ['a port of many digits', 'shop.example:000080'],
  ['a negative port', 'shop.example:-1'],
  ['two ports', 'shop.example:80:80'],
  ['nothing but a port', ':80'],
  ['a host with two dots', 'shop..example'],
  ['a host of a dot', '.'],
  ['half an address in brackets', '[::1'],
  ['an address with a rest', '[::1]x'],
  ['an address without brackets', '::1'],
  ['a name in brackets', '[shop.example]'],
  ['an address with a zone', '[fe80::1%25eth0]'],
  ['an address of three numbers', '127.0.1'],
  ['an address in C', '0x7f.1'],
  ['a number', '2130706433'],
  ['an address of five numbers', '1.2.3.4.5'],
  ['a host of 300 characters', `${'a.'.repeat(150)}example`],
]

export const hosts = [
  ...NO_HOST.map(([name, value]) => refused(name, hosted(value))),
  refused('no host', 'GET /one HTTP/1.1\r\n\r\n'),
  refused('no host in HTTP/1.0', 'GET /one HTTP/1.0\r\n\r\n'),
  refused('two hosts', get('Host: evil.example')),
  refused('the same host twice', get('Host: shop.example')),
  refused('two hosts, the second folded', `GET /one HTTP/1.1\r\n${HOST} evil.example\r\n\r\n`),
  refused('two hosts in HTTP/1.0', `GET /one HTTP/1.0\r\n${HOST}Host: evil.example\r\n\r\n`),
  refused('a blank before the colon of Host', 'GET /one HTTP/1.1\r\nHost : shop.example\r\n\r\n'),
  accepted('a port', hosted('shop.example:8080'), { host: 'shop.example:8080' }),
  accepted('capitals', hosted('Shop.EXAMPLE'), { host: 'Shop.EXAMPLE' }),
  accepted('the dot of an absolute name', hosted('shop.example.'), { host: 'shop.example.' }),
  accepted('an address', hosted('127.0.0.1:80'), { host: '127.0.0.1:80' }),
  accepted('an address in brackets', hosted('[::1]:8080'), { host: '[::1]:8080' }),
  accepted('blanks around a host', hosted(' \tshop.example\t ')),
  accepted('a name that is nearly Host', get('Hos_t: x', 'X-Host: evil.example'), {
    lines: [
      ['Hos_t', 'x'],
      ['X-Host', 'evil.example'],
    ],
  }),
  accepted('a host nominated away', get('Connection: host')),
  // Absolute targets.
  accepted('an absolute target', target('http://shop.example/one')),
  accepted('an absolute target with a query', target('http://shop.example/one?a=b'), { target: '/one?a=b' }),
  accepted('an absolute target without a path', target('http://shop.example'), { target: '/' }),
  accepted('an absolute target with nothing but a query', target('http://shop.example?a'), { target: '/?a' }),
  accepted('an absolute target in capitals', target('HTTP://SHOP.example/one')),
  accepted('an address in a query', target('/one?http://evil.example/'), {
    target: '/one?http://evil.example/',
  }),
  accepted('a path that looks like a host', target('//evil.example/one'), { target: '//evil.example/one' }),
  refused('another host in the target', target('http://evil.example/one')),
  refused('another port in the target', target('http://shop.example:81/one')),
  refused('a user in the target', target('http://a@shop.example/one')),
  refused('a user that looks like a host', target('http://shop.example@evil.example/one')),
  refused('no host in the target', target('http:///one')),
  refused('a backslash in the target', target('http://shop.example\\@evil.example/one')),
  refused('a scheme without a host', target('http:/one')),
  refused('a scheme without slashes', target('http:one')),
  refused('another scheme', target('ftp://shop.example/one')),
  refused('a file', target('file:///etc/passwd')),
  refused('an authority', target('shop.example:80')),
  refused('an absolute target without Host', 'GET http://shop.example/one HTTP/1.1\r\n\r\n'),
  refused('an absolute target with a fragment', target('http://shop.example/one#two')),
]
