public import Foundation

/// A temporary directory, which is removed with its last reference.
public final class TemporaryDirectory: Sendable {
    public let path: String

    /// - Parameter parent: the system's temporary directory unless given.
    public init(in parent: String? = nil) throws {
        let parent = parent ?? NSTemporaryDirectory()
        path = URL(fileURLWithPath: parent).appendingPathComponent("http-streaming-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    #if os(Linux)
    /// With a small file system of its own in memory; nil, after a message, if none can be mounted, which only root can do.
    public convenience init?(size: String) throws {
        try self.init()
        guard mount("none", path, "tmpfs", 0, "size=" + size) == 0 else {
            print("SKIPPED: no file system can be mounted: \(String(cString: strerror(errno)))")
            return nil
        }
    }
    #endif

    deinit {
        #if os(Linux)
        // Also if something in it is still open. Fails unless a file system is mounted.
        umount2(path, Int32(MNT_DETACH))
        #endif
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of something in the directory.
    public func path(_ name: String) -> String { path + "/" + name }

    /// Everything in it, hidden names included, sorted.
    public func contents() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    public func read(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path(name))) }

    /// - Returns: the path of the new file.
    @discardableResult
    public func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }
}
