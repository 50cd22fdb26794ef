// swift-tools-version: 6.1
import PackageDescription

// A package that depends on this library. `make downstream` sets the URL to a copy of this repository with a version
// tag: unlike one by path, SwiftPM checks out a dependency by version, and refuses it if it uses unsafe flags.
let dependency: Package.Dependency =
    if let url = Context.environment["HTTP_STREAMING_URL"] {
        .package(url: url, from: "1.0.0")
    } else {
        .package(name: "http-streaming", path: "../..")
    }

let package = Package(
    name: "Downstream",
    platforms: [.macOS(.v15)],
    dependencies: [dependency],
    targets: [
        .executableTarget(
            name: "Downstream",
            dependencies: [.product(name: "HTTPStreaming", package: "http-streaming")]
        )
    ]
)
