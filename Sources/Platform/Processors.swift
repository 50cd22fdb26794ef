package enum Processors {
    /// The number of processors that the system has online, one at least. A container's limit is not considered.
    package static let count = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}
