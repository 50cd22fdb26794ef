import Foundation
import HTTPStreaming
import TestSupport
import Testing

/// `Peers/server.go`, as a process that ends with its last reference.
final class GoServer: Sendable {
    /// What it says that it read.
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
        /// -1 where it was not said.
        let length: Int
        /// The name in the client's certificate.
        let client: String
        let header: [String: [String]]
        let host: String
    }

    let url: String
    private let process: Subprocess

    var port: Int { URL(string: url)?.port ?? 0 }

    /// - Throws: a cancellation of the test that says why, where there is no Go.
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

    /// In the clear, with HTTP/2.
    static func h2c() async throws -> GoServer {
        guard try await binary().hasH2C else { try Peers.skip("there is no golang.org/x/net") }
        return try await GoServer()
    }

    private struct Binary {
        let directory: TemporaryDirectory
        let hasH2C: Bool
        var path: String { directory.path("server") }
    }

    private static func binary() async throws -> Binary {
        guard Subprocess.find("go") != nil else { try Peers.skip("there is no Go") }
        return try await build.value
    }

    private static let build = Task {
        let directory = try TemporaryDirectory()
        let peers = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Peers").path
        // Debian's golang-golang-x-net-dev.
        let libraries = "/usr/share/gocode"
        let hasH2C = FileManager.default.fileExists(atPath: libraries + "/src/golang.org/x/net/http2/h2c")
        let build = try await Subprocess.run(
            "go",
            ["build", "-tags", hasH2C ? "h2c" : "", "-o", directory.path("server")]
                + ["server", "h2c", "no_h2c"].filter { $0 != (hasH2C ? "no_h2c" : "h2c") }.map { "\(peers)/\($0).go" },
            environment: ["GO111MODULE": "off", "GOPATH": libraries, "GOCACHE": directory.path("cache")],
            deadline: .seconds(240)
        )
        try #require(build.status == 0, "\(build.errorOutput)")
        return Binary(directory: directory, hasH2C: hasH2C)
    }
}

extension Response {
    /// What a ``GoServer`` says.
    func answer() async throws -> GoServer.Answer {
        try JSONDecoder().decode(GoServer.Answer.self, from: Data(try await bytes()))
    }
}
