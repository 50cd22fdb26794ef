import NIOCore
import NIOSSL

/// Why a certificate or a key cannot be used.
public struct TLSFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One line for people.
    public let description: String
}

extension Receiver.TLSFiles {
    /// Offers HTTP/2 first, and accepts TLS 1.2 and later (RFC 9113 §9.2).
    func context() throws(TLSFileError) -> NIOSSLContext {
        guard let certificates = try? NIOSSLCertificate.fromPEMFile(certificate) else {
            throw TLSFileError(description: "cannot read a certificate from \(certificate)")
        }
        guard let privateKey = try? NIOSSLPrivateKey(file: key, format: .pem) else {
            throw TLSFileError(description: "cannot read a private key from \(key)")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        configuration.applicationProtocols = ["h2", "http/1.1"]
        configuration.minimumTLSVersion = .tlsv12
        guard let context = try? NIOSSLContext(configuration: configuration) else {
            throw TLSFileError(description: "the key in \(key) does not belong to the certificate in \(certificate)")
        }
        return context
    }
}

/// Closes a connection whose TLS handshake takes longer than the idle timeout, or is unfinished when the server stops.
/// Removed after the handshake.
final class TLSHandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let limit: TimeAmount?
    private var timeout: Scheduled<Void>?

    /// - Parameter limit: nil for none.
    init(limit: Duration?) {
        self.limit = limit.map { TimeAmount($0) }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard let limit else { return }
        timeout = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { context.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timeout?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}
