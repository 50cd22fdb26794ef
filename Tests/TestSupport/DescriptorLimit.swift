#if os(Linux)
import Foundation

public enum DescriptorLimit {
    /// Has this process, and those that it starts, have as many descriptors as they may.
    ///
    /// - Returns: whether these are as many as are needed; prints that a suite is skipped where they are not.
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
