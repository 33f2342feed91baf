import Datasets
import Figures
import Glibc
import LinearAlgebra
import Synchronization
import Tensors
import Training

/// Examples of latent vectors that are drawn, or chosen.
extension AdversarialLearner {
  func sample(_ request: LatentRequest, key: RandomKey, with crew: Crew) throws -> Figure {
    let samples = try generated(from: latents(request, key: key), block: request.choice.block, with: crew)
    func grid(
      _ name: String, _ title: String, columns: Int = 10, rowLabels: [String] = [], columnLabels: [String] = []
    ) -> Figure {
      imageGrid(
        name, title: title, samples, inputs: inputs, columns: min(columns, samples.rows), rowLabels: rowLabels,
        columnLabels: columnLabels)
    }
    switch request.choice {
    case .draws, .seeds:
      if inputs.width <= 2 { return points("samples", title: "Samples", samples) }
      return grid("samples", "Samples")
    case .paths: return grid("interpolations", "From one sample to another")
    case .walk: return grid("walk", "From seed to seed")
    case .sweep(let seeds, let truncations):
      return grid(
        "truncations", "One truncation a column, one seed a row", columns: truncations.count,
        rowLabels: seeds.map { "seed \($0)" }, columnLabels: truncations.map { "\($0)" })
    }
  }

  func examples(_ request: LatentRequest, key: RandomKey, with crew: Crew) throws -> GeneratedExamples {
    let (latents, block) = (latents(request, key: key), request.choice.block)
    let rows = try generated(from: latents, block: block, with: crew)
    let scores = try inBlocks(of: block, rows, width: 1 + codes.outputs, with: crew, scores(of:))
    return GeneratedExamples(
      examples: .init(values: rows.values, shape: [request.choice.count] + inputs.train.shape),
      latents: .init(values: latents.values, shape: latents.shape.dimensions),
      scores: .init(values: scores.values, shape: scores.shape.dimensions))
  }

  func draw(_ key: RandomKey, rows: Range<Int>) -> Tensor {
    codes.draw(key.at(tensor: NoiseStream.latent), examples: rows.map { UInt32($0) })
  }

  // MARK: Latent rows

  /// A row for each example.
  private func latents(_ request: LatentRequest, key: RandomKey) -> Tensor {
    func truncated(_ latents: Tensor, _ bound: Double?) -> Tensor {
      if let bound { truncate(latents, at: bound) }
      return latents
    }
    let bound = request.truncation
    switch request.choice {
    case .draws(let count): return truncated(draw(key, rows: 0..<count), bound)
    case .paths(let count): return interpolated(truncated(draw(key, rows: 0..<count), bound), columns: 10)
    case .seeds(let seeds): return truncated(latents(ofSeeds: seeds), bound)
    case .walk(let seeds, let frames): return walk(truncated(latents(ofSeeds: seeds), bound), frames: frames)
    case .sweep(let seeds, let truncations):
      let columns = truncations.map { truncated(latents(ofSeeds: seeds), $0) }
      return Tensor(
        seeds.indices.flatMap { row in columns.flatMap { $0.rows(row..<row + 1).values } },
        [seeds.count * columns.count, codes.width])
    }
  }

  /// The latent row of each seed: a function of the seed alone.
  private func latents(ofSeeds seeds: [UInt64]) -> Tensor {
    Tensor(seeds.flatMap { draw(LatentRequest.key(ofSeed: $0), rows: 0..<1).values }, [seeds.count, codes.width])
  }

  /// Takes the noise z to the quantile of a Gaussian cut off at ±bound that z has in the whole one: samples keep their
  /// looks and grow more typical as the bound falls (the truncation of Brock, Donahue and Simonyan 2019, without
  /// drawing again).
  private func truncate(_ latents: Tensor, at bound: Double) {
    let (low, high) = (normalCDF(-bound), normalCDF(bound))
    for row in 0..<latents.rows {
      for column in 0..<codes.noise {
        let place = latents.pointer + row * latents.columns + column
        let share = normalCDF(Double(place.pointee))
        place.pointee = Float(min(max(normalQuantile(low + share * (high - low)), -bound), bound))
      }
    }
  }

  /// Rows of pictures: each leads from the first latent row of its stretch to that of the next.
  private func interpolated(_ latents: Tensor, columns: Int) -> Tensor {
    let path = Tensor(uninitialized: latents.shape)
    for row in 0..<latents.rows {
      let (from, position) = row.quotientAndRemainder(dividingBy: columns)
      let share = columns > 1 ? Double(position) / Double(columns - 1) : 0
      interpolate(
        latents, from: from * columns, to: (from + 1) * columns % latents.rows, share,
        into: path.pointer + row * latents.columns)
    }
    return path
  }

  /// A closed loop through latent rows, each of which is a frame: the stretch from one to the next has its share of the
  /// frames.
  private func walk(_ latents: Tensor, frames: Int) -> Tensor {
    let path = Tensor(uninitialized: [frames, latents.columns])
    for stop in 0..<latents.rows {
      let stretch = stop * frames / latents.rows..<(stop + 1) * frames / latents.rows
      for frame in stretch {
        interpolate(
          latents, from: stop, to: (stop + 1) % latents.rows,
          Double(frame - stretch.lowerBound) / Double(stretch.count), into: path.pointer + frame * latents.columns)
      }
    }
    return path
  }

  /// The latent row between two others, a share of the way. Noise goes along the great circle, so that its length stays
  /// typical (White 2016, section 2.1); codes are those of the start.
  private func interpolate(
    _ latents: Tensor, from first: Int, to second: Int, _ share: Double, into place: UnsafeMutablePointer<Float>
  ) {
    let (start, end) = (latents.pointer + first * latents.columns, latents.pointer + second * latents.columns)
    place.update(from: start, count: latents.columns)
    var (product, squares, others) = (0.0, 0.0, 0.0)
    for index in 0..<codes.noise {
      product += Double(start[index]) * Double(end[index])
      squares += Double(start[index]) * Double(start[index])
      others += Double(end[index]) * Double(end[index])
    }
    let cosine = product / max((squares * others).squareRoot(), 1e-30)
    let angle = acos(min(max(cosine, -1), 1))
    let (one, other) =
      sin(angle) < 1e-6 ? (1 - share, share) : (sin((1 - share) * angle) / sin(angle), sin(share * angle) / sin(angle))
    for index in 0..<codes.noise { place[index] = Float(one * Double(start[index]) + other * Double(end[index])) }
  }

  // MARK: Blocks

  /// Examples, made in blocks that the lanes share.
  func generated(from latents: Tensor, block: Int = LatentRequest.Choice.sharedBlock, with crew: Crew) throws -> Tensor
  {
    try inBlocks(of: block, latents, width: inputs.width, with: crew, generated(from:))
  }

  /// Rows of some width that a function makes of rows, block by block.
  private func inBlocks(
    of block: Int, _ x: Tensor, width: Int, with crew: Crew, _ function: @escaping @Sendable (Tensor) -> Tensor
  ) throws -> Tensor {
    let (count, columns) = (x.rows, x.columns)
    let numbers = x.values
    let rows = Mutex([[Float]](repeating: [], count: (count + block - 1) / block))
    try crew.forEach((count + block - 1) / block) { index, _ in
      let range = index * block..<min((index + 1) * block, count)
      let part = Tensor(numbers[range.lowerBound * columns..<range.upperBound * columns], [range.count, columns])
      let values = function(part).values
      rows.withLock { $0[index] = values }
    }
    return Tensor(rows.withLock { $0.flatMap { $0 } }, [count, width])
  }
}

extension LatentRequest.Choice {
  fileprivate static let sharedBlock = 100

  /// How many examples go through the networks together. Matrix products of other sizes may add in another order, so an
  /// example whose bits are not to depend on others is made alone; what the discriminator says of it is then a function
  /// of it alone too, also where it compares the examples of a batch.
  fileprivate var block: Int {
    switch self {
    case .draws, .paths: Self.sharedBlock
    case .seeds, .walk, .sweep: 1
    }
  }
}
