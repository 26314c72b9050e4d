// Role: `Expect: 100-continue`: a client that waits before it sends a body is told to go on, unless the body is refused by its length alone.
// Source: RFC 9110, 10.1.1.

import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Answers expectations of requests. Lives on the connection's event loop.
final class ExpectationHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let isRefused: @Sendable (HTTPRequest) -> Bool
  /// Requests that are not answered yet: a word in between would stand inside another's answer.
  private var unanswered = 0

  /// `isRefused`: whether a request gets its last answer at once.
  init(isRefused: @escaping @Sendable (HTTPRequest) -> Bool) { self.isRefused = isRefused }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .head(let request) = unwrapInboundIn(data) {
      if unanswered == 0, request.headerFields[.expect]?.lowercased() == "100-continue", !isRefused(request) {
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
      }
      unanswered += 1
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) { unanswered -= 1 }
    context.write(data, promise: promise)
  }
}
