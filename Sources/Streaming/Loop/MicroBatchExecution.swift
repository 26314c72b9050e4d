// Role: the loop. Per trigger: ask the sources for new offsets, make the batch's plan durable, run the plan over its rows into the sink,
// record the commit, let the sources clean up. Everything a crash can interrupt is decided by the two logs alone.

import Columnar
import DataSource
package import Engine
import Expressions
import Synchronization

/// Settings of a run.
package struct StreamSettings: Sendable {
  package var name: String?
  package var trigger = Trigger.asFastAsPossible
  package var execution = ExecutionOptions()
  package var clock = StreamClock.system
  /// Ends after so many batches or milliseconds; nil: no limit.
  package var maxBatches: Int?
  package var timeoutMs: Int64?
  /// Entries of the logs that are kept behind the last batch.
  package var minBatchesToRetain = 100
  package var retries = RetryPolicy()
  /// Which of several event times the watermark of a query goes by.
  package var watermarkPolicy = WatermarkPolicy.min
  /// Called when nothing new has come for `idleEventMs`, and each time that has passed again.
  package var onIdle: @Sendable () -> Void = {}
  package var idleEventMs: Int64 = 10_000
  /// How long an idle query waits before it looks again.
  package var pollingDelayMs: Int64 = 10
  /// Gets remarks of sources for the user.
  package var onNote: @Sendable (String) -> Void = { _ in }

  package init() {}
}

/// What a query is doing now.
package struct StreamStatus: Sendable {
  package var message = "Initializing sources"
  package var isDataAvailable = false
  package var isTriggerActive = false
}

/// One run of a streaming query. `run` belongs to one thread; the rest may be called from any.
package final class MicroBatchExecution: @unchecked Sendable {  // the run's fields belong to its thread; shared ones are behind mutexes
  package let id: String
  package let runId = randomIdentifier()
  private let plan: LogicalPlan
  private let relations: [StreamRelation]
  private let sources: [any MicroBatchSource]
  private let sink: any MicroBatchSink
  private let checkpoint: Checkpoint
  private let stateful: StatefulOperators
  private let settings: StreamSettings
  private let onProgress: @Sendable (StreamingQueryProgress) -> Void
  private let stopSignal = StopSignal()
  private let running = Mutex<QueryExecution?>(nil)
  private let state = Mutex(StreamStatus())
  private var ends: [StreamOffset?]
  private var nextBatchId = 0
  private var watermarkMs: Int64 = 0
  private var lastStartMs: Int64?
  private var lastBusyMs: Int64?
  private var hasStarted = false
  private let emptyTriggers = Mutex(0)
  private var lastProgress: String?
  /// When `status.json` was written last.
  private var toldMs: Int64?
  /// Batches done in this run.
  package private(set) var batches = 0

  /// Opens nothing but what is given; throws where the plan cannot run over streams.
  package init(
    plan: LogicalPlan, sink: any MicroBatchSink, checkpoint: Checkpoint, settings: StreamSettings,
    onProgress: @escaping @Sendable (StreamingQueryProgress) -> Void
  ) throws {
    try StreamPlan.check(plan)
    relations = StreamPlan.relations(plan)
    guard !relations.isEmpty else { throw KConnectError(.usage, "the query reads no stream", hint: "read it with readStream, or write it with write") }
    id = checkpoint.id
    self.plan = plan
    sources = try relations.map { try $0.makeSource() }
    for source in sources where source.identity == sink.identity && source.store == sink.store || sink.files.map({ source.reads($0.name, in: $0.directory) }) ?? false {
      throw KConnectError(
        .usage, "\(sink.description) lies in what \(source.description) reads: each batch would be read again", hint: "write to another place")
    }
    for (i, source) in sources.enumerated() { try source.attach(checkpoint, index: i) }
    stateful = try StatefulOperators(plan, checkpoint: checkpoint, policy: settings.watermarkPolicy)
    self.sink = sink
    self.checkpoint = checkpoint
    self.settings = settings
    self.onProgress = onProgress
    ends = sources.map { _ in nil }
  }

  package var status: StreamStatus { state.withLock { $0 } }

  /// How often the sources had nothing new; for those who wait until all there is has been processed.
  package var emptyTriggerCount: Int { emptyTriggers.withLock { $0 } }

  /// Ends the run after the batch at hand.
  package func stop() { stopSignal.raise() }

  /// Ends the run now; the batch at hand stays planned and runs again at the next start.
  package func abort() {
    stopSignal.raise()
    running.withLock { $0?.cancel() }
  }

  private func say(_ message: String, active: Bool, data: Bool) {
    state.withLock { $0 = StreamStatus(message: message, isDataAvailable: data, isTriggerActive: active) }
  }

  // MARK: The run

  /// Runs to the end; throws what ended it early. The checkpoint is then such that the next run goes on.
  package func run() throws {
    defer {
      say("Stopped", active: false, data: false)
      checkpoint.close()
    }
    do {
      try loop()
    } catch {
      tell(failure: error as? KConnectError ?? KConnectError(.internalError, "\(error)"))
      throw error
    }
    if lastProgress != nil { tell(failure: nil) }
  }

  /// Leaves the state of the query for those who ask.
  private func tell(failure: KConnectError?) {
    let now = settings.clock.now()
    StatusFile.write(checkpoint.path, progress: lastProgress ?? StatusFile.read(checkpoint.path)?.progress?.json, failure: failure, now: now)
    toldMs = now
  }

  private func loop() throws {
    let began = StreamClock.ticks
    let recovered = try checkpoint.recover()
    watermarkMs = recovered.watermarkMs
    stateful.restore(recovered.operatorWatermarksMs)
    nextBatchId = recovered.nextBatchId
    if let committed = recovered.committed {
      try checkPins(committed)
      ends = committed.ends
      // Clean-up that a crash kept from happening.
      for (source, end) in zip(sources, ends) { if let end { try source.commit(through: end) } }
    }
    if let pending = recovered.pending { try checkPins(pending) }
    try stateful.load(nextBatchId)
    if let pending = recovered.pending {
      try runBatch(pending, Phases(start: settings.clock.now()), isReplay: true)
    }
    if settings.trigger == .availableNow { for source in sources { try source.freeze() } }
    while !stopSignal.isSet {
      if let limit = settings.maxBatches, batches >= limit { break }
      if let limit = settings.timeoutMs, (StreamClock.ticks - began) / 1_000 >= limit { break }
      let start = settings.clock.now()
      let hadData = try trigger(start)
      if hadData || lastBusyMs == nil { lastBusyMs = start }
      for note in sources.flatMap({ $0.takeNotes() }) { settings.onNote(note) }
      if !hadData, sources.allSatisfy({ $0.hasEnded == true }) { break }
      // A source that ends by itself is read to its end.
      let isAwaited = !hadData && sources.contains { $0.hasEnded == false }
      if settings.trigger == .once && !isAwaited || settings.trigger == .availableNow && !hadData && !isAwaited { break }
      if !hadData {
        emptyTriggers.withLock { $0 += 1 }
        if let busy = lastBusyMs, start - busy >= settings.idleEventMs {
          settings.onIdle()
          lastBusyMs = start
        }
      }
      if let next = settings.trigger.nextStart(started: start, now: settings.clock.now()) {
        say("Waiting for next trigger", active: false, data: hadData)
        if stopSignal.wait(milliseconds: bounded(next - settings.clock.now(), began)) { break }
      } else if !hadData {
        say("Waiting for data to arrive", active: false, data: false)
        if stopSignal.wait(milliseconds: bounded(settings.pollingDelayMs, began)) { break }
      }
    }
  }

  /// A wait that does not outlast the run's time limit.
  private func bounded(_ milliseconds: Int64, _ began: Int64) -> Int64 {
    guard let limit = settings.timeoutMs else { return max(0, milliseconds) }
    return max(0, min(milliseconds, limit - (StreamClock.ticks - began) / 1_000))
  }

  /// Plans and runs a batch when there is data; false when there is none.
  private func trigger(_ start: Int64) throws -> Bool {
    say("Getting offsets", active: true, data: false)
    var phases = Phases(start: start)
    let admission: Admission = settings.trigger == .once ? .everything : .limited
    var next = ends
    for (i, source) in sources.enumerated() {
      next[i] = try phases.time("latestOffset") { try settings.retries.run(stopSignal, recover: { _ in false }) { try source.latestOffset(after: ends[i], admission) } } ?? ends[i]
    }
    guard next != ends else { return false }
    let batch = BatchPlan(batchId: nextBatchId, timestampMs: start, watermarkMs: watermarkMs, pinned: pins, ends: next)
    try phases.time("walCommit") { try checkpoint.plan(batch) }
    try runBatch(batch, phases, isReplay: false)
    return true
  }

  private func runBatch(_ batch: BatchPlan, _ phases: Phases, isReplay: Bool) throws {
    var phases = phases
    say("Processing new data", active: true, data: true)
    if !hasStarted {
      try sink.start(queryId: id, schema: plan.schema)
      hasStarted = true
    }
    let starts = ends
    let observation = stateful.observation(batch)
    var summary = WriteSummary()
    var inputRows = 0
    try retrying(batch, starts) {
      let execution = try phases.time("queryPlanning") { try self.execution(batch, starts, observation) }
      running.withLock { $0 = execution }
      defer { running.withLock { $0 = nil } }
      let micro = MicroBatch(id: batch.batchId, queryId: id, execution: execution, schema: plan.schema, isReplay: isReplay) {
        for (source, end) in zip(self.sources, batch.ends) { if let end { try source.settle(through: end) } }
      }
      summary = try phases.time("addBatch") { try sink.add(micro) }
      inputRows = execution.progress.rowsRead
    }
    try Failpoint.pass("batch.written")
    // A sink that had the batch already, or a function that did not want its rows, has not run it; what the batch adds to the state is needed.
    if !observation.isComplete {
      let execution = try self.execution(batch, starts, observation)
      running.withLock { $0 = execution }
      defer { running.withLock { $0 = nil } }
      try execution.run { _ in true }
    }
    let operatorWatermarks = stateful.operatorWatermarks(after: observation)
    let watermark = stateful.watermark(of: operatorWatermarks, atLeast: batch.watermarkMs)
    do {
      try phases.time("commitOffsets") {
        try stateful.save(observation, batch: batch.batchId)
        try checkpoint.commit(batch.batchId, watermarkMs: watermark, operatorWatermarksMs: operatorWatermarks, rows: summary.rows)
      }
    } catch let error as KConnectError {
      throw RetryPolicy.failed(error, batch: batch.batchId, checkpoint: checkpoint.path)
    }
    stateful.restore(operatorWatermarks)
    try stateful.commit(observation, batch: batch.batchId, watermark: watermark)
    watermarkMs = watermark
    ends = batch.ends
    nextBatchId = batch.batchId + 1
    batches += 1
    for (source, end) in zip(sources, batch.ends) { if let end { try source.commit(through: end) } }
    if batch.batchId % 10 == 9 { try checkpoint.purge(below: batch.batchId - settings.minBatchesToRetain) }
    let progress = progress(batch, starts, summary, inputRows, phases, observation)
    lastProgress = progress.json
    // The first batch ends what an earlier run failed of.
    if toldMs.map({ abs(settings.clock.now() - $0) >= 1_000 }) ?? true { tell(failure: nil) }
    onProgress(progress)
    lastStartMs = phases.start
  }

  /// One run of the plan over the rows of a batch.
  private func execution(_ batch: BatchPlan, _ starts: [StreamOffset?], _ observation: BatchObservation) throws -> QueryExecution {
    let rows = try zip(sources, zip(starts, batch.ends)).map { source, range in
      try range.1.map { try source.rows(after: range.0, through: $0) } ?? LogicalPlan.values(source.schema, [])
    }
    let context = EvaluationContext(nowTicks: batch.timestampMs * 10_000, seed: UInt64(batch.batchId))
    return try QueryExecution(observation.running(StreamPlan.batch(plan, relations, rows)), options: settings.execution, context: context)
  }

  private func progress(_ batch: BatchPlan, _ starts: [StreamOffset?], _ summary: WriteSummary, _ inputRows: Int, _ phases: Phases, _ observation: BatchObservation) -> StreamingQueryProgress {
    let rows = inputRows == 0 ? summary.rows : inputRows
    let seconds = Double(phases.elapsedMicroseconds) / 1e6
    let sinceLast = lastStartMs.map { Double(max(1, phases.start - $0)) / 1_000 }
    return StreamingQueryProgress(
      id: id, runId: runId, name: settings.name, timestampMs: phases.start, batchId: batch.batchId, numInputRows: rows, numOutputRows: summary.rows,
      inputRowsPerSecond: sinceLast.map { Double(rows) / $0 } ?? 0, processedRowsPerSecond: seconds > 0 ? Double(rows) / seconds : 0,
      durationMs: phases.milliseconds,
      sources: zip(sources, zip(starts, batch.ends)).map { source, range in
        SourceProgress(
          description: source.description, startOffset: range.0?.json, endOffset: range.1?.json, numInputRows: sources.count == 1 ? rows : 0,
          metrics: Dictionary(source.backlog.map { ($0.name, $0.value) }, uniquingKeysWith: { a, _ in a }))
      },
      sink: sink.description, isSkipped: summary.isSkipped, watermarkMs: stateful.watermarks.isEmpty ? nil : batch.watermarkMs,
      stateOperators: zip(stateful.states, observation.findings).map { state, findings in
        StateOperatorProgress(
          operatorName: "dedupe", numRowsTotal: state.keyCount, numRowsUpdated: findings.added.expiries.count, numRowsDroppedByWatermark: findings.late,
          numDroppedDuplicateRows: findings.repeated, memoryUsedBytes: state.byteSize)
      })
  }

  // MARK: Pins and retries

  /// What a later run must not change.
  private var pins: [String: String] {
    var out = stateful.pins
    out["kconnect.sink"] = sink.identity
    out["kconnect.sink.store"] = sink.store
    out["kconnect.query"] = id
    for (i, source) in sources.enumerated() {
      out["kconnect.source.\(i).store"] = source.store
      out["kconnect.source.\(i)"] = source.identity
      out["kconnect.schema.\(i)"] = source.schema.description
    }
    return out
  }

  private func checkPins(_ batch: BatchPlan) throws {
    guard batch.ends.count == sources.count else {
      throw KConnectError(
        .checkpointConflict, "'\(checkpoint.path)' is of a query with \(batch.ends.count) sources, this one has \(sources.count)", hint: "use another checkpoint directory")
    }
    let pins = self.pins
    if let gone = batch.pinned.keys.filter({ $0.hasPrefix("kconnect.state.") && pins[$0] == nil }).min() {
      throw KConnectError(
        .checkpointConflict, "'\(checkpoint.path)' holds the state of '\(batch.pinned[gone] ?? "")', which this query does not have", hint: "use another checkpoint directory, or run the query as it was")
    }
    for (key, value) in pins.sorted(by: { $0.key < $1.key }) {
      guard let known = batch.pinned[key], known != value, !onlyAddsColumns(key, known), Self.rooted(known) != value else { continue }
      let what = key.split(separator: ".").dropFirst().joined(separator: " ")
      throw KConnectError(
        .checkpointConflict, "'\(checkpoint.path)' was written with \(what) '\(known.prefix(120))', now it is '\(value.prefix(120))'",
        hint: "its offsets mean nothing there: use another checkpoint directory, or run the query as it was")
    }
  }

  /// A pin with its path from the root: early versions pinned paths as they were typed.
  private static func rooted(_ pin: String) -> String {
    guard let colon = pin.firstIndex(of: ":") else { return pin }
    return String(pin[...colon]) + absolutePath(String(pin[pin.index(after: colon)...]))
  }

  /// True for the schema of a source that has all columns it had, and may have got more.
  private func onlyAddsColumns(_ pin: String, _ known: String) -> Bool {
    guard pin.hasPrefix("kconnect.schema."), let i = Int(pin.dropFirst("kconnect.schema.".count)), sources.indices.contains(i), sources[i].acceptsNewColumns,
      let old = try? StructType(ddl: known)
    else { return false }
    return old.fields.allSatisfy { sources[i].schema.field($0.name)?.type == $0.type }
  }

  /// Runs a batch, again where that helps; a failure for good says what it leaves.
  private func retrying(_ batch: BatchPlan, _ starts: [StreamOffset?], _ body: () throws -> Void) throws {
    do {
      try settings.retries.run(stopSignal, recover: { error in
        for (source, (start, end)) in zip(sources, zip(starts, batch.ends)) {
          if let end, try source.setAside(after: start, through: end, error) { return true }
        }
        return false
      }, body)
    } catch let error as KConnectError {
      throw RetryPolicy.failed(error, batch: batch.batchId, checkpoint: checkpoint.path)
    }
  }
}

/// Time by phase.
private struct Phases {
  let start: Int64
  private let began = StreamClock.ticks
  private var spent: [(String, Int64)] = []

  init(start: Int64) { self.start = start }

  mutating func time<R>(_ phase: String, _ body: () throws -> R) rethrows -> R {
    let from = StreamClock.ticks
    defer {
      let took = StreamClock.ticks - from
      if let i = spent.firstIndex(where: { $0.0 == phase }) { spent[i].1 += took } else { spent.append((phase, took)) }
    }
    return try body()
  }

  var elapsedMicroseconds: Int64 { StreamClock.ticks - began }

  var milliseconds: [(phase: String, milliseconds: Int)] {
    spent.map { ($0.0, Int($0.1 / 1_000)) } + [("triggerExecution", Int(elapsedMicroseconds / 1_000))]
  }
}
