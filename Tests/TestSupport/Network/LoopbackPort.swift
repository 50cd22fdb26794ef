import Foundation
import Synchronization

/// Ports of the loopback interface that no other test and no other process gets.
public enum LoopbackPort {
    /// A port where nobody listens: connections to it are refused. Its socket stays open until the process ends.
    public static let refusing = bind(0, shared: false)?.port ?? 0

    /// Below the ports that the system chooses for connections and for servers without a port of their own.
    private static let candidates = 10_000..<32_000
    private static let given = Mutex<Set<Int>>([])

    /// A port for a server that cannot choose a free one, or has to keep its port. No two calls get the same.
    public static func free() throws -> Int {
        for _ in 0..<1000 {
            let port = Int.random(in: candidates)
            guard given.withLock({ $0.insert(port).inserted }), let (descriptor, _) = bind(port, shared: false) else {
                continue
            }
            close(descriptor)
            return port
        }
        throw FaultError("no free port")
    }

    /// A socket with a port.
    ///
    /// - Parameters:
    ///   - port: 0 for one that the system chooses.
    ///   - shared: whether another socket, which does not listen, can have the port.
    static func bind(_ port: Int, shared: Bool) -> (descriptor: Int32, port: Int)? {
        #if canImport(Darwin)
        let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        var reuse: Int32 = shared ? 1 : 0
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else {
            close(descriptor)
            return nil
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }
}
