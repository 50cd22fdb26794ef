// swift-tools-version: 6.2
import PackageDescription

// What `make fuzz` runs. This is a separate package, because its targets are built for libFuzzer and AddressSanitizer. The
// folders are links to those of http-streaming and of its tests.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(["-sanitize=fuzzer,address", "-enable-testing"]),
]

let package = Package(
    name: "fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto.git", "3.12.0"..<"5.0.0"),
        .package(url: "https://github.com/apple/swift-http-structured-headers.git", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CSystemCalls"),
        .systemLibrary(name: "CLibFuzzer"),
        .target(name: "Platform", dependencies: ["CSystemCalls"], swiftSettings: settings),
        .target(name: "Multipart", dependencies: ["Platform"], swiftSettings: settings),
        .target(name: "ContentCoding", dependencies: ["CZlib"], swiftSettings: settings),
        .target(
            name: "HTTPStreaming", dependencies: ["CCurl", "ContentCoding", "Multipart", "Platform"],
            swiftSettings: settings),
        .target(
            name: "Receiver",
            dependencies: [
                "ContentCoding", "Multipart", "Platform",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "RawStructuredFieldValues", package: "swift-http-structured-headers"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            resources: [
                "basics.js", "begin.js", "index.html", "picking.js", "report.html", "stored.js", "style.css",
                "uploads-shown.js", "uploads.js",
            ].map { .embedInCode("WebUI/\($0)") },
            swiftSettings: settings),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "CLibFuzzer", "ContentCoding", "HTTPStreaming", "Multipart", "Platform", "Receiver",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings,
            // The library that `scripts/fuzz.sh` names contains libFuzzer.
            linkerSettings: [.unsafeFlags(["-sanitize=address"]), .linkedLibrary("stdc++")]),
        // Some of the targets of Fuzz. libFuzzer looks at every branch of a program after each input, also at those of the
        // server.
        .executableTarget(
            name: "FuzzForms", dependencies: ["CLibFuzzer", "Multipart", "Platform"], swiftSettings: settings,
            linkerSettings: [.unsafeFlags(["-sanitize=address"]), .linkedLibrary("stdc++")]),
    ],
    swiftLanguageModes: [.v6]
)
