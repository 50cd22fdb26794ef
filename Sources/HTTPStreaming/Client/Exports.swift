// Types of the package's internal module that are part of this library's interface.

@_exported public import enum Platform.Durability
@_exported public import enum Platform.DigestAlgorithm
@_exported public import struct Platform.Path
@_exported public import struct Platform.SystemError
