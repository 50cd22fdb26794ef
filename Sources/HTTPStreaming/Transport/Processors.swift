#if canImport(Darwin)
internal import Darwin
#elseif canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

enum Processors {
    /// How many the system has running, one at least. A container's share of them is not counted.
    static let count = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}
