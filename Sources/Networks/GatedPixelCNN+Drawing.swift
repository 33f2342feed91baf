import Tensors

/// Images of codes, drawn place by place: all images' logits of a place, then their codes there, and so on.
///
/// What the stacks have computed of earlier rows and of the places to the left is kept, so a place costs the work of one
/// place, and not of a whole image.
///
/// ```swift
/// var drawing = CodeDrawing(network, images: 4, pass)
/// for _ in 0..<places { drawing.take(choose(drawing.logits())) }
/// ```
public struct CodeDrawing {
  private let network: GatedPixelCNN
  private let pass: Pass
  private let images: Int
  /// For each layer the rows that a window of its vertical stack sees, [images, width, filters] each, the newest last.
  private var rows: [[Tensor]]
  /// For each layer the places that a window of its horizontal stack sees, [images, filters] each, the newest last.
  private var places: [[Tensor]]
  /// For each layer what its horizontal stack takes from the vertical one in the current row, [images · width, 2 filters].
  private var across: [Tensor]
  /// The embedded codes of the current row.
  private var row: [Tensor] = []

  private var width: Int { network.size[1] }
  private var filters: Int { network.embedding.weight.shape[1] }

  public init(_ network: GatedPixelCNN, images: Int, _ pass: Pass) {
    (self.network, self.images, self.pass) = (network, images, pass)
    let filters = network.embedding.weight.shape[1]
    // Windows see zeros beyond the image.
    let (line, place) = (Tensor.zeros([images, network.size[1], filters]), Tensor.zeros([images, filters]))
    rows = network.layers.map { Array(repeating: line, count: $0.vertical.window.height) }
    places = network.layers.map { Array(repeating: place, count: $0.horizontal.window.width) }
    across = []
  }

  /// The logits of the next place: [images, codes].
  public mutating func logits() -> Tensor {
    if row.isEmpty { beginRow() }
    let column = row.count
    var own: Tensor?
    for (index, layer) in network.layers.enumerated() {
      if let own { CodeDrawing.keep(own, in: &places[index]) }
      let seen = CodeDrawing.joined(places[index]).reshaped(
        to: [images, 1, places[index].count, filters])
      let left = layer.horizontal.ofOne(seen, pass)
      let moved = layer.residual(
        GatedLayer.gate(left.reshaped(to: [images, left.count / images]) + above(index, column)), pass)
      own = own.map { $0 + moved } ?? moved
    }
    return network.logits(network.hidden(own!.relu(), pass), pass)
  }

  /// Takes the codes of the place whose logits came last, one of each image.
  public mutating func take(_ codes: [Int]) {
    let embedded = network.embedding(Tensor(codes.map { Float($0) }, [images, 1]), pass)
    CodeDrawing.keep(embedded, in: &places[0])
    row.append(embedded)
    if row.count == width { endRow() }
  }

  /// The vertical stacks of the next row, which see no code of it.
  private mutating func beginRow() {
    across = []
    var own: Tensor?
    for (index, layer) in network.layers.enumerated() {
      if let own { CodeDrawing.keep(own, in: &rows[index]) }
      let seen = CodeDrawing.joined(rows[index]).reshaped(to: [images, rows[index].count, width, filters])
      let above = layer.vertical.ofOne(seen, pass)
      let flat = above.reshaped(to: [images * width, 2 * filters])
      across.append(layer.across(flat, pass))
      own = GatedLayer.gate(flat).reshaped(to: [images, width, filters])
    }
  }

  private mutating func endRow() {
    CodeDrawing.keep(CodeDrawing.joined(row).reshaped(to: [images, width, filters]), in: &rows[0])
    row = []
    for index in places.indices {
      places[index] = places[index].map { Tensor.zeros($0.shape) }
    }
  }

  /// What a layer's horizontal stack takes from the vertical one at a column: [images, 2 filters].
  private func above(_ layer: Int, _ column: Int) -> Tensor {
    let all = across[layer]
    let result = Tensor(uninitialized: [images, all.columns])
    for image in 0..<images {
      (result.pointer + image * all.columns).update(
        from: all.pointer + (image * width + column) * all.columns, count: all.columns)
    }
    return result
  }

  private static func keep(_ newest: Tensor, in window: inout [Tensor]) {
    window.removeFirst()
    window.append(newest)
  }

  /// Tensors of a row for each image, side by side: an image's numbers of the first, of the second, and so on.
  private static func joined(_ parts: [Tensor]) -> Tensor {
    let images = parts[0].shape[0]
    let each = parts[0].count / images
    let result = Tensor(uninitialized: [images, parts.count * each])
    for (place, part) in parts.enumerated() {
      for image in 0..<images {
        (result.pointer + (image * parts.count + place) * each).update(from: part.pointer + image * each, count: each)
      }
    }
    return result
  }
}
