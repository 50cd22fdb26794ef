/// How far a request's body has got.
public struct UploadProgress: Hashable, Sendable {
    /// Bytes handed to the network layer, framing included; up to a buffer's size
    /// (``Client/Configuration/uploadBufferSize``) ahead of what is on the wire.
    public let bytesSent: Int64
    /// Bytes of the whole body, framing included; nil while parts may still be added.
    public let totalBytes: Int64?
}
