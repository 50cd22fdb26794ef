// swift-tools-version: 6.1
import PackageDescription

// What a user of the library writes. `make downstream` sets the URL, a copy of this repository with
// a version tag, because SwiftPM treats a dependency by version differently from one by path: it
// is resolved, checked out, and refused if it asks for unsafe flags.
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
