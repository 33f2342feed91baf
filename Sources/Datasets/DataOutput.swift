import Files

/// A staged file whose failures are this module's errors, and which knows how far it is.
package final class DataOutput {
  private let staged: StagedFile
  /// Bytes written so far.
  package private(set) var position = 0

  package init(_ path: String) throws(DataError) {
    do throws(FileError) { staged = try StagedFile(path) } catch { throw DataError(error) }
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(DataError) {
    do throws(FileError) { try staged.file.append(bytes) } catch { throw DataError(error) }
    position += bytes.count
  }

  package func write<T: BitwiseCopyable>(_ values: [T]) throws(DataError) {
    try values.withUnsafeBufferPointer { (buffer) throws(DataError) in try write(UnsafeRawBufferPointer(buffer)) }
  }

  /// Overwrites what was written before.
  package func overwrite(_ values: [UInt8], at offset: Int) throws(DataError) {
    precondition(offset + values.count <= position)
    do throws(FileError) { try staged.file.overwrite(values, at: offset) } catch { throw DataError(error) }
  }

  package func commit() throws(DataError) {
    do throws(FileError) { try staged.commit() } catch { throw DataError(error) }
  }
}

extension DataError {
  fileprivate init(_ error: FileError) {
    self.init(
      .unwritable, at: DataPlace(file: error.path), "cannot be written: \(error.reason)",
      advice: error.remedy ?? "check that the folder exists and may be written", systemError: error.systemError)
  }
}
