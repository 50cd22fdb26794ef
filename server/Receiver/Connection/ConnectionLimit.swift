import HummingbirdCore
import Logging
import Platform

/// Keeps descriptors for files: connections above the limit wait in the queue of the listening socket. A few more may be
/// accepted at the same time as the last one below the limit.
struct ConnectionLimit: AvailableConnectionsDelegate {
    /// While the limit is reached again and again, it is logged once in this time.
    private static let quietTime = Duration.seconds(60)

    private let maximum: Int
    private let logger: Logger
    private var count = 0
    private var logged: ContinuousClock.Instant?

    /// - Parameter maximum: by default about half of the descriptors that the process may have. Uploads have the others.
    init(_ maximum: Int?, logger: Logger) {
        let descriptors = sysconf(Int32(_SC_OPEN_MAX))
        // Where there is no limit, sysconf(3) returns -1. The process itself has about 20 descriptors.
        self.maximum = maximum ?? (descriptors < 0 ? .max : max(descriptors / 4, descriptors / 2 - 32))
        self.logger = logger
    }

    mutating func connectionOpened() {
        count += 1
        guard count == maximum, logged.map({ $0 + Self.quietTime < .now }) ?? true else { return }
        logged = .now
        logger.warning("\(count) connections are open; more wait until one is closed: see --max-connections")
    }

    mutating func connectionClosed() { count -= 1 }

    func isAcceptingNewConnections() -> Bool { count < maximum }
}
