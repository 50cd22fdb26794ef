/// How far a request's body has got.
public struct UploadProgress: Hashable, Sendable {
    /// Bytes of the body read from its parts, framing included, before a content coding.
    public let bytesRead: Int64
    /// Bytes handed to the network layer, after a content coding; up to a buffer's size
    /// (``Client/Configuration/uploadBufferSize``) ahead of what is on the wire.
    public let bytesSent: Int64
    /// What ``bytesRead`` will be at the end; nil while parts may still be added, or if the length
    /// of one is not known.
    public let totalBytes: Int64?
}
