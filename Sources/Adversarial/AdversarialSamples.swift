import Datasets
import Figures
import Learners
import Networks
import Synchronization
import Tensors
import Training

/// Examples of latent vectors that are drawn, or chosen.
extension AdversarialLearner {
  func sample(_ request: LatentRequest, key: RandomKey, with crew: Crew) throws -> Figure {
    let points = try points(request, key: key, with: crew)
    let samples = try examples(at: points, request, key: key, with: crew)
    func grid(
      _ name: String, _ title: String, _ samples: Tensor, columns: Int = 10, rowLabels: [String] = [],
      columnLabels: [String] = []
    ) -> Figure {
      imageGrid(
        name, title: title, samples, inputs: inputs, columns: min(columns, samples.rows), rowLabels: rowLabels,
        columnLabels: columnLabels)
    }
    switch request.choice {
    case .draws, .seeds:
      if inputs.width <= 2 { return self.points("samples", title: "Samples", samples) }
      return grid("samples", "Samples", samples)
    case .paths: return grid("interpolations", "From one sample to another", samples)
    case .walk: return grid("walk", "From seed to seed", samples)
    case .classes(let count, let seeds):
      return grid(
        "classes", "One class a row, one seed a column", samples, columns: seeds.count,
        rowLabels: Array(labels!.shownNames.prefix(count)), columnLabels: seeds.map { "seed \($0)" })
    case .sweep(let seeds, let truncations):
      return grid(
        "truncations", "One truncation a column, one seed a row", samples, columns: truncations.count,
        rowLabels: seeds.map { "seed \($0)" }, columnLabels: truncations.map { "\($0)" })
    case .mix(let rows, let columns, let layers):
      // The seeds' own examples stand at the top and at the left.
      func own(_ seeds: [UInt64]) throws -> [Float] {
        var single = request
        single.choice = .seeds(seeds)
        return try examples(at: self.points(single, key: key, with: crew), single, key: key, with: crew).values
      }
      let (width, left, mixed) = (inputs.width, try own(rows), samples.values)
      var values = try [Float](repeating: 1, count: width) + own(columns)
      for row in rows.indices {
        values += left[row * width..<(row + 1) * width]
        values += mixed[row * columns.count * width..<(row + 1) * columns.count * width]
      }
      return grid(
        "mixed-styles", "Styles \(layers.lowerBound) to \(layers.upperBound) of the columns, the others of the rows",
        Tensor(values, [values.count / width, width]), columns: columns.count + 1,
        rowLabels: [""] + rows.map { "seed \($0)" }, columnLabels: [""] + columns.map { "seed \($0)" })
    }
  }

  func examples(_ request: LatentRequest, key: RandomKey, with crew: Crew) throws -> GeneratedExamples {
    let points = try points(request, key: key, with: crew)
    let rows = try examples(at: points, request, key: key, with: crew)
    let classes = try classes(of: request)
    let scores = try inBlocks(of: request.choice.block, rows, width: 1 + codes.outputs, with: crew) { rows, range in
      self.scores(of: rows, classes.isEmpty ? [] : Array(classes[range]))
    }
    func numbers(_ rows: Tensor) -> GeneratedExamples.Rows { .init(values: rows.values, shape: rows.shape.dimensions) }
    var made = GeneratedExamples(
      examples: .init(values: rows.values, shape: [request.choice.count] + inputs.train.shape),
      latents: generator.style == nil ? numbers(points) : nil, scores: numbers(scores))
    made.classes = classes
    guard let style = generator.style else { return made }
    made.styles = .init(values: points.values, shape: [points.rows, style.styleCount, style.settings.style])
    switch request.choice {
    case .draws(let count): made.latents = numbers(draw(key, rows: 0..<count, classes: classes))
    case .seeds, .classes: made.latents = numbers(latents(request.choice.seeds, classes))
    case .paths, .walk, .sweep, .mix: break
    }
    return made
  }

  /// - Parameter classes: of each row, where the networks receive them; nil: ten rows of each class in turn.
  func draw(_ key: RandomKey, rows: Range<Int>, classes: [Int]? = nil) -> Tensor {
    codes.draw(
      key.at(tensor: NoiseStream.latent), examples: rows.map { UInt32($0) }, classes: classes ?? classesInTurn(rows))
  }

  private func classesInTurn(_ rows: Range<Int>) -> [Int] {
    codes.classes > 0 ? rows.map { $0 / 10 % codes.classes } : []
  }

  /// The class of each example that is requested; empty where the networks receive no classes.
  private func classes(of request: LatentRequest) throws -> [Int] {
    guard codes.classes > 0 else { return [] }
    let count = request.choice.count
    if let index = request.classIndex { return .init(repeating: index, count: count) }
    switch request.choice {
    case .draws, .paths: return classesInTurn(0..<count)
    case .classes(_, let seeds): return (0..<count).map { $0 / seeds.count }
    case .seeds, .walk, .sweep, .mix:
      throw TrainingError(
        .unsuitable, "the run's networks take a class, and none is named",
        advice: "name one of \(labels!.shownNames.joined(separator: ", "))")
    }
  }

  // MARK: Points

  /// A point of ``GeneratorPoints`` for each example.
  private func points(_ request: LatentRequest, key: RandomKey, with crew: Crew) throws -> Tensor {
    let (block, space, classes) = (request.choice.block, space, try classes(of: request))
    func points(_ latents: Tensor, _ truncation: Double?) throws -> Tensor {
      try inBlocks(of: block, latents, width: space.width, with: crew) { latents, _ in
        space.points(of: latents, truncation: truncation, cutoff: request.truncationCutoff)
      }
    }
    func points(ofSeeds seeds: [UInt64], _ truncation: Double?) throws -> Tensor {
      // All are of one class.
      try points(latents(seeds, classes.first.map { .init(repeating: $0, count: seeds.count) } ?? []), truncation)
    }
    let truncation = request.truncation
    switch request.choice {
    case .draws(let count): return try points(draw(key, rows: 0..<count, classes: classes), truncation)
    case .paths(let count):
      return space.paths(try points(draw(key, rows: 0..<count, classes: classes), truncation), columns: 10)
    case .seeds, .classes: return try points(latents(request.choice.seeds, classes), truncation)
    case .walk(let seeds, let frames): return space.walk(try points(ofSeeds: seeds, truncation), frames: frames)
    case .sweep(let seeds, let truncations):
      let columns = try truncations.map { try points(ofSeeds: seeds, $0) }
      return Tensor(
        seeds.indices.flatMap { row in columns.flatMap { $0.rows(row..<row + 1).values } },
        [request.choice.count, space.width])
    case .mix(let rows, let columns, let layers):
      let (rows, columns) = (try points(ofSeeds: rows, truncation), try points(ofSeeds: columns, truncation))
      return try space.mixed(rows, columns, layers)
    }
  }

  /// The latent row of each seed: a function of the seed, and of its class, alone.
  private func latents(_ seeds: [UInt64], _ classes: [Int]) -> Tensor {
    let rows = seeds.enumerated().map { row, seed in
      draw(LatentRequest.key(ofSeed: seed), rows: 0..<1, classes: classes.isEmpty ? [] : [classes[row]])
    }
    return Tensor(rows.flatMap(\.values), [seeds.count, codes.width])
  }

  /// What makes points of latent rows, and examples of points.
  var space: GeneratorPoints {
    GeneratorPoints(
      network: generator.grown(to: present), codes: codes,
      parameters: average?.parameters ?? generator.parameters)
  }

  // MARK: Examples

  /// Examples, in the units of the data.
  private func examples(
    at points: Tensor, _ request: LatentRequest, key: RandomKey, with crew: Crew
  ) throws -> Tensor {
    let space = space
    guard request.augmented == nil || !view.changesNothing else {
      throw TrainingError(
        .unsuitable, "the run's discriminator is shown examples as they are",
        advice: "leave --augmented out, or train with objective.augmentation or objective.augmentation_pipeline")
    }
    return try inBlocks(of: request.choice.block, points, width: inputs.width, with: crew) { points, range in
      // An example's own noise is its seed's, whatever stands beside it.
      let seed = request.choice.seed(of: range.lowerBound)
      let numbers = seed == nil ? range.map { UInt32($0) } : [0]
      let key = seed.map(LatentRequest.key(ofSeed:)) ?? key
      let rows = self.restored(space.examples(at: points, noise: request.noise, key: key, examples: numbers))
      guard let augmented = request.augmented else { return rows }
      let changed = self.view(
        self.pixels ? self.scaled(rows) : self.inputs.standardised(rows), key: key.at(tensor: NoiseStream.augmentation),
        examples: numbers, probability: augmented.probability)
      return self.restored(changed)
    }
  }

  /// Examples of latent rows, made in blocks that the lanes share.
  func generated(from latents: Tensor, with crew: Crew) throws -> Tensor {
    try inBlocks(of: LatentRequest.Choice.sharedBlock, latents, width: inputs.width, with: crew) { latents, _ in
      self.generated(from: latents)
    }
  }

  /// Rows of some width that a function makes of rows, block by block.
  func inBlocks(
    of block: Int, _ x: Tensor, width: Int, with crew: Crew,
    _ function: @escaping @Sendable (_ rows: Tensor, _ range: Range<Int>) -> Tensor
  ) throws -> Tensor {
    let (count, columns) = (x.rows, x.columns)
    let numbers = x.values
    let rows = Mutex([[Float]](repeating: [], count: (count + block - 1) / block))
    try crew.forEach((count + block - 1) / block) { index, _ in
      let range = index * block..<min((index + 1) * block, count)
      let part = Tensor(numbers[range.lowerBound * columns..<range.upperBound * columns], [range.count, columns])
      let values = function(part, range).values
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
    case .seeds, .classes, .walk, .sweep, .mix: 1
    }
  }

  /// The seed of each example, where each has one.
  fileprivate var seeds: [UInt64] {
    switch self {
    case .seeds(let seeds): seeds
    case .classes(let count, let seeds): (0..<count).flatMap { _ in seeds }
    case .draws, .paths, .walk, .sweep, .mix: []
    }
  }

  /// The seed that an example draws its own noise with; nil: all examples share a key, and each has a number.
  fileprivate func seed(of example: Int) -> UInt64? {
    switch self {
    case .draws, .paths: nil
    case .seeds, .classes: seeds[example]
    case .walk(let seeds, _): seeds[0]
    case .sweep(let seeds, let truncations): seeds[example / truncations.count]
    case .mix(let rows, let columns, _): rows[example / columns.count]
    }
  }
}
