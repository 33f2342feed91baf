import CKernels
import COneDNN
import Files
import Glibc
import LinearAlgebra
import Tensors

/// What arithmetic comes to here. A run's result is the same bit for bit where the libraries, and the code that they and
/// the kernels choose for the processor, add and round alike; that shows in the bits of a few small computations.
public struct Numerics: Sendable, Equatable {
  /// What is probed, and the SHA-256 over the bits of what it comes to.
  package let parts: [(name: String, digest: String)]

  /// Of this machine. Computed once, in some milliseconds.
  package static let here = Numerics.probed()

  /// SHA-256 over the bits of probes that take the code paths of a training: products and convolutions of several sizes
  /// with their derivatives, elementwise functions, random draws, products and a factorization in double precision, and
  /// functions of the C library.
  public static let fingerprint = here.fingerprint

  package var fingerprint: String {
    SHA256.hexDigest(of: ("elbo-numerics-2" + parts.map { " \($0.name) \($0.digest)" }.joined()).utf8)
  }

  public static func == (left: Numerics, right: Numerics) -> Bool { left.fingerprint == right.fingerprint }

  package static func probed() -> Numerics {
    // As a lane computes: what libraries share out to threads may round otherwise.
    let mode = elbo_floating_point_mode()
    defer { elbo_set_floating_point_mode(mode) }
    elbo_flush_denormals()
    elbo_compute_on_this_thread_only()
    return Numerics(parts: [
      ("products", products()), ("convolutions", convolutions()), ("functions", functions()), ("draws", draws()),
      ("factorizations", factorizations()), ("libm", libm()),
    ])
  }

  private static let key = RandomKey(seed: 20_261)

  private static func normal(_ shape: Shape, _ tensor: UInt32) -> Tensor {
    let result = Tensor(uninitialized: shape)
    key.at(tensor: tensor).normal(into: result.pointer, count: shape.count)
    return result
  }

  /// Sizes around the widths of vectors and the blocks of products: the last is that of a layer and its batch.
  private static func products() -> String {
    digest { add in
      for (index, (m, k, n)) in [(1, 7, 3), (5, 33, 17), (100, 130, 64)].enumerated() {
        let (a, b) = (normal([m, k], UInt32(3 * index)), normal([k, n], UInt32(3 * index + 1)))
        let c = a.product(with: b)
        add(c)
        add(a.transposedProduct(with: c))
        add(c.product(withTransposed: b))
        add(a.linear(weight: normal([n, k], UInt32(3 * index + 2)), bias: normal([n], 100)))
      }
    }
  }

  private static func convolutions() -> String {
    digest { add in
      for (index, (side, channels, filters, stride)) in [(7, 1, 3, 1), (12, 8, 16, 2)].enumerated() {
        let x = normal([4, side, side, channels], UInt32(20 + 3 * index))
        let weight = normal([filters, channels, 3, 3], UInt32(21 + 3 * index))
        let pair = Pair(stride)
        add(x.convolved(with: weight, bias: normal([filters], 101), slope: 0, stride: pair, padding: 1))
        let tape = Tape()
        let (source, weights) = (tape.variable(x), tape.variable(weight))
        let y = source.convolved(with: weights, stride: pair, padding: 1)
        add(y.detached.transposeConvolved(with: weight, stride: pair, padding: 1))
        for gradient in tape.gradient(of: y.squared(), withRespectTo: [source, weights]) { add(gradient) }
      }
    }
  }

  /// Of a count that is not a multiple of any vector's width.
  private static func functions() -> String {
    let x = normal([1003], 40)
    return digest { add in
      for y in [x.exp(), x.squared().log(), x.tanh(), x.erf(), x.softplus(), x.sigmoid()] { add(y) }
      add(x.reshaped(to: [17, 59]).logSoftmax())
      add(x.sum())
    }
  }

  private static func draws() -> String {
    let draws = Tensor(uninitialized: [501])
    key.at(tensor: 41).uniform(into: draws.pointer, count: 501)
    return digest { add in
      add(normal([1003], 40))
      add(draws)
    }
  }

  private static func factorizations() -> String {
    var hash = SHA256()
    for (index, (m, k, n)) in [(3, 5, 2), (40, 61, 37)].enumerated() {
      let a = Matrix(rows: m, columns: k, elements: doubles(m * k, UInt32(50 + 2 * index)))
      let b = Matrix(rows: k, columns: n, elements: doubles(k * n, UInt32(51 + 2 * index)))
      var square = Matrix.product(a, a, transposed: .right)
      square.addToDiagonal(1)
      // A matrix that has no factor here has another fingerprint, too.
      for values in [(a * b).elements, (try? Cholesky(square))?.lower.elements ?? []] {
        values.withUnsafeBytes { hash.update($0) }
      }
    }
    return hash.hexDigest()
  }

  private static func libm() -> String {
    let places = doubles(200, 60)
    var hash = SHA256()
    (places.map { exp($0) } + places.map { log(abs($0)) } + places.map { tanh($0) }).withUnsafeBytes { hash.update($0) }
    return hash.hexDigest()
  }

  private static func doubles(_ count: Int, _ tensor: UInt32) -> [Double] {
    normal([count], tensor).values.map(Double.init)
  }

  private static func digest(_ probe: ((Tensor) -> Void) -> Void) -> String {
    var hash = SHA256()
    probe { hash.update(UnsafeRawBufferPointer($0.buffer)) }
    return hash.hexDigest()
  }
}
