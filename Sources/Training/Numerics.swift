import Files
import LinearAlgebra
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What arithmetic comes to here. A run's result is the same bit for bit where the libraries, and the code that they and
/// the kernels choose for the processor, add and round alike; that shows in the bits of a few small computations.
public enum Numerics {
  /// SHA-256 over the bits of probes that take the code paths of a training: products and convolutions of several sizes
  /// with their derivatives, elementwise functions, random draws, products and a factorization in double precision, and
  /// functions of the C library. Computed once, in some milliseconds.
  public static let fingerprint = probed()

  package static func probed() -> String {
    var hash = SHA256()
    hash.update("elbo-numerics-1\0".utf8)
    let key = RandomKey(seed: 20_261)
    func normal(_ shape: Shape, _ tensor: UInt32) -> Tensor {
      let result = Tensor(uninitialized: shape)
      key.at(tensor: tensor).normal(into: result.pointer, count: shape.count)
      return result
    }
    func add(_ tensor: Tensor) { hash.update(UnsafeRawBufferPointer(tensor.buffer)) }

    // Sizes around the widths of vectors and the blocks of products: the last is that of a layer and its batch.
    for (index, (m, k, n)) in [(1, 7, 3), (5, 33, 17), (100, 130, 64)].enumerated() {
      let (a, b) = (normal([m, k], UInt32(3 * index)), normal([k, n], UInt32(3 * index + 1)))
      let c = a.product(with: b)
      add(c)
      add(a.transposedProduct(with: c))
      add(c.product(withTransposed: b))
      add(a.linear(weight: normal([n, k], UInt32(3 * index + 2)), bias: normal([n], 100)))
    }
    for (index, (side, channels, filters, stride)) in [(7, 1, 3, 1), (12, 8, 16, 2)].enumerated() {
      let x = normal([4, side, side, channels], UInt32(20 + 3 * index))
      let weight = normal([filters, channels, 3, 3], UInt32(21 + 3 * index))
      let pair = Pair(stride)
      let y = x.convolved(with: weight, bias: normal([filters], 101), slope: 0, stride: pair, padding: 1)
      add(y)
      add(y.transposeConvolved(with: weight, stride: pair, padding: 1))
    }
    // Not a multiple of any vector's width.
    let x = normal([1003], 40)
    for y in [x.exp(), x.squared().log(), x.tanh(), x.erf(), x.softplus(), x.sigmoid()] { add(y) }
    add(x.reshaped(to: [17, 59]).logSoftmax())
    add(x.sum())
    let draws = Tensor(uninitialized: [501])
    key.at(tensor: 41).uniform(into: draws.pointer, count: 501)
    add(x)
    add(draws)

    func doubles(_ count: Int, _ tensor: UInt32) -> [Double] { normal([count], tensor).values.map(Double.init) }
    func add(_ values: [Double]) { values.withUnsafeBytes { hash.update($0) } }
    for (index, (m, k, n)) in [(3, 5, 2), (40, 61, 37)].enumerated() {
      let a = Matrix(rows: m, columns: k, elements: doubles(m * k, UInt32(50 + 2 * index)))
      let b = Matrix(rows: k, columns: n, elements: doubles(k * n, UInt32(51 + 2 * index)))
      add((a * b).elements)
      var square = Matrix.product(a, a, transposed: .right)
      square.addToDiagonal(1)
      // A matrix that has no factor here has another fingerprint, too.
      add((try? Cholesky(square))?.lower.elements ?? [])
    }
    let places = doubles(200, 60)
    add(places.map { exp($0) } + places.map { log(abs($0)) } + places.map { tanh($0) })
    return hash.hexDigest()
  }
}
