import NIOSSL

/// Why a certificate or a key cannot be used.
public struct TLSFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One line.
    public let description: String
}

extension Receiver.TLSFiles {
    /// HTTP/2 is offered first; TLS 1.2 at least (RFC 9113 §9.2).
    func context() throws(TLSFileError) -> NIOSSLContext {
        let (certificates, privateKey): ([NIOSSLCertificate], NIOSSLPrivateKey)
        do {
            certificates = try NIOSSLCertificate.fromPEMFile(certificate)
        } catch {
            throw TLSFileError(description: "cannot read a certificate from \(certificate)")
        }
        do {
            privateKey = try NIOSSLPrivateKey(file: key, format: .pem)
        } catch {
            throw TLSFileError(description: "cannot read a private key from \(key)")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        configuration.applicationProtocols = ["h2", "http/1.1"]
        configuration.minimumTLSVersion = .tlsv12
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw TLSFileError(description: "the key in \(key) is not that of the certificate in \(certificate)")
        }
    }
}
