// The only file that knows which C library this system has: whatever imports this module has its functions too.

@_exported public import CSystemCalls

#if canImport(Darwin)
@_exported public import Darwin
#elseif canImport(Glibc)
@_exported public import Glibc
#elseif canImport(Musl)
@_exported public import Musl
#endif
