// Times iterations of the exact models over a memory-mapped NPY file of float64 rows:
//   exact-bench MODEL FILE K ITERATIONS THREADS
// MODEL is kmeans, gmm, variational-gmm, pca or bayesian-ridge, whose target is the last column and whose iterations are
// twenty of the evidence, after one pass each. Prints one JSON line: seconds of each iteration, the objective, and the
// peak of resident memory, the mapped data included. scripts/bench/exact.py runs it beside scikit-learn.
import Components
import Dispatch
import Distributions
import Foundation
import LinearAlgebra
import Mixtures
import Regression
import Statistics

struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A version 1 NPY file of C-ordered float64 rows, mapped.
func map(_ path: String) -> RowBlock {
  let descriptor = open(path, O_RDONLY)
  precondition(descriptor >= 0, "cannot open \(path)")
  let length = Int(lseek(descriptor, 0, SEEK_END))
  let base = mmap(nil, length, PROT_READ, MAP_SHARED, descriptor, 0)!
  let headerLength = Int(base.load(fromByteOffset: 8, as: UInt16.self).littleEndian)
  let header = String(decoding: UnsafeRawBufferPointer(start: base + 10, count: headerLength), as: UTF8.self)
  let shape = header.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }
  let sizes = shape.split(separator: ",").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
  precondition(header.contains("'<f8'") && sizes.count == 2, "float64 rows, please")
  return RowBlock(
    (base + 10 + headerLength).assumingMemoryBound(to: Double.self), count: sizes[0], dimension: sizes[1])
}

/// The statistics of all rows, a contiguous part for each thread, added in order.
func sweep<Model: StatisticsModel>(
  _ model: Model, _ rows: RowBlock, targets: RowBlock?, _ parameters: Model.Parameters, scratches: [Model.Scratch]
) -> [Double] {
  let threads = scratches.count
  nonisolated(unsafe) let (shared, buffers) = (
    Observations(inputs: rows, targets: targets),
    (0..<threads).map { _ in
      let buffer = UnsafeMutableBufferPointer<Double>.allocate(capacity: model.statisticsCount)
      buffer.initialize(repeating: 0)
      return buffer
    }
  )
  nonisolated(unsafe) let scratches = scratches
  DispatchQueue.concurrentPerform(iterations: threads) { thread in
    let part = shared.rows(shardRange(thread, of: threads, count: shared.count))
    try! model.accumulate(
      part, parameters: parameters, into: buffers[thread].baseAddress!,
      scratch: scratches[thread])
  }
  var total = Array(buffers[0])
  for buffer in buffers.dropFirst() { for i in total.indices { total[i] += buffer[i] } }
  for buffer in buffers { buffer.deallocate() }
  return total
}

func run<Model: StatisticsModel>(
  _ model: Model, _ rows: RowBlock, targets: RowBlock?, from start: Model.Parameters, iterations: Int, threads: Int
) {
  let scratches = (0..<threads).map { _ in model.makeScratch() }
  var (parameters, seconds, objective) = (start, [Double](), 0.0)
  for _ in 0..<iterations {
    let begin = DispatchTime.now().uptimeNanoseconds
    let improvement = try! model.update(
      parameters, statistics: sweep(model, rows, targets: targets, parameters, scratches: scratches))
    seconds.append(Double(DispatchTime.now().uptimeNanoseconds - begin) / 1e9)
    (parameters, objective) = (improvement.parameters, improvement.objective)
  }
  // Not getrusage: its peak begins with that of the process that started this one.
  let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
  let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }
  let kilobytes = peak.flatMap { Int($0.filter(\.isNumber)) } ?? 0
  print(
    """
    {"seconds": \(seconds), "objective": \(objective), "peak_megabytes": \(kilobytes / 1024)}
    """)
}

let arguments = CommandLine.arguments
guard arguments.count == 6, let k = Int(arguments[3]), let iterations = Int(arguments[4]),
  let threads = Int(arguments[5])
else {
  print("exact-bench kmeans|gmm|variational-gmm|pca FILE.npy K ITERATIONS THREADS")
  exit(2)
}
let rows = map(arguments[2])
let d = rows.dimension
let first = rows.rows(0..<k).matrix
let sample = rows.rows(0..<min(rows.count, 2000))
@MainActor func time<Model: StatisticsModel>(
  _ model: Model, _ inputs: RowBlock? = nil, targets: RowBlock? = nil, from start: Model.Parameters
) {
  run(model, inputs ?? rows, targets: targets, from: start, iterations: iterations, threads: threads)
}

switch arguments[1] {
case "kmeans": time(try! KMeans(clusters: k, dimension: d), from: first)
case "gmm":
  time(
    try! GaussianMixture(components: k, dimension: d),
    from: try! GaussianMixtureParameters(
      weights: Array(repeating: 1 / Double(k), count: k), means: first,
      covariances: .full(Array(repeating: .identity(d), count: k))))
case "variational-gmm":
  let model = try! VariationalMixture(
    components: k, weights: .dirichlet(1 / Double(k)), prior: try! GaussianWishart(asWideAs: sample))
  var generator = SplitMix64(state: 1)
  time(model, from: try! model.start(from: sample, using: &generator))
case "pca":
  let model = try! PrincipalComponents(components: min(8, d), dimension: d)
  time(model, from: model.start(pivot: first.row(0)))
case "bayesian-ridge":
  let (inputs, targets) = (rows.columns(0..<(d - 1)), rows.columns((d - 1)..<d))
  var estimator = EvidenceMaximization.bayesianRidge(try! Features(.identity, inputs: d - 1))
  (estimator.iterations, estimator.tolerance) = (20, 0)
  let model = MomentRegression(estimator)
  time(
    model, inputs, targets: targets,
    from: model.start(pivot: (0..<(d - 1)).map { inputs[0, $0] }, target: targets[0, 0]))
default: preconditionFailure("no model \(arguments[1])")
}
