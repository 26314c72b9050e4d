// Role: clients that go away, and those that only say that they send no more: running requests of the former end, the latter get their answers.
// And bodies that are none: they are answered, too. Source: RFC 9112, 2.2, 6.3 and 9.6; RFC 9110, 15.2.

import HTTPTypes
import KustoStore
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Who is told when the client of a connection goes away.
final class Departures: Sendable {
  private let waiting = Guarded<[ObjectIdentifier: RequestEnd]>([:])

  func watch(_ channel: any Channel, _ end: RequestEnd) { waiting.withLock { $0[ObjectIdentifier(channel)] = end } }
  func forget(_ channel: any Channel) { waiting.withLock { $0[ObjectIdentifier(channel)] = nil } }
  func left(_ channel: any Channel) { waiting.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }?.clientLeft() }
  /// The work ends; what the request has of an answer may still leave.
  func cancel(_ channel: any Channel) { waiting.withLock { $0[ObjectIdentifier(channel)] }?.cancel() }
}

/// The parts of a running request that end with the connection.
struct RequestEnd: Sendable {
  let cancellation: RequestCancellation
  let incoming: IncomingBytes
  let outgoing: OutgoingReply

  func cancel() { cancellation.cancel(reason: "the client closed the connection") }

  func clientLeft() {
    cancel()
    incoming.end(failed: true)
    outgoing.fail()
  }
}

/// Tells that a client speaks HTTP/1.0, which knows no answers before the last one.
struct OldClientEvent: Sendable {}

/// Notices closed connections, also while nothing is read or written. Lives on the connection's event loop.
///
/// The end of what a client sends looks the same whether it has left or still reads. Bytes that are sent to one that has left are refused by its
/// system, which ends the connection: before the answer an interim response serves, later the answer itself.
final class DepartureHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let departures: Departures
  private var isOld = false
  /// Of a request there is a part to come.
  private var isReading = false
  /// Of an answer there is a part to come.
  private var isAnswering = false
  /// Requests whose answers are not whole.
  private var unanswered = 0
  /// The last answer has been given here.
  private var isRefused = false
  private var lastWrite = NIODeadline.now()
  /// What an answer may pause for a client that sends no more.
  private static let patience = TimeAmount.seconds(5)
  /// How long a client without interim responses has for its answer.
  private static let moment = TimeAmount.seconds(1)
  /// How long a refused client has to read why.
  private static let farewell = TimeAmount.seconds(3)

  init(_ departures: Departures) { self.departures = departures }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head:
      isReading = true
      unanswered += 1
    case .body: break
    case .end: isReading = false
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if isRefused {
      promise?.succeed(())
      return
    }
    lastWrite = .now()
    switch unwrapOutboundIn(data) {
    case .head(let head): if head.status.code >= 200 { isAnswering = true }
    case .body: break
    case .end:
      isAnswering = false
      unanswered -= 1
    }
    context.write(data, promise: promise)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is OldClientEvent { isOld = true }
    if case ChannelEvent.inputClosed? = event as? ChannelEvent { endedInput(context) }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    departures.left(context.channel)
    context.fireChannelInactive()
  }

  private func endedInput(_ context: ChannelHandlerContext) {
    if isReading { return departures.left(context.channel) }
    if isAnswering { return watchAnswer(context) }
    guard unanswered > 0 else { return }
    if isOld {
      let departures = departures, channel = context.channel
      context.eventLoop.scheduleTask(in: Self.moment) { departures.cancel(channel) }
    } else {
      context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }
  }

  /// Ends the work for an answer that makes no progress, by which it would be found out whether somebody reads it.
  private func watchAnswer(_ context: ChannelHandlerContext) {
    context.eventLoop.assumeIsolated().scheduleTask(in: Self.moment) { [self] in
      guard isAnswering, context.channel.isActive else { return }
      if NIODeadline.now() - lastWrite >= Self.patience { departures.cancel(context.channel) } else { watchAnswer(context) }
    }
  }

  /// A body that cannot be read is answered where nothing else has been. Heads that cannot be read are the library's.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if error is HTTPParserError, isReading, !isAnswering, unanswered == 1, !isRefused {
      isRefused = true
      let refusal = HTTPResponse(status: .badRequest, headerFields: [.connection: "close", .contentLength: "0"])
      context.write(wrapOutboundOut(.head(refusal)), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      let channel = context.channel
      context.eventLoop.scheduleTask(in: Self.farewell) { channel.close(promise: nil) }
    }
    context.fireErrorCaught(error)
  }
}
