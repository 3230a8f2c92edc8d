/**
 * A TypeScript service beside the Java ones, as a process of its own: a fragment for their pages, and one page with
 * their fragments, which comes composed by the gateway at `/greeter/composed` and by the SDK at `/greeter/rendered`.
 * Prints `registered` each time the gateway has taken it.
 */
import { createServer } from 'node:http'
import { fragment, page } from '@hydra-gateway/sdk'
import { hydra, sendPage } from '@hydra-gateway/sdk/node'

/** `two` renders one of its two; `one` refuses posts without a CSRF token. */
const HTML = `<!doctype html>
<html lang="en" xmlns:m="http://www.getmedusa.io">
<head><meta charset="utf-8"><title>Greetings</title>
<script type="application/json" m:attributes>{"message":"Hello & <welcome>","price":38,"secret":"mine"}</script>
</head>
<body>
<main>
<m:fragment service="two" ref="two_hello" imports="message, price"><p id="two_down">two is down</p></m:fragment>
<m:fragment service="two" ref="two_nothing" imports="message"><p id="nothing_down">nothing of two</p></m:fragment>
<m:fragment service="one" ref="one_hello"><p id="one_down">one is guarded</p></m:fragment>
</main>
</body>
</html>
`

const hello = fragment('ts_hello', { imports: ['message'] }, ({ imports }) => {
  return `<p id="ts_hello">TypeScript got <b>${imports.message}</b> and costs $&amp; $1</p>`
})
const greetings = page(HTML, { name: 'greetings' })

const server = createServer((request, response) => {
  if (request.url === '/greeter/rendered') void sendPage(response, greetings.render({}, request))
  else response.writeHead(200, { 'content-type': 'text/html', 'hydra-compose': '1' }).end(HTML)
})
const service = await hydra(server, {
  name: 'greeter',
  routes: ['/greeter/composed', '/greeter/rendered'],
  fragments: [hello],
  pages: [greetings],
})
service.on('registered', () => console.log('registered'))
server.listen(0, '127.0.0.1')
