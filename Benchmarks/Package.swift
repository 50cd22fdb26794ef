// swift-tools-version: 6.1
import PackageDescription

// What the scripts measure with; see `make bench-gzip` and `make bench-requests`. A package of its own, so that nobody who uses
// http-streaming builds it.
let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "http-streaming", path: "..")],
    targets: [
        .executableTarget(
            name: "encode", dependencies: [.product(name: "ContentCoding", package: "http-streaming")]
        ),
        .executableTarget(
            name: "upload", dependencies: [.product(name: "HTTPStreaming", package: "http-streaming")]
        ),
        .executableTarget(name: "pace"),
        .executableTarget(
            name: "requests", dependencies: [.product(name: "HTTPStreaming", package: "http-streaming")]
        ),
        // In C, on libcurl itself.
        .executableTarget(name: "crequests", dependencies: ["CurlLibrary"]),
        .systemLibrary(name: "CurlLibrary", pkgConfig: "libcurl"),
        .executableTarget(
            name: "idle", dependencies: [.product(name: "HTTPStreaming", package: "http-streaming")]
        ),
        .executableTarget(
            name: "rate", dependencies: [.product(name: "HTTPStreaming", package: "http-streaming")]
        ),
    ],
    swiftLanguageModes: [.v6]
)
