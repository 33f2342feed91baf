import Datasets
import Figures
import Glibc
import LinearAlgebra
import Synchronization
import Tensors
import Training

extension AdversarialLearner {
  func sample(_ request: LatentRequest, key: RandomKey, with crew: Crew) throws -> Figure {
    if inputs.width <= 2, request.path == .independent {
      return try points("samples", title: "Samples", count: request.count, key: key, with: crew)
    }
    let rows = try generated(from: latents(request, key: key), request, key, with: crew)
    let (name, title) =
      request.path == .interpolated ? ("interpolations", "From one sample to another") : ("samples", "Samples")
    return pictures(name, title: title, rows, columns: 10)
  }

  func examples(_ request: LatentRequest, key: RandomKey, with crew: Crew) throws -> GeneratedExamples {
    let latents = latents(request, key: key)
    let rows = try generated(from: latents, request, key, with: crew)
    let scores = try inBlocks(rows, width: 1 + codes.outputs, with: crew, scores(of:))
    return GeneratedExamples(
      examples: .init(values: rows.values, shape: [request.count] + inputs.train.shape),
      latents: .init(values: latents.values, shape: latents.shape.dimensions),
      scores: .init(values: scores.values, shape: scores.shape.dimensions))
  }

  private func latents(_ request: LatentRequest, key: RandomKey) -> Tensor {
    let latents = draw(key, rows: 0..<request.count)
    if let bound = request.truncation { truncate(latents, at: bound) }
    return request.path == .interpolated ? interpolated(latents, columns: 10) : latents
  }

  func progress(at step: Int, key: RandomKey, with crew: Crew) throws -> [Figure] {
    let number = String(repeating: "0", count: max(6 - String(step).count, 0)) + String(step)
    if inputs.width <= 2 {
      return [try points("samples-step-\(number)", title: "Step \(step)", count: 2000, key: key, with: crew)]
    }
    return [
      try pictures(
        "samples-step-\(number)", title: "Step \(step)", of: draw(key, rows: 0..<100), columns: 10, with: crew)
    ]
  }

  func figures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    if inputs.width <= 2 { return [try points("samples", title: "Samples", count: 5000, key: key, with: crew)] }
    var figures = [
      try sample(LatentRequest(count: 100), key: key, with: crew),
      try sample(LatentRequest(count: 80, path: .interpolated), key: key, with: crew),
    ]
    if codes.categories > 0 { figures.append(try categories(key, with: crew)) }
    for code in 0..<codes.continuous { figures.append(try continuous(code, key, with: crew)) }
    if AdversarialLearner.arePictures(inputs) { figures.append(try nearestPictures(key, with: crew)) }
    return figures
  }

  private func draw(_ key: RandomKey, rows: Range<Int>) -> Tensor {
    codes.draw(key.at(tensor: NoiseStream.latent), examples: rows.map { UInt32($0) })
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

  /// Rows of pictures: each leads from the first latent row of its stretch to that of the next. Noise goes along the
  /// great circle, so that its length stays typical (White 2016, section 2.1); codes are those of the start.
  private func interpolated(_ latents: Tensor, columns: Int) -> Tensor {
    let path = Tensor(uninitialized: latents.shape)
    for row in 0..<latents.rows {
      let (from, position) = row.quotientAndRemainder(dividingBy: columns)
      let start = latents.pointer + from * columns * latents.columns
      let end = latents.pointer + ((from + 1) * columns % latents.rows) * latents.columns
      let place = path.pointer + row * latents.columns
      place.update(from: start, count: latents.columns)
      let share = columns > 1 ? Double(position) / Double(columns - 1) : 0
      var (product, first, second) = (0.0, 0.0, 0.0)
      for index in 0..<codes.noise {
        product += Double(start[index]) * Double(end[index])
        first += Double(start[index]) * Double(start[index])
        second += Double(end[index]) * Double(end[index])
      }
      let cosine = product / max((first * second).squareRoot(), 1e-30)
      let angle = acos(min(max(cosine, -1), 1))
      let (one, other) =
        angle < 1e-6 ? (1 - share, share) : (sin((1 - share) * angle) / sin(angle), sin(share * angle) / sin(angle))
      for index in 0..<codes.noise { place[index] = Float(one * Double(start[index]) + other * Double(end[index])) }
    }
    return path
  }

  // MARK: Codes

  /// Rows with one noise each, columns with one category each.
  private func categories(_ key: RandomKey, with crew: Crew) throws -> Figure {
    let (rows, columns) = (10, codes.categories)
    let noise = repeated(draw(key, rows: 0..<rows), times: columns)
    let values = [Float](repeating: 0, count: rows * columns * codes.continuous)
    let latents = codes.joined(noise, classes: (0..<rows * columns).map { $0 % columns }, continuous: values)
    return try pictures(
      "categories", title: "One category a column, one noise a row", of: latents, columns: columns, with: crew)
  }

  /// Rows with one category each, columns with one value of a continuous code each, from −1.5 to 1.5.
  private func continuous(_ code: Int, _ key: RandomKey, with crew: Crew) throws -> Figure {
    let (rows, columns) = (max(min(codes.categories, 10), 1), 10)
    let noise = repeated(draw(key, rows: 0..<1), times: rows * columns)
    var values = [Float](repeating: 0, count: rows * columns * codes.continuous)
    for place in 0..<rows * columns {
      values[place * codes.continuous + code] = -1.5 + 3 * Float(place % columns) / Float(columns - 1)
    }
    let latents = codes.joined(noise, classes: (0..<rows * columns).map { $0 / columns }, continuous: values)
    return try pictures(
      "code-\(code)", title: "Continuous code \(code) from −1.5 to 1.5, one category a row", of: latents,
      columns: columns, with: crew)
  }

  /// The noise of each row, over and over.
  private func repeated(_ latents: Tensor, times: Int) -> Tensor {
    let rows = Tensor(uninitialized: [latents.rows * times, codes.noise])
    for row in 0..<rows.rows {
      (rows.pointer + row * codes.noise).update(
        from: latents.pointer + (row / times) * latents.columns, count: codes.noise)
    }
    return rows
  }

  // MARK: Drawing

  private func pictures(
    _ name: String, title: String, of latents: Tensor, columns: Int, with crew: Crew
  ) throws -> Figure {
    pictures(name, title: title, try generated(from: latents, with: crew), columns: columns)
  }

  private func pictures(_ name: String, title: String, _ rows: Tensor, columns: Int) -> Figure {
    imageGrid(name, title: title, rows, inputs: inputs, columns: min(columns, rows.rows))
  }

  /// Examples as a request wants them shown.
  private func generated(
    from latents: Tensor, _ request: LatentRequest, _ key: RandomKey, with crew: Crew
  ) throws -> Tensor {
    let rows = try generated(from: latents, with: crew)
    guard let augmented = request.augmented else { return rows }
    guard !view.changesNothing else {
      throw TrainingError(
        .unsuitable, "the run's discriminator is shown examples as they are",
        advice: "leave --augmented out, or train with objective.augmentation or objective.augmentation_pipeline")
    }
    let changed = view(
      pixels ? rows * 2 - 1 : inputs.standardised(rows), key: key.at(tensor: NoiseStream.augmentation),
      examples: (0..<UInt32(rows.rows)).map { $0 }, probability: augmented.probability)
    return pixels ? ((changed + 1) * 0.5).clamped(to: 0...1) : inputs.restored(changed)
  }

  /// Examples, made in blocks that the lanes share.
  func generated(from latents: Tensor, with crew: Crew) throws -> Tensor {
    try inBlocks(latents, width: inputs.width, with: crew, generated(from:))
  }

  /// Rows of some width that a function makes of rows, block by block.
  private func inBlocks(
    _ x: Tensor, width: Int, with crew: Crew, _ function: @escaping @Sendable (Tensor) -> Tensor
  ) throws -> Tensor {
    let (count, columns, block) = (x.rows, x.columns, 100)
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
