import Datasets
import Figures
import Recipes
import Reports
import Training

extension Run {
  /// Finds the style whose picture is nearest to a given one.
  ///
  /// ```swift
  /// let run = try Run(opening: "runs/stylegan")
  /// let found = try await run.project("face.png", to: "face")
  /// print(found.psnr)
  /// ```
  ///
  /// - Parameters:
  ///   - target: a PNG or JPEG file; it is taken in the size and the colors of the training data.
  ///   - folder: where `projection.png`, target and result side by side, `steps.png`, a film of the way there, and
  ///     `projection.npz`, `style` and `picture` as numbers, are written; made when it is not there.
  ///   - steps: of the search.
  ///   - seed: of the noise of the search.
  ///   - findsNoise: whether the noise of the convolutions is searched for too; `projection.npz` then has `noise_0`, ….
  ///   - className: for a generator with classes, the class that the search begins at, by name or index; nil: at the
  ///     mean of all.
  /// - Throws: `TrainingError` when the generator has no styles; `DataError` when the target is no picture.
  @discardableResult
  public func project(
    _ target: String, to folder: String, steps: Int = 1000, seed: UInt64 = 0, className: String? = nil,
    findsNoise: Bool = false
  ) async throws -> Projection {
    guard (1...100_000).contains(steps) else { throw RecipeError("steps is \(steps): it must be from 1 to 100000") }
    guard let offer = job.learner.offers.sampling?.latent, let project = offer.project else {
      throw TrainingError(
        .unsuitable, "a \(model) has no styles to look for", advice: "project by a run of stylegan")
    }
    let (names, pictures) = try ExampleArray.pictures(at: target, like: schema, background: job.dataRequest.background)
    guard names.count == 1 else { throw RecipeError("\(target) holds \(names.count) pictures: name one") }
    let classIndex = try className.map(offer.classIndex)
    let found = try project(
      ProjectionRequest(
        target: pictures, steps: steps, seed: seed, classIndex: classIndex, findsNoise: findsNoise), crew())
    try PictureOutput.makeFolder(folder)
    let shape = schema.shape
    func grid(_ pictures: [[Float]]) -> ImageGrid {
      ImageGrid(
        .float(pictures.flatMap { $0 }), height: shape[0], width: shape[1], channels: shape.count == 3 ? shape[2] : 1,
        columns: pictures.count)
    }
    _ = try await FigureWriter.write(grid([found.target, found.picture]), to: folder + "/projection.png")
    try FigureWriter.write(film: grid(found.frames), rate: Run.filmRate, to: folder + "/steps.png")
    var writer = try NPZWriter(folder + "/projection.npz")
    try writer.add("style", found.style, shape: [found.style.count])
    try writer.add("picture", found.picture, shape: shape)
    for (index, map) in found.noise.enumerated() {
      try writer.add("noise_\(index)", map.values, shape: map.shape)
    }
    try writer.finish()
    return found
  }
}
