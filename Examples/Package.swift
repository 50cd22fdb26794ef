// swift-tools-version: 6.2
import PackageDescription

// Programs to copy from. `make examples` builds them and runs them against each other. They are one package, so that
// Hummingbird and SwiftNIO are built once; each folder is a program that needs no other.
let http = Target.Dependency.product(name: "HTTPStreaming", package: "http-streaming")
let multipart = Target.Dependency.product(name: "Multipart", package: "http-streaming")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let files = Target.Dependency.product(name: "_NIOFileSystem", package: "swift-nio")

let package = Package(
    name: "Examples",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "http-streaming", path: ".."),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
    ],
    targets: [
        .executableTarget(
            name: "hummingbird-receiver",
            dependencies: [multipart, nio, files, .product(name: "Hummingbird", package: "hummingbird")],
            path: "hummingbird-receiver"),
        .executableTarget(
            name: "nio-receiver",
            dependencies: [
                multipart, nio, .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "nio-receiver"),
        .executableTarget(
            name: "async-http-client-upload",
            dependencies: [
                multipart, nio, files, .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ],
            path: "async-http-client-upload"),
        .executableTarget(name: "urlsession-upload", dependencies: [multipart], path: "urlsession-upload"),
        .executableTarget(name: "send-file", dependencies: [http], path: "send-file"),
        .executableTarget(name: "folder", dependencies: [http], path: "folder"),
        .executableTarget(name: "json-lines", dependencies: [http], path: "json-lines"),
        .executableTarget(name: "lines", dependencies: [http], path: "lines"),
        .executableTarget(name: "database-dump", dependencies: [http], path: "database-dump"),
        .executableTarget(name: "presigned-put", dependencies: [http], path: "presigned-put"),
        .executableTarget(name: "progress", dependencies: [http], path: "progress"),
        .executableTarget(name: "parallel", dependencies: [http], path: "parallel"),
        .executableTarget(name: "resume", dependencies: [http], path: "resume"),
        .executableTarget(name: "download", dependencies: [http], path: "download"),
    ],
    swiftLanguageModes: [.v6]
)
