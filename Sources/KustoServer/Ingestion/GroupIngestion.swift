// Role: group commit of streaming ingestion into tables whose update policies need a commit: requests of the same kind that arrive while one
// commits are committed together by the next.

import DataSource

final class GroupIngestion: Sendable {
  /// What requests have in common that may share a commit.
  struct Key: Hashable, Sendable {
    var table: String
    var format: String
    var properties: [String]
    var principal: String
  }

  private struct Waiting: Sendable {
    var id: Int
    var body: [UInt8]
  }
  private struct State {
    var nextId = 0
    var waiting: [Key: [Waiting]] = [:]
    var committing: Set<Key> = []
    var done: [Int: Result<Void, any Error>] = [:]
  }
  private enum Turn {
    case finished(Result<Void, any Error>)
    case lead([Waiting])
  }
  private let state = Monitor(State())
  /// Bodies in one commit at most.
  private static let most = 256

  /// Brings one body in; returns when it is committed. `commit` may get the bodies of other requests with it.
  func ingest(_ body: [UInt8], _ key: Key, _ commit: ([[UInt8]]) throws -> Void) throws {
    let id = state.change { state in
      state.nextId += 1
      state.waiting[key, default: []].append(Waiting(id: state.nextId, body: body))
      return state.nextId
    }
    while true {
      let turn = state.wait { state -> Turn? in
        if let result = state.done.removeValue(forKey: id) { return .finished(result) }
        guard !state.committing.contains(key), let waiting = state.waiting[key] else { return nil }
        state.committing.insert(key)
        state.waiting[key] = waiting.count > Self.most ? Array(waiting[Self.most...]) : nil
        return .lead(Array(waiting.prefix(Self.most)))
      }
      switch turn {
      case .finished(let result): return try result.get()
      case .lead(let group):
        let results = Self.results(of: group, commit)
        state.change { state in
          for (waiting, result) in zip(group, results) { state.done[waiting.id] = result }
          state.committing.remove(key)
        }
      }
    }
  }

  /// All in one commit; when a body is to blame each alone, so that one bad body does not fail the others. After other failures the commit may
  /// be there: nothing is tried again.
  private static func results(of group: [Waiting], _ commit: ([[UInt8]]) throws -> Void) -> [Result<Void, any Error>] {
    let whole = Result { try commit(group.map(\.body)) }
    if group.count == 1 { return [whole] }
    guard case .failure(let error) = whole, Self.isOfBody(error) else { return group.map { _ in whole } }
    return group.map { waiting in Result { try commit([waiting.body]) } }
  }

  /// Errors that reading rows gives, before anything is committed.
  private static func isOfBody(_ error: any Error) -> Bool {
    let codes: [KConnectError.Code] = [.formatCorrupt, .valueInvalid, .schemaMismatch, .typeMismatch, .usage]
    return (error as? KConnectError).map { codes.contains($0.code) } ?? false
  }
}
