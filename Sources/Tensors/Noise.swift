extension Tensor {
  /// Standard normal noise, a row for each example: row i is a function of the key and of `rows[i]` alone, whichever
  /// lane computes it and beside whichever others. The key's `sample` plays no part.
  public static func normal(_ key: RandomKey, rows: [UInt32], columns: Int) -> Tensor {
    let noise = Tensor(uninitialized: [rows.count, columns])
    rows.withUnsafeBufferPointer { key.normal(into: noise.pointer, rows: $0, columns: columns) }
    return noise
  }

  /// Noise uniform in [0, 1), a row for each example.
  public static func uniform(_ key: RandomKey, rows: [UInt32], columns: Int) -> Tensor {
    let noise = Tensor(uninitialized: [rows.count, columns])
    rows.withUnsafeBufferPointer { key.uniform(into: noise.pointer, rows: $0, columns: columns) }
    return noise
  }
}
