/**
 * What each code means, for the people who run services and this gateway. Shown at `/_hydra/errors/<code>` and
 * printed in the error reference. `code` stands between backticks.
 *
 * @module
 */
import type { ErrorCode } from '../errors.ts'

export interface Explanation {
  readonly happened: string
  /** What the gateway did, and did not do. */
  readonly doing: string
  /** Things to look at or change, the likeliest first. */
  readonly remedies: readonly string[]
}

export const EXPLANATIONS: Readonly<Record<ErrorCode, Explanation>> = {
  HYDRA_BAD_REQUEST: {
    happened:
      'The request breaks a rule of HTTP, or a body for the gateway itself is not what its address takes.',
    doing: 'It was refused before any service was asked.',
    remedies: [
      'The detail of the answer names the fault.',
      'A client that builds requests by hand is the usual source.',
    ],
  },
  HYDRA_BAD_PATH: {
    happened:
      'The path can be read in more than one way: it holds a control character, a backslash, `%00`, `%2F`, `%5C`, an encoded dot segment, a `..;` segment, or an escape that is not valid UTF-8.',
    doing:
      'It was not passed on, because a service might read it otherwise than the gateway and serve what was never meant to be open.',
    remedies: [
      'Encode names with `encodeURIComponent` once, not twice.',
      "A route that needs slashes inside a name can be registered with `encodedSlash: 'keep'`.",
    ],
  },
  HYDRA_BAD_REGISTRATION: {
    happened: 'A registration is not JSON, lacks a field, or has a field outside its limits.',
    doing: 'Nothing of it was taken; what the instance had registered before is unchanged.',
    remedies: ['The member `errors` of the answer lists every fault with its path.'],
  },
  HYDRA_UNAUTHORIZED: {
    happened:
      'This address takes the gateway keys (Basic, public key as user name and private key as password), and they were missing or wrong.',
    doing: 'Nothing was shown or changed.',
    remedies: [
      'At its first start without keys the gateway makes them and prints the file it keeps them in.',
      'After a rotation the older pair stops working when it leaves the settings.',
    ],
  },
  HYDRA_FORBIDDEN_ORIGIN: {
    happened: 'A WebSocket was opened from a page of another origin.',
    doing:
      'The upgrade was refused and the service did not see it. Browsers send cookies with WebSockets to any site, so another origin must be allowed by name.',
    remedies: [
      'Add the origin to `allowedOrigins`, with scheme and port, if the page is yours.',
      'Behind a TLS proxy, set `HYDRA_PUBLIC_URL` or `HYDRA_TRUSTED_PROXIES` so that the gateway knows how browsers reach it.',
    ],
  },
  HYDRA_LOGIN_REQUIRED: {
    happened:
      'The route is for people who are signed in (`auth: required`, `roles` or `providers`), and the request carried no login that holds.',
    doing:
      'Nothing was passed on. Navigations are led to the sign-in and back; everybody else gets this answer and never a redirect.',
    remedies: [
      'Open `/login?ref=<path>` in the browser, or `POST /_hydra/session` to renew a session that still lasts.',
      'Nobody can sign in while neither `identity.users`, an identity database with users, nor `identity.providers` is there.',
      'A cookie that expired, was revoked, came twice, or was signed by a key that is gone counts as none.',
    ],
  },
  HYDRA_BAD_LOGIN: {
    happened: 'User name and password do not belong together, or the account may not sign in.',
    doing: 'Which of them it is, is never told to the caller; the log has it.',
    remedies: [
      '`hydra users list` shows the accounts and their flags, `hydra users passwd` sets a password.',
    ],
  },
  HYDRA_LOGIN_FAILED: {
    happened:
      'A sign-in was not finished: its form or its state is too old, was used before, belongs to another browser, or the provider answered something that does not fit.',
    doing: 'Nobody was signed in. The log line says what did not fit, without secrets.',
    remedies: [
      'Begin again at the page that was asked for.',
      'Cookies must be allowed for this site; `publicUrl` must be the address browsers see.',
    ],
  },
  HYDRA_FORBIDDEN: {
    happened: 'Somebody is signed in, but has none of the roles the route asks for.',
    doing: 'Nothing was passed on.',
    remedies: [
      'Roles are those of the service after `identity.roles` mapped them: `hydra routes` shows what a route asks for, the operator’s `identity.rules` included.',
      'The log says `caller lacks the role`, with the roles that are needed and those the caller has in this service: once a minute for each service and set of roles.',
      'Roles change with the next renewal; signing in again takes them at once.',
    ],
  },
  HYDRA_THROTTLED: {
    happened: 'There were too many failed sign-ins for this account or from this address.',
    doing: 'Passwords are not looked at until the pause is over. `Retry-After` says how long it is.',
    remedies: [
      'Wait; the account is not locked. `identity.throttle` sets how soon pauses begin and how long they get.',
    ],
  },
  HYDRA_PROVIDER_DOWN: {
    happened:
      'An OpenID Connect provider of the configuration could not be reached, or what it says of itself can’t be used.',
    doing: 'The other ways to sign in work. It is looked for again with every try.',
    remedies: [
      'The log line has the cause. `identity.providers.<name>.issuer` must be reachable from the gateway.',
    ],
  },
  HYDRA_FORBIDDEN_ADDRESS: {
    happened:
      'The caller, or the address an instance wants to be reached at, is outside the networks that are allowed.',
    doing:
      'Nothing was registered or passed on. Link-local and metadata addresses are refused whatever the settings say.',
    remedies: [
      '`registration.from` lists the networks services may register from.',
      '`upstreams.allow` lists the networks instances may be reached in.',
      'An instance at an address and port of the gateway itself is refused: requests would go round. Name the port of the service.',
    ],
  },
  HYDRA_NO_ROUTE: {
    happened:
      'No service that is up or remembered has registered a route that fits host, path and kind of request.',
    doing:
      'The request was passed on to nobody. A path whose service is down gets `HYDRA_NO_INSTANCE` instead.',
    remedies: [
      '`hydra routes` lists what is registered; `/a` and `/a/` are two paths.',
      'A route left out at registration is listed in its answer with the reason: reserved, or owned by another service.',
      'A service that stayed away longer than `forgetAfter` is forgotten with its routes.',
    ],
  },
  HYDRA_METHOD_NOT_ALLOWED: {
    happened:
      'Routes fit the path, but none takes this method; or it is TRACE or CONNECT, which are served nowhere.',
    doing: 'The header `Allow` names the methods that would be taken. GET brings HEAD with it.',
    remedies: ['Add the method to the `methods` of the route, or leave them out to take all.'],
  },
  HYDRA_REQUEST_TIMEOUT: {
    happened: 'The head or the body of the request stopped arriving.',
    doing: 'The connection was closed.',
    remedies: [
      'A slow or broken line is the usual cause.',
      'An upload that pauses for five to ten seconds is below `http.minBodyRate`: lower it, or set 0, where devices send as they measure.',
      'A head has `http.clientHeadTimeout`, a pause `http.idleTimeout`.',
    ],
  },
  HYDRA_CONFLICT: {
    happened: 'The request is well formed, but what it asks for does not fit how things are now.',
    doing: 'Nothing was changed.',
    remedies: [
      'The detail of the answer names what stands against it.',
      'A service is forgotten only after all of its instances have stopped.',
    ],
  },
  HYDRA_TOO_LARGE: {
    happened:
      'A request body is larger than its route or the gateway allows, or a registration is larger than the gateway takes or declares more routes.',
    doing: 'Reading stopped. Of a registration nothing was taken.',
    remedies: [
      '`maxBodyBytes` of the route is the limit for its requests, `http.maxBodyBytes` that of all.',
      'A registration may have 8 MiB and 20,000 routes unless the settings say otherwise.',
    ],
  },
  HYDRA_TARGET_TOO_LONG: {
    happened: 'Path and query are longer than the gateway takes.',
    doing: 'The request was refused before routing.',
    remedies: ['Send long values in a body, with POST.', '`http.maxTargetBytes` is the limit.'],
  },
  HYDRA_NOT_UPGRADABLE: {
    happened:
      'The address is a WebSocket route and the request is not a WebSocket handshake, or it asks for another protocol.',
    doing: 'The service was not asked.',
    remedies: [
      'Open it with `ws://` or `wss://`.',
      'A proxy in front of the gateway must pass the `Upgrade` and `Connection` headers on.',
    ],
  },
  HYDRA_HEAD_TOO_LARGE: {
    happened: 'The request line and headers together are larger than the gateway takes, or have more lines.',
    doing: 'The request was refused before routing.',
    remedies: [
      'Too many cookies on one origin are the usual cause: all services behind the gateway share it.',
      '`http.maxHeadBytes` and `http.maxHeaderLines` are the limits.',
    ],
  },
  HYDRA_INTERNAL: {
    happened:
      'The gateway failed in a way nobody foresaw. This is a fault in the gateway, not in the request.',
    doing:
      'The error was logged whole, at level error, with this exchange id. Nothing of it is shown to visitors.',
    remedies: ['Find the exchange id in the log and report the error.'],
  },
  HYDRA_NOT_IMPLEMENTED: {
    happened: 'The method is none that is known, or the body comes in a transfer coding other than chunked.',
    doing: 'The request was refused before routing, and its connection was closed.',
    remedies: ['Send the body with Content-Length, or chunked.', 'Methods are written in capitals.'],
  },
  HYDRA_UPSTREAM_BROKEN: {
    happened:
      'An instance closed the connection before its answer began, or sent something that is not HTTP. Or a page that holds has a required fragment which failed or does not exist: then `detail` names the fragment and its service.',
    doing:
      'A request that may be repeated was sent to another instance where there was one. A request that may have had an effect is never sent twice, so it ends here.',
    remedies: [
      'The log line of the exchange names instance and reason.',
      'Crashes and restarts without a graceful stop are the usual cause.',
      'A keep-alive timeout in the service that is shorter than its pauses shows up here as well.',
    ],
  },
  HYDRA_NO_INSTANCE: {
    happened:
      'The route belongs to a known service, and none of its instances can be sent requests right now. Or that is so for a required fragment of a page that holds: then `detail` names the fragment and its service.',
    doing:
      'The answer carries `Retry-After`. GET and HEAD requests that prefer HTML get the fallback of the route or the service, if there is one that is up. The path is remembered, so it never turns into 404 while the service is down.',
    remedies: [
      '`hydra services` shows each service, and since when it is down.',
      'A service comes back by registering again or with its next beat; nothing needs to be done here.',
      '`hydra services forget` drops a service that will not return.',
    ],
  },
  HYDRA_OVERLOADED: {
    happened: 'Every connection to the service is in use, and the queue for one is full.',
    doing: 'The request was turned away so that the others get through. The answer carries `Retry-After`.',
    remedies: [
      'Add an instance.',
      'Look for requests that hold connections for long.',
      '`http.maxConnectionsPerInstance` and `http.maxQueuedPerInstance` are the limits.',
    ],
  },
  HYDRA_STARTING: {
    happened:
      'No service this gateway knows has the path, and it has not been able to read from its store which services are connected to other nodes.',
    doing: 'It does not say 404 of what may be there. The answer carries `Retry-After`.',
    remedies: [
      'Look whether Redis can be reached: `hydra nodes` and the log say so.',
      'A load balancer that asks `/_hydra/ready` sends visitors to a node that knows all.',
    ],
  },
  HYDRA_STOPPING: {
    happened: 'This gateway is shutting down: it ends the requests it has and takes no new ones.',
    doing: 'Nothing was passed on. The answer carries `Retry-After`.',
    remedies: ['Repeat the request; a load balancer that asks `/_hydra/ready` sends it to another node.'],
  },
  HYDRA_UPSTREAM_TIMEOUT: {
    happened:
      'An instance took a request and did not begin its answer in time, or no connection to it could be made in time. Or that is so for a required fragment of a page that holds: then `detail` names the fragment and its service.',
    doing: 'The gateway stopped waiting. The service may still have finished what it was asked.',
    remedies: [
      '`timeoutMs` of the route is the limit, and `http.headTimeout` where it has none; raise the former for reports and exports.',
      'Answers that take long by nature are better begun at once and streamed.',
    ],
  },
  HYDRA_HTTP_VERSION: {
    happened: 'The request line names a version other than HTTP/1.1 and HTTP/1.0.',
    doing: 'The request was refused and its connection was closed.',
    remedies: ['HTTP/2 is spoken over TLS, where the client asks for it in the handshake (ALPN).'],
  },
  HYDRA_LOOP: {
    happened:
      'A request passed this cluster more often than `http.maxPasses` allows, ten times by default: the address of a service leads back to a gateway of it, which asks the same service again.',
    doing:
      'The gateway counted the passes in `CDN-Loop` (RFC 8586) and ended the request. The log names the service, once a minute.',
    remedies: [
      'Look at the address under which the service is registered or configured: a load balancer, a published port or a name of the gateway itself is none of the service.',
      'Where two gateways have each other for a service, one of them should not have that route.',
      'A service that asks the gateway in turn, and copies all headers of the request it serves, should leave `CDN-Loop` among them: it is what ends circles.',
    ],
  },
}
