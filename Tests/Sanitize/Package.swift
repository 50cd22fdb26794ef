// swift-tools-version: 6.2
import PackageDescription

// The client and its tests alone, for scripts/sanitize.sh: a sanitizer has its own build of everything, and
// the server's dependencies would make it ten times as long. The folders are links to those of the package.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "sanitize",
    platforms: [.macOS(.v15)],
    targets: [
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CSystemCalls"),
        .target(name: "Platform", dependencies: ["CSystemCalls"], swiftSettings: settings),
        .target(name: "Multipart", dependencies: ["Platform"], swiftSettings: settings),
        .target(name: "ContentCoding", dependencies: ["CZlib"], swiftSettings: settings),
        .target(
            name: "HTTPStreaming", dependencies: ["CCurl", "ContentCoding", "Multipart", "Platform"],
            swiftSettings: settings),
        .target(name: "MutexAnnotations", publicHeadersPath: "."),
        .target(
            name: "TestSupport", dependencies: ["ContentCoding", "HTTPStreaming"], path: "Tests/TestSupport",
            swiftSettings: settings),
        .testTarget(
            name: "ContentCodingTests", dependencies: ["ContentCoding", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "MultipartTests", dependencies: ["Multipart", "Platform", "TestSupport"], swiftSettings: settings),
        .testTarget(name: "PlatformTests", dependencies: ["Platform", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "HTTPStreamingTests",
            dependencies: [
                "ContentCoding", "HTTPStreaming", "Multipart", "MutexAnnotations", "Platform", "TestSupport",
            ],
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
