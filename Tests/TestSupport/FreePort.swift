import Foundation

/// A port of the loopback interface that nobody listens on now, for a program that cannot choose one.
public func freePort() throws -> Int {
    let server = try FaultServer { _ in }
    defer { server.stop() }
    return Int(server.port)
}
