import Files

import Synchronization

/// Remembers the fingerprint, which takes a pass over all bytes; copies of a data set share it.
final class FingerprintCache: Sendable {
  private let value = Mutex<String?>(nil)

  func value(computing compute: () -> String) -> String {
    value.withLock { known in
      if let known { return known }
      let computed = compute()
      known = computed
      return computed
    }
  }
}

extension Dataset {
  /// SHA-256, in hexadecimal, of the numbers that a model sees: the element kinds, shapes and bytes of all arrays, where
  /// sequences begin, and a text's vocabulary. Names of files, columns and classes have no part in it: the same numbers from a CSV and
  /// from an NPY file are the same data. Computed at the first use and remembered.
  public var fingerprint: String {
    cachedFingerprint.value {
      var hash = SHA256()
      hash.update("elbo-dataset-1\0".utf8)
      hash.update(train, role: "train")
      if let test { hash.update(test, role: "test") }
      if let vocabulary {
        hash.update(vocabulary, role: "vocabulary")
      }
      return hash.hexDigest()
    }
  }
}

extension SHA256 {
  // Everything of variable length is preceded by its length, so that no two data sets feed the same bytes.

  fileprivate mutating func update(_ set: ExampleSet, role: String) {
    update(set.inputs, role: "\(role)/inputs")
    if let labels = set.labels {
      update(counted: "\(role)/labels".utf8)
      update(littleEndian: UInt64(labels.count))
      update(littleEndian: UInt64(labels.indices.count))
      labels.indices.withUnsafeBytes { update($0) }
    }
    if let targets = set.targets {
      update(targets, role: "\(role)/targets")
    }
    if let labelImages = set.labelImages {
      update(labelImages.classes, role: "\(role)/label images")
      update(littleEndian: UInt64(labelImages.kinds.count))
    }
    if let captions = set.captions {
      update(counted: "\(role)/captions".utf8)
      update(littleEndian: UInt64(captions.count))
      for captions in captions.ofExample {
        update(littleEndian: UInt64(captions.count))
        for caption in captions {
          update(littleEndian: UInt64(caption.language))
          update(littleEndian: UInt64(caption.words.count))
          caption.words.withUnsafeBytes { update($0) }
        }
      }
    }
    if let sequences = set.sequences {
      update(counted: "\(role)/sequences".utf8)
      update(littleEndian: UInt64(sequences.starts.count))
      for start in sequences.starts { update(littleEndian: UInt64(start)) }
    }
  }

  fileprivate mutating func update(_ array: ExampleArray, role: String) {
    update(counted: role.utf8)
    update(counted: array.kind.rawValue.utf8)
    update(littleEndian: UInt64(array.count))
    update(littleEndian: UInt64(array.shape.count))
    for extent in array.shape { update(littleEndian: UInt64(extent)) }
    // In pieces, so that a mapped file does not stay resident.
    let examplesPerPiece = max(1, (8 << 20) / (array.elementsPerExample * array.kind.size))
    for start in stride(from: 0, to: array.count, by: examplesPerPiece) {
      let piece = start..<min(start + examplesPerPiece, array.count)
      array[piece].withUnsafeBytes { update($0) }
      array.releaseResident(piece)
    }
  }

  fileprivate mutating func update(_ names: [String], role: String) {
    update(counted: role.utf8)
    update(littleEndian: UInt64(names.count))
    for name in names { update(counted: name.utf8) }
  }

  private mutating func update(counted bytes: String.UTF8View) {
    update(littleEndian: UInt64(bytes.count))
    update(bytes)
  }
}
