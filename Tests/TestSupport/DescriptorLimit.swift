#if os(Linux)
import Foundation

public enum DescriptorLimit {
    /// Raises the limit of open descriptors of this process, and of those that it starts, to the maximum.
    ///
    /// - Returns: whether that is enough; if not, prints that the suite is skipped.
    public static func raise(for suite: String, toAtLeast count: Int) -> Bool {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let isEnough = limit.rlim_max >= count
        if !isEnough { print("\(suite): SKIPPED: no process may have more than \(limit.rlim_max) descriptors") }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return isEnough
    }
}
#endif
