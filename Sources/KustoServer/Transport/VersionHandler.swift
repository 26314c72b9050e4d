// Role: when a connection ends with its answer: for clients of HTTP/1.0, which know neither hosts, nor chunks, nor answers before the last one, and for
// those that say so in whatever spelling. The library looks for `Connection: close` alone. Source: RFC 9112, 3.2, 9.3 and 9.6; RFC 9110, 10.1.1.

import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Stands among the handlers of requests and puts its other half where versions are still known.
final class VersionHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny

  func handlerAdded(context: ChannelHandlerContext) {
    let pipeline = context.pipeline.syncOperations
    do {
      try pipeline.addHandler(HeadHandler(), position: .before(pipeline.handler(type: HTTP1ToHTTPServerCodec.self)))
    } catch {
      context.fireErrorCaught(error)
    }
  }
}

/// Heads as they are on the wire. Lives on the connection's event loop.
private final class HeadHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private static let first = HTTPVersion(major: 1, minor: 0)
  /// The client speaks HTTP/1.0: one request, one answer.
  private var isOld = false

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
    isOld = head.version.major < 1 || head.version.major == 1 && head.version.minor == 0
    if isOld {
      context.fireUserInboundEventTriggered(OldClientEvent())
      head.headers.remove(name: "expect")
      // Only since HTTP/1.1 must a request name its host.
      if !head.headers.contains(name: "host") { head.headers.add(name: "host", value: "localhost") }
    }
    if isOld || !head.isKeepAlive { head.headers.replaceOrAdd(name: "connection", value: "close") }
    context.fireChannelRead(wrapInboundOut(.head(head)))
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard isOld, case .head(var head) = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
    head.version = Self.first
    head.headers.replaceOrAdd(name: "connection", value: "close")
    context.write(wrapOutboundOut(.head(head)), promise: promise)
  }
}
