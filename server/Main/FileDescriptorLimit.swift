import Platform

enum FileDescriptorLimit {
    /// Raises the soft limit of open files to the hard one, because each upload and each connection needs descriptors. If
    /// that fails, the limit stays as it is.
    static func raise() {
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        #if canImport(Darwin)
        // setrlimit(2): macOS accepts no more, whatever the hard limit is.
        limit.rlim_cur = min(limit.rlim_cur, rlim_t(OPEN_MAX))
        #endif
        setrlimit(resource, &limit)
    }
}
