internal import Synchronization

/// The metrics of one transfer, written by its agent and read by anyone.
final class MetricsBox: Sendable {
    private let metrics = Mutex(Response.Metrics())

    var value: Response.Metrics { metrics.withLock { $0 } }

    func set(_ value: Response.Metrics) { metrics.withLock { $0 = value } }
}
