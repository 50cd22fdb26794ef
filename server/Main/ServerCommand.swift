import ArgumentParser
import ContentCoding
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
            or drop them on http://127.0.0.1:3000 in a browser.

            Each option can be given as a variable of the environment: --max-size as \
            \(EnvironmentVariables.name(of: "--max-size")). The command line wins. They are:
            \(Self.variables)

            SIZE is a number of bytes; K, M, G and T stand for powers of 1024.
            """
    )

    @OptionGroup(title: "Where to listen") var listening: ListeningOptions
    @OptionGroup(title: "What to store") var storage: StorageOptions
    @OptionGroup(title: "Who may write") var access: AccessOptions
    @OptionGroup(title: "How to run") var operation: OperationOptions

    private static let options =
        ListeningOptions.names + StorageOptions.names + AccessOptions.names
        + OperationOptions.names
    private static let flags = StorageOptions.flags

    private static var variables: String {
        (options + flags).map { "  " + EnvironmentVariables.name(of: $0) }.joined(separator: "\n")
    }

    static func main() async {
        let commandLine = Array(CommandLine.arguments.dropFirst())
        let (arguments, names) = EnvironmentVariables.arguments(
            options: options, flags: flags, lists: AccessOptions.lists, required: AccessOptions.required,
            commandLine: commandLine)
        do {
            var command = try parseAsRoot(arguments + commandLine)
            if let server = command as? ServerCommand { try await server.run() } else { try command.run() }
        } catch {
            if exitCode(for: error) == .validationFailure, !names.isEmpty {
                let note = "from the environment: \(names.joined(separator: ", "))\n"
                _ = write(STDERR_FILENO, note, note.utf8.count)
            }
            exit(withError: error)
        }
    }

    func run() async throws {
        let (format, level) = (operation.logFormat, operation.logLevel)
        LoggingSystem.bootstrap { label in
            var handler = LineLogHandler(label: label, format: format)
            handler.logLevel = level
            return handler
        }
        // Each file of a request keeps a descriptor until the request ends.
        FileDescriptorLimit.raise()
        let logger = Logger(label: "server")
        let files: any Storage = storage.discard ? DiscardStorage() : try DirectoryStorage(path: storage.dir)
        let configuration = configuration
        let receiver = try Receiver(storage: files, configuration: configuration, logger: logger)
        do {
            try await receiver.run { address in
                print("listening on \(Self.url(of: address, isSecure: configuration.tls != nil))")
                // Now, also where standard output is a pipe: scripts wait for this line.
                fflush(nil)
                guard !address.isLoopback else { return }
                let writers =
                    configuration.access.token == nil ? "anyone may write: see --token" : "writing takes a token"
                logger.warning("this can be reached from other machines; \(writers)")
            }
        } catch {
            throw ServerError("cannot listen on \(listening.host):\(listening.port): \(Self.reason(for: error))")
        }
    }

    private var configuration: Receiver.Configuration {
        var configuration = Receiver.Configuration()
        configuration.host = listening.host
        configuration.port = listening.port
        configuration.tls = listening.tls
        configuration.maximumBodySize = storage.maxSize?.bytes
        if let size = storage.maxInflated { configuration.decoding.size = size.bytes }
        configuration.decoding.ratio = storage.maxRatio
        configuration.access.token = access.token
        configuration.access.origins = Set(access.cors.map(\.text))
        configuration.connections.idle = operation.idleTimeout == 0 ? nil : .seconds(operation.idleTimeout)
        configuration.connections.stall = operation.stallTimeout == 0 ? nil : .seconds(operation.stallTimeout)
        configuration.gracePeriod = .seconds(operation.grace)
        return configuration
    }

    private static func url(of address: SocketAddress, isSecure: Bool) -> String {
        let host = address.ipAddress ?? ""
        let scheme = isSecure ? "https" : "http"
        return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(address.port ?? 0)"
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

extension SocketAddress {
    /// Whether only this machine can reach it.
    fileprivate var isLoopback: Bool {
        guard let address = ipAddress else { return true }
        return address.hasPrefix("127.") || address == "::1"
    }
}
