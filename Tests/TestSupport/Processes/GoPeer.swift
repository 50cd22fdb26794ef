import Foundation

/// Tests/TransportTests/Peers/server.go, built once for the process.
public struct GoPeer: Sendable {
    private let directory: TemporaryDirectory
    /// Whether it speaks HTTP/2 in the clear, for which it needs golang.org/x/net.
    public let hasH2C: Bool
    public var path: String { directory.path("server") }

    public static var shared: GoPeer { get async throws { try await building.value } }

    private static let building = Task {
        let directory = try TemporaryDirectory()
        let peers = packageFile("Tests/TransportTests/Peers").path
        // Debian's golang-golang-x-net-dev.
        let libraries = "/usr/share/gocode"
        let hasH2C = FileManager.default.fileExists(atPath: libraries + "/src/golang.org/x/net/http2/h2c")
        let sources = ["server", hasH2C ? "h2c" : "no_h2c"].map { "\(peers)/\($0).go" }
        let build = try await Subprocess.run(
            "go", ["build", "-tags", hasH2C ? "h2c" : "", "-o", directory.path("server")] + sources,
            environment: ["GO111MODULE": "off", "GOPATH": libraries, "GOCACHE": directory.path("cache")],
            deadline: .seconds(240))
        guard build.status == 0 else { throw FaultError("go build: \(build.errorOutput)") }
        return GoPeer(directory: directory, hasH2C: hasH2C)
    }
}
