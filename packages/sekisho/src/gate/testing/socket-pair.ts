import net from 'node:net'

/** Both ends of a connection over loopback. */
export async function socketPair(): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer()
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const one = net.connect({ host: '127.0.0.1', port, noDelay: true })
  const other = await accepted
  other.setNoDelay(true)
  server.close()
  return [one, other]
}
