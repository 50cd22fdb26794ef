import ArgumentParser
import ContentCoding
import Hummingbird
import Logging
import NIOCore
import Receiver

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@main
struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server",
        abstract: "Receives files over HTTP and stores them while they arrive.",
        discussion: """
            Send them with: curl -F file=@FILE http://127.0.0.1:3000
            or with:        curl -T FILE http://127.0.0.1:3000
            """
    )

    @Option(help: "The port to listen on; 0 takes a free one.")
    var port = 3000

    @Option(help: "The host name or address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The directory to store files in; made where it is missing.")
    var dir = "uploads"

    @Flag(help: "Read and count what comes, and store nothing.")
    var discard = false

    @Option(
        help: ArgumentHelp(
            """
            How many bytes the body of one compressed request may stand for; K, M, G and T stand for powers of \
            1024. More is refused with 413. No limit unless given.
            """,
            valueName: "size"
        )
    )
    var maxInflated: ByteCount?

    @Option(
        help: ArgumentHelp(
            """
            How many bytes each byte of a compressed body may stand for, on average. Looked at only beyond 16 GiB of \
            one request: what is small may well be all zeros.
            """,
            valueName: "n"
        )
    )
    var maxRatio = Receiver.Configuration().decoding.ratio

    func validate() throws {
        guard maxRatio > 0 else { throw ValidationError("the ratio is not at least 1") }
        guard (0...65535).contains(port) else { throw ValidationError("the port is not from 0 to 65535") }
    }

    func run() async throws {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        // Each file of a request keeps a descriptor until the request ends.
        FileDescriptorLimit.raise()
        let storage: any Storage = discard ? DiscardStorage() : try DirectoryStorage(path: dir)
        var configuration = Receiver.Configuration()
        configuration.host = host
        configuration.port = port
        if let maxInflated { configuration.decoding.size = maxInflated.bytes }
        configuration.decoding.ratio = maxRatio
        let receiver = Receiver(storage: storage, configuration: configuration, logger: Logger(label: "server"))
        let application = receiver.application { address in
            print("listening on \(Self.url(of: address))")
            // Now, also where standard output is a pipe: scripts wait for this line.
            fflush(nil)
        }
        do {
            try await application.runService()
        } catch {
            throw ServerError("cannot listen on \(host):\(port): \(Self.reason(for: error))")
        }
    }

    private static func url(of address: SocketAddress) -> String {
        let host = address.ipAddress ?? ""
        return "http://\(host.contains(":") ? "[\(host)]" : host):\(address.port ?? 0)"
    }

    private static func reason(for error: any Error) -> String {
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE: "the port is taken"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case is SocketAddressError, is SocketAddressError.UnknownHost: "the host is unknown"
        default: "\(error)"
        }
    }
}
