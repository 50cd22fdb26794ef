import Foundation
import TestSupport

/// Apache with mod_auth_digest for the user `user`, in front of a Go server.
struct DigestApache {
    let url: String
    /// Apache reads the file of passwords at each request.
    private let running: [any Sendable]

    init(password: String) async throws {
        let modules = "/usr/lib/apache2/modules"
        try Peers.require("apache2")
        guard FileManager.default.fileExists(atPath: modules + "/mod_auth_digest.so") else {
            try Peers.skip("there is no mod_auth_digest")
        }
        let behind = try await GoServer()
        let hash = try await Subprocess.run(
            "openssl", ["dgst", "-md5", "-r"], input: Data("user:realm:\(password)".utf8))
        let directory = try TemporaryDirectory()
        try directory.write("user:realm:\(hash.output.prefix(32))\n".utf8, to: "digest")
        let apache = try await Daemon.apache(
            modules: modules,
            """
            <Location />
                AuthType Digest
                AuthName realm
                AuthDigestProvider file
                AuthUserFile \(directory.path)/digest
                Require valid-user
            </Location>
            ProxyPass / \(behind.url)
            """)
        running = [apache, behind, directory]
        url = "http://127.0.0.1:\(apache.port)/"
    }
}
