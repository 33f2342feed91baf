import Runs

/// A named tensor that a client gets.
struct OutputTensor: Sendable {
  let name: String
  let shape: [Int]
  let content: Content

  enum Content: Sendable {
    case numbers([Double])
    case texts([String])
  }

  /// What is known of the tensor before it is computed: its shape without the rows.
  struct Description: Sendable {
    let name: String
    let shape: [Int]
    let datatype: Datatype
  }

  var datatype: Datatype {
    switch content {
    case .numbers: .FP64
    case .texts: .BYTES
    }
  }

  var description: Description { Description(name: name, shape: Array(shape.dropFirst()), datatype: datatype) }

  /// What `elbo predict` writes, and the names of the likeliest classes.
  static func all(of predictions: Predictions) -> [OutputTensor] {
    let classes = predictions.likeliestClasses
    let columns = predictions.columns.filter { classes == nil || $0.name != "class" }
    return (classes.map { [OutputTensor(name: "class", shape: [$0.count], content: .texts($0))] } ?? [])
      + columns.map { OutputTensor(name: $0.name, shape: $0.shape, content: .numbers($0.values)) }
  }

  /// Little-endian, in C order.
  var bytes: [UInt8] {
    switch content {
    case .texts(let texts): Datatype.bytes(ofTexts: texts)
    case .numbers(let numbers): Datatype.bytes(ofDoubles: numbers)
    }
  }
}
