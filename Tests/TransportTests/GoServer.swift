import Foundation
import HTTPStreaming
import TestSupport
import Testing

/// `Peers/server.go` as a process, which ends with its last reference.
final class GoServer: Sendable {
    /// What the server read of a request.
    struct Answer: Decodable {
        struct Part: Decodable, Equatable {
            let name: String
            let filename: String
            let size: Int
            let sha256: String
        }

        let parts: [Part]
        /// The address and port at the client's end.
        let remote: String
        let proto: String
        /// The Content-Length; -1 if there was none.
        let length: Int
        /// The name in the client's certificate.
        let client: String
        let header: [String: [String]]
        let host: String
    }

    let url: String
    private let process: Subprocess

    var port: Int { URL(string: url)?.port ?? 0 }

    /// - Throws: a cancellation of the test if Go is not installed.
    init(_ arguments: [String] = []) async throws {
        process = try Subprocess(try await Self.binary().path, arguments, deadline: .seconds(180))
        url = try await process.firstLine()
    }

    /// Over TLS, with the certificate of that name.
    convenience init(certificate: String, _ arguments: [String] = []) async throws {
        let certificates = try await Certificates.shared
        try await self.init(
            ["-cert", certificates.certificate(certificate), "-key", certificates.key(certificate)] + arguments)
    }

    /// With HTTP/2 and without TLS.
    static func h2c() async throws -> GoServer {
        guard try await binary().hasH2C else { try Peers.skip("there is no golang.org/x/net") }
        return try await GoServer()
    }

    private static func binary() async throws -> GoPeer {
        guard Subprocess.find("go") != nil else { try Peers.skip("there is no Go") }
        return try await GoPeer.shared
    }
}

extension Response {
    /// The answer of a ``GoServer``.
    func answer() async throws -> GoServer.Answer {
        try JSONDecoder().decode(GoServer.Answer.self, from: Data(try await bytes()))
    }
}
