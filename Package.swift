// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "http-streaming",
    platforms: [.macOS(.v15)],
    // Products are the libraries without package dependencies only: who depends on
    // this package then fetches nothing else. `swift run server` and `swift run
    // example` work at the root all the same. Tests/Downstream proves it.
    products: [
        .library(name: "ContentCoding", targets: ["ContentCoding"]),
        .library(name: "HTTPStreaming", targets: ["HTTPStreaming"]),
        .library(name: "Multipart", targets: ["Multipart"]),
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0", traits: []),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.5.0"),
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
        .systemLibrary(
            name: "CCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"]), .yum(["libcurl-devel"]), .brew(["curl"])]
        ),
        .systemLibrary(
            name: "CZlib",
            pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .yum(["zlib-devel"]), .brew(["zlib"])]
        ),
        .systemLibrary(name: "CSystemCalls"),
        // What client and server both need of the system and of HTTP's syntax.
        .target(name: "Platform", dependencies: ["CSystemCalls"], swiftSettings: settings),
        .target(name: "Multipart", dependencies: ["Platform"], swiftSettings: settings),
        .target(name: "ContentCoding", dependencies: ["CZlib"], swiftSettings: settings),
        .target(
            name: "HTTPStreaming", dependencies: ["CCurl", "ContentCoding", "Multipart", "Platform"],
            swiftSettings: settings
        ),
        // What InteropTests run beside themselves: a thousand clients, whose memory is measured.
        .executableTarget(
            name: "crowd", dependencies: ["HTTPStreaming"], path: "Tests/Crowd", swiftSettings: settings),
        // What `make bench-server` compares the server with.
        .executableTarget(
            name: "empty-route",
            dependencies: [
                .product(name: "Hummingbird", package: "hummingbird"), .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            path: "Tests/EmptyRoute", swiftSettings: settings),
        .executableTarget(name: "example", dependencies: ["HTTPStreaming"], swiftSettings: settings),
        .executableTarget(
            name: "upload",
            dependencies: ["HTTPStreaming", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: settings),

        .target(
            name: "Receiver",
            dependencies: [
                "ContentCoding", "HTTPStreaming", "Multipart", "Platform",
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
            path: "server/Receiver",
            // In the executable, so that it is all there is to install.
            resources: [
                "basics.js", "begin.js", "index.html", "picking.js", "remembered.js", "report.html", "sending.js",
                "stored.js", "style.css", "uploads-shown.js", "uploads.js",
            ].map { .embedInCode("WebUI/\($0)") },
            swiftSettings: settings
        ),
        .executableTarget(
            name: "server",
            dependencies: [
                "ContentCoding", "Platform", "Receiver",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            path: "server/Main",
            swiftSettings: settings
        ),

        .target(
            name: "TestSupport", dependencies: ["ContentCoding", "HTTPStreaming"], path: "Tests/TestSupport",
            swiftSettings: settings),
        .testTarget(
            name: "ContentCodingTests", dependencies: ["ContentCoding", "TestSupport"], swiftSettings: settings
        ),
        .testTarget(
            name: "MultipartTests",
            dependencies: ["Multipart", "Platform", "TestSupport", .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: settings),
        .testTarget(name: "PlatformTests", dependencies: ["Platform", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "ContentCoding", "HTTPStreaming", "Multipart", "Platform", "Receiver", "TestSupport",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HTTPStreamingTests",
            dependencies: ["ContentCoding", "HTTPStreaming", "Multipart", "Platform", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "TransportTests",
            dependencies: ["ContentCoding", "HTTPStreaming", "Multipart", "TestSupport", "example", "server"],
            exclude: ["Peers"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ReceiverTests",
            dependencies: [
                "ContentCoding", "Multipart", "Platform", "Receiver", "TestSupport", "server",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "InteropTests",
            dependencies: [
                "ContentCoding", "HTTPStreaming", "TestSupport", "crowd", "example", "server", "upload",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOResumableUpload", package: "swift-nio-extras"),
            ],
            exclude: ["Peers"],
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
