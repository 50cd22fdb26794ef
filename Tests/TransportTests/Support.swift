import Foundation
import HTTPStreaming
import TestSupport
import Testing

/// A file of random bytes and its SHA-256, both by `openssl`.
struct Sample {
    let directory: TemporaryDirectory
    let path: String
    let size: Int
    let sha256: String

    init(mebibytes: Int) async throws {
        directory = try TemporaryDirectory()
        size = mebibytes << 20
        path = directory.path("sample.bin")
        _ = try await Subprocess.run("openssl", ["rand", "-out", path, "\(size)"])
        let digest = try await Subprocess.run("openssl", ["dgst", "-sha256", "-r", path])
        sha256 = String(digest.output.prefix(64))
        try #require(sha256.count == 64)
    }
}

extension Client.Configuration {
    /// A configuration that trusts the tests' own authority.
    static func trusting(_ change: (inout Client.Configuration) -> Void = { _ in }) async throws -> Self {
        var configuration = Client.Configuration()
        configuration.tls.caFile = try await Certificates.shared.authority
        change(&configuration)
        return configuration
    }
}

/// Sends a file of 8 MiB, then the same twice in an open request, with a pause, over one connection, and
/// compares digests.
///
/// - Parameters:
///   - proto: the HTTP version that the server must see.
///   - connections: how many connections the first request must open.
///   - isDirect: whether the server sees the client's own connection.
func exchange(
    _ url: String, _ configuration: Client.Configuration, proto: String? = nil, connections: Int = 1,
    isDirect: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let sample = try await Sample(mebibytes: 8)
    let client = try Client(.post, url, configuration: configuration)
    let first = try await client.send(.file(sample.path))
    #expect(first.status == 201, sourceLocation: sourceLocation)
    let whole = try await first.answer()
    #expect(whole.parts.map(\.sha256) == [sample.sha256], sourceLocation: sourceLocation)
    #expect(whole.length > sample.size, sourceLocation: sourceLocation)
    #expect(first.metrics.connectionsOpened == connections, sourceLocation: sourceLocation)
    #expect(try await client.sendUnclosed(.file(sample.path)), sourceLocation: sourceLocation)
    try await Task.sleep(for: .milliseconds(50))
    #expect(try await client.sendUnclosed(.file(sample.path)), sourceLocation: sourceLocation)
    let second = try await client.close()
    #expect(second.status == 201, sourceLocation: sourceLocation)
    let both = try await second.answer()
    #expect(both.parts.map(\.sha256) == [sample.sha256, sample.sha256], sourceLocation: sourceLocation)
    #expect(both.length == -1, sourceLocation: sourceLocation)
    // Kept.
    #expect(second.metrics.connectionsOpened == 0, sourceLocation: sourceLocation)
    if isDirect { #expect(both.remote == whole.remote, sourceLocation: sourceLocation) }
    if let proto { #expect([whole.proto, both.proto] == [proto, proto], sourceLocation: sourceLocation) }
}
