import Foundation

/// A TCP proxy on the loopback interface that cuts connections: it resets both ends when one of them has sent a number of bytes.
public final class CuttingProxy: Sendable {
    private let listener: FaultServer
    private let cuts = Shared(0)
    private let received = Shared(0)

    /// - Parameters:
    ///   - port: of the server on this machine.
    ///   - cutsResponses: whether the server's bytes are counted, instead of the client's.
    ///   - buffer: bytes of the kernel's buffers for what clients send: they are lost when a connection is reset.
    ///   - limit: after how many bytes a connection is cut, by the number of the connection, from 1; nil for never.
    ///   - countsFromResponse: whether only bytes count that follow the first ones of the server.
    public init(
        to port: Int, countsFromResponse: Bool = false, cutsResponses: Bool = false,
        buffer: Int32? = nil, limit: @escaping @Sendable (Int) -> Int?
    ) throws {
        let (cuts, received) = (cuts, received)
        listener = try FaultServer(receiveBuffer: buffer) { client in
            let server = try RawConnection(port: port, sendBuffer: buffer)
            defer { server.close() }
            let limit = limit(client.number) ?? .max
            let isCut =
                cutsResponses
                ? try Self.forwardResponses(client, server, limit)
                : try Self.forward(client, server, limit, isCounting: !countsFromResponse, received)
            if isCut {
                cuts.update { $0 += 1 }
                client.reset()
                server.reset()
            }
        }
    }

    public var url: String { listener.url }

    /// How many connections have been cut.
    public var cutCount: Int { cuts.value }

    /// How many bytes all clients have sent, as far as they were read; without those of connections whose responses are cut.
    public var byteCount: Int { received.value }

    private static func forwardResponses(
        _ client: RawConnection, _ server: RawConnection, _ limit: Int
    ) throws -> Bool {
        var received = 0
        while true {
            if client.isReadable(within: 0) {
                let bytes = try client.receiveSome()
                guard !bytes.isEmpty else { return false }
                try server.send(bytes)
            }
            if server.isReadable(within: 1) {
                let bytes = try server.receiveSome()
                guard !bytes.isEmpty else { return false }
                try client.send(Array(bytes.prefix(limit - received)))
                received += bytes.count
                if received >= limit { return true }
            }
        }
    }

    /// - Returns: whether the limit was reached; false if one side has closed.
    private static func forward(
        _ client: RawConnection, _ server: RawConnection, _ limit: Int, isCounting: Bool, _ received: Shared<Int>
    ) throws -> Bool {
        var (sent, isCounting) = (0, isCounting)
        while true {
            if client.isReadable(within: 1) {
                let bytes = try client.receiveSome()
                guard !bytes.isEmpty else { return false }
                received.update { $0 += bytes.count }
                try server.send(isCounting ? Array(bytes.prefix(limit - sent)) : bytes)
                if isCounting { sent += bytes.count }
                if sent >= limit { return true }
            }
            if server.isReadable(within: 0) {
                let bytes = try server.receiveSome()
                guard !bytes.isEmpty else { return false }
                try client.send(bytes)
                isCounting = true
            }
        }
    }
}
