import Datasets
import Synchronization

/// Data that many trainings of this process learn from, opened once for each way in which it is asked for.
package final class OpenedData: Sendable {
  private let known = Mutex<[(request: DataRequest, data: Dataset)]>([])

  /// More than these are not kept: the seeds of a sweep split the data in ways of their own.
  private static let most = 8

  package init() {}

  package func open(_ request: DataRequest) throws(DataError) -> Dataset {
    try known.withLock { (known) throws(DataError) -> Dataset in
      if let found = known.first(where: { $0.request == request }) { return found.data }
      let data = try DataSource.open(request)
      if known.count == OpenedData.most { known.removeFirst() }
      known.append((request, data))
      return data
    }
  }
}
