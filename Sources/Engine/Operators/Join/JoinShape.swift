// Role: what a join does with matches and with rows that have none, for either choice of the side held in memory.

import Columnar
import DataSource
import Expressions

/// The work of a join, said of the probe side (streamed) and the build side (held).
struct JoinMode: Sendable {
  /// Every pair of matching rows comes out.
  var givesPairs = false
  /// Probe rows without a match come out with nulls.
  var keepsProbe = false
  /// Build rows without a match come out with nulls, after all probe rows.
  var keepsBuild = false
  /// Probe rows with (true) or without (false) a match come out, alone.
  var probeOnly: Bool?
  /// Build rows with (true) or without (false) a match come out, alone, after all probe rows.
  var buildOnly: Bool?
  /// Only the first build row of each key counts.
  var isUnique = false

  init(_ kind: JoinKind, buildsLeft: Bool) {
    switch kind {
    case .inner, .cross: givesPairs = true
    case .innerUnique:
      givesPairs = true
      isUnique = true
    case .leftOuter:
      givesPairs = true
      if buildsLeft { keepsBuild = true } else { keepsProbe = true }
    case .rightOuter:
      givesPairs = true
      if buildsLeft { keepsProbe = true } else { keepsBuild = true }
    case .fullOuter:
      givesPairs = true
      keepsProbe = true
      keepsBuild = true
    case .leftSemi: if buildsLeft { buildOnly = true } else { probeOnly = true }
    case .leftAnti: if buildsLeft { buildOnly = false } else { probeOnly = false }
    case .rightSemi: if buildsLeft { probeOnly = true } else { buildOnly = true }
    case .rightAnti: if buildsLeft { probeOnly = false } else { buildOnly = false }
    }
  }

  /// Build rows remember whether they were matched.
  var marksBuild: Bool { keepsBuild || buildOnly != nil }
  /// Probe rows without a match are dropped, so filters that follow from the build side may be pushed to the probe side.
  var dropsUnmatchedProbe: Bool { !keepsProbe && probeOnly != false }
}

/// A join bound to its inputs; shared by all threads.
struct JoinShape: Sendable {
  let mode: JoinMode
  let buildsLeft: Bool
  let probeKeys: [CompiledExpr]
  let buildKeys: [CompiledExpr]
  let probeSchema: StructType
  let buildSchema: StructType
  let schema: StructType
  /// For each output column, its side and position there.
  let sources: [(isBuild: Bool, column: Int)]
  /// Rows come out in the left side's order, so nothing goes to disk by partition.
  let keepsOrder: Bool

  func probeKeyColumns(_ batch: RecordBatch) throws -> [ColumnVector] { try probeKeys.map { try $0.evaluate(batch) } }
  func buildKeyColumns(_ batch: RecordBatch) throws -> [ColumnVector] { try buildKeys.map { try $0.evaluate(batch) } }
}
