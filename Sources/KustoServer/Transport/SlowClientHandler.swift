// Role: closes connections whose clients send a body, or take an answer, so slowly that it can only be meant to hold the connection. Heads that
// never end and connections without requests are closed by the library's idle time-out.

import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Looks at a connection once in an interval. Lives on the connection's event loop.
final class SlowClientHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart

  /// Bytes of a body that come in a second at least, over an interval in which the server waited for them.
  static let leastRate: Int64 = 240

  private let interval: TimeAmount
  private let patience: TimeAmount
  private var look: Scheduled<Void>?
  private var stall: Scheduled<Void>?
  /// Since when the server has been ready to read.
  private var waitingSince: NIODeadline?
  private var waited = TimeAmount.zero
  private var bytes: Int64 = 0
  private var isReadingBody = false

  /// `seconds`: how long a client may do nothing.
  init(seconds: Int) {
    patience = .seconds(Int64(seconds))
    interval = .seconds(Int64(min(10, seconds)))
  }

  func handlerRemoved(context: ChannelHandlerContext) { stop() }

  func channelInactive(context: ChannelHandlerContext) {
    stop()
    context.fireChannelInactive()
  }

  private func stop() {
    look?.cancel()
    stall?.cancel()
    look = nil
    stall = nil
  }

  // MARK: Bodies

  func read(context: ChannelHandlerContext) {
    if waitingSince == nil { waitingSince = .now() }
    context.read()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    stopWaiting()
    switch unwrapInboundIn(data) {
    case .head:
      isReadingBody = true
      look?.cancel()
      scheduleLook(context)
    case .body(let part): bytes += Int64(part.readableBytes)
    case .end: isReadingBody = false
    }
    context.fireChannelRead(data)
  }

  private func stopWaiting() {
    if let since = waitingSince { waited = waited + (.now() - since) }
    waitingSince = nil
  }

  private func scheduleLook(_ context: ChannelHandlerContext) {
    bytes = 0
    waited = .zero
    if waitingSince != nil { waitingSince = .now() }
    look = context.eventLoop.assumeIsolated().scheduleTask(in: interval) { [self] in
      look = nil
      guard isReadingBody else { return }
      if let since = waitingSince {
        waited = waited + (.now() - since)
        waitingSince = .now()
      }
      // Time in which the server did not read is not the client's.
      let isSlow = waited.nanoseconds >= interval.nanoseconds / 10 * 8 && bytes < Self.leastRate * interval.nanoseconds / 1_000_000_000
      if isSlow { context.close(promise: nil) } else { scheduleLook(context) }
    }
  }

  // MARK: Answers

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      stall?.cancel()
      stall = nil
    } else if stall == nil {
      stall = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { [self] in
        stall = nil
        if !context.channel.isWritable { context.close(promise: nil) }
      }
    }
    context.fireChannelWritabilityChanged()
  }
}
