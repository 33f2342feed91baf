import Datasets
import Figures
import Learners
import Tensors
import Training

extension AdversarialLearner {
  func progress(at step: Int, key: RandomKey, with crew: Crew) throws -> [Figure] {
    let number = String(repeating: "0", count: max(6 - String(step).count, 0)) + String(step)
    if inputs.width <= 2 {
      let latents = draw(key, rows: 0..<2000)
      return [try points("samples-step-\(number)", title: "Step \(step)", of: latents, with: crew)]
    }
    return [
      try pictures(
        "samples-step-\(number)", title: "Step \(step)", of: draw(key, rows: 0..<100), columns: 10, with: crew)
    ]
  }

  func figures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    if inputs.width <= 2 { return [try points("samples", title: "Samples", of: draw(key, rows: 0..<5000), with: crew)] }
    var figures = [
      try sample(LatentRequest(.draws(100)), key: key, with: crew),
      try sample(LatentRequest(.paths(80)), key: key, with: crew),
    ]
    if codes.categories > 0 { figures.append(try categories(key, with: crew)) }
    for code in 0..<codes.continuous { figures.append(try continuous(code, key, with: crew)) }
    if AdversarialLearner.arePictures(inputs) { figures.append(try nearestPictures(key, with: crew)) }
    return figures
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
    imageGrid(
      name, title: title, try generated(from: latents, with: crew), inputs: inputs,
      columns: min(columns, latents.rows))
  }
}
