// swift-tools-version: 6.1
import PackageDescription

// The programs that `make bench-…` runs. This is a separate package, so that users of http-streaming do not build it.
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
        // Counts calls of malloc.
        .target(name: "Allocations"),
        .executableTarget(
            name: "parts", dependencies: ["Allocations", .product(name: "Multipart", package: "http-streaming")]
        ),
        .executableTarget(name: "pace"),
        // Servers and proxies for measurements, in C.
        .executableTarget(name: "sink"),
        .executableTarget(name: "delay"),
        .executableTarget(
            name: "folder", dependencies: [.product(name: "HTTPStreaming", package: "http-streaming")]
        ),
        .executableTarget(
            name: "requests", dependencies: [.product(name: "HTTPStreaming", package: "http-streaming")]
        ),
        // Calls libcurl directly, in C.
        .executableTarget(name: "crequests", dependencies: ["CurlLibrary"]),
        // Calls the system directly, in C.
        .executableTarget(name: "csave"),
        .systemLibrary(name: "CurlLibrary", pkgConfig: "libcurl"),
        .executableTarget(
            name: "idle", dependencies: [.product(name: "HTTPStreaming", package: "http-streaming")]
        ),
        .executableTarget(
            name: "rate", dependencies: [.product(name: "HTTPStreaming", package: "http-streaming")]
        ),
        .executableTarget(
            name: "scaling", dependencies: [.product(name: "HTTPStreaming", package: "http-streaming")]
        ),
    ],
    swiftLanguageModes: [.v6]
)
