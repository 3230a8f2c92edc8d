// The welcome page's script; the page works without it. The gateway marks the page with a header; an answer
// without it comes from a service.
let wait = 1000
const look = async () => {
  const answer = await fetch('/', { method: 'HEAD', cache: 'no-store', redirect: 'manual' }).catch(
    () => undefined,
  )
  if (answer && answer.status < 500 && !answer.headers.has('hydra-welcome')) return location.reload()
  setTimeout(look, document.hidden ? 5000 : wait)
  wait = Math.min(5000, wait * 1.1)
}
setTimeout(look, wait)
