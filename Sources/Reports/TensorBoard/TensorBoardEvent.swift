/// An entry of a TensorBoard event file (`event.proto`, `summary.proto` and the HParams plugin's `plugin_data.proto`).
///
/// Scalars, images and histograms are written in the old form, which TensorBoard turns into the new one as it reads
/// (`data_compat.py`); texts and hyperparameters have the new form alone.
package struct TensorBoardEvent: Sendable {
  package enum Content: Sendable {
    /// What a file begins with.
    case start
    case scalar(String, Double)
    /// A PNG file.
    case image(String, width: Int, height: Int, png: [UInt8])
    case histogram(String, TensorBoardHistogram)
    /// Markdown.
    case text(String, String)
    case hyperparameters([(key: String, value: String)], group: String)
    /// The training has come to its end.
    case end
  }

  /// Seconds since 1970.
  package let time: Double
  package let step: Int
  package let contents: [Content]

  package init(time: Double, step: Int, _ contents: [Content]) {
    (self.time, self.step, self.contents) = (time, step, contents)
  }

  /// The message.
  package var bytes: [UInt8] {
    var event = ProtoMessage()
    event.double(1, time)
    if step != 0 { event.integer(2, step) }
    if case .start? = contents.first {
      event.text(3, "brain.Event:2")
      event.message(10) { $0.text(1, "elbo") }
    } else {
      event.message(5) { summary in
        for content in contents { summary.message(1) { value(of: content, &$0) } }
      }
    }
    return event.bytes
  }

  private func value(of content: Content, _ value: inout ProtoMessage) {
    switch content {
    case .start: break
    case .scalar(let tag, let number):
      value.text(1, tag)
      value.float(2, Float(number))
    case .image(let tag, let width, let height, let png):
      value.text(1, tag)
      value.message(4) { image in
        image.integer(1, height)
        image.integer(2, width)
        // RGB.
        image.integer(3, 3)
        image.data(4, png)
      }
    case .histogram(let tag, let histogram):
      value.text(1, tag)
      value.message(5) { histogram.write(to: &$0) }
    case .text(let tag, let text):
      value.text(1, tag)
      value.message(8) { tensor in
        // A scalar of the kind DT_STRING.
        tensor.integer(1, 7)
        tensor.message(2) { _ in }
        tensor.text(8, text)
      }
      metadata("text", [], &value)
    case .hyperparameters(let pairs, let group):
      var data = ProtoMessage()
      data.message(3) { start in
        for (key, text) in pairs {
          start.message(1) { entry in
            entry.text(1, key)
            entry.message(2) { TensorBoardEvent.write(text, to: &$0) }
          }
        }
        start.text(4, group)
        start.double(5, time)
      }
      session("_hparams_/session_start_info", data, &value)
    case .end:
      var data = ProtoMessage()
      data.message(4) { end in
        // Success.
        end.integer(1, 1)
        end.double(2, time)
      }
      session("_hparams_/session_end_info", data, &value)
    }
  }

  /// A `google.protobuf.Value`.
  private static func write(_ text: String, to value: inout ProtoMessage) {
    if let number = Double(text), number.isFinite {
      value.double(2, number)
    } else if let flag = Bool(text) {
      value.integer(4, flag ? 1 : 0)
    } else {
      value.text(3, text)
    }
  }

  private func session(_ tag: String, _ data: ProtoMessage, _ value: inout ProtoMessage) {
    value.text(1, tag)
    value.message(8) { tensor in
      // No numbers: DT_FLOAT of the shape (0).
      tensor.integer(1, 1)
      tensor.message(2) { shape in shape.message(2) { _ in } }
    }
    metadata("hparams", data.bytes, &value)
  }

  /// Says which plugin shows a tensor.
  private func metadata(_ plugin: String, _ content: [UInt8], _ value: inout ProtoMessage) {
    value.message(9) { metadata in
      metadata.message(1) { data in
        data.text(1, plugin)
        if !content.isEmpty { data.data(2, content) }
      }
      // DATA_CLASS_TENSOR.
      metadata.integer(4, 2)
    }
  }
}

/// How some numbers are distributed: as many of them in each of some intervals.
package struct TensorBoardHistogram: Sendable {
  private let smallest, largest, count, sum, squares: Double
  /// The ends of the intervals.
  private let limits: [Double]
  private let buckets: [Double]

  /// More numbers than these are not looked at, so that large tensors take no time.
  private static let most = 10_000

  /// - Parameters:
  ///   - numbers: of many, some at even distances are taken; what is not finite is left out.
  ///   - map: of each number.
  /// - Returns: nil when no number is finite.
  package init?(
    _ numbers: UnsafeBufferPointer<Float>, through map: (Float) -> Double = { Double($0) }, bins: Int = 60
  ) {
    // Odd, so that it walks through all columns of the widths that networks have.
    let distance = numbers.count <= TensorBoardHistogram.most ? 1 : numbers.count / TensorBoardHistogram.most | 1
    let values = stride(from: 0, to: numbers.count, by: distance).map { map(numbers[$0]) }.filter(\.isFinite)
    guard let smallest = values.min(), let largest = values.max() else { return nil }
    (self.smallest, self.largest, count) = (smallest, largest, Double(values.count))
    (sum, squares) = (values.reduce(0, +), values.reduce(0) { $0 + $1 * $1 })
    // A single number lies in the middle of its interval.
    let margin = largest > smallest ? 0 : max(abs(smallest) * 0.05, 1e-6)
    let (lower, width) = (smallest - margin, (largest - smallest + 2 * margin) / Double(bins))
    // TensorBoard takes the interval before the first limit for the one from −∞.
    limits = [lower] + (1...bins).map { lower + Double($0) * width }
    var buckets = [Double](repeating: 0, count: bins + 1)
    for value in values { buckets[1 + max(0, min(Int((value - lower) / width), bins - 1))] += 1 }
    self.buckets = buckets
  }

  func write(to message: inout ProtoMessage) {
    message.double(1, smallest)
    message.double(2, largest)
    message.double(3, count)
    message.double(4, sum)
    message.double(5, squares)
    message.doubles(6, limits)
    message.doubles(7, buckets)
  }
}
