public import Foundation

/// A file of this package, by its path within it.
public func packageFile(_ path: String) -> URL {
    // This file is Tests/TestSupport/PackageFile.swift.
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent(path)
}
